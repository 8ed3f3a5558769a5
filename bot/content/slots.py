"""When posts may go out: slots, yearly days, an editor's own moments, and an account's caps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.content.model import Account, EveryYear, Pause, Slot
from bot.content.zones import LocalTimeKind, ResolvedTime, resolve
from bot.errors import Severity

#: Further ahead a date is more likely a mistake than a plan.
FAR = timedelta(days=731)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

#: What is odd about a moment: how bad, which rule, and what to do.
TimeProblem = tuple[Severity, str, str]


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


def slot_times(slot: Slot, *, zone: ZoneInfo, first: date, last: date) -> Iterator[SlotTime]:
    """Yield a slot's moments on these local days, in order; a repeated hour counts once.

    A moment that falls into a skipped hour is yielded with `LocalTimeKind.GAP`: checks refuse it.
    """
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        if day.weekday() in slot.weekdays and day not in slot.skip:
            for at in sorted(slot.times):
                local = datetime.combine(day, at)
                yield SlotTime(slot.name, local, resolve(local, zone))


def yearly_times(
    rule: EveryYear, *, zone: ZoneInfo, first: date, last: date
) -> Iterator[tuple[int, ResolvedTime]]:
    """Yield (year, instant) of each day that the rule names; 29 February only in leap years."""
    for year in range(first.year, last.year + 1):
        try:
            day = date(year, *rule.on)
        except ValueError:
            continue
        if first <= day <= last:
            yield year, resolve(datetime.combine(day, rule.at), zone)


def yearly_problems(rule: EveryYear, *, zone: ZoneInfo, now: datetime) -> Iterator[TimeProblem]:
    """Yield what is odd: a day that does not come every year, a time that does not come on it."""
    if rule.on == (2, 29):
        yield Severity.NOTICE, "leap-day", "02-29 comes in leap years only"
    first = now.astimezone(zone).date()
    for year, instant in yearly_times(rule, zone=zone, first=first, last=first + FAR):
        if instant.kind is LocalTimeKind.GAP:
            local = datetime.combine(date(year, *rule.on), rule.at)
            yield Severity.ERROR, "time-skipped", skipped(local, instant.utc, zone)


def due(
    moment: datetime, *, zone: ZoneInfo, now: datetime, confirmed: bool
) -> tuple[datetime | None, list[TimeProblem]]:
    """Return the instant in UTC, None where the local time does not exist, and what is odd.

    Args:
        moment: Naive for a time of the zone, aware where it has its own offset.
    """
    utc, problems = _local(moment, zone) if moment.tzinfo is None else _with_offset(moment, zone)
    if utc and utc < now:
        message = "is past, so nothing is sent for it any more; write a time to come"
        problems.append((Severity.WARNING, "time-past", message))
    if utc and utc > now + FAR and not confirmed:
        far = f"{utc:%Y-%m-%d} is more than two years ahead"
        message = f"{far}; if that is meant, add `confirm: true`"
        problems.append((Severity.ERROR, "time-far", message))
    return utc, problems


def _local(local: datetime, zone: ZoneInfo) -> tuple[datetime | None, list[TimeProblem]]:
    instant = resolve(local, zone)
    if instant.kind is LocalTimeKind.GAP:
        return None, [(Severity.ERROR, "time-skipped", skipped(local, instant.utc, zone))]
    if instant.kind is LocalTimeKind.ONCE:
        return instant.utc, []
    first, second = (_offset_of(local.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
    message = (
        f"{local:%Y-%m-%d %H:%M} comes twice in {zone.key}; the first is taken "
        f"({first}), write {second} behind it for the second"
    )
    return instant.utc, [(Severity.WARNING, "time-twice", message)]


def _with_offset(moment: datetime, zone: ZoneInfo) -> tuple[datetime, list[TimeProblem]]:
    utc, there = moment.astimezone(UTC), moment.astimezone(zone)
    if there.utcoffset() == moment.utcoffset():
        return utc, []
    message = (
        f"{moment:%Y-%m-%d %H:%M} with this offset is {there:%Y-%m-%d %H:%M} in "
        f"{zone.key} ({_offset_of(there)}); if that is not meant, leave the offset out"
    )
    return utc, [(Severity.WARNING, "zone-offset", message)]


def skipped(local: datetime, utc: datetime, zone: ZoneInfo) -> str:
    """Return the message for a local time that a clock change skips."""
    return (
        f"{local:%Y-%m-%d %H:%M} does not exist in {zone.key}, where clocks go forward; "
        f"write {utc.astimezone(zone):%H:%M}, or another time"
    )


def _offset_of(moment: datetime) -> str:
    return f"{moment:%z}"[:3] + ":" + f"{moment:%z}"[3:5]


def pause_on(pauses: tuple[Pause, ...], day: date) -> Pause | None:
    """Find the planned pause that covers a local day."""
    return next((pause for pause in pauses if pause.first <= day <= pause.last), None)


def caps_of(account: Account) -> tuple[tuple[int, timedelta, str], ...]:
    """List an account's caps: how many posts, in which time, and the key that says so."""
    caps = (account.max_per_hour, HOUR, "max_per_hour"), (account.max_per_day, DAY, "max_per_day")
    return tuple((most, span, key) for most, span, key in caps if most)


def free_at(account: Account, begun: Sequence[datetime], now: datetime) -> datetime:
    """Return from when on one more post keeps all caps; ``now`` where it does so at once.

    Args:
        begun: When the account's posts went out, or may have, in order.
    """
    moments = [now]
    for most, span, _key in caps_of(account):
        lately = [at for at in begun if now - span < at]
        if len(lately) >= most:
            moments.append(lately[-most] + span)
    return max(moments)
