"""Snapshots of engagement, and follower counts: each number once, as it was told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Row, Update, select, update

from bot.db.database import Repository
from bot.delivery.model import State
from bot.delivery.tables import delivery
from bot.engagement.ages import KINDS
from bot.engagement.tables import follower, snapshot
from bot.platforms.status import Metrics

_S, _D = snapshot.c, delivery.c


class SnapshotState(StrEnum):
    """What came of a snapshot."""

    DUE = "DUE"
    TAKEN = "TAKEN"
    #: The platform did not answer in time.
    FAILED = "FAILED"
    #: The status is no longer there.
    GONE = "GONE"
    #: Not taken at its age: budget, or the bot was off.
    MISSED = "MISSED"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The numbers of one live status at one moment; never updated once taken."""

    delivery_id: str
    age_label: str
    due_at: datetime
    taken_at: datetime | None
    outcome: SnapshotState
    #: What it will be where its window ends before it is read.
    closes_as: SnapshotState
    reason: str
    #: All None unless it was taken.
    metrics: Metrics


class Snapshots(Repository):
    """One row for each age at which a delivery's numbers are read."""

    def schedule(self, delivery_id: str, dues: Mapping[str, datetime]) -> None:
        """Note when a delivery's numbers are to be read, by age; what is noted stays."""
        unread = {"state": SnapshotState.DUE, "closes_as": SnapshotState.MISSED, "reason": ""}
        statement = self._db.insert(snapshot).values(delivery_id=delivery_id, **unread)
        with self._db.write() as connection:
            for age, due in dues.items():
                row = statement.values(age_label=age, due_at=due)
                connection.execute(row.on_conflict_do_nothing())

    def unscheduled(self) -> tuple[tuple[str, str, datetime], ...]:
        """Return what is out and has no reads noted yet: (delivery, account, when it went out)."""
        noted = select(_S.delivery_id).where(_S.delivery_id == _D.id)
        query = select(_D.id, _D.account, _D.sent_at).where(
            _D.state == State.SENT, _D.sent_at.is_not(None), ~noted.exists()
        )
        with self._db.read() as connection:
            return tuple((row.id, row.account, row.sent_at) for row in connection.execute(query))

    def claim(self, due: Iterable[Snapshot], until: datetime) -> tuple[Snapshot, ...]:
        """Take reads for oneself until then; those that another worker has are left out.

        A worker that dies lets go of them by that: they are due again.
        """
        taken = []
        with self._db.write() as connection:
            for read in due:
                statement = _update_due(read.delivery_id, read.age_label)
                unclaimed = statement.where(_S.due_at == read.due_at).values(due_at=until)
                if connection.execute(unclaimed).rowcount == 1:
                    taken.append(read)
        return tuple(taken)

    def put_off(
        self, delivery_id: str, age: str, *, until: datetime, reason: str, closes_as: SnapshotState
    ) -> None:
        """Note why a read did not work, and when to try again."""
        values = {"due_at": until, "reason": reason, "closes_as": closes_as}
        with self._db.write() as connection:
            connection.execute(_update_due(delivery_id, age).values(values))

    def put(
        self,
        delivery_id: str,
        age: str,
        *,
        taken_at: datetime,
        metrics: Metrics | None = None,
        outcome: SnapshotState = SnapshotState.TAKEN,
        reason: str = "",
    ) -> bool:
        """Store what came of a snapshot; False where it was not due (any more)."""
        numbers = {kind: getattr(metrics, kind) for kind in KINDS} if metrics else {}
        values = {"taken_at": taken_at, "state": outcome, "reason": reason, **numbers}
        with self._db.write() as connection:
            return connection.execute(_update_due(delivery_id, age).values(values)).rowcount == 1

    def due(self, now: datetime) -> tuple[Snapshot, ...]:
        """Return what is to be read now, oldest first."""
        return self._read(_S.state == SnapshotState.DUE, _S.due_at <= now)

    def of(self, delivery_id: str) -> tuple[Snapshot, ...]:
        """Return all snapshots of a delivery, youngest age first."""
        return self._read(_S.delivery_id == delivery_id)

    def find(
        self, *, account: str | None = None, outcome: SnapshotState | None = None
    ) -> tuple[Snapshot, ...]:
        """Return snapshots, oldest first."""
        which = [_S.state == outcome] if outcome is not None else []
        if account is not None:
            which += [_S.delivery_id == _D.id, _D.account == account]
        return self._read(*which)

    def each(self) -> Iterator[Snapshot]:
        """Yield all snapshots, one delivery after another, in the memory of a page."""
        return map(
            _as_snapshot,
            self._each(select(snapshot).where(_S.delivery_id > ""), _S.delivery_id, _S.age_label),
        )

    def _read(self, *which: ColumnElement[bool]) -> tuple[Snapshot, ...]:
        query = select(snapshot).where(*which).order_by(_S.due_at, _S.delivery_id)
        return tuple(map(_as_snapshot, self._rows(query)))


def _as_snapshot(row: Row[Any]) -> Snapshot:
    return Snapshot(
        row.delivery_id, row.age_label, row.due_at, row.taken_at,
        SnapshotState(row.state), SnapshotState(row.closes_as), row.reason,
        Metrics(*(row._mapping[kind] for kind in KINDS)),
    )  # fmt: skip


def _update_due(delivery_id: str, age: str) -> Update:
    """Return an update of one read, if it is still due."""
    is_read = _S.delivery_id == delivery_id, _S.age_label == age
    return update(snapshot).where(*is_read, _S.state == SnapshotState.DUE)


class Followers(Repository):
    """How many follow an account, once a UTC day."""

    def put(self, account: str, count: int, now: datetime) -> None:
        """Store the day's count; the last one of a day stays."""
        day = now.astimezone(UTC).date().isoformat()
        row = self._db.insert(follower).values(account=account, day=day, count=count)
        key = [follower.c.account, follower.c.day]
        with self._db.write() as connection:
            connection.execute(row.on_conflict_do_update(index_elements=key, set_={"count": count}))

    def has(self, account: str, day: str) -> bool:
        """Return whether a day's count is there."""
        which = follower.c.account == account, follower.c.day == day
        return self._row(select(follower.c.day).where(*which)) is not None

    def of(self, account: str) -> Mapping[str, int]:
        """Read an account's counts by day (YYYY-MM-DD, UTC), oldest first."""
        query = select(follower.c.day, follower.c.count).where(follower.c.account == account)
        with self._db.read() as connection:
            return {row[0]: row[1] for row in connection.execute(query.order_by(follower.c.day))}
