"""What a restore makes of users, whom the audit log beside the database knows better."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.authority.access import Access, Passwords
from bot.authority.users import Role
from tests.fakes.browser import PASSWORD
from tests.fakes.running_bot import START, RunningBot
from tests.fakes.shipped import WEAK


@pytest.fixture
def bot(new_bot: RunningBot) -> RunningBot:
    """Return a bot with a user called eve."""
    new_bot.start()
    access(new_bot).add("eve", frozenset({Role.OPERATOR}), PASSWORD, by="op")
    return new_bot


def access(bot: RunningBot) -> Access:
    return Access(bot.store, bot.clock, Passwords(WEAK))


def restore(bot: RunningBot, after: Callable[[], object]) -> None:
    """Bring back what there was before something happened."""
    bot.store.backup(bot.folder / "backup.db")
    after()
    bot.bring_back(bot.folder / "backup.db")


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
