"""What people are to be told, where, and who hears it; and which workers are alive."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select, update

from bot.authority.tables import absence, notice, worker
from bot.canonical import JsonObject
from bot.content.zones import resolve
from bot.db.database import Repository, StoreContext
from bot.db.sqlite import make_private_directory
from bot.errors import DecisionError
from bot.masking import masked
from bot.settings.private import write_private

#: How often an embedded database gets a sign of life that says nothing new.
STORED_EVERY = timedelta(minutes=10)
#: Of a file in the folder of addresses.
_NAME = re.compile(r"\w[\w.-]*")


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

    def forget(self, name: str) -> None:
        """Forget a worker that ended in order: nobody misses its signs."""
        self._change(delete(worker).where(worker.c.name == name))

    def silent(self, now: datetime, after: timedelta) -> tuple[WorkerBeat, ...]:
        """Read which replicas did not end in order, and gave no sign for so long; for a day."""
        if self._db.is_sqlite:
            return ()  # the next one to start is its successor
        is_so = worker.c.beat_at.between(now - timedelta(days=1), now - after)
        return tuple(WorkerBeat(**row._mapping) for row in self._rows(select(worker).where(is_so)))

    def alive(self, now: datetime, within: timedelta) -> tuple[WorkerBeat, ...]:
        """Read who gave a sign of life lately, by name."""
        since = now - within - (STORED_EVERY if self._db.is_sqlite else timedelta(0))
        query = select(worker).where(worker.c.beat_at > since).order_by(worker.c.name)
        beats = [WorkerBeat(**row._mapping) for row in self._rows(query)]
        if beats and self._db.is_sqlite and self._sign.exists():
            seen = datetime.fromtimestamp(self._sign.stat().st_mtime, UTC)
            last = max(beats, key=lambda beat: beat.beat_at)
            beats[beats.index(last)] = replace(last, beat_at=max(last.beat_at, seen))
        return tuple(beat for beat in beats if beat.beat_at > now - within)


@dataclass(frozen=True, slots=True)
class Absence:
    """Somebody is away for a time; who stands in for them hears what waits, with own rights."""

    user: str
    substitute: str
    since: datetime
    until: datetime

    def lasts(self, now: datetime) -> bool:
        return self.since <= now < self.until


class Absences(Repository):
    """One row a user at most."""

    def all(self) -> dict[str, Absence]:
        """Read absences, by user; those that are over too."""
        columns = [absence.c[name] for name in Absence.__slots__]
        return {row.user: Absence(**row._mapping) for row in self._rows(select(*columns))}

    def put(self, new: Absence) -> None:
        """Store one, in the place of the user's before."""
        row = self._db.insert(absence).values(asdict(new))
        self._change(row.on_conflict_do_update(index_elements=[absence.c.user], set_=asdict(new)))

    def end(self, user: str) -> bool:
        return self._change(delete(absence).where(absence.c.user == user)) > 0


@dataclass(frozen=True, slots=True)
class Addresses:
    """A private file a user, outside the database: an address may hold a password."""

    folder: Path

    def get(self, user: str) -> str:
        """Read a user's address, which is masked from then on; empty where they have none."""
        if not _NAME.fullmatch(user):  # whoever writes the database must lead to no other file
            return ""
        try:
            address = (self.folder / user).read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return ""
        masked.add(address)
        return address

    def put(self, user: str, address: str) -> None:
        """Keep a user's address; an empty one forgets it."""
        if address:
            make_private_directory(self.folder)
            write_private(self.folder / user, address)
        else:
            (self.folder / user).unlink(missing_ok=True)


def absence_of(
    user: str, substitute: str, first: str, back: str, *, zone: ZoneInfo, now: datetime
) -> Absence:
    """Read local days: the first one away (empty is from now on), and the one they are back on.

    DecisionError where they are no days, not in order, or over already.
    """
    try:
        days = [date.fromisoformat(day) for day in (first, back) if day]
        moments = [resolve(datetime(day.year, day.month, day.day), zone).utc for day in days]  # noqa: DTZ001 - local
    except (ValueError, OverflowError):
        raise DecisionError("a day is written 2026-12-20") from None
    since, until = (now, *moments)[-2:] if back else (now, now)
    if not since < until or until <= now:
        raise DecisionError("name a day to come on which they are back, after the first one away")
    return Absence(user, substitute, since, until)


def hearers(
    people: Iterable[str],
    absences: Mapping[str, Absence],
    able: Iterable[str],
    now: datetime,
    *,
    needed: int = 1,
) -> Mapping[str, tuple[str, ...]]:
    """Return who hears of what waits for people, each with those in whose place they do.

    For who is away it is their substitute, where that one is away too theirs, if they may act on
    it. Who is away hears it themselves only where fewer than ``needed`` others would.
    """
    away = {name: each.substitute for name, each in absences.items() if each.lasts(now)}
    may_act, found = frozenset(able), dict[str, tuple[str, ...]]()
    left = []
    for name in people:
        stand_in = _last_of(name, away)
        if name not in away:
            found.setdefault(name, ())
        elif stand_in in may_act and stand_in != name:
            found[stand_in] = (*found.get(stand_in, ()), name)
        else:
            left.append(name)
    return found if len(found) >= needed else {**dict.fromkeys(left, ()), **found}


def _last_of(name: str, away: Mapping[str, str]) -> str:
    """Follow who stands in for whom; in a circle it ends at whoever comes first again."""
    passed = {name}
    while (following := away.get(name, name)) not in passed:
        passed.add(name := following)
    return following
