"""The nightly copies of a PostgreSQL at work: kept by the calendar, and brought back."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.app.storage import DataOwner, remember_owner
from bot.cli.main import run
from bot.content.model import Mode
from tests.conftest import ROOT
from tests.fakes.running_bot import DAY, MINUTE, NINE, RunningBot, post
from tests.servers.postgres import PostgresServer

pytestmark = [pytest.mark.server, pytest.mark.deep]

Night = Callable[[str], None]


@pytest.fixture
def bot(tmp_path: Path, postgres_url: str) -> RunningBot:
    """Return a bot at work on PostgreSQL, which has sent one post of three."""
    bot = RunningBot(tmp_path, postgres_url)
    bot.start_approved(
        post("one", at=NINE), post("two", at=NINE + 2 * DAY), post("three", at=NINE + 8 * DAY)
    )
    remember_owner(bot.data, DataOwner("test", Mode.LIVE))
    bot.wait(NINE)
    return bot


@pytest.fixture
def night(bot: RunningBot, tmp_path: Path) -> Night:
    """Make one night's copies on a day, as the container `backup` does beside the service."""
    folder, tools, secret = tmp_path / "backups", tmp_path / "tools", tmp_path / "url"
    folder.mkdir(mode=0o700)
    tools.mkdir()
    secret.write_text(bot.url)
    secret.chmod(0o400)

    def run_script(day: str) -> None:
        (tools / "date").write_text(f'#!/bin/sh\nPATH=/usr/bin:/bin exec date --date={day} "$@"\n')
        (tools / "date").chmod(0o755)
        places = {
            "VERBATIM_CONFIG": bot.tree.schedule, "VERBATIM_POSTS": bot.tree.posts,
            "VERBATIM_DATA": bot.data, "VERBATIM_DATABASE_URL_FILE": secret,
        }  # fmt: skip
        done = subprocess.run(
            ["sh", str(ROOT / "deploy" / "backup.sh")], cwd=ROOT, capture_output=True, text=True,
            env={**os.environ, **{name: str(path) for name, path in places.items()},
                 "VERBATIM_HOST_ID": "one", "BACKUPS": str(folder), "BACKUP_NOW": "1",
                 "PATH": f"{tools}:{os.environ['PATH']}"}, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    return run_script


def test_the_copies_of_two_nights_are_kept_and_either_comes_back_on_an_empty_server(
    bot: RunningBot, night: Night, postgres_server: PostgresServer, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    night("2026-12-01")
    bot.wait(NINE + 2 * DAY + MINUTE)
    night("2026-12-08")
    bot.stop()

    folder = tmp_path / "backups"
    kept = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert sorted(kept) == ["day-2.db", "month-12.db", "week-0.db", "week-1.db"]
    assert kept["day-2.db"] == kept["month-12.db"] == kept["week-1.db"] != kept["week-0.db"]
    monkeypatch.setenv("VERBATIM_HOST_ID", "one")
    for name in ("day-2.db", "week-0.db"):
        with postgres_server.database() as url:
            monkeypatch.setenv("VERBATIM_DATABASE_URL", url)
            words = ("restore", str(folder / name), "--mode", "live", "--data", str(bot.data))
            assert run(words) == 0
            bot.url = url
            bot.start()
            assert bot.store.restore_guard.reason() == f"restored from {name}"
            bot.services.beat()
            bot.wait(bot.clock.now() + MINUTE)
            assert bot.states()["two/m/0"] == bot.states()["one/m/0"] == "SENT"
            assert "SENT" not in bot.states()["three/m/0"]
            bot.stop()
    assert len(bot.servers["m"].texts) == 2, "what the older copy did not know went out once"
