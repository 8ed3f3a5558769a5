"""A change of users or approvals and its row in the audit log: both are stored, or neither."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyotp
import pytest

from bot.authority.access import Access, Passwords
from bot.authority.user_table import Passkey
from bot.authority.users import Person, Role
from bot.clock import FastClock
from bot.errors import StoreError
from bot.operations.opening import open_store
from tests.fakes.browser import PASSWORD
from tests.fakes.running_bot import NINE, RunningBot, post
from tests.fakes.shipped import WEAK

NOW = datetime(2026, 12, 1, tzinfo=UTC)
ANNA = Person("anna", frozenset({Role.APPROVER}))
OPERATOR = frozenset({Role.OPERATOR})
SECRET = pyotp.random_base32()
KEY = Passkey("k1", "anna", "phone", "https://x.example", "00", 0, NOW)
#: Each change that `Access` logs, of a user who has a password, a passkey and a token.
CHANGES: dict[str, Callable[[Access], object]] = {
    "add": lambda access: access.add("ben", OPERATOR, PASSWORD, by="op"),
    "password": lambda access: access.set_password("anna", PASSWORD + "!", by="op"),
    "roles": lambda access: access.set_roles("anna", OPERATOR, by="op"),
    "remove": lambda access: access.remove("anna", by="op"),
    "reset": lambda access: access.reset("anna", by="op"),
    "feed": lambda access: access.new_feed_key(ANNA),
    "token": lambda access: access.new_token(ANNA, "x"),
    "revoke": lambda access: access.revoke_token(
        "anna", access.store.tokens.of("anna")[0].sha256, by="op"
    ),
    "codes": lambda access: access.set_totp(ANNA, SECRET, pyotp.TOTP(SECRET).at(NOW)),
    "no codes": lambda access: access.drop_totp(ANNA),
    "passkey": lambda access: access.add_passkey(KEY),
}
TABLES = ("user", "token", "passkey", "session", "approval", "audit")


def contents(path: Path) -> dict[str, list[Any]]:
    """Return the rows of what decisions change."""
    with closing(sqlite3.connect(path)) as connection:
        return {
            table: connection.execute(f'SELECT * FROM "{table}"').fetchall()  # noqa: S608 - ours
            for table in TABLES
        }


def refuse_rows(path: Path) -> None:
    """Let the audit log take no row any more, as a disk that fails at just that moment."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "CREATE TRIGGER no_rows BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
        connection.commit()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "d" / "x.db"


@pytest.fixture
def access(path: Path) -> Iterator[Access]:
    clock = FastClock(NOW)
    with closing(open_store(f"sqlite:///{path}", create=True, now=clock.now)) as store:
        access = Access(store, clock, Passwords(WEAK))
        access.add("olga", OPERATOR, PASSWORD, by="op")
        access.add("anna", ANNA.roles, PASSWORD, by="op")
        access.new_token(ANNA, "first")
        access.add_passkey(Passkey("k0", "anna", "key", "https://x.example", "01", 0, NOW))
        yield access


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_no_change_of_users_is_stored_without_its_row(
    access: Access, path: Path, change: Callable[[Access], object]
) -> None:
    refuse_rows(path)
    before = contents(path)

    with pytest.raises(StoreError):
        change(access)

    assert contents(path) == before


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_and_its_row_are_in_the_copy_of_the_log_too(
    access: Access, change: Callable[[Access], object]
) -> None:
    change(access)

    assert access.store.audit_problems() == []
    rows = access.store.audit.file.read_text(encoding="utf-8").splitlines()
    assert len(rows) == access.store.audit.head()[0]


def test_no_approval_is_stored_without_its_row(new_bot: RunningBot) -> None:
    path = new_bot.data / "live.db"
    new_bot.start_with(post("one", at=NINE))
    refuse_rows(path)
    before = contents(path)

    with pytest.raises(StoreError):
        new_bot.desk.approve("one", by="Ann")

    assert contents(path) == before


def test_what_a_person_reads_back_within_a_transaction_is_what_they_wrote(access: Access) -> None:
    with access.store.transaction():
        access.store.users.remove("anna")
        assert access.person("anna") is None

    assert access.person("anna") is None
