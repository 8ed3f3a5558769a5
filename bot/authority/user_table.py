"""Users with what they sign in with: sessions, devices, passkeys and tokens as they are stored.

`tables` says what each field is.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar

from sqlalchemy import Column, Row, Table, delete, or_, select, update

from bot.authority.tables import device, passkey, session, sign_in_failure, token, user
from bot.canonical import sha256_hex
from bot.db.database import Repository
from bot.errors import ConflictError, DecisionError

_U = user.c
_S = session.c
_D = device.c
_P = passkey.c
_F = sign_in_failure.c


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may sign in."""

    name: str
    roles: frozenset[str]
    password_hash: str
    feed_sha256: str | None
    totp_secret: str | None
    totp_step: int | None
    recovery: frozenset[str]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A sign-in that has not ended."""

    id_sha256: str
    user: str
    started_at: datetime
    seen_at: datetime
    proved_at: datetime
    agent: str


@dataclass(frozen=True, slots=True)
class Passkey:
    """A key pair in a user's device, of which this is the public half."""

    id: str
    user: str
    label: str
    origin: str
    public_key: str
    sign_count: int
    created_at: datetime

    @property
    def code(self) -> str:
        """Short code of the public key, which people compare by voice."""
        digest = sha256_hex(self.public_key)[:20]
        return "-".join(digest[at : at + 4] for at in range(0, 20, 4))


@dataclass(frozen=True, slots=True)
class Token:
    """What stands for a user on the command line."""

    sha256: str
    user: str
    label: str
    created_at: datetime


class Users(Repository):
    """One row a user."""

    def add(self, name: str, roles: frozenset[str], password_hash: str, now: datetime) -> None:
        """Store a new user; DecisionError where the name is taken."""
        row = user.insert().values(
            name=name, roles=_joined(roles), password_hash=password_hash, created_at=now
        )
        try:
            self._change(row)
        except ConflictError as error:
            raise DecisionError(f"there is a user {name!r} already") from error

    def get(self, name: str) -> User | None:
        row = self._row(select(user).where(_U.name == name))
        return None if row is None else _as_user(row)

    def of_feed(self, feed_sha256: str) -> User | None:
        row = self._row(select(user).where(_U.feed_sha256 == feed_sha256))
        return None if row is None else _as_user(row)

    def all(self) -> tuple[User, ...]:
        """Read all users, by name."""
        return tuple(map(_as_user, self._rows(select(user).order_by(_U.name))))

    def change(self, name: str, *, roles: frozenset[str] | None = None, **columns: str) -> None:
        """Change what is given; DecisionError where there is no such user."""
        wanted = columns if roles is None else {**columns, "roles": _joined(roles)}
        if self._change(update(user).where(_U.name == name).values(wanted)) != 1:
            raise DecisionError(f"there is no user {name!r}")

    def set_totp(self, name: str, secret: str | None, recovery: frozenset[str]) -> None:
        """Ask for codes of this secret from now on, or for none."""
        values = {"totp_secret": secret, "totp_step": None, "recovery": _joined(recovery)}
        self._change(update(user).where(_U.name == name).values(values))

    def take_step(self, name: str, step: int) -> bool:
        """Note that the code of a time step was used; False where it, or a later one, was."""
        unused = or_(_U.totp_step.is_(None), _U.totp_step < step)
        return self._change(update(user).where(_U.name == name, unused).values(totp_step=step)) == 1

    def take_recovery(self, known: User, code_sha256: str) -> bool:
        """Use up a recovery code; False where it is not, or no longer, one of theirs."""
        if code_sha256 not in known.recovery:
            return False
        same = _U.recovery == _joined(known.recovery)  # nobody used one meanwhile
        left = update(user).where(_U.name == known.name, same)
        values = {"recovery": _joined(known.recovery - {code_sha256})}
        return self._change(left.values(values)) == 1

    def remove(self, name: str) -> None:
        """Take a user away with all that is theirs; DecisionError where there is no such user."""
        with self._db.write() as connection:
            for table in (session, device, passkey, token):
                connection.execute(delete(table).where(table.c.user == name))
            if connection.execute(delete(user).where(_U.name == name)).rowcount != 1:
                raise DecisionError(f"there is no user {name!r}")


_Owned = TypeVar("_Owned", SessionRow, Passkey, Token)


class _OwnedRows(Repository, Generic[_Owned]):
    """What a user may have several of: rows as values of one class, each with a key."""

    _table: ClassVar[Table]
    _order: ClassVar[tuple[Any, ...]]
    _kind: type[_Owned]

    def add(self, row: _Owned) -> None:
        """Store one."""
        self._change(self._table.insert().values(asdict(row)))

    def get(self, key: str) -> _Owned | None:
        row = self._row(select(self._table).where(self._key == key))
        return None if row is None else self._kind(**row._mapping)

    def of(self, name: str) -> tuple[_Owned, ...]:
        """Read all of a user's, in their order."""
        query = select(self._table).where(self._table.c.user == name).order_by(*self._order)
        return tuple(self._kind(**row._mapping) for row in self._rows(query))

    def remove(self, name: str, key: str | None = None) -> int:
        """Remove one of a user's, or all; return how many."""
        which = [self._table.c.user == name] + ([] if key is None else [self._key == key])
        return self._change(delete(self._table).where(*which))

    @property
    def _key(self) -> Column[Any]:
        return self._table.primary_key.columns[0]


class Sessions(_OwnedRows[SessionRow]):
    """Sign-ins by the hash of their id (who reads the database cannot use one), latest first."""

    _table, _kind, _order = session, SessionRow, (_S.seen_at.desc(),)

    def note(self, id_sha256: str, **moments: datetime) -> None:
        """Note when it was used, or its user gave a password or a passkey again."""
        self._change(update(session).where(_S.id_sha256 == id_sha256).values(moments))

    def end(self, id_sha256: str) -> None:
        self._change(delete(session).where(_S.id_sha256 == id_sha256))

    def end_all(self, name: str, *, but: str = "") -> int:
        """Sign a user out everywhere, or everywhere else; return how many sessions ended."""
        return self._change(delete(session).where(_S.user == name, _S.id_sha256 != but))

    def sweep(self, *, started_before: datetime, seen_before: datetime) -> None:
        over = (_S.started_at < started_before) | (_S.seen_at < seen_before)
        self._change(delete(session).where(over))


class SignInFailures(Repository):
    """Sign-ins that failed, by the hash of what they came from."""

    def count(self, who_sha256: str, since: datetime) -> int:
        """Count those in a row, the last one since then."""
        row = self._row(select(_F.count).where(_F.who_sha256 == who_sha256, _F.last_at >= since))
        return 0 if row is None else int(row[0])

    def add(self, who_sha256: str, now: datetime, *, forget_before: datetime) -> int:
        """Count one more; return how many there are in a row now."""
        values = {"who_sha256": who_sha256, "count": 1, "last_at": now}
        counted = (
            self._db.insert(sign_in_failure)
            .values(values)
            .on_conflict_do_update(
                index_elements=[_F.who_sha256], set_={"count": _F.count + 1, "last_at": now}
            )
        )
        with self._db.write() as connection:
            connection.execute(delete(sign_in_failure).where(_F.last_at < forget_before))
            return int(connection.execute(counted.returning(_F.count)).scalar_one())

    def forgive(self, who_sha256: str) -> None:
        """Start counting anew, after one that did not fail."""
        self._change(delete(sign_in_failure).where(_F.who_sha256 == who_sha256))


class Devices(Repository):
    """Browsers from which somebody has signed in, by the hash of a secret in their cookie."""

    def is_known(self, id_sha256: str, name: str, since: datetime) -> bool:
        """Whether this user signed in from there since then."""
        query = select(_D.user).where(_D.id_sha256 == id_sha256, _D.user == name)
        return self._row(query.where(_D.seen_at >= since)) is not None

    def note(self, id_sha256: str, name: str, now: datetime, *, forget_before: datetime) -> None:
        row = self._db.insert(device).values(id_sha256=id_sha256, user=name, seen_at=now)
        self._change(delete(device).where(_D.seen_at < forget_before))
        self._change(
            row.on_conflict_do_update(index_elements=[*device.primary_key], set_={"seen_at": now})
        )

    def forget(self, name: str) -> None:
        self._change(delete(device).where(_D.user == name))


class Passkeys(_OwnedRows[Passkey]):
    """Public keys of users' passkeys by the id of their credential, oldest first."""

    _table, _kind, _order = passkey, Passkey, (_P.created_at, _P.id)

    def add(self, row: Passkey) -> None:
        """Store one; DecisionError where somebody has it already."""
        try:
            super().add(row)
        except ConflictError as error:
            raise DecisionError("this passkey is in use already") from error

    def count_up(self, key_id: str, sign_count: int) -> None:
        """Keep what its authenticator counts, which shows a copied one."""
        self._change(update(passkey).where(_P.id == key_id).values(sign_count=sign_count))


class Tokens(_OwnedRows[Token]):
    """Tokens of the command line by their hash, oldest first."""

    _table, _kind, _order = token, Token, (token.c.created_at,)


def _joined(words: frozenset[str]) -> str:
    return " ".join(sorted(words))


def _as_user(row: Row[Any]) -> User:
    sets = {
        "roles": frozenset(row.roles.split()),
        "recovery": frozenset((row.recovery or "").split()),
    }
    return User(**{**row._mapping, **sets})
