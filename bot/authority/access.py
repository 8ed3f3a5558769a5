"""Users, and what each of them signs in with; every change leaves an audit row."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pyotp

from bot.authority.contacts import Absence
from bot.authority.passwords import Passwords, prove_strong
from bot.authority.store import AuthorityStore
from bot.authority.user_table import Passkey, Token, User
from bot.authority.users import Person, Role
from bot.canonical import JsonObject, sha256_hex
from bot.clock import Clock
from bot.errors import DecisionError

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}")
#: A token of the command line ends after this.
TOKEN_LIFE = timedelta(days=90)
_RECOVERY_CODES = 8
#: So that secret scanners know one.
_TOKEN_START = "verbatim_"  # noqa: S105 - the beginning of all tokens is no secret


@dataclass(frozen=True, slots=True)
class Access:
    """Makes, changes and removes users, and what they sign in with."""

    store: AuthorityStore
    clock: Clock
    passwords: Passwords = field(default_factory=Passwords)

    def add(self, name: str, roles: frozenset[Role], password: str, *, by: str) -> Person:
        """Make a user; the first one must be able to make others.

        Raises:
            DecisionError: the name is taken or unfit, the password too weak, or no role is given.
        """
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
        """Find who has a name now."""
        user = self.store.users.get(name)
        return Person.of(user) if user else None

    def has_users(self) -> bool:
        """Whether anybody can sign in."""
        return bool(self.store.users.all())

    def set_password(self, name: str, password: str, *, by: str, session: str = "") -> None:
        """Give a user another password; nothing else signs them in but ``session`` and passkeys."""
        prove_strong(password, name)
        hashed = self.passwords.hash(password)
        with self._logged(by, "user password", name, {"password_sha256": sha256_hex(hashed)}):
            self.store.users.change(name, password_hash=hashed)
            self.store.devices.forget(name)
            self.store.sessions.end_all(name, but=sha256_hex(session))
            self._revoke_tokens(name, by=by)

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
        """Forget what a lost device knows: codes, passkeys, tokens, sessions; not the password."""
        self._user(name)
        with self._logged(by, "user reset", name, {"codes": False}):
            self.store.users.set_totp(name, None, frozenset())
            self.store.passkeys.remove(name)
            self.store.tokens.remove(name)
            self.store.devices.forget(name)
            self.store.sessions.end_all(name)

    def _keep_an_operator(self, name: str, roles: Iterable[Role]) -> None:
        """Refuse to be left without anybody who may change users: the next would be a stranger."""
        operators = {user.name for user in self.store.users.all() if Role.OPERATOR in user.roles}
        if operators == {name} and Role.OPERATOR not in roles:
            raise DecisionError(f"{name} is the only operator; make another one first")

    def sign_out_everywhere(self, name: str, *, by: str) -> int:
        """End all sessions and tokens of a user, and know none of their devices.

        The answer is how many sessions.
        """
        with self.store.transaction():
            ended = self.store.sessions.end_all(name)
            self.store.devices.forget(name)
            self._revoke_tokens(name, by=by)
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
        """Let somebody else hear what waits for a user meanwhile, with rights of their own.

        Raises:
            DecisionError: there is no such user, or the substitute could not answer for them.
        """
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
        """Let a user hear again themselves what waits for them."""
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
        """Return when a token stops standing for its user."""
        return token.created_at + TOKEN_LIFE

    def revoke_token(self, person: Person, sha256: str) -> None:
        """Let a token of theirs stand for nobody any more."""
        with self.store.transaction():
            self._revoke_token(person.name, sha256, by=person.name)

    def _revoke_tokens(self, name: str, *, by: str) -> None:
        for token in self.store.tokens.of(name):
            self._revoke_token(name, token.sha256, by=by)

    def _revoke_token(self, name: str, sha256: str, *, by: str) -> None:
        if self.store.tokens.remove(name, sha256):
            self.write(by, "token revoked", name, {"id": sha256})

    def set_totp(self, person: Person, secret: str, code: str) -> tuple[str, ...]:
        """Ask this person for one-time codes from now on; return their recovery codes, this once.

        Raises:
            DecisionError: the code is not one of this secret, so their device has another.
        """
        step = totp_step(secret, code, self.clock.now())
        if step is None:
            raise DecisionError("this code does not fit; is the clock of your device right?")
        codes = tuple(secrets.token_hex(14) for _ in range(_RECOVERY_CODES))
        with self._logged(person.name, "one-time codes", person.name, {"codes": True}):
            self.store.users.set_totp(person.name, secret, frozenset(map(sha256_hex, codes)))
            self.store.users.take_step(person.name, step)
        return codes

    def drop_totp(self, person: Person) -> None:
        """Ask for no one-time codes any more."""
        with self._logged(person.name, "no one-time codes", person.name, {"codes": False}):
            self.store.users.set_totp(person.name, None, frozenset())

    def add_passkey(self, key: Passkey) -> None:
        """Let a passkey stand for its user."""
        detail = {"label": key.label, "id": key.id, "public_key": key.public_key}
        with self._logged(key.user, "passkey", key.user, detail):
            self.store.passkeys.add(key)

    def remove_passkey(self, person: Person, key_id: str) -> None:
        """Let one of their passkeys stand for nobody any more."""
        with self.store.transaction():
            if self.store.passkeys.remove(person.name, key_id):
                self.write(person.name, "passkey removed", person.name, {"id": key_id})

    def end_session(self, person: Person, id_sha256: str) -> None:
        """End one of a person's own sessions."""
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
        """Leave an audit row."""
        self.store.audit.write(by, verb, subject, detail=detail, now=self.clock.now())


def totp_step(secret: str, code: str, now: datetime) -> int | None:
    """Return the time step of which a code is; None where it is of none, 30 s early or late."""
    totp, given = pyotp.TOTP(secret), code.replace(" ", "").encode()
    for step in (totp.timecode(now) + off for off in (0, -1, 1)):
        if secrets.compare_digest(totp.generate_otp(step).encode(), given):
            return step
    return None
