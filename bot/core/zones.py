"""Local times of an IANA zone as UTC instants; knows the hours that a clock change moves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


class Kind(StrEnum):
    """How many times a clock on the wall shows a local time."""

    ONCE = "once"
    #: Skipped when clocks go forward: it never comes.
    GAP = "gap"
    #: Comes twice when clocks go back.
    FOLD = "fold"


@dataclass(frozen=True, slots=True)
class Instant:
    """What a local time means."""

    #: For a gap: the instant as long after the gap's start as was asked for. For a fold: the first.
    utc: datetime
    kind: Kind


def resolve(local: datetime, zone: ZoneInfo) -> Instant:
    """Find the instant of a naive local time (PEP 495: fold 0 and 1 differ in gaps and folds)."""
    early, late = (local.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    first = early.astimezone(UTC)
    if early.utcoffset() == late.utcoffset():
        return Instant(first, Kind.ONCE)
    there_and_back = first.astimezone(zone).replace(tzinfo=None)
    return Instant(first, Kind.FOLD if there_and_back == local else Kind.GAP)


def shown(instant: datetime, zone: ZoneInfo) -> str:
    """Write an instant for people: local time with the zone's short name."""
    return instant.astimezone(zone).strftime("%a %d %b %Y %H:%M %Z")


def midnight(instant: datetime, zone: ZoneInfo, *, days: int = 0) -> datetime:
    """Give the instant at which the local day of ``instant`` starts, or one ``days`` later."""
    day = instant.astimezone(zone).date() + timedelta(days=days)
    return resolve(datetime(day.year, day.month, day.day), zone).utc  # noqa: DTZ001 - local on purpose
