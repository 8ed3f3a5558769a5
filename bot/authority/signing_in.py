"""Signing in and proving oneself again; who fails too often waits, and nobody else does."""

import ipaddress
import secrets
from dataclasses import dataclass
from datetime import timedelta

from bot.authority.access import NAME, Access, totp_step
from bot.authority.user_table import SessionRow, User
from bot.authority.users import Person, SignInError, TooManyTriesError
from bot.canonical import sha256_hex
from bot.log import get_logger

log = get_logger(__name__)

#: A session ends after this long without use, and after this long anyway (ASVS 5.0 7.3).
IDLE, ABSOLUTE = timedelta(minutes=30), timedelta(hours=12)
#: This many failures in a row, and an address or a device waits.
TRIES, WAIT = 5, timedelta(minutes=15)
#: A password or passkey that was given this long ago still counts for what needs one again.
FRESH = timedelta(minutes=10)
#: A browser is known for this long after its last sign-in.
KNOWN = timedelta(days=180)
_SEEN_EVERY = timedelta(minutes=1)
_LONGEST_AGENT = 200
#: Addresses of one network are one: whoever has an IPv6 address has 2^64 of them.
_NETWORK = 64


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whose browser asks."""

    address: str = ""
    #: The secret of its cookie, from an earlier sign-in.
    device: str = ""
    #: The browser, in its own words.
    agent: str = ""


@dataclass(frozen=True, slots=True)
class NewSession:
    """What the browser keeps: secrets of 256 bits, of which the database has the hash."""

    session: str
    device: str


@dataclass(frozen=True, slots=True)
class SignIn:
    """Starts, finds and ends sessions.

    Failures are counted by address, or by device where this user signed in from it before. So
    nobody can lock a name, and no stranger the browser of somebody who works there.
    """

    access: Access

    def with_password(self, name: str, password: str, code: str, visitor: Visitor) -> NewSession:
        """Start a session; SignInError where anything is wrong, or after too many tries."""
        name = name.strip().casefold()
        store, since = self.access.store, self.access.clock.now() - KNOWN
        user = store.users.get(name) if NAME.fullmatch(name) else None
        device, network = sha256_hex(visitor.device), network_of(visitor.address)
        is_known = user is not None and store.devices.is_known(device, name, since)
        source = _key("device", visitor.device) if is_known else _key("address", network)
        proved = self._proved(user, password, code, source, is_known=is_known)
        return self.start(proved.name, visitor)

    def start(self, name: str, visitor: Visitor) -> NewSession:
        """Start a session of somebody who has proved who they are."""
        store, now = self.access.store, self.access.clock.now()
        session = secrets.token_urlsafe(32)
        is_known = store.devices.is_known(sha256_hex(visitor.device), name, now - KNOWN)
        device = visitor.device if is_known else secrets.token_urlsafe(32)
        store.sessions.sweep(started_before=now - ABSOLUTE, seen_before=now - IDLE)
        agent = visitor.agent[:_LONGEST_AGENT]
        store.sessions.add(SessionRow(sha256_hex(session), name, now, now, now, agent))
        store.devices.note(sha256_hex(device), name, now, forget_before=now - KNOWN)
        # Not of an address: whoever has an account must not guess at those of others with it.
        store.failures.forgive(_key("device", device))
        store.audit.write(name, "sign in", name, now=now)
        return NewSession(session, device)

    def prove_again(self, session: str, password: str, code: str) -> None:
        """Note that they gave their password again, or SignInError; five wrong ones end it."""
        row = self._row(session)
        user = self.access.store.users.get(row.user) if row else None
        if not self._proves(user, password, code, is_known=True):
            store, now = self.access.store, self.access.clock.now()
            if store.failures.add(_key("session", session), now, forget_before=now - WAIT) >= TRIES:
                self.sign_out(session)
            raise SignInError("password and code do not belong together")
        self.note_proof(session)

    def note_proof(self, session: str) -> None:
        self.access.store.failures.forgive(_key("session", session))
        self.access.store.sessions.note(sha256_hex(session), proved_at=self.access.clock.now())

    def is_proved(self, session: str) -> bool:
        """Whether this session's user gave a password or a passkey a short while ago."""
        row = self._row(session)
        return row is not None and self.access.clock.now() - row.proved_at < FRESH

    def prove(self, name: str, password: str, code: str) -> Person:
        """Return who has this name and password, or SignInError; for the command line."""
        user, source = self.access.store.users.get(name), _key("terminal", name)
        proved = self._proved(user, password, code, source, is_known=True)
        self.access.store.failures.forgive(source)
        return Person.of(proved)

    def person_of(self, session: str) -> Person | None:
        """Find who is signed in by a session's id; None where it is over or unknown."""
        store, now = self.access.store, self.access.clock.now()
        row = self._row(session)
        if row is None:
            return None
        person = self.access.person(row.user)
        if person is None or now - row.started_at >= ABSOLUTE or now - row.seen_at >= IDLE:
            store.sessions.end(row.id_sha256)
            return None
        if now - row.seen_at >= _SEEN_EVERY:
            store.sessions.note(row.id_sha256, seen_at=now)
        return person

    def sign_out(self, session: str) -> None:
        self.access.store.sessions.end(sha256_hex(session))

    def _row(self, session: str) -> SessionRow | None:
        return self.access.store.sessions.get(sha256_hex(session))

    def _proved(
        self, user: User | None, password: str, code: str, source: str, *, is_known: bool
    ) -> User:
        """Return the user where password and code are theirs; SignInError counts by the source."""
        store, minutes = self.access.store, WAIT // timedelta(minutes=1)
        if store.failures.count(source, self.access.clock.now() - WAIT) >= TRIES:
            raise TooManyTriesError(f"too many tries; wait {minutes} minutes, then try again")
        if self._proves(user, password, code, is_known=is_known) and user is not None:
            return user
        now = self.access.clock.now()
        count = store.failures.add(source, now, forget_before=now - WAIT)
        # A name that nobody has may be a password in the wrong place: it is not written down.
        name = user.name if user else ""
        log.warning("sign-in failed", user=name, source=source[:12], count=count)
        if user is not None:
            store.audit.write("sign-in", "sign-in failed", name, detail={"row": count}, now=now)
        raise SignInError("name, password and code do not belong together")

    def _proves(self, user: User | None, password: str, code: str, *, is_known: bool) -> bool:
        """Whether the password is theirs, and a code new, or one for recovery, then used up."""
        stored, users = user.password_hash if user else None, self.access.store.users
        is_theirs = self.access.passwords.matches(stored, password, is_known=is_known)
        if user is None or not is_theirs or user.totp_secret is None:
            return is_theirs
        step = totp_step(user.totp_secret, code, self.access.clock.now())
        if step is not None:
            return users.take_step(user.name, step)
        return users.take_recovery(user, sha256_hex(code.strip().lower()))


def _key(kind: str, value: str) -> str:
    return sha256_hex(f"{kind} {value}")


def network_of(address: str) -> str:
    """Return what counts as one address: itself, or the network of an IPv6 one."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if known.version == 6 and not known.ipv4_mapped:
        return str(ipaddress.ip_network((known, _NETWORK), strict=False))
    return str(known.ipv4_mapped or known) if known.version == 6 else str(known)
