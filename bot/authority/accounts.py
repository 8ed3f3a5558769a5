"""Accounts and the content in force: what servers said, what is stopped, what is trusted."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.authority.tables import StopReason, account_stop, content_tree, trust
from bot.authority.tables import account as accounts
from bot.canonical import JsonObject
from bot.content.model import Account
from bot.db.database import Repository
from bot.errors import DecisionError
from bot.platforms.spec import Destination, Limits

_A, _S = accounts.c, account_stop.c
#: Trees that are kept, the one in force included.
_KEPT = 20


@dataclass(frozen=True, slots=True)
class AccountState:
    """What the bot knows of an account besides what the schedule says."""

    name: str
    platform: str
    #: It gets only occurrences after this.
    added_at: datetime
    #: When the schedule stopped naming it; None while it does.
    removed_at: datetime | None
    #: Why no call is made for it, and in words; each is lifted on its own.
    stops: Mapping[StopReason, str]
    #: The platform's own id of it; empty before the first look.
    remote_id: str
    #: What its server said fits; None before the first look.
    limits: Limits | None
    profile: JsonObject

    def abilities_at(self, destination: Destination) -> Mapping[str, bool]:
        """Return what a probe saw there; nothing where it saw another server."""
        seen = self.profile.get("probe", {})
        return seen["abilities"] if seen.get("of") == str(destination) else {}

    @property
    def stopped_detail(self) -> str:
        """Return for people why it is stopped; empty while it is not."""
        return "; ".join(self.stops.values())


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
        return next(iter(self._find(_A.name == name)), None)

    def all(self) -> tuple[AccountState, ...]:
        """Read all accounts that the schedule names, by name."""
        return self._find(_A.removed_at.is_(None))

    def _find(self, which: ColumnElement[bool]) -> tuple[AccountState, ...]:
        rows = self._rows(_states().where(which))
        return tuple(_as_state(list(of_one)) for _, of_one in groupby(rows, lambda row: row.name))

    def stop(self, name: str, reason: StopReason, detail: str, now: datetime) -> None:
        """Let no call be made for an account until a person lifts this reason."""
        with self._db.write() as connection:
            write_stop(connection, name, reason, detail, now)

    def start(self, name: str, *reasons: StopReason) -> None:
        """Lift these reasons; any other one stays."""
        self._change(delete(account_stop).where(_S.account == name, _S.reason.in_(reasons)))

    def remember(
        self, name: str, *, profile: JsonObject | None = None, **values: str | JsonObject
    ) -> None:
        """Keep what the account's server said of it; what is not given stays.

        Without a ``remote_id``, the next look tells which account it must be on its platform.
        """
        if profile is not None:
            known = self.get(name)
            values["profile"] = {**(known.profile if known else {}), **profile}
        if not self._change(update(accounts).where(_A.name == name).values(values)):
            raise DecisionError(f"no account is called {name!r}")


@cache
def _states() -> Select[Any]:
    """Return the query of all accounts with what stops each; made once, as it is asked often."""
    stops = _S.reason.label("stop"), _S.detail.label("stop_detail")
    query = select(accounts, *stops).outerjoin_from(accounts, account_stop, _S.account == _A.name)
    return query.order_by(_A.name, _S.at, _S.reason)


def write_stop(
    connection: Connection, name: str, reason: StopReason, detail: str, now: datetime
) -> None:
    """Stop an account in the transaction of whoever found out; its words are the newest."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    row = dialect.insert(account_stop).values(account=name, reason=reason, detail=detail, at=now)
    keys = (_S.account, _S.reason)
    connection.execute(row.on_conflict_do_update(index_elements=keys, set_={"detail": detail}))


def _as_state(rows: Sequence[Row[Any]]) -> AccountState:
    """Make one account of its rows, one for each stop."""
    row = rows[0]
    values: dict[str, Any] = {column.name: row._mapping[column.name] for column in _A}
    values["stops"] = {each.stop: each.stop_detail for each in rows if each.stop is not None}
    if row.limits:
        # A database that is older may have keys that mean nothing any more.
        known = {name: row.limits[name] for name in Limits.__slots__ if name in row.limits}
        lists = {name: tuple(each) for name, each in known.items() if isinstance(each, list)}
        values["limits"] = Limits(**{**known, **lists})
    return AccountState(**values)


class ContentTrees(Repository):
    """Content is applied as a whole tree or not at all."""

    def apply(
        self, tree_sha256: str, files: Mapping[str, str], now: datetime, commit: str = ""
    ) -> bool:
        """Put a tree into force; False where it is in force already."""
        latest = select(content_tree.c.id).order_by(content_tree.c.id.desc())
        with self._db.write() as connection:
            newest = latest.limit(1).with_only_columns(content_tree.c.tree_sha256)
            if connection.execute(newest).scalar_one_or_none() == tree_sha256:
                return False
            values = {"tree_sha256": tree_sha256, "files": dict(files), "applied_at": now}
            values["commit"] = commit
            connection.execute(content_tree.insert().values(values))
            kept = list(connection.execute(latest.limit(_KEPT)).scalars())
            connection.execute(delete(content_tree).where(content_tree.c.id < kept[-1]))
            return True

    def last(self) -> tuple[str, Mapping[str, str]] | None:
        """Read the tree in force: its hash, and its files' texts by path."""
        row = self._row(select(content_tree).order_by(content_tree.c.id.desc()).limit(1))
        return None if row is None else (row.tree_sha256, row.files)

    def last_commit(self) -> str:
        """Return the newest signed commit that was in force; empty before there is one."""
        has_commit = select(content_tree.c.commit).where(content_tree.c.commit != "")
        row = self._row(has_commit.order_by(content_tree.c.id.desc()).limit(1))
        return row.commit if row else ""


class Trust(Repository):
    """What was recorded of the configuration, and by whom; a change needs the operator."""

    def recorded(self) -> JsonObject | None:
        """Read what is trusted; None before the first start."""
        row = self._row(select(trust.c.recorded).order_by(trust.c.id.desc()).limit(1))
        return None if row is None else row.recorded

    def record(self, recorded: JsonObject, by: str, now: datetime) -> None:
        """Trust this from now on; what was trusted before is kept."""
        self._change(trust.insert().values(recorded=recorded, by=by, at=now))
