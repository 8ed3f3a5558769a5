"""Who may sign in, with what password, and what each role may do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest
from argon2 import PasswordHasher

from bot.authority.users import ABSOLUTE, IDLE, RIGHTS, WAIT, Access, Right, Role, SignInError
from bot.clock import FastClock
from bot.errors import DecisionError
from bot.operations.opening import open_store
from bot.planning.store import Store
from tests.fakes.browser import PASSWORD
from tests.fakes.shipped import WEAK

APPROVER = frozenset({Role.APPROVER})


@pytest.fixture
def clock() -> FastClock:
    return FastClock(datetime(2026, 12, 1, tzinfo=UTC))


@pytest.fixture
def store(tmp_path: Path, clock: FastClock) -> Iterator[Store]:
    store = open_store(f"sqlite:///{tmp_path / 'd' / 'x.db'}", create=True, now=clock.now)
    yield store
    store.close()


@pytest.fixture
def access(store: Store, clock: FastClock) -> Access:
    return Access(store, clock, WEAK)


def test_a_user_signs_in_and_is_known_by_the_session(access: Access) -> None:
    access.add("anna", APPROVER, PASSWORD, by="op")

    person = access.person_of(access.sign_in(" Anna ", PASSWORD))

    assert person is not None
    assert (person.name, person.roles) == ("anna", APPROVER)


def test_the_database_holds_neither_password_nor_session(access: Access, store: Store) -> None:
    access.add("anna", APPROVER, PASSWORD, by="op")
    session = access.sign_in("anna", PASSWORD)
    key = access.new_feed_key(access.person_of(session))  # type: ignore[arg-type]  # just signed in

    kept = b"".join(path.read_bytes() for path in store.directory.iterdir() if path.is_file())

    assert b"$argon2id$" in kept
    assert not [one for one in (PASSWORD, session, key) if one.encode() in kept]


@pytest.mark.parametrize(
    "password",
    ["", "short", "x" * 20, "ababababababababab", "anna and three other words", "x" * 1025],
)
def test_a_weak_password_is_refused(access: Access, password: str) -> None:
    with pytest.raises(DecisionError, match="password"):
        access.add("anna", APPROVER, password, by="op")


@pytest.mark.parametrize("name", ["", "a", "Anna", "аnna", "anna b", "../x", "a" * 41, "anna\n"])
def test_a_name_that_could_be_mistaken_is_refused(access: Access, name: str) -> None:
    with pytest.raises(DecisionError, match="no name for a user"):
        access.add(name, APPROVER, PASSWORD, by="op")


def test_a_user_has_a_role_and_a_name_of_their_own(access: Access) -> None:
    access.add("anna", APPROVER, PASSWORD, by="op")

    with pytest.raises(DecisionError, match="already"):
        access.add("anna", APPROVER, PASSWORD, by="op")
    with pytest.raises(DecisionError, match="give ben a role"):
        access.add("ben", frozenset(), PASSWORD, by="op")
    with pytest.raises(DecisionError, match="give anna a role"):
        access.set_roles("anna", frozenset(), by="op")


def test_five_failures_lock_a_name_for_a_while_whether_or_not_it_exists(
    access: Access, clock: FastClock
) -> None:
    access.add("anna", APPROVER, PASSWORD, by="op")
    for name in ("anna", "nobody"):
        for _try in range(5):
            with pytest.raises(SignInError, match="do not belong together"):
                access.sign_in(name, "wrong password here")
        with pytest.raises(SignInError, match="too many tries"):
            access.sign_in(name, PASSWORD)

    clock.advance(WAIT + timedelta(seconds=1))

    assert access.person_of(access.sign_in("anna", PASSWORD))


def test_a_good_sign_in_forgives_the_failures_before_it(access: Access) -> None:
    access.add("anna", APPROVER, PASSWORD, by="op")
    for _round in range(3):
        for _try in range(4):
            with pytest.raises(SignInError):
                access.sign_in("anna", "wrong password here")
        access.sign_in("anna", PASSWORD)


def test_a_lock_is_in_the_log_but_no_unknown_name_is(access: Access, store: Store) -> None:
    access.add("anna", APPROVER, PASSWORD, by="op")
    for name in ("anna", "my secret password"):
        for _try in range(5):
            with pytest.raises(SignInError):
                access.sign_in(name, "wrong password here")

    locked = [row.subject for row in store.audit.rows() if row.verb == "sign-in locked"]

    assert locked == ["anna"]


class Counting(PasswordHasher):
    """Counts comparisons; each takes 64 MiB in earnest."""

    compared = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        self.compared += 1
        return WEAK.verify(hash, password)


def test_a_thousand_tries_cost_no_more_than_five_comparisons(
    store: Store, clock: FastClock
) -> None:
    hasher = Counting(time_cost=1, memory_cost=1024, parallelism=1)
    access = Access(store, clock, hasher)
    access.add("anna", APPROVER, PASSWORD, by="op")

    for _try in range(1000):
        with pytest.raises(SignInError):
            access.sign_in("anna", "wrong password here")

    assert hasher.compared == 5


def test_a_session_ends_without_use_and_after_half_a_day(access: Access, clock: FastClock) -> None:
    access.add("anna", APPROVER, PASSWORD, by="op")
    idle, used = access.sign_in("anna", PASSWORD), access.sign_in("anna", PASSWORD)
    start = clock.now()
    while clock.now() + timedelta(minutes=20) < start + ABSOLUTE:
        clock.advance(timedelta(minutes=20))
        assert access.person_of(used)
    clock.advance(timedelta(minutes=20))

    assert IDLE < ABSOLUTE
    assert access.person_of(used) is None
    assert access.person_of(idle) is None


def test_a_changed_password_signs_out_everywhere(access: Access) -> None:
    access.add("anna", APPROVER, PASSWORD, by="op")
    session = access.sign_in("anna", PASSWORD)

    access.set_password("anna", PASSWORD + " two", by="op")

    assert access.person_of(session) is None
    assert access.sign_in("anna", PASSWORD + " two")


def test_a_removed_user_is_out_at_once(access: Access) -> None:
    access.add("anna", APPROVER, PASSWORD, by="op")
    session = access.sign_in("anna", PASSWORD)

    access.remove("anna", by="op")

    assert access.person_of(session) is None
    assert not access.has_users()
    with pytest.raises(DecisionError, match="no user"):
        access.remove("anna", by="op")


def test_new_roles_hold_from_the_next_page_on(access: Access) -> None:
    access.add("anna", APPROVER, PASSWORD, by="op")
    session = access.sign_in("anna", PASSWORD)

    access.set_roles("anna", frozenset({Role.VIEWER}), by="op")
    person = access.person_of(session)

    assert person is not None
    assert not person.may(Right.APPROVE)


def test_a_new_calendar_address_ends_the_one_before(access: Access) -> None:
    access.add("anna", APPROVER, PASSWORD, by="op")
    person = access.person_of(access.sign_in("anna", PASSWORD))
    assert person is not None

    first, second = access.new_feed_key(person), access.new_feed_key(person)

    assert access.person_of_feed(first) is None
    assert access.person_of_feed(second) == person


def test_everybody_looks_and_nobody_may_everything_by_one_role() -> None:
    assert all(Right.LOOK in rights for rights in RIGHTS.values())
    assert all(set(Right) - rights for rights in RIGHTS.values())
    assert set().union(*RIGHTS.values()) == set(Right)
    assert Right.RESUME not in RIGHTS[Role.APPROVER]
    assert Right.APPROVE not in RIGHTS[Role.OPERATOR]


def test_every_change_of_users_is_one_row_that_says_who(access: Access, store: Store) -> None:
    access.add("anna", APPROVER, PASSWORD, by="op")
    access.set_roles("anna", frozenset({Role.EDITOR}), by="op")
    access.set_password("anna", PASSWORD + "!", by="op")
    access.sign_out_everywhere("anna", by="op")
    access.remove("anna", by="op")

    told = [(row.who, row.verb, row.subject) for row in reversed(store.audit.rows())]
    verbs = ["user add", "user roles", "user password", "sign out everywhere", "user remove"]

    assert told == [("op", verb, "anna") for verb in verbs]
    assert PASSWORD not in str([row.detail for row in store.audit.rows()])
