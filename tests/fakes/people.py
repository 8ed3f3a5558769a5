"""Users who prove themselves on the command line, for tests of its verbs."""

from __future__ import annotations

from collections.abc import Sequence

from bot.authority.access import Access
from bot.authority.users import Person, Role
from bot.clock import Clock
from bot.planning.store import Store
from tests.fakes.running_bot import enlist

#: Whoever decides in such a test may decide anything.
ALL = frozenset({Role.APPROVER, Role.OPERATOR})


def token_of(store: Store, clock: Clock, name: str, roles: frozenset[Role] = ALL) -> str:
    """Return a token of this user, who has these roles from now on."""
    enlist(store, name)
    access = Access(store, clock)
    access.set_roles(name, roles, by="setup")
    return access.new_token(Person(name, roles), "a test")


def who_decides(words: Sequence[str]) -> str:
    """Return whom a command line names with ``--as``; empty where nobody."""
    return " ".join(words[words.index("--as") + 1].split()) if "--as" in words else ""
