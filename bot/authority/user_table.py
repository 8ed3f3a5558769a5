"""Users of the dashboard, their sessions, and sign-ins that failed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, select, update

from bot.authority.tables import login_failure, session, user
from bot.db.database import Repository
from bot.db.errors import ConflictError
from bot.errors import DecisionError

_U = user.c
_S = session.c
_F = login_failure.c


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may sign in."""

    name: str
    roles: frozenset[str]
    password_hash: str
    #: Of the secret in their calendar's address; None before they asked for one.
    feed_sha256: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A sign-in that has not ended."""

    id_sha256: str
    user: str
    started_at: datetime
    seen_at: datetime


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
        """Find a user by name."""
        row = self._row(select(user).where(_U.name == name))
        return None if row is None else _as_user(row)

    def of_feed(self, feed_sha256: str) -> User | None:
        """Find whose calendar's address has a secret, by its hash."""
        row = self._row(select(user).where(_U.feed_sha256 == feed_sha256))
        return None if row is None else _as_user(row)

    def all(self) -> tuple[User, ...]:
        """Read all users, by name."""
        return tuple(map(_as_user, self._rows(select(user).order_by(_U.name))))

    def change(
        self,
        name: str,
        *,
        roles: frozenset[str] | None = None,
        password_hash: str | None = None,
        feed_sha256: str | None = None,
    ) -> None:
        """Change what is given; DecisionError where there is no such user."""
        values = {
            "roles": None if roles is None else _joined(roles),
            "password_hash": password_hash,
            "feed_sha256": feed_sha256,
        }
        wanted = {key: value for key, value in values.items() if value is not None}
        if self._change(update(user).where(_U.name == name).values(wanted)) != 1:
            raise DecisionError(f"there is no user {name!r}")

    def remove(self, name: str) -> None:
        """Take a user away and sign them out; DecisionError where there is no such user."""
        with self._db.write() as connection:
            connection.execute(delete(session).where(_S.user == name))
            if connection.execute(delete(user).where(_U.name == name)).rowcount != 1:
                raise DecisionError(f"there is no user {name!r}")


class Sessions(Repository):
    """Sign-ins by the hash of their id: who reads the database cannot use one."""

    def start(self, id_sha256: str, name: str, now: datetime) -> None:
        """Note that a user signed in."""
        row = session.insert().values(id_sha256=id_sha256, user=name, started_at=now, seen_at=now)
        self._change(row)

    def get(self, id_sha256: str) -> SessionRow | None:
        """Find a session."""
        row = self._row(select(session).where(_S.id_sha256 == id_sha256))
        return None if row is None else SessionRow(**row._mapping)

    def touch(self, id_sha256: str, now: datetime) -> None:
        """Note that it was used."""
        self._change(update(session).where(_S.id_sha256 == id_sha256).values(seen_at=now))

    def end(self, id_sha256: str) -> None:
        """Sign out."""
        self._change(delete(session).where(_S.id_sha256 == id_sha256))

    def end_all(self, name: str) -> int:
        """Sign a user out everywhere; return how many sessions ended."""
        return self._change(delete(session).where(_S.user == name))

    def sweep(self, *, started_before: datetime, seen_before: datetime) -> None:
        """Forget what is over anyway."""
        over = (_S.started_at < started_before) | (_S.seen_at < seen_before)
        self._change(delete(session).where(over))

    def failures(self, name_sha256: str, since: datetime) -> int:
        """Count sign-ins in a row that failed, the last one since then."""
        query = select(_F.count).where(_F.name_sha256 == name_sha256, _F.last_at >= since)
        row = self._row(query)
        return 0 if row is None else int(row[0])

    def fail(self, name_sha256: str, now: datetime, *, forget_before: datetime) -> int:
        """Count a sign-in that failed; return how many there are in a row now."""
        values = {"name_sha256": name_sha256, "count": 1, "last_at": now}
        counted = (
            self._db.insert(login_failure)
            .values(values)
            .on_conflict_do_update(
                index_elements=[_F.name_sha256], set_={"count": _F.count + 1, "last_at": now}
            )
        )
        with self._db.write() as connection:
            connection.execute(delete(login_failure).where(_F.last_at < forget_before))
            return int(connection.execute(counted.returning(_F.count)).scalar_one())

    def forgive(self, name_sha256: str) -> None:
        """Start counting anew, after one that did not fail."""
        self._change(delete(login_failure).where(_F.name_sha256 == name_sha256))


def _joined(roles: frozenset[str]) -> str:
    return " ".join(sorted(roles))


def _as_user(row: Row[Any]) -> User:
    return User(**{**row._mapping, "roles": frozenset(row.roles.split())})
