"""Where a person is told what waits for them, and who hears it while they are away."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select

from bot.authority.tables import absence
from bot.content.zones import resolve
from bot.db.database import Repository
from bot.db.sqlite import make_private_directory
from bot.errors import DecisionError
from bot.masking import masked
from bot.settings import write_private

#: Of a file in the folder of addresses.
_NAME = re.compile(r"\w[\w.-]*")


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
        """Let a user be there again; False where they were not away."""
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

    def kind(self, user: str) -> str:
        """Return what kind of address it is, such as mailto; empty for none."""
        return self.get(user).partition(":")[0].lower()


def absence_of(
    user: str, substitute: str, first: str, back: str, *, zone: ZoneInfo, now: datetime
) -> Absence:
    """Read local days: the first one away (empty is from now on), and the one they are back on.

    Raises:
        DecisionError: they are no days, not in order, or over already.
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
