"""What people are to be told, and which workers are alive."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from bot.authority.tables import notice, worker
from bot.canonical import JsonObject
from bot.db.database import Repository


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
    """Signs of life, for `status` and the health check."""

    def beat(self, name: str, facts: JsonObject, now: datetime) -> None:
        """Store a sign of life."""
        values = {"facts": facts, "beat_at": now}
        row = self._db.insert(worker).values(name=name, **values)
        self._change(row.on_conflict_do_update(index_elements=[worker.c.name], set_=values))

    def alive(
        self, now: datetime, within: timedelta = timedelta(seconds=60)
    ) -> tuple[WorkerBeat, ...]:
        """Read who gave a sign of life lately, by name."""
        query = select(worker).where(worker.c.beat_at > now - within).order_by(worker.c.name)
        return tuple(WorkerBeat(**row._mapping) for row in self._rows(query))
