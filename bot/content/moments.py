"""When a post is due: what an editor typed, as one UTC instant, with whatever is odd about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.content.model import EveryYear
from bot.content.slots import yearly_times
from bot.content.zones import LocalTimeKind, resolve
from bot.errors import Severity

#: Further ahead a date is more likely a mistake than a plan.
FAR = timedelta(days=731)

#: How bad, which rule, and what to do.
Remark = tuple[Severity, str, str]


@dataclass(frozen=True, slots=True)
class Due:
    """An instant in UTC; None where the local time does not exist."""

    utc: datetime | None
    remarks: tuple[Remark, ...] = ()


def due(moment: datetime, *, zone: ZoneInfo, now: datetime, confirmed: bool) -> Due:
    """Resolve a naive moment of the schedule's zone, or one with its own offset."""
    found = _local(moment, zone) if moment.tzinfo is None else _with_offset(moment, zone)
    if found.utc is None:
        return found
    return Due(found.utc, (*found.remarks, *_far_or_past(found.utc, now, confirmed)))


def yearly(rule: EveryYear, *, zone: ZoneInfo, now: datetime) -> Iterator[Remark]:
    """Remark on a day that does not come every year, or on a time that does not come on it."""
    if rule.on == (2, 29):
        yield Severity.NOTICE, "leap-day", "02-29 comes in leap years only"
    first = now.astimezone(zone).date()
    for year, instant in yearly_times(rule, zone=zone, first=first, last=first + FAR):
        if instant.kind is LocalTimeKind.GAP:
            local = datetime.combine(date(year, *rule.on), rule.at)
            yield Severity.ERROR, "time-skipped", gap(local, instant.utc, zone)


def gap(local: datetime, utc: datetime, zone: ZoneInfo) -> str:
    """Say that a clock change skips a local time."""
    return (
        f"{local:%Y-%m-%d %H:%M} does not exist in {zone.key}, where clocks go forward; "
        f"write {utc.astimezone(zone):%H:%M}, or another time"
    )


def _local(local: datetime, zone: ZoneInfo) -> Due:
    instant = resolve(local, zone)
    if instant.kind is LocalTimeKind.GAP:
        return Due(None, ((Severity.ERROR, "time-skipped", gap(local, instant.utc, zone)),))
    if instant.kind is LocalTimeKind.ONCE:
        return Due(instant.utc)
    first, second = (_offset_of(local.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
    message = (
        f"{local:%Y-%m-%d %H:%M} comes twice in {zone.key}; the first is taken "
        f"({first}), write {second} behind it for the second"
    )
    return Due(instant.utc, ((Severity.WARNING, "time-twice", message),))


def _with_offset(moment: datetime, zone: ZoneInfo) -> Due:
    utc, there = moment.astimezone(UTC), moment.astimezone(zone)
    if there.utcoffset() == moment.utcoffset():
        return Due(utc)
    message = (
        f"{moment:%Y-%m-%d %H:%M} with this offset is {there:%Y-%m-%d %H:%M} in "
        f"{zone.key} ({_offset_of(there)}); if that is not meant, leave the offset out"
    )
    return Due(utc, ((Severity.WARNING, "zone-offset", message),))


def _far_or_past(utc: datetime, now: datetime, confirmed: bool) -> Iterator[Remark]:
    if utc < now:
        yield Severity.WARNING, "time-past", "is past, so nothing is sent for it any more"
    if utc > now + FAR and not confirmed:
        yield (
            Severity.ERROR,
            "time-far",
            f"{utc:%Y-%m-%d} is more than two years ahead; if that is meant, add `confirm: true`",
        )


def _offset_of(moment: datetime) -> str:
    return f"{moment:%z}"[:3] + ":" + f"{moment:%z}"[3:5]
