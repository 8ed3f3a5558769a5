"""What a restore makes of users, whom the audit log beside the database knows better."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.authority.access import Access, Passwords
from bot.authority.users import Role
from tests.fakes.browser import PASSWORD
from tests.fakes.running_bot import START, RunningBot
from tests.fakes.shipped import WEAK
from tests.integration.store_rows import copied_database


@pytest.fixture
def bot(tmp_path: Path, migrated_file: Path) -> Iterator[RunningBot]:
    """Return a bot with a user called eve."""
    bot = RunningBot(tmp_path, copied_database(migrated_file, tmp_path / "data"))
    bot.start()
    access(bot).add("eve", frozenset({Role.OPERATOR}), PASSWORD, by="op")
    yield bot
    bot.stop()


def access(bot: RunningBot) -> Access:
    return Access(bot.store, bot.clock, Passwords(WEAK))


def restore(bot: RunningBot, after: Callable[[], object]) -> None:
    """Bring back what there was before something happened."""
    database, backup = Path(bot.url.removeprefix("sqlite:///")), bot.folder / "backup.db"
    bot.store.backup(backup)
    after()
    bot.stop()
    for beside in database.parent.glob(f"{database.name}*"):
        beside.unlink()
    shutil.copy(backup, database)
    bot.start()


def test_a_user_whose_key_was_pinned_outlives_a_restore(bot: RunningBot) -> None:
    """`user pin` and `user unpin` change no fact of the table."""
    write = bot.store.audit.write
    write("op", "user pin", "eve", detail={"key": "k", "origin": "o"}, now=START)
    assert bot.store.audit_problems() == []

    restore(bot, after=lambda: write("op", "user unpin", "eve", detail={"keys": 1}, now=START))

    assert "eve" in {user.name for user in bot.store.users.all()}
    assert bot.store.audit_problems() == []


def test_a_user_made_after_the_backup_is_missed_until_they_are_added_again(
    bot: RunningBot,
) -> None:
    def add() -> None:
        access(bot).add("zoe", frozenset({Role.VIEWER}), PASSWORD, by="eve")

    restore(bot, after=add)

    assert bot.store.audit_problems() == ["the log has the user zoe, whom the database lacks"]
    add()
    assert bot.store.audit_problems() == []
