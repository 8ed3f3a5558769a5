"""Accounts: since when they take part, whether they are stopped, what their servers said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, select, true, update

from bot.authority.tables import StopReason
from bot.authority.tables import account as accounts
from bot.canonical import JsonObject
from bot.content.model import Account
from bot.db.database import Repository
from bot.errors import DecisionError
from bot.platforms.spec import Limits

_A = accounts.c


@dataclass(frozen=True, slots=True)
class AccountState:
    """What the bot knows of an account besides what the schedule says."""

    name: str
    platform: str
    #: It gets only occurrences after this.
    added_at: datetime
    #: When the schedule stopped naming it; None while it does.
    removed_at: datetime | None
    #: None while it may send.
    stopped_reason: StopReason | None
    #: For people: why it is stopped; empty while it may send.
    stopped_detail: str
    stopped_at: datetime | None
    #: The platform's own id of it; empty before the first look.
    remote_id: str
    #: What its server said fits; None before the first look.
    limits: Limits | None
    profile: JsonObject


class Accounts(Repository):
    """One row an account that the schedule ever named."""

    def sync(self, named: Iterable[Account], now: datetime) -> None:
        """Note which accounts the schedule names; one that comes back counts as new."""
        wanted = {account.name: account.platform for account in named}
        with self._db.write() as connection:
            known = {row.name: row.removed_at for row in connection.execute(select(accounts))}
            for name, platform in wanted.items():
                current = {"platform": platform, "added_at": now, "removed_at": None}
                if name not in known:
                    connection.execute(accounts.insert().values(name=name, **current))
                elif known[name] is not None:
                    connection.execute(update(accounts).where(_A.name == name).values(current))
            gone = _A.name.not_in(list(wanted)), _A.removed_at.is_(None)
            connection.execute(update(accounts).where(*gone).values(removed_at=now))

    def get(self, name: str) -> AccountState | None:
        """Find an account."""
        row = self._row(select(accounts).where(_A.name == name))
        return None if row is None else _as_state(row)

    def all(self) -> tuple[AccountState, ...]:
        """Read all accounts that the schedule names, by name."""
        query = select(accounts).where(_A.removed_at.is_(None)).order_by(_A.name)
        return tuple(map(_as_state, self._rows(query)))

    def stop(self, name: str, reason: StopReason, detail: str, now: datetime) -> bool:
        """Send nothing there until a person says so; False where it is stopped already."""
        values = {"stopped_at": now, "stopped_reason": reason, "stopped_detail": detail}
        return self._set(name, values, only=_A.stopped_at.is_(None))

    def start(self, name: str) -> bool:
        """Let an account send again; False where it was not stopped."""
        values = {"stopped_at": None, "stopped_reason": None, "stopped_detail": ""}
        return self._set(name, values, only=_A.stopped_at.is_not(None))

    def remember(
        self,
        name: str,
        *,
        profile: JsonObject,
        remote_id: str | None = None,
        limits: Limits | None = None,
    ) -> None:
        """Keep what the account's server said; what is not given stays."""
        values: dict[str, Any] = {"profile": profile}
        if remote_id is not None:
            values["remote_id"] = remote_id
        if limits is not None:
            values["limits"] = asdict(limits)
        self._set(name, values, only=true())

    def _set(self, name: str, values: dict[str, Any], *, only: ColumnElement[bool]) -> bool:
        with self._db.write() as connection:
            if connection.execute(select(_A.name).where(_A.name == name)).one_or_none() is None:
                raise DecisionError(f"no account is called {name!r}")
            statement = update(accounts).where(_A.name == name, only).values(values)
            return connection.execute(statement).rowcount == 1


def _as_state(row: Row[Any]) -> AccountState:
    values = {name: row._mapping[name] for name in AccountState.__slots__}
    if row.limits:
        # A database that is older may have keys that mean nothing any more.
        known = {name: row.limits[name] for name in Limits.__slots__}
        values["limits"] = Limits(**{**known, "picture_mimes": tuple(known["picture_mimes"])})
    return AccountState(**values)
