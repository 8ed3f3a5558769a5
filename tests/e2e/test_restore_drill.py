"""The restore drill, as an operator does it: backup, statuses go out, restore, run, resolve."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.bot_process import LiveBotProcess
from tests.e2e.conftest import Arrange
from tests.waiting import in_time

pytestmark = pytest.mark.server

ONCE = {"m": 1, "b": 1, "x": 1}


def words(post: str) -> str:
    """Say something that is unlike all other posts."""
    return " ".join(f"{post}{letter}" for letter in "abcdefgh")


def written(post: str, at: datetime) -> str:
    return f'  - {{id: {post}, text: "{words(post)}", at: {at}, author: desk}}\n'


LATER = written("later", datetime.now(UTC).replace(microsecond=0) + timedelta(days=2))


def out(bot: LiveBotProcess, post: str) -> dict[str, int]:
    """Count by account what is there of a post."""
    live = bot.live().items()
    return {name: [one.text for one in seen].count(words(post)) for name, seen in live}


def rows(bot: LiveBotProcess, post: str) -> dict[str, dict[str, Any]]:
    return {name: row for (id_, name, _part), row in bot.states().items() if id_ == post}


def wait_settled(bot: LiveBotProcess) -> None:
    def is_settled() -> bool:
        told = bot.do("status")
        return bool(told["running"]) and not told["settling"]

    bot.wait_until(is_settled, "all is settled")


def back_up(bot: LiveBotProcess, at: datetime) -> None:
    """Back up what is planned and approved."""
    bot.write("posts:\n" + written("first", at) + LATER)
    bot.start()
    bot.wait_planned(6, before=at)
    bot.approve_all(["first", "later"])
    assert bot.do("backup", "backup.db")["deliveries"] == 6


def play(bot: LiveBotProcess) -> dict[str, str]:
    """Let what is backed up go out, and pull the plug; the ids by account."""
    bot.wait_sent("first")
    ids = {name: row["remote_id"] for name, row in rows(bot, "first").items()}
    bot.kill()
    return ids


def publish_later(bot: LiveBotProcess, at: datetime) -> str:
    """Write and approve another post; its name."""
    name = f"after{at:%H%M%S}"
    bot.write("posts:\n" + written(name, at) + LATER)
    bot.wait_until(lambda: len(bot.look(name)) == 3, "the next is planned")
    bot.approve_all([name])
    return name


def restore(bot: LiveBotProcess, *, has_log: bool) -> None:
    """Bring the backup back, and see that `status` tells before anything runs."""
    told = bot.do("restore", "backup.db", "--mode", "live")
    assert told["sent_log"] is has_log
    assert Path(told["kept"]).exists()
    assert bot.do("status")["settling"] == "restored from backup.db"
    assert {row["state"] for row in rows(bot, "first").values()} == {"PLANNED"}


@pytest.mark.deep
def test_what_went_out_since_the_backup_is_known(arrange: Arrange) -> None:
    bot = arrange(back_up)
    ids = play(bot)
    restore(bot, has_log=True)

    bot.start()
    wait_settled(bot)

    found = rows(bot, "first")
    assert {name: row["remote_id"] for name, row in found.items()} == ids
    assert {row["state"] for row in found.values()} == {"SENT"}
    assert bot.stop() == 0
    assert out(bot, "first") == ONCE


@pytest.mark.slow
def test_with_the_log_lost_too_a_person_says_what_is_out(arrange: Arrange) -> None:
    bot = arrange(back_up)
    play(bot)
    (bot.folder / "data" / "live.sent.log").unlink()
    restore(bot, has_log=False)

    bot.start()
    wait_settled(bot)

    held = {row["account"]: row for row in bot.do("held")}
    assert {row["reason"] for row in held.values()} == {"cannot tell whether it is out"}
    assert set(held) == set(ONCE)
    address = "https://social.example/@us/1"
    bot.do("resolve", held["m"]["id"], address, "--as", "Ann", "--why", "I see it")
    bot.do("resolve", held["x"]["id"], "drop", "--as", "Ann", "--why", "it is there")
    bot.do("resolve", held["b"]["id"], "send", "--as", "Ann", "--why", "I do not see it")
    bot.wait_until(lambda: ("first", "SENT") in bot.look("first"), "sent by a person")
    time.sleep(5)
    assert bot.do("held") == []
    # Bluesky met its own record, whose key is of the delivery and the day.
    assert out(bot, "first") == ONCE
    assert bot.do("audit", "verify")["broken_at"] is None
    after = in_time(lambda at: publish_later(bot, at), lead=15)
    bot.wait_sent(after)
    assert out(bot, after) == ONCE
    assert bot.stop() == 0
