"""What people are to be told, and which workers are alive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, select, true, update

from bot.authority.tables import notice, worker
from bot.canonical import JsonObject
from bot.db.database import Repository


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that is so and that people should know."""

    key: str
    text: str
    raised_at: datetime
    #: None before people were told.
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class WorkerBeat:
    """A worker's last sign of life."""

    name: str
    facts: JsonObject
    beat_at: datetime


class Notices(Repository):
    """One notice a key is open at a time, so that nobody is told twice of one thing."""

    def raise_(self, key: str, text: str, now: datetime) -> bool:
        """Open a notice; False where it is open (its text is then brought up to date)."""
        row = self._db.insert(notice).values(key=key, text=text, raised_at=now)
        with self._db.write() as connection:
            added = connection.execute(row.on_conflict_do_nothing().returning(notice.c.key))
            if added.one_or_none() is not None:
                return True
            connection.execute(update(notice).where(notice.c.key == key).values(text=text))
            return False

    def clear(self, key: str) -> bool:
        """Close a notice: it is no longer so. False where it was not open."""
        return self._change(delete(notice).where(notice.c.key == key)) == 1

    def open(self) -> tuple[Notice, ...]:
        """Read what is so, oldest first."""
        return self._find(true())

    def unsent(self) -> tuple[Notice, ...]:
        """Read what people have not been told, oldest first."""
        return self._find(notice.c.sent_at.is_(None))

    def mark_sent(self, key: str, now: datetime) -> None:
        """Note that people were told."""
        self._change(update(notice).where(notice.c.key == key).values(sent_at=now))

    def _find(self, which: ColumnElement[bool]) -> tuple[Notice, ...]:
        query = select(notice).where(which).order_by(notice.c.raised_at, notice.c.key)
        return tuple(Notice(**row._mapping) for row in self._rows(query))


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
