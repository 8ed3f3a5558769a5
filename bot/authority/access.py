"""Users, and what each of them signs in with; every change leaves an audit row."""

import os
import re
import secrets
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import BoundedSemaphore
from typing import TypeVar

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from bot.authority.notices import Absence
from bot.authority.store import AuthorityStore
from bot.authority.user_table import Passkey, Token, User
from bot.authority.users import Person, Role
from bot.canonical import JsonObject, sha256_hex
from bot.clock import Clock
from bot.errors import DecisionError

_Made = TypeVar("_Made")
#: ASVS 5.0 6.2.1 asks for 8 and prefers 15.
SHORTEST, LONGEST = 15, 1024
#: Of zxcvbn's 0 to 4; 3 is safe against guessing at the hash (10^8 guesses and more).
_STRONG = 3
#: As much as zxcvbn takes: it slows down with the square of the length.
_MEASURED = 72
#: Comparisons that may wait for their turn; each takes 64 MiB and about 0.1 s.
_MOST_WAITING = 6
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}")
#: A token of the command line ends after this.
TOKEN_LIFE = timedelta(days=90)
_RECOVERY_CODES = 8
#: So that secret scanners know one.
_TOKEN_START = "verbatim_"  # noqa: S105 - the beginning of all tokens is no secret


class BusyError(DecisionError):
    """Too many people sign in at once."""


def prove_strong(password: str, name: str) -> None:
    """Refuse what is guessed first; the DecisionError says what is asked for."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise DecisionError(f"a password has {SHORTEST} characters or more; four words will do")
    if name in password.casefold():
        raise DecisionError("a password does not contain the user's name")
    from zxcvbn import zxcvbn  # 12 MB of words, for who sets a password

    found = zxcvbn(password[:_MEASURED], user_inputs=[name, "verbatim"])
    if found["score"] < _STRONG:
        why = found["feedback"]["warning"].rstrip(".") or "it is easy to guess"
        raise DecisionError(
            f"this password is too weak: {why[0].lower()}{why[1:]}; take four words"
        )


class _Turns:
    """One thread of low priority, and a bounded number of those who wait for it."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name, initializer=_give_way)
        self._room = BoundedSemaphore(_MOST_WAITING)

    def run(self, work: Callable[..., _Made], *arguments: object) -> _Made:
        """Return what the work makes, once it had its turn."""
        if not self._room.acquire(blocking=False):
            raise BusyError("too many people sign in just now; try again in a minute")
        try:
            return self._thread.submit(work, *arguments).result()
        finally:
            self._room.release()


def _give_way() -> None:
    """Lower this thread's own priority; elsewhere than on Linux it would be the process's."""
    if sys.platform == "linux":
        os.nice(10)


@dataclass(slots=True)
class Passwords:
    """Hashes and compares (argon2id) in two threads that give way to all others.

    One is for people whom we know something of, so that strangers cannot keep them waiting.
    """

    hasher: PasswordHasher = field(default_factory=PasswordHasher)
    _strangers: _Turns = field(default_factory=lambda: _Turns("password-strangers"))
    _known: _Turns = field(default_factory=lambda: _Turns("password-known"))
    _nobody: str = ""

    def hash(self, password: str) -> str:
        """Return what is stored of a password."""
        return self._known.run(self.hasher.hash, unicodedata.normalize("NFKC", password))

    def matches(self, stored: str | None, password: str, *, is_known: bool) -> bool:
        """Compare, for as long where there is no such user; BusyError where too many wait."""
        if len(password) > LONGEST:
            return False
        queue = self._known if is_known else self._strangers
        self._nobody = self._nobody or queue.run(self.hasher.hash, secrets.token_hex(16))
        given = unicodedata.normalize("NFKC", password)
        try:
            queue.run(self.hasher.verify, stored or self._nobody, given)
        except VerificationError:
            return False
        return stored is not None


@dataclass(frozen=True, slots=True)
class Access:
    """Makes, changes and removes users, and what they sign in with."""

    store: AuthorityStore
    clock: Clock
    passwords: Passwords = field(default_factory=Passwords)

    def add(self, name: str, roles: frozenset[Role], password: str, *, by: str) -> Person:
        """Make a user; DecisionError where the name is taken or unfit, or the password too weak."""
        if not NAME.fullmatch(name):
            raise DecisionError(
                f"{name!r} is no name for a user: 2 to 40 of a-z, 0-9, full stop, _ and -"
            )
        if not roles:
            raise DecisionError(f"give {name} a role: {', '.join(Role)}")
        prove_strong(password, name)
        hashed = self.passwords.hash(password)
        detail = {"roles": sorted(roles), "password_sha256": sha256_hex(hashed)}
        with self._logged(by, "user add", name, detail):
            self.store.users.add(name, frozenset(roles), hashed, self.clock.now())
        return Person(name, roles)

    def person(self, name: str) -> Person | None:
        user = self.store.users.get(name)
        return Person.of(user) if user else None

    def has_users(self) -> bool:
        return bool(self.store.users.all())

    def set_password(self, name: str, password: str, *, by: str, session: str = "") -> None:
        """Give a user another password; nothing else signs them in but ``session`` and passkeys."""
        prove_strong(password, name)
        hashed = self.passwords.hash(password)
        with self._logged(by, "user password", name, {"password_sha256": sha256_hex(hashed)}):
            self.store.users.change(name, password_hash=hashed)
            self._end_all(name, by=by, but=session)

    def set_roles(self, name: str, roles: frozenset[Role], *, by: str) -> None:
        """Change what a user may do, from their next page on; an operator is always left."""
        if not roles:
            raise DecisionError(f"give {name} a role, or remove the user")
        with self._logged(by, "user roles", name, {"roles": sorted(roles)}):
            self._keep_an_operator(name, roles)
            self.store.users.change(name, roles=frozenset(roles))

    def remove(self, name: str, *, by: str) -> None:
        """Take a user away and sign them out; an operator is always left."""
        with self._logged(by, "user remove", name):
            self._keep_an_operator(name, ())
            self.store.users.remove(name)
            self.store.absences.end(name)
        self.store.addresses.put(name, "")

    def reset(self, name: str, *, by: str) -> None:
        """Forget what a lost device knows: all but the password."""
        self._user(name)
        with self._logged(by, "user reset", name, {"codes": False}):
            self.store.users.set_totp(name, None, frozenset())
            self.store.passkeys.remove(name)
            self._end_all(name, by=by)

    def _keep_an_operator(self, name: str, roles: Iterable[Role]) -> None:
        """Refuse to be left without anybody who may change users: the next would be a stranger."""
        operators = {user.name for user in self.store.users.all() if Role.OPERATOR in user.roles}
        if operators == {name} and Role.OPERATOR not in roles:
            raise DecisionError(f"{name} is the only operator; make another one first")

    def sign_out_everywhere(self, name: str, *, by: str) -> int:
        """End all that stands for a user but passwords and passkeys; return how many sessions."""
        with self.store.transaction():
            ended = self._end_all(name, by=by)
            self.write(by, "sign out everywhere", name, {"sessions": ended})
        return ended

    # What a user does for themselves

    def new_feed_key(self, person: Person) -> str:
        """Return the secret for a person's calendar address; the one before it stops working."""
        key = secrets.token_urlsafe(32)
        with self._logged(person.name, "calendar address", person.name):
            self.store.users.change(person.name, feed_sha256=sha256_hex(key))
        return key

    def person_of_feed(self, key: str) -> Person | None:
        """Find whose calendar address has this secret."""
        user = self.store.users.of_feed(sha256_hex(key))
        return Person.of(user) if user else None

    def substitutes(self, name: str) -> tuple[str, ...]:
        """Name who may stand in for a user: who may do what waits for them, in their own right."""
        user = self._user(name)
        needed = user.roles & {Role.APPROVER} or user.roles
        others = (other for other in self.store.users.all() if other.name != name)
        return tuple(other.name for other in others if needed & other.roles)

    def set_absence(self, new: Absence, *, by: str) -> None:
        """Let somebody else, who could answer it, hear what waits for a user; or DecisionError."""
        able = self.substitutes(new.user)
        if new.substitute not in able:
            raise DecisionError(
                f"{new.substitute} cannot answer what waits for {new.user}; who can:"
                f" {', '.join(able) or 'nobody else'}"
            )
        times = {"since": new.since.isoformat(), "until": new.until.isoformat()}
        with self._logged(by, "away", new.user, {"substitute": new.substitute, **times}):
            self.store.absences.put(new)

    def end_absence(self, name: str, *, by: str) -> None:
        with self._logged(by, "back", name):
            if not self.store.absences.end(name):
                raise DecisionError(f"{name} is not away")

    def set_address(self, name: str, address: str, *, by: str) -> None:
        """Keep where a user is told what waits for them; an empty address forgets it."""
        self._user(name)
        self.write(by, "address", name, {"kind": address.partition(":")[0]})
        self.store.addresses.put(name, address)

    def new_token(self, person: Person, label: str) -> str:
        """Return a token that stands for a person on the command line; it is shown this once."""
        made = _TOKEN_START + secrets.token_urlsafe(32)
        row = Token(sha256_hex(made), person.name, label, self.clock.now())
        with self._logged(person.name, "token", person.name, {"label": label, "id": row.sha256}):
            self.store.tokens.add(row)
        return made

    def person_of_token(self, token: str) -> Person | None:
        """Find whom a token stands for; None where it is revoked or has ended."""
        row = self.store.tokens.get(sha256_hex(token.strip()))
        if row is None or self.clock.now() >= self.ends_at(row):
            return None
        return self.person(row.user)

    @staticmethod
    def ends_at(token: Token) -> datetime:
        return token.created_at + TOKEN_LIFE

    def revoke_token(self, name: str, sha256: str, *, by: str) -> None:
        with self.store.transaction():
            if self.store.tokens.remove(name, sha256):
                self.write(by, "token revoked", name, {"id": sha256})

    def _end_all(self, name: str, *, by: str, but: str = "") -> int:
        """End what stands for a user but one session, password and passkeys; return how many."""
        ended = self.store.sessions.end_all(name, but=sha256_hex(but))
        self.store.devices.forget(name)
        self.store.users.change(name, feed_sha256="")
        for token in self.store.tokens.of(name):
            self.revoke_token(name, token.sha256, by=by)
        return ended

    def set_totp(self, person: Person, secret: str, code: str) -> tuple[str, ...]:
        """Ask for codes from now on; return recovery codes; DecisionError for a wrong one."""
        step = totp_step(secret, code, self.clock.now())
        if step is None:
            raise DecisionError("this code does not fit; is the clock of your device right?")
        codes = tuple(secrets.token_hex(14) for _ in range(_RECOVERY_CODES))
        with self._logged(person.name, "one-time codes", person.name, {"codes": True}):
            self.store.users.set_totp(person.name, secret, frozenset(map(sha256_hex, codes)))
            self.store.users.take_step(person.name, step)
        return codes

    def drop_totp(self, person: Person) -> None:
        with self._logged(person.name, "no one-time codes", person.name, {"codes": False}):
            self.store.users.set_totp(person.name, None, frozenset())

    def add_passkey(self, key: Passkey) -> None:
        detail = {"label": key.label, "id": key.id, "public_key": key.public_key}
        with self._logged(key.user, "passkey", key.user, detail):
            self.store.passkeys.add(key)

    def remove_passkey(self, person: Person, key_id: str) -> None:
        with self.store.transaction():
            if self.store.passkeys.remove(person.name, key_id):
                self.write(person.name, "passkey removed", person.name, {"id": key_id})

    def end_session(self, person: Person, id_sha256: str) -> None:
        if id_sha256 in {row.id_sha256 for row in self.store.sessions.of(person.name)}:
            self.store.sessions.end(id_sha256)
            self.write(person.name, "session ended", person.name, {})

    def _user(self, name: str) -> User:
        found = self.store.users.get(name)
        if found is None:
            raise DecisionError(f"there is no user {name!r}")
        return found

    @contextmanager
    def _logged(
        self, by: str, verb: str, subject: str, detail: JsonObject | None = None
    ) -> Iterator[None]:
        """Let a change and its row be stored both or not at all: else it looks like a forgery."""
        with self.store.transaction():
            yield
            self.write(by, verb, subject, detail or {})

    def write(self, by: str, verb: str, subject: str, detail: JsonObject) -> None:
        self.store.audit.write(by, verb, subject, detail=detail, now=self.clock.now())


def totp_step(secret: str, code: str, now: datetime) -> int | None:
    """Return the time step of which a code is; None where it is of none, 30 s early or late."""
    totp, given = pyotp.TOTP(secret), code.replace(" ", "").encode()
    for step in (totp.timecode(now) + off for off in (0, -1, 1)):
        if secrets.compare_digest(totp.generate_otp(step).encode(), given):
            return step
    return None
