"""The restore drill, as an operator does it: backup, statuses go out, restore, run, resolve."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Arrange
from tests.e2e.stage import Stage
from tests.waiting import in_time

pytestmark = pytest.mark.server

ONCE = {"m": 1, "b": 1, "x": 1}


def words(post: str) -> str:
    """Say something that is unlike all other posts."""
    return " ".join(f"{post}{letter}" for letter in "abcdefgh")


def written(post: str, at: datetime) -> str:
    return f'  - {{id: {post}, text: "{words(post)}", at: {at}, author: desk}}\n'


LATER = written("later", datetime.now(UTC).replace(microsecond=0) + timedelta(days=2))


def out(stage: Stage, post: str) -> dict[str, int]:
    """Count by account what is there of a post."""
    live = stage.live().items()
    return {name: [one.text for one in seen].count(words(post)) for name, seen in live}


def rows(stage: Stage, post: str) -> dict[str, dict[str, Any]]:
    return {name: row for (id_, name, _part), row in stage.states().items() if id_ == post}


def wait_settled(stage: Stage) -> None:
    def is_settled() -> bool:
        told = stage.do("status")
        return bool(told["running"]) and not told["settling"]

    stage.wait_until(is_settled, "all is settled")


def back_up(stage: Stage, at: datetime) -> None:
    """Back up what is planned and approved."""
    stage.write("posts:\n" + written("first", at) + LATER)
    stage.start()
    stage.wait_planned(6, before=at)
    stage.approve_all(["first", "later"])
    assert stage.do("backup", "backup.db")["deliveries"] == 6


def play(stage: Stage) -> dict[str, str]:
    """Let what is backed up go out, and pull the plug; the ids by account."""
    stage.wait_sent("first")
    ids = {name: row["remote_id"] for name, row in rows(stage, "first").items()}
    stage.kill()
    return ids


def publish_later(stage: Stage, at: datetime) -> str:
    """Write and approve another post; its name."""
    name = f"after{at:%H%M%S}"
    stage.write("posts:\n" + written(name, at) + LATER)
    stage.wait_until(lambda: len(stage.look(name)) == 3, "the next is planned")
    stage.approve_all([name])
    return name


def restore(stage: Stage, *, has_log: bool) -> None:
    """Bring the backup back, and see that `status` tells before anything runs."""
    told = stage.do("restore", "backup.db", "--mode", "live")
    assert told["sent_log"] is has_log
    assert Path(told["kept"]).exists()
    assert stage.do("status")["settling"] == "restored from backup.db"
    assert {row["state"] for row in rows(stage, "first").values()} == {"PLANNED"}


def test_what_went_out_since_the_backup_is_known(arrange: Arrange) -> None:
    stage = arrange(back_up)
    ids = play(stage)
    restore(stage, has_log=True)

    stage.start()
    wait_settled(stage)

    found = rows(stage, "first")
    assert {name: row["remote_id"] for name, row in found.items()} == ids
    assert {row["state"] for row in found.values()} == {"SENT"}
    assert stage.stop() == 0
    assert out(stage, "first") == ONCE


@pytest.mark.slow
def test_with_the_log_lost_too_a_person_says_what_is_out(arrange: Arrange) -> None:
    stage = arrange(back_up)
    play(stage)
    (stage.folder / "data" / "live.sent.log").unlink()
    restore(stage, has_log=False)

    stage.start()
    wait_settled(stage)

    held = {row["account"]: row for row in stage.do("held")}
    assert {row["reason"] for row in held.values()} == {"cannot tell whether it is out"}
    assert set(held) == set(ONCE)
    address = "https://social.example/@us/1"
    stage.do("resolve", held["m"]["id"], address, "--as", "Ann", "--why", "I see it")
    stage.do("resolve", held["x"]["id"], "drop", "--as", "Ann", "--why", "it is there")
    stage.do("resolve", held["b"]["id"], "send", "--as", "Ann", "--why", "I do not see it")
    stage.wait_until(lambda: "SENT" in stage.look("first"), "sent by a person")
    time.sleep(5)
    assert stage.do("held") == []
    # Bluesky met its own record, whose key is of the delivery and the day.
    assert out(stage, "first") == ONCE
    assert stage.do("audit", "verify")["broken_at"] is None
    after = in_time(lambda at: publish_later(stage, at), lead=15)
    stage.wait_sent(after)
    assert out(stage, after) == ONCE
    assert stage.stop() == 0
