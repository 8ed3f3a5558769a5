"""Bots that tests of all folders are given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.repositories import Repositories
from tests.fakes.running_bot import NINE, RunningBot, post
from tests.integration.store_rows import copied_database


@pytest.fixture(scope="module")
def review(tmp_path_factory: pytest.TempPathFactory) -> Repositories:
    """Return repositories to which posts are proposed, and nothing was yet."""
    return Repositories(tmp_path_factory.mktemp("review"))


@pytest.fixture
def new_bot(tmp_path: Path, migrated_file: Path) -> Iterator[RunningBot]:
    """Return a bot with an embedded database and no posts; nothing is started."""
    bot = RunningBot(tmp_path, copied_database(migrated_file, tmp_path / "data"))
    yield bot
    bot.stop()


@pytest.fixture
def bot(new_bot: RunningBot) -> RunningBot:
    """Return a bot that was started with one approved post, due at nine on Mastodon."""
    new_bot.start_approved(post("one", at=NINE))
    return new_bot
