"""The restore drill, as an operator does it: backup, statuses go out, restore, run, resolve."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import require_shared
from tests.e2e.stage import Stage, staged
from tests.fakes.x_standin import XStandin
from tests.servers.mastodon import MastodonServer
from tests.servers.pds import Pds

pytestmark = [pytest.mark.server, pytest.mark.timeout(300)]

ONCE = {"m": 1, "b": 1, "x": 1}


def words(post: str) -> str:
    """Say something that is unlike all other posts."""
    return " ".join(f"{post}{letter}" for letter in "abcdefgh")


def written(post: str, at: str) -> str:
    return f'  - {{id: {post}, text: "{words(post)}", at: {at}, author: desk}}\n'


LATER = written("later", f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%d %H:%M:00}+00:00")


@pytest.fixture
def stage(
    tmp_path: Path, mastodon_server: MastodonServer, pds: Pds, may_sleep: None
) -> Iterator[Stage]:
    with (
        XStandin(spec_file=require_shared("conformance/x-api-openapi.json")) as x,
        staged(tmp_path, mastodon_server, pds, x) as one,
    ):
        yield one
        assert x.violations == []


def out(stage: Stage, post: str) -> dict[str, int]:
    """Count by account what is there of a post."""
    live = stage.live().items()
    return {name: [one.text for one in seen].count(words(post)) for name, seen in live}


def rows(stage: Stage, post: str) -> dict[str, dict[str, Any]]:
    return {name: row for (id_, name, _part), row in stage.states().items() if id_ == post}


def wait_sent(stage: Stage, post: str) -> None:
    def is_sent() -> bool:
        return {row["state"] for row in rows(stage, post).values()} == {"SENT"}

    stage.wait_until(is_sent, f"{post} is out")


def wait_settled(stage: Stage) -> None:
    def is_settled() -> bool:
        told = stage.do("status")
        return bool(told["running"]) and not told["settling"]

    stage.wait_until(is_settled, "all is settled")


def play(stage: Stage) -> dict[str, str]:
    """Back up what is planned, let it go out, and pull the plug; the ids by account."""
    stage.write("posts:\n" + written("first", stage.moment(6)) + LATER)
    stage.start()
    stage.wait_planned(6)
    stage.approve_all(["first", "later"])
    assert stage.do("backup", "backup.db")["deliveries"] == 6
    wait_sent(stage, "first")
    ids = {name: row["remote_id"] for name, row in rows(stage, "first").items()}
    stage.kill()
    return ids


def restore(stage: Stage, *, has_log: bool) -> None:
    """Bring the backup back, and see that `status` tells before anything runs."""
    told = stage.do("restore", "backup.db", "--mode", "live")
    assert told["sent_log"] is has_log
    assert Path(told["kept"]).exists()
    assert stage.do("status")["settling"] == "restored from backup.db"
    assert {row["state"] for row in rows(stage, "first").values()} == {"PLANNED"}


def test_what_went_out_since_the_backup_is_known(stage: Stage) -> None:
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
def test_with_the_log_lost_too_a_person_says_what_is_out(stage: Stage) -> None:
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
    stage.wait_until(lambda: rows(stage, "first")["b"]["state"] == "SENT", "sent by a person")
    time.sleep(5)
    assert stage.do("held") == []
    # Bluesky met its own record, whose key is of the delivery and the day.
    assert out(stage, "first") == ONCE
    assert stage.do("audit", "verify")["broken_at"] is None
    stage.write("posts:\n" + written("after", stage.moment(3)) + LATER)
    stage.wait_until(lambda: len(rows(stage, "after")) == 3, "the next is planned")
    stage.approve_all(["after"])
    wait_sent(stage, "after")
    assert out(stage, "after") == ONCE
    assert stage.stop() == 0
