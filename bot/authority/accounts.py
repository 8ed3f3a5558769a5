"""Accounts: since when they take part, whether they are stopped, what their servers said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update

from bot.authority.reasons import StopReason
from bot.authority.tables import account as accounts
from bot.canonical import JsonObject
from bot.content.model import Account
from bot.db.repository import Repository
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
                if name not in known:
                    connection.execute(accounts.insert().values(_new(name, platform, now)))
                elif known[name] is not None:
                    back = {"added_at": now, "removed_at": None, "platform": platform}
                    connection.execute(update(accounts).where(_A.name == name).values(back))
            gone = _A.name.not_in(list(wanted)), _A.removed_at.is_(None)
            connection.execute(update(accounts).where(*gone).values(removed_at=now))

    def get(self, name: str) -> AccountState | None:
        """Find an account."""
        query = select(accounts).where(_A.name == name)
        with self._db.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _as_state(row)

    def all(self) -> tuple[AccountState, ...]:
        """Read all accounts that the schedule names, by name."""
        query = select(accounts).where(_A.removed_at.is_(None)).order_by(_A.name)
        with self._db.read() as connection:
            return tuple(_as_state(row) for row in connection.execute(query))

    def stop(self, name: str, reason: StopReason, detail: str, now: datetime) -> bool:
        """Send nothing there until a person says so; False where it is stopped already."""
        values = {"stopped_at": now, "stopped_reason": reason, "stopped_detail": detail}
        return self._set(name, values, only=_A.stopped_at.is_(None))

    def start(self, name: str, now: datetime) -> bool:
        """Let an account send again; False where it was not stopped."""
        del now  # the audit log says when
        values = {"stopped_at": None, "stopped_reason": None, "stopped_detail": ""}
        return self._set(name, values, only=_A.stopped_at.is_not(None))

    def remember(
        self,
        name: str,
        *,
        remote_id: str | None = None,
        limits: Limits | None = None,
        profile: JsonObject | None = None,
    ) -> None:
        """Keep what the account's server said; what is not given stays."""
        values: dict[str, Any] = {}
        if remote_id is not None:
            values["remote_id"] = remote_id
        if limits is not None:
            values["limits"] = asdict(limits)
        if profile is not None:
            values["profile"] = profile
        if values:
            self._set(name, values, only=None)

    def _set(self, name: str, values: dict[str, Any], *, only: Any) -> bool:
        with self._db.write() as connection:
            if connection.execute(select(_A.name).where(_A.name == name)).one_or_none() is None:
                raise DecisionError(f"no account is called {name!r}")
            statement = update(accounts).where(_A.name == name).values(values)
            changed = connection.execute(statement if only is None else statement.where(only))
            return changed.rowcount == 1


def _new(name: str, platform: str, now: datetime) -> dict[str, Any]:
    return {
        "name": name,
        "platform": platform,
        "added_at": now,
        "stopped_detail": "",
        "remote_id": "",
        "profile": {},
    }


def _as_state(row: Row[Any]) -> AccountState:
    values = {name: row._mapping[name] for name in AccountState.__slots__}
    # Older databases have keys besides that mean nothing any more.
    known = {name: row.limits[name] for name in Limits.__slots__} if row.limits else {}
    limits = row.limits and Limits(**{**known, "picture_mimes": tuple(known["picture_mimes"])})
    return AccountState(**{**values, "limits": limits or None})
