"""Who may sign in, with what password, and what each role may do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pyotp
import pytest
from argon2 import PasswordHasher

from bot.authority.access import TOKEN_LIFE, Access, Passwords, totp_step
from bot.authority.signing_in import ABSOLUTE, FRESH, IDLE, WAIT, SignIn, Visitor
from bot.authority.user_table import Passkey
from bot.authority.users import RIGHTS, Person, Right, Role, SignInError, TooManyTriesError
from bot.clock import FastClock
from bot.errors import DecisionError
from bot.operations.opening import open_store
from bot.planning.store import Store
from tests.fakes.browser import PASSWORD
from tests.fakes.shipped import WEAK

NOW = datetime(2026, 12, 1, tzinfo=UTC)
APPROVER = frozenset({Role.APPROVER})


@pytest.fixture
def clock() -> FastClock:
    return FastClock(NOW)


@pytest.fixture
def store(tmp_path: Path, clock: FastClock) -> Iterator[Store]:
    store = open_store(f"sqlite:///{tmp_path / 'd' / 'x.db'}", create=True, now=clock.now)
    yield store
    store.close()


@pytest.fixture
def access(store: Store, clock: FastClock) -> Access:
    return Access(store, clock, Passwords(WEAK))


@pytest.fixture
def anna(access: Access) -> Access:
    """Return the access that knows one user, who may approve."""
    access.add("anna", APPROVER, PASSWORD, by="op")
    return access


@pytest.fixture
def door(anna: Access) -> SignIn:
    """Return the way in for the one user."""
    return SignIn(anna)


HOME = Visitor("192.0.2.1")
AWAY = Visitor("198.51.100.9")


def enter(door: SignIn, name: str = "anna", visitor: Visitor = HOME, code: str = "") -> str:
    """Sign in; return the session."""
    return door.with_password(name, PASSWORD, code, visitor).session


def test_a_user_signs_in_and_is_known_by_the_session(door: SignIn) -> None:
    person = door.person_of(enter(door, " Anna "))

    assert person is not None
    assert (person.name, person.roles) == ("anna", APPROVER)


def test_the_database_holds_no_secret_that_signs_in(door: SignIn, store: Store) -> None:
    made = door.with_password("anna", PASSWORD, "", HOME)
    person = door.person_of(made.session)
    assert person is not None
    key, token = door.access.new_feed_key(person), door.access.new_token(person, "a script")
    recovery = door.access.set_totp(person, SECRET, code_at(door))

    kept = b"".join(path.read_bytes() for path in store.directory.iterdir() if path.is_file())

    assert b"$argon2id$" in kept
    secrets = (PASSWORD, made.session, made.device, key, token, *recovery)
    assert not [one for one in secrets if one.encode() in kept]


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


def fail(door: SignIn, name: str, times: int, says: str | None = None, at: Visitor = HOME) -> None:
    for _try in range(times):
        with pytest.raises(SignInError, match=says):
            door.with_password(name, "wrong password here", "", at)


def test_five_failures_keep_an_address_waiting_and_no_name(door: SignIn, clock: FastClock) -> None:
    fail(door, "anna", 3, "do not belong together")
    fail(door, "nobody", 2, "do not belong together")

    with pytest.raises(TooManyTriesError):
        enter(door)
    assert door.person_of(enter(door, visitor=AWAY))

    clock.advance(WAIT + timedelta(seconds=1))
    assert door.person_of(enter(door))


def test_a_stolen_browser_has_five_tries_too_and_for_its_own_user_only(
    door: SignIn, anna: Access
) -> None:
    anna.add("ben", APPROVER, PASSWORD, by="op")
    stolen = Visitor(AWAY.address, door.with_password("ben", PASSWORD, "", HOME).device)

    fail(door, "ben", 5, at=stolen)
    with pytest.raises(TooManyTriesError):
        enter(door, "ben", stolen)

    fail(door, "anna", 5, at=stolen)
    with pytest.raises(TooManyTriesError):
        enter(door, "anna", stolen)


def test_one_s_own_account_gives_no_more_tries_at_another_s(door: SignIn, anna: Access) -> None:
    anna.add("ben", APPROVER, PASSWORD, by="op")
    fail(door, "anna", 4)
    enter(door, "ben")
    fail(door, "anna", 1)

    with pytest.raises(TooManyTriesError):
        enter(door)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
    ],
)
def test_a_network_of_ipv6_is_one_address(
    door: SignIn, first: str, second: str, same: bool
) -> None:
    fail(door, "anna", 5, at=Visitor(first))

    if same:
        with pytest.raises(TooManyTriesError):
            enter(door, visitor=Visitor(second))
    else:
        enter(door, visitor=Visitor(second))


def test_a_failure_is_in_the_log_but_no_unknown_name_is(door: SignIn, store: Store) -> None:
    for name in ("anna", "my secret password"):
        fail(door, name, 2)

    failed = [row.subject for row in store.audit.rows() if row.verb == "sign-in failed"]

    assert failed == ["anna", "anna"]


# One-time codes

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def code_at(door: SignIn, early: timedelta = timedelta(0)) -> str:
    return pyotp.TOTP(SECRET).at(door.access.clock.now() - early)


@pytest.fixture
def recovery(door: SignIn) -> tuple[str, ...]:
    """Ask the one user for codes, and let the first one's time pass; return the recovery codes."""
    codes = door.access.set_totp(Person("anna", APPROVER), SECRET, code_at(door))
    assert isinstance(door.access.clock, FastClock)
    door.access.clock.advance(timedelta(minutes=2))
    return codes


def test_a_password_alone_does_not_do_where_codes_are_asked_for(
    door: SignIn, recovery: tuple[str, ...]
) -> None:
    for code in ("", "000000", "٠٠٠٠٠٠", "x" * 300):
        with pytest.raises(SignInError, match="do not belong together"):
            enter(door, code=code)

    assert door.person_of(enter(door, code=code_at(door)))


def test_a_code_is_taken_once_and_none_before_it(door: SignIn, recovery: tuple[str, ...]) -> None:
    enter(door, code=code_at(door))

    for early in (timedelta(0), timedelta(seconds=30)):
        with pytest.raises(SignInError):
            enter(door, code=code_at(door, early))


def test_a_recovery_code_is_taken_once(door: SignIn, recovery: tuple[str, ...]) -> None:
    assert len(set(recovery)) == 8
    enter(door, code=f" {recovery[0].upper()} ")

    with pytest.raises(SignInError):
        enter(door, code=recovery[0])
    assert enter(door, code=recovery[1])


def test_codes_are_asked_for_only_once_a_device_has_shown_one(door: SignIn) -> None:
    with pytest.raises(DecisionError, match="clock of your device"):
        door.access.set_totp(Person("anna", APPROVER), SECRET, "000000")

    assert enter(door)
    assert totp_step(SECRET, "", door.access.clock.now()) is None


# Proof, once more


def test_a_proof_counts_for_ten_minutes(door: SignIn, clock: FastClock) -> None:
    session = enter(door)
    assert door.is_proved(session)
    clock.advance(FRESH)
    assert not door.is_proved(session)

    door.prove_again(session, PASSWORD, "")

    assert door.is_proved(session)
    assert not door.is_proved("another session")


# Tokens


def test_a_token_stands_for_its_user_until_it_ends(door: SignIn, clock: FastClock) -> None:
    anna = Person("anna", APPROVER)
    token = door.access.new_token(anna, "a script")

    assert door.access.person_of_token(f"{token}\n") == anna
    assert door.access.person_of_token(token[:-1]) is None
    clock.advance(TOKEN_LIFE)
    assert door.access.person_of_token(token) is None


def test_a_revoked_token_or_a_removed_user_s_stands_for_nobody(door: SignIn, store: Store) -> None:
    anna = Person("anna", APPROVER)
    first, second = (door.access.new_token(anna, name) for name in ("one", "two"))
    revoked = next(row for row in store.tokens.of("anna") if row.label == "one")

    door.access.revoke_token("ben", revoked.sha256, by="ben")
    assert door.access.person_of_token(first) == anna
    door.access.revoke_token("anna", revoked.sha256, by="anna")
    door.access.remove("anna", by="op")

    assert door.access.person_of_token(first) is None
    assert door.access.person_of_token(second) is None


def test_a_lost_device_is_forgotten_with_all_that_it_knew(door: SignIn, store: Store) -> None:
    anna = Person("anna", APPROVER)
    session, token = enter(door), door.access.new_token(anna, "a script")
    door.access.set_totp(anna, SECRET, code_at(door))
    door.access.add_passkey(Passkey("aWQ", "anna", "grey", "https://d.example", "a2V5", 0, NOW))

    door.access.reset("anna", by="op")

    assert door.person_of(session) is None
    assert door.access.person_of_token(token) is None
    assert store.passkeys.of("anna") == ()
    assert door.person_of(enter(door))


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
    access = Access(store, clock, Passwords(hasher))
    access.add("anna", APPROVER, PASSWORD, by="op")

    fail(SignIn(access), "anna", 1000)

    assert hasher.compared == 5


def test_a_session_ends_without_use_and_after_half_a_day(door: SignIn, clock: FastClock) -> None:
    idle, used = enter(door), enter(door)
    start = clock.now()
    while clock.now() + timedelta(minutes=20) < start + ABSOLUTE:
        clock.advance(timedelta(minutes=20))
        assert door.person_of(used)
    assert door.person_of(idle) is None, "long before half a day"
    clock.advance(timedelta(minutes=20))

    assert IDLE < ABSOLUTE
    assert door.person_of(used) is None


def test_a_changed_password_signs_out_everywhere_else(
    door: SignIn, anna: Access, store: Store
) -> None:
    session, other = enter(door), enter(door)
    token = anna.new_token(Person("anna", APPROVER), "cron")

    anna.set_password("anna", PASSWORD + " two", by="anna", session=session)

    assert door.person_of(session)
    assert door.person_of(other) is None
    assert anna.person_of_token(token) is None
    assert store.audit_problems() == []
    with pytest.raises(SignInError):
        enter(door)


def test_a_removed_user_is_out_at_once(door: SignIn, anna: Access) -> None:
    session = enter(door)

    anna.remove("anna", by="op")

    assert door.person_of(session) is None
    assert not anna.has_users()
    with pytest.raises(DecisionError, match="no user"):
        anna.remove("anna", by="op")


def test_an_operator_is_always_left(anna: Access) -> None:
    anna.add("olga", frozenset({Role.OPERATOR}), PASSWORD, by="op")

    with pytest.raises(DecisionError, match="the only operator"):
        anna.remove("olga", by="olga")
    with pytest.raises(DecisionError, match="the only operator"):
        anna.set_roles("olga", APPROVER, by="olga")

    anna.add("omar", frozenset({Role.OPERATOR}), PASSWORD, by="olga")
    anna.remove("olga", by="omar")


def test_new_roles_hold_from_the_next_page_on(door: SignIn, anna: Access) -> None:
    session = enter(door)

    anna.set_roles("anna", frozenset({Role.VIEWER}), by="op")
    person = door.person_of(session)

    assert person is not None
    assert not person.may(Right.APPROVE)


def test_a_new_calendar_address_ends_the_one_before(anna: Access) -> None:
    person = Person("anna", APPROVER)

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
