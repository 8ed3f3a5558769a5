"""A live bot with the real adapters, and servers on loopback that may be hostile."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from bot.app.storage import DataOwner, remember_owner
from bot.cli.main import run
from bot.clock import FastClock, SystemClock
from bot.content.model import Mode
from bot.platforms.registry import PLATFORMS
from bot.settings.environment import Settings
from tests.fakes.loopback import ReceivedRequest, Told
from tests.fakes.mastodon_quirks import QuirkyMastodon
from tests.fakes.people import token_of, who_decides
from tests.fakes.running_bot import RunningBot, post
from tests.integration.store_rows import copied_database

TOKEN = "canary-of-m-7f3b"


class TimedMastodon(QuirkyMastodon):
    """A server that goes by the bot's clock, however fast that is."""

    def __init__(self, clock: FastClock) -> None:
        self.clock = clock
        super().__init__()

    def answer(self, asked: ReceivedRequest) -> Told:
        told = super().answer(asked)
        date = format_datetime(self.clock.now(), usegmt=True)
        return replace(told, headers={"Date": date, **told.headers})


class HostileWorld:
    """A bot, the server that its token is bound to, and one that wants the token."""

    def __init__(self, folder: Path, migrated_file: Path) -> None:
        now = datetime.now(UTC).replace(microsecond=0)
        self.bot = RunningBot(
            folder,
            copied_database(migrated_file, folder / "data"),
            platforms=PLATFORMS,
            clock=FastClock(now),
            machine=Settings().machine_id(),
        )
        self.at = now + timedelta(minutes=2)
        self.good, self.evil = TimedMastodon(self.bot.clock), TimedMastodon(self.bot.clock)
        self.bot.set("https://m.example", self.good.origin)

    def start(self) -> None:
        """Start with two approved posts: one that is out by the end, and one for tomorrow."""
        tomorrow = self.at + timedelta(days=1)
        self.bot.start_approved(post("one", at=self.at), post("two", at=tomorrow))
        remember_owner(self.bot.data, DataOwner("test", Mode.LIVE))
        self.bot.wait(self.at)
        assert [row.state for row in self.bot.rows("one")] == ["SENT"]

    def move_server(self) -> None:
        """Let git name the hostile server."""
        self.bot.set(self.good.origin, self.evil.origin)

    def call(self, *words: str) -> int:
        """Run a verb of the command line, proved by a token; return its exit code."""
        if name := who_decides(words):
            os.environ["VERBATIM_TOKEN"] = token_of(self.bot.store, SystemClock(), name)
        try:
            return run([*words, *self.bot.places])
        finally:
            os.environ.pop("VERBATIM_TOKEN", None)

    def live_on(self) -> None:
        """Let two days pass in which everything comes up that the service ever does."""
        for _ in range(16):
            for _look in range(2):
                self.bot.services.watch()
            self.bot.services.plan()
            self.bot.services.collect()
            self.bot.wait(self.bot.clock.now() + timedelta(hours=3))


@pytest.fixture
def world(
    tmp_path: Path, migrated_file: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[HostileWorld]:
    monkeypatch.setenv("VERBATIM_M_ACCESS_TOKEN", TOKEN)
    world = HostileWorld(tmp_path, migrated_file)
    yield world
    world.bot.stop()
    world.good.close()
    world.evil.close()
