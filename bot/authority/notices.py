"""What people are to be told, and which workers are alive."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select, update

from bot.authority.tables import notice, worker
from bot.canonical import JsonObject
from bot.db.database import Repository, StoreContext

#: How often an embedded database gets a sign of life that says nothing new.
STORED_EVERY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Notice:
    """What people were told of one cause."""

    key: str
    told_at: datetime
    #: What; empty once they heard that it is over.
    told: str


@dataclass(frozen=True, slots=True)
class WorkerBeat:
    """A worker's last sign of life."""

    name: str
    facts: JsonObject
    beat_at: datetime


class Notices(Repository):
    """What people were told, a cause a row; of several replicas one tells."""

    def all(self) -> dict[str, Notice]:
        """Read what people were told, by cause."""
        return {row.key: Notice(**row._mapping) for row in self._rows(select(notice))}

    def put(self, after: Notice, *, before: Notice | None) -> bool:
        """Write down what people are told now; False where another process was faster."""
        values = asdict(after)
        if before is None:
            row = self._db.insert(notice).values(values).on_conflict_do_nothing()
            with self._db.write() as connection:
                return connection.execute(row.returning(notice.c.key)).one_or_none() is not None
        same = (column == getattr(before, column.name) for column in notice.c)
        return self._change(update(notice).where(*same).values(values)) == 1

    def forget(self, key: str) -> None:
        """Leave out a cause that is over, and that people know to be."""
        self._change(delete(notice).where(notice.c.key == key))


class Workers(Repository):
    """Signs of life, for `status` and the health check.

    An embedded database has one service. Its signs between two that are stored are the time of a
    file, or an idle service would write half a gigabyte a day.
    """

    def __init__(self, context: StoreContext) -> None:
        super().__init__(context)
        self._sign = context.directory / "alive"
        self._stored: WorkerBeat | None = None

    def beat(self, name: str, facts: JsonObject, now: datetime) -> None:
        """Give a sign of life; what is told of the worker is stored where it differs."""
        last = self._stored
        if (
            self._db.is_sqlite
            and last
            and (last.name, last.facts) == (name, facts)
            and (timedelta(0) <= now - last.beat_at < STORED_EVERY)
        ):
            self._sign.touch()
            os.utime(self._sign, (now.timestamp(), now.timestamp()))
            return
        self._stored = WorkerBeat(name, facts, now)
        values = {"facts": facts, "beat_at": now}
        row = self._db.insert(worker).values(name=name, **values)
        self._change(row.on_conflict_do_update(index_elements=[worker.c.name], set_=values))

    def prune(self, before: datetime) -> int:
        """Forget workers that were silent since; return how many. Each start is a new one."""
        return self._change(delete(worker).where(worker.c.beat_at < before))

    def alive(
        self, now: datetime, within: timedelta = timedelta(seconds=60)
    ) -> tuple[WorkerBeat, ...]:
        """Read who gave a sign of life lately, by name."""
        since = now - within - (STORED_EVERY if self._db.is_sqlite else timedelta(0))
        query = select(worker).where(worker.c.beat_at > since).order_by(worker.c.name)
        beats = [WorkerBeat(**row._mapping) for row in self._rows(query)]
        if beats and self._db.is_sqlite and self._sign.exists():
            seen = datetime.fromtimestamp(self._sign.stat().st_mtime, UTC)
            last = max(beats, key=lambda beat: beat.beat_at)
            beats[beats.index(last)] = replace(last, beat_at=max(last.beat_at, seen))
        return tuple(beat for beat in beats if beat.beat_at > now - within)
