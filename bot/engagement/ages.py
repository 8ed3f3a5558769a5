"""Ages at which numbers are read, when each read is due, and what the numbers of a post are."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta

from bot.platforms.status import Metrics

#: What platforms tell of a status.
KINDS = tuple(field.name for field in fields(Metrics))
#: Label -> how long after it went out.
AGES: Mapping[str, timedelta] = {
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "24h": timedelta(hours=24),
    "72h": timedelta(hours=72),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
#: Posts are judged at this age at most: nearly all has happened, and later reads are rare.
JUDGED_UP_TO = "7d"
JUDGED_AGES = tuple(AGES)[: tuple(AGES).index(JUDGED_UP_TO) + 1]
#: A read this share of the age early or late still counts as that age.
TOLERANCE = 0.1
#: Room before midnight for the read to happen, and for clocks to differ.
_BEFORE_MIDNIGHT = timedelta(minutes=4)


def window(sent_at: datetime, age: str) -> tuple[datetime, datetime]:
    """Return the moments between which a read counts as that age; both included."""
    after = AGES[age]
    return sent_at + after * (1 - TOLERANCE), sent_at + after * (1 + TOLERANCE)


def due_times(sent_at: datetime, *, in_few_days: bool = False) -> Mapping[str, datetime]:
    """Return when each age's numbers are to be read.

    ``in_few_days`` moves reads inside their windows so that they fall on as few UTC days as can
    be: a status may be billed once a day however often it is read. (The fewest points that hit a
    set of intervals: take each interval's end, in the order of the ends.)
    """
    dues = {age: sent_at + after for age, after in AGES.items()}
    days: dict[date, list[str]] = {}
    for age in AGES if in_few_days else ():  # windows end in the order of the ages
        early, late = window(sent_at, age)
        known = (day for day in days if _reach(day, early, late))
        last = (late - _BEFORE_MIDNIGHT).astimezone(UTC).date()
        days.setdefault(next(known, last), []).append(age)
    for day, ages in days.items():
        for age in ages if len(ages) > 1 else ():
            if reach := _reach(day, *window(sent_at, age)):
                dues[age] = min(max(dues[age], reach[0]), reach[1])
    return dues


def _reach(day: date, early: datetime, late: datetime) -> tuple[datetime, datetime] | None:
    """Return the part of a window that lies well inside a UTC day."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    start, end = max(early, midnight), min(late, midnight + timedelta(days=1) - _BEFORE_MIDNIGHT)
    return (start, end) if start <= end else None


def engagements(numbers: Metrics) -> int | None:
    """Add up likes, reposts, replies and quotes; None unless likes, reposts and replies are told.

    A platform (or an older server) without quotes does not tell their number: none are missing.
    """
    if numbers.likes is None or numbers.reposts is None or numbers.replies is None:
        return None
    return numbers.likes + numbers.reposts + numbers.replies + (numbers.quotes or 0)


def age_of(numbers: Mapping[str, Metrics]) -> str:
    """Return the oldest age at which numbers can be judged; empty where there is none yet."""
    known = (age for age in reversed(JUDGED_AGES) if age in numbers)
    return next((age for age in known if engagements(numbers[age]) is not None), "")


def added(parts: Iterable[Metrics]) -> Metrics:
    """Add up the parts of a thread; a number that one part lacks is untold for the whole."""
    every = list(parts)
    return Metrics(*(total(getattr(part, kind) for part in every) for kind in KINDS))


def total(numbers: Iterable[int | None]) -> int | None:
    """Add numbers up; None where one is untold, or there are none."""
    every = list(numbers)
    told = [number for number in every if number is not None]
    return sum(told) if every and told == every else None


def per_thousand(count: int | None, exposure: int | None) -> float | None:
    """Return a rate per 1,000 impressions or followers; None where either is untold or nobody."""
    return None if count is None or not exposure else 1000 * count / exposure
