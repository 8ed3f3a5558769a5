"""Moments that the schedule allows: slots and yearly days, expanded to UTC instants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.content.model import EveryYear, Pause, Schedule, Slot
from bot.content.zones import LocalTimeKind, ResolvedTime, resolve


@dataclass(frozen=True, slots=True)
class SlotTime:
    """One moment of a slot."""

    slot: str
    #: Naive local time; with the slot's name it is what makes the moment one.
    local: datetime
    instant: ResolvedTime

    @property
    def utc(self) -> datetime:
        return self.instant.utc


def dates(first: date, last: date) -> Iterator[date]:
    """Yield every day, both included."""
    for day in range((last - first).days + 1):
        yield first + timedelta(days=day)


def slot_times(slot: Slot, *, zone: ZoneInfo, first: date, last: date) -> Iterator[SlotTime]:
    """Yield a slot's moments on these local days, in order; a repeated hour counts once.

    A moment that falls into a skipped hour is yielded with `LocalTimeKind.GAP`: checks refuse it.
    """
    for day in dates(first, last):
        if day.weekday() not in slot.weekdays or day in slot.skip:
            continue
        for at in sorted(slot.times):
            local = datetime.combine(day, at)
            yield SlotTime(slot.name, local, resolve(local, zone))


def yearly_times(
    rule: EveryYear, *, zone: ZoneInfo, first: date, last: date
) -> Iterator[tuple[int, ResolvedTime]]:
    """Yield (year, instant) of each day that the rule names; 29 February only in leap years."""
    for year in range(first.year, last.year + 1):
        day = _day(year, *rule.on)
        if day is not None and first <= day <= last:
            yield year, resolve(datetime.combine(day, rule.at), zone)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def gaps(schedule: Schedule, *, first: date, last: date) -> Iterator[SlotTime]:
    """Yield the moments of all slots that no clock will show."""
    zone = ZoneInfo(schedule.timezone)
    for slot in schedule.slots.values():
        for moment in slot_times(slot, zone=zone, first=first, last=last):
            if moment.instant.kind is LocalTimeKind.GAP:
                yield moment


def pause_on(pauses: tuple[Pause, ...], day: date) -> Pause | None:
    """Find the planned pause that covers a local day."""
    return next((pause for pause in pauses if pause.first <= day <= pause.last), None)
