"""Who may use the dashboard, what each may do, and signing in."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from bot.authority.store import AuthorityStore
from bot.authority.user_table import User
from bot.canonical import JsonObject, sha256_hex
from bot.clock import Clock
from bot.errors import DecisionError


class Role(StrEnum):
    """What somebody is to the campaign; one person may be several."""

    VIEWER = "viewer"
    EDITOR = "editor"
    APPROVER = "approver"
    OPERATOR = "operator"


class Right(StrEnum):
    """What a page or a decision asks for."""

    LOOK = "look"
    CHECK = "check texts"
    PAUSE = "pause sending"
    RESUME = "resume sending"
    APPROVE = "approve posts"
    SETTLE = "settle held posts"
    CORRECT = "correct and retract"


_EVERYBODY = frozenset({Right.LOOK})
#: Whoever writes may also stop everything: stopping is always safe, starting again is not.
_WRITERS = _EVERYBODY | {Right.CHECK, Right.PAUSE}
RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.VIEWER: _EVERYBODY,
    Role.EDITOR: _WRITERS,
    Role.APPROVER: _WRITERS | {Right.APPROVE, Right.CORRECT},
    Role.OPERATOR: _WRITERS | {Right.RESUME, Right.SETTLE, Right.CORRECT},
}

#: ASVS 5.0 6.2.1 asks for 8 and prefers 15; there is no second factor here.
SHORTEST, LONGEST = 15, 1024
_FEWEST_DIFFERENT = 6
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}")
#: A session ends after this long without use, and after this long anyway (ASVS 5.0 7.3).
IDLE, ABSOLUTE = timedelta(minutes=30), timedelta(hours=12)
#: This many failures in a row, and nobody can sign in by that name for a while.
TRIES, WAIT = 5, timedelta(minutes=15)
_SEEN_EVERY = timedelta(minutes=1)
#: Passwords hashed at once: each takes 64 MiB.
_AT_ONCE = 2


class SignInError(DecisionError):
    """Nobody is signed in; the message does not tell whether there is such a user."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks for a page or decides something."""

    name: str
    roles: frozenset[Role]

    def may(self, right: Right) -> bool:
        return any(right in RIGHTS[role] for role in self.roles)


def _person(user: User) -> Person:
    return Person(user.name, frozenset(Role(role) for role in user.roles))


@dataclass(slots=True)
class Access:
    """Users, passwords (argon2id) and sessions; every change leaves an audit row."""

    store: AuthorityStore
    clock: Clock
    hasher: PasswordHasher = field(default_factory=PasswordHasher)
    _busy: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(_AT_ONCE))
    _nobody: str = ""

    def add(self, name: str, roles: frozenset[Role], password: str, *, by: str) -> Person:
        """Make a user.

        Raises:
            DecisionError: the name is taken or unfit, the password too weak, or no role is given.
        """
        if not _NAME.fullmatch(name):
            raise DecisionError(
                f"{name!r} is no name for a user: 2 to 40 of a-z, 0-9, full stop, _ and -"
            )
        if not roles:
            raise DecisionError(f"give {name} a role: {', '.join(Role)}")
        _prove_password(password, name)
        hashed = self._hash(password)
        self.store.users.add(name, frozenset(roles), hashed, self.clock.now())
        detail = {"roles": sorted(roles), "password_sha256": sha256_hex(hashed)}
        self._write(by, "user add", name, detail)
        return Person(name, roles)

    def set_password(self, name: str, password: str, *, by: str) -> None:
        """Give a user another password and sign them out everywhere."""
        _prove_password(password, name)
        hashed = self._hash(password)
        self.store.users.change(name, password_hash=hashed)
        self.store.sessions.end_all(name)
        self._write(by, "user password", name, {"password_sha256": sha256_hex(hashed)})

    def set_roles(self, name: str, roles: frozenset[Role], *, by: str) -> None:
        """Change what a user may do, from their next page on."""
        if not roles:
            raise DecisionError(f"give {name} a role, or remove the user")
        self.store.users.change(name, roles=frozenset(roles))
        self._write(by, "user roles", name, {"roles": sorted(roles)})

    def remove(self, name: str, *, by: str) -> None:
        """Take a user away and sign them out."""
        self.store.users.remove(name)
        self._write(by, "user remove", name, {})

    def sign_in(self, name: str, password: str) -> str:
        """Start a session; return its new, secret id (256 bits).

        Raises:
            SignInError: name or password is wrong, or there were too many tries.
        """
        name = name.strip().casefold()
        known, now = sha256_hex(name), self.clock.now()
        if self.store.sessions.failures(known, since=now - WAIT) >= TRIES:
            minutes = WAIT // timedelta(minutes=1)
            raise SignInError(f"too many tries; wait {minutes} minutes, then try again")
        user = self.store.users.get(name) if _NAME.fullmatch(name) else None
        if not self._verify(user, password) or user is None:
            count = self.store.sessions.fail(known, now, forget_before=now - WAIT)
            # A name that nobody has may be a password in the wrong place: it is not written down.
            if count == TRIES and user is not None:
                self._write("sign-in", "sign-in locked", user.name, {"failures": count})
            raise SignInError("this name and password do not belong together")
        self.store.sessions.forgive(known)
        self.store.sessions.sweep(started_before=now - ABSOLUTE, seen_before=now - IDLE)
        session = secrets.token_urlsafe(32)
        self.store.sessions.start(sha256_hex(session), user.name, now)
        self._write(user.name, "sign in", user.name, {})
        return session

    def person_of(self, session: str) -> Person | None:
        """Find who is signed in by a session's id; None where it is over or unknown."""
        key, now = sha256_hex(session), self.clock.now()
        row = self.store.sessions.get(key)
        if row is None:
            return None
        user = self.store.users.get(row.user)
        if user is None or now - row.started_at >= ABSOLUTE or now - row.seen_at >= IDLE:
            self.store.sessions.end(key)
            return None
        if now - row.seen_at >= _SEEN_EVERY:
            self.store.sessions.touch(key, now)
        return _person(user)

    def sign_out(self, session: str) -> None:
        """End one session."""
        self.store.sessions.end(sha256_hex(session))

    def sign_out_everywhere(self, name: str, *, by: str) -> int:
        """End all sessions of a user; return how many."""
        ended = self.store.sessions.end_all(name)
        self._write(by, "sign out everywhere", name, {"sessions": ended})
        return ended

    def new_feed_key(self, person: Person) -> str:
        """Return the secret for a person's calendar address; the one before it stops working."""
        key = secrets.token_urlsafe(32)
        self.store.users.change(person.name, feed_sha256=sha256_hex(key))
        self._write(person.name, "calendar address", person.name, {})
        return key

    def person_of_feed(self, key: str) -> Person | None:
        """Find whose calendar address has this secret."""
        user = self.store.users.of_feed(sha256_hex(key))
        return _person(user) if user else None

    def has_users(self) -> bool:
        return bool(self.store.users.all())

    def _hash(self, password: str) -> str:
        return self.hasher.hash(unicodedata.normalize("NFKC", password))

    def _verify(self, user: User | None, password: str) -> bool:
        """Compare, for the same time whether or not there is such a user."""
        if len(password) > LONGEST:
            return False
        if not self._busy.acquire(timeout=5):
            raise SignInError("too many people sign in just now; try again in a minute")
        try:
            self._nobody = self._nobody or self.hasher.hash(secrets.token_hex(16))
            stored = user.password_hash if user else self._nobody
            return self.hasher.verify(stored, unicodedata.normalize("NFKC", password))
        except VerificationError:
            return False
        finally:
            self._busy.release()

    def _write(self, by: str, verb: str, subject: str, detail: JsonObject) -> None:
        self.store.audit.write(by, verb, subject, detail=detail, now=self.clock.now())


def _prove_password(password: str, name: str) -> None:
    """Refuse what is guessed first; the DecisionError says what is asked for."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise DecisionError(f"a password has {SHORTEST} characters or more; four words will do")
    if len(set(password.casefold())) < _FEWEST_DIFFERENT:
        raise DecisionError("this password repeats few characters; take four words")
    if name in password.casefold():
        raise DecisionError("a password does not contain the user's name")
