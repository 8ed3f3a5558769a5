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


@pytest.fixture
def anna(access: Access) -> Access:
    """Return the access that knows one user, who may approve."""
    access.add("anna", APPROVER, PASSWORD, by="op")
    return access


def test_a_user_signs_in_and_is_known_by_the_session(anna: Access) -> None:
    person = anna.person_of(anna.sign_in(" Anna ", PASSWORD))

    assert person is not None
    assert (person.name, person.roles) == ("anna", APPROVER)


def test_the_database_holds_neither_password_nor_session(anna: Access, store: Store) -> None:
    session = anna.sign_in("anna", PASSWORD)
    key = anna.new_feed_key(anna.person_of(session))  # type: ignore[arg-type]  # just signed in

    kept = b"".join(path.read_bytes() for path in store.directory.iterdir() if path.is_file())

    assert b"$argon2id$" in kept
    assert not [one for one in (PASSWORD, session, key) if one.encode() in kept]


@pytest.mark.parametrize(
    ("name", "password", "says"),
    [
        *(("anna", word, "password") for word in ("", "short", "x" * 20, "ababababababababab")),
        *(("anna", word, "password") for word in ("anna and three other words", "x" * 1025)),
        *((name, PASSWORD, "no name for a user") for name in ("", "a", "Anna", "аnna", "anna b")),
        *((name, PASSWORD, "no name for a user") for name in ("../x", "a" * 41, "anna\n")),
    ],
)
def test_a_weak_password_and_a_name_that_could_be_mistaken_are_refused(
    access: Access, name: str, password: str, says: str
) -> None:
    with pytest.raises(DecisionError, match=says):
        access.add(name, APPROVER, password, by="op")


def test_a_user_has_a_role_and_a_name_of_their_own(anna: Access) -> None:
    with pytest.raises(DecisionError, match="already"):
        anna.add("anna", APPROVER, PASSWORD, by="op")
    with pytest.raises(DecisionError, match="give ben a role"):
        anna.add("ben", frozenset(), PASSWORD, by="op")
    with pytest.raises(DecisionError, match="give anna a role"):
        anna.set_roles("anna", frozenset(), by="op")


def fail(access: Access, name: str, times: int, says: str | None = None) -> None:
    for _try in range(times):
        with pytest.raises(SignInError, match=says):
            access.sign_in(name, "wrong password here")


def test_five_failures_lock_a_name_for_a_while_whether_or_not_it_exists(
    anna: Access, clock: FastClock
) -> None:
    for name in ("anna", "nobody"):
        fail(anna, name, 5, "do not belong together")
        with pytest.raises(SignInError, match="too many tries"):
            anna.sign_in(name, PASSWORD)

    clock.advance(WAIT + timedelta(seconds=1))

    assert anna.person_of(anna.sign_in("anna", PASSWORD))


def test_a_good_sign_in_forgives_the_failures_before_it(anna: Access) -> None:
    for _round in range(3):
        fail(anna, "anna", 4)
        anna.sign_in("anna", PASSWORD)


def test_a_lock_is_in_the_log_but_no_unknown_name_is(anna: Access, store: Store) -> None:
    for name in ("anna", "my secret password"):
        fail(anna, name, 5)

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

    fail(access, "anna", 1000)

    assert hasher.compared == 5


def test_a_session_ends_without_use_and_after_half_a_day(anna: Access, clock: FastClock) -> None:
    idle, used = anna.sign_in("anna", PASSWORD), anna.sign_in("anna", PASSWORD)
    start = clock.now()
    while clock.now() + timedelta(minutes=20) < start + ABSOLUTE:
        clock.advance(timedelta(minutes=20))
        assert anna.person_of(used)
    clock.advance(timedelta(minutes=20))

    assert IDLE < ABSOLUTE
    assert anna.person_of(used) is None
    assert anna.person_of(idle) is None


def test_a_changed_password_signs_out_everywhere(anna: Access) -> None:
    session = anna.sign_in("anna", PASSWORD)

    anna.set_password("anna", PASSWORD + " two", by="op")

    assert anna.person_of(session) is None
    assert anna.sign_in("anna", PASSWORD + " two")


def test_a_removed_user_is_out_at_once(anna: Access) -> None:
    session = anna.sign_in("anna", PASSWORD)

    anna.remove("anna", by="op")

    assert anna.person_of(session) is None
    assert not anna.has_users()
    with pytest.raises(DecisionError, match="no user"):
        anna.remove("anna", by="op")


def test_new_roles_hold_from_the_next_page_on(anna: Access) -> None:
    session = anna.sign_in("anna", PASSWORD)

    anna.set_roles("anna", frozenset({Role.VIEWER}), by="op")
    person = anna.person_of(session)

    assert person is not None
    assert not person.may(Right.APPROVE)


def test_a_new_calendar_address_ends_the_one_before(anna: Access) -> None:
    person = anna.person_of(anna.sign_in("anna", PASSWORD))
    assert person is not None

    first, second = anna.new_feed_key(person), anna.new_feed_key(person)

    assert anna.person_of_feed(first) is None
    assert anna.person_of_feed(second) == person


def test_everybody_looks_and_nobody_may_everything_by_one_role() -> None:
    assert all(Right.LOOK in rights for rights in RIGHTS.values())
    assert all(set(Right) - rights for rights in RIGHTS.values())
    assert set().union(*RIGHTS.values()) == set(Right)
    assert Right.RESUME not in RIGHTS[Role.APPROVER]
    assert Right.APPROVE not in RIGHTS[Role.OPERATOR]


def test_every_change_of_users_is_one_row_that_says_who(anna: Access, store: Store) -> None:
    anna.set_roles("anna", frozenset({Role.EDITOR}), by="op")
    anna.set_password("anna", PASSWORD + "!", by="op")
    anna.sign_out_everywhere("anna", by="op")
    anna.remove("anna", by="op")

    told = [(row.who, row.verb, row.subject) for row in reversed(store.audit.rows())]
    verbs = ["user add", "user roles", "user password", "sign out everywhere", "user remove"]

    assert told == [("op", verb, "anna") for verb in verbs]
    assert PASSWORD not in str([row.detail for row in store.audit.rows()])
