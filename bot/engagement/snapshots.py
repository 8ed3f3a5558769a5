"""Snapshots of engagement, and follower counts: each number once, as it was told."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, ScalarSelect, Update, func, select, update

from bot.db.database import Repository
from bot.delivery.lifecycle import OUT
from bot.delivery.tables import UNNOTED, delivery, publication
from bot.engagement.ages import AGES, JUDGED_AGES, KINDS, added, age_of, engagements
from bot.engagement.tables import follower, reading, snapshot
from bot.platforms.status import Metrics, status_from_json

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


#: Reads by delivery and age.
Reads = Mapping[tuple[str, str], Snapshot]


def numbers_of(
    ids: Sequence[str], reads: Reads
) -> tuple[dict[str, Metrics], dict[str, datetime], dict[str, tuple[SnapshotState, str]]]:
    """Add up the reads of a publication's parts that went out, in their order.

    Returns:
        By age: numbers that were read of all parts, when they were read, and what came of it
        where there are none (outcome and reason).
    """
    numbers: dict[str, Metrics] = {}
    taken_at: dict[str, datetime] = {}
    blanks: dict[str, tuple[SnapshotState, str]] = {}
    for age in AGES:
        found = [reads[id_, age] for id_ in ids if (id_, age) in reads]
        blank = next((read for read in found if read.outcome is not SnapshotState.TAKEN), None)
        if blank is not None:
            blanks[age] = blank.outcome, blank.reason
        elif len(found) == len(ids):
            numbers[age] = added(read.metrics for read in found)
            taken_at[age] = max(read.taken_at for read in found if read.taken_at)
    return numbers, taken_at, blanks


def by_delivery(rows: Iterable[Row[Any]]) -> Reads:
    """Return the reads that rows of `snapshot` are."""
    return {(row.delivery_id, row.age_label): _as_snapshot(row) for row in rows}


class Snapshots(Repository):
    """One row for each age at which a delivery's numbers are read."""

    def schedule(self, delivery_id: str, dues: Mapping[str, datetime]) -> None:
        """Note when a delivery's numbers are to be read, by age; what is noted stays."""
        noted = update(delivery).where(_D.id == delivery_id, _D.sent_at.is_not(None))
        unread = {"state": SnapshotState.DUE, "closes_as": SnapshotState.MISSED, "reason": ""}
        statement = self._db.insert(snapshot).values(delivery_id=delivery_id, **unread)
        with self._db.write() as connection:
            for age, due in dues.items():
                row = statement.values(age_label=age, due_at=due)
                connection.execute(row.on_conflict_do_nothing())
            connection.execute(noted.values(reads_noted=1))
            self._sum_up(connection, delivery_id)

    def unscheduled(self) -> Sequence[Row[Any]]:
        """Return id, account, state and time of what is, or was, out and has no reads noted yet."""
        return self._rows(select(_D.id, _D.account, _D.state, _D.sent_at).where(UNNOTED))

    def catch_up(self) -> None:
        """Let `reading` have what went out since reads were last noted."""
        for row in self.unscheduled():
            with self._db.write() as connection:
                self._sum_up(connection, row.id)

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
        self._change(_update_due(delivery_id, age).values(values))

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
            changed = connection.execute(_update_due(delivery_id, age).values(values)).rowcount
            self._sum_up(connection, delivery_id)
        return changed == 1

    def due(self, now: datetime) -> tuple[Snapshot, ...]:
        """Return what is to be read now, oldest first."""
        return self._read(_S.state == SnapshotState.DUE, _S.due_at <= now)

    def of(self, delivery_id: str) -> tuple[Snapshot, ...]:
        """Return all snapshots of a delivery, youngest age first."""
        return self._read(_S.delivery_id == delivery_id)

    def to_come(self, account: str) -> tuple[Snapshot, ...]:
        """Return what is yet to be read of an account, soonest first."""
        is_its = _S.delivery_id == _D.id, _D.account == account
        return self._read(_S.state == SnapshotState.DUE, *is_its)

    def each(self) -> Iterator[Snapshot]:
        """Yield all snapshots, one delivery after another, in the memory of a page."""
        every = select(snapshot).where(_S.delivery_id > "")
        return map(_as_snapshot, self._each(every, _S.delivery_id, _S.age_label))

    def _sum_up(self, connection: Connection, delivery_id: str) -> None:
        """Write what all parts of a delivery's publication come to; nothing while none is out."""
        own = select(_D.publication_id).where(_D.id == delivery_id).scalar_subquery()
        # Two that read two parts of a thread at once must see each other's numbers.
        connection.execute(
            select(publication.c.id).where(publication.c.id == own).with_for_update()
        )
        query = select(_D.id, _D.publication_id, _D.account, _D.sent_at, _D.status_json).where(
            _D.publication_id == own, _D.state.in_(OUT), _D.sent_at.is_not(None)
        )
        parts = connection.execute(query.order_by(_D.part)).all()
        if not parts:
            return
        ids, first = [part.id for part in parts], parts[0]
        rows = connection.execute(select(snapshot).where(_S.delivery_id.in_(ids)))
        numbers, taken_at, _blanks = numbers_of(ids, by_delivery(rows))
        counts = {age: engagements(known) for age, known in numbers.items()}
        shown, age = {age: known.impressions for age, known in numbers.items()}, age_of(numbers)
        day = first.sent_at.astimezone(UTC).date().isoformat()
        known_then = follower.c.account == first.account, follower.c.day <= day
        followers = select(follower.c.count).where(*known_then).order_by(follower.c.day.desc())
        values = {
            "sent_at": first.sent_at,
            "lang": status_from_json(first.status_json).lang,
            "followers": connection.execute(followers.limit(1)).scalar_one_or_none(),
            "age": age,
            "as_of": taken_at.get(age),
            "count": counts.get(age),
            "shown": shown.get(age),
            **{f"count_{age}": counts.get(age) for age in AGES},
            **{f"shown_{age}": shown.get(age) for age in JUDGED_AGES},
        }
        key, id_ = reading.c.publication_id, first.publication_id
        known = select(*(reading.c[name] for name in values)).where(key == id_)
        row = connection.execute(known).one_or_none()
        # What is judged is made anew once anything is written.
        if row is None or dict(row._mapping) != values:
            values["change"] = _next_change()
            new = self._db.insert(reading).values(publication_id=id_, **values)
            connection.execute(new.on_conflict_do_update(index_elements=[key], set_=values))

    def _read(self, *which: ColumnElement[bool]) -> tuple[Snapshot, ...]:
        query = select(snapshot).where(*which).order_by(_S.due_at, _S.delivery_id)
        return tuple(map(_as_snapshot, self._rows(query)))


def _as_snapshot(row: Row[Any]) -> Snapshot:
    known = row._mapping  # made anew whenever it is asked for
    return Snapshot(
        row.delivery_id, row.age_label, row.due_at, row.taken_at,
        SnapshotState(row.state), SnapshotState(row.closes_as), row.reason,
        Metrics(*(known[kind] for kind in KINDS)),
    )  # fmt: skip


def _update_due(delivery_id: str, age: str) -> Update:
    """Return an update of one read, if it is still due."""
    is_read = _S.delivery_id == delivery_id, _S.age_label == age
    return update(snapshot).where(*is_read, _S.state == SnapshotState.DUE)


def _next_change() -> ScalarSelect[int]:
    return select(func.coalesce(func.max(reading.c.change), 0) + 1).scalar_subquery()


def _midnight(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


class Followers(Repository):
    """How many follow an account, once a UTC day."""

    def put(self, account: str, count: int, now: datetime) -> None:
        """Store the day's count; the last one of a day stays."""
        day = now.astimezone(UTC).date().isoformat()
        row = self._db.insert(follower).values(account=account, day=day, count=count)
        key = [follower.c.account, follower.c.day]
        later = select(func.min(follower.c.day)).where(
            follower.c.account == account, follower.c.day > day
        )
        ours = select(publication.c.id).where(
            publication.c.id == reading.c.publication_id, publication.c.account == account
        )
        with self._db.write() as connection:
            connection.execute(row.on_conflict_do_update(index_elements=key, set_={"count": count}))
            until = connection.execute(later).scalar_one()
            # Until the next count, if there is one.
            then = [reading.c.sent_at >= _midnight(day), ours.exists()]
            then += [reading.c.sent_at < _midnight(until)] if until else []
            # Two that write here at once must see what the other one counted up to.
            connection.execute(select(reading.c.change).where(*then).with_for_update())
            values = {"followers": count, "change": _next_change()}
            is_new = reading.c.followers.is_distinct_from(count)
            connection.execute(update(reading).where(*then, is_new).values(values))

    def last(self, account: str, since: date, until: date) -> int | None:
        """Return the newest count of these days (UTC), both included; None where there is none."""
        days = follower.c.day.between(since.isoformat(), until.isoformat())
        query = select(follower.c.count).where(follower.c.account == account, days)
        row = self._row(query.order_by(follower.c.day.desc()).limit(1))
        return None if row is None else int(row[0])

    def of(self, account: str) -> Mapping[str, int]:
        """Read an account's counts by day (YYYY-MM-DD, UTC), oldest first."""
        query = select(follower.c.day, follower.c.count).where(follower.c.account == account)
        with self._db.read() as connection:
            return {row[0]: row[1] for row in connection.execute(query.order_by(follower.c.day))}
