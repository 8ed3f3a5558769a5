"""Local times of an IANA zone as UTC instants; knows the hours that a clock change moves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from zoneinfo import ZoneInfo, available_timezones


class LocalTimeKind(StrEnum):
    """How many times a clock on the wall shows a local time."""

    ONCE = "once"
    #: Skipped when clocks go forward: it never comes.
    GAP = "gap"
    #: Comes twice when clocks go back.
    FOLD = "fold"


@dataclass(frozen=True, slots=True)
class ResolvedTime:
    """What a local time means."""

    #: For a gap: the instant as long after the gap's start as was asked for. For a fold: the first.
    utc: datetime
    kind: LocalTimeKind


def resolve(local: datetime, zone: ZoneInfo) -> ResolvedTime:
    """Find the instant of a naive local time (PEP 495: fold 0 and 1 differ in gaps and folds)."""
    early, late = (local.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    first = early.astimezone(UTC)
    if early.utcoffset() == late.utcoffset():
        return ResolvedTime(first, LocalTimeKind.ONCE)
    there_and_back = first.astimezone(zone).replace(tzinfo=None)
    return ResolvedTime(first, LocalTimeKind.FOLD if there_and_back == local else LocalTimeKind.GAP)


def shown(instant: datetime, zone: ZoneInfo) -> str:
    """Write an instant for people: local time with the zone's short name."""
    return instant.astimezone(zone).strftime("%a %d %b %Y %H:%M %Z")


def midnight(instant: datetime, zone: ZoneInfo, *, days: int = 0) -> datetime:
    """Return the instant at which the local day of ``instant`` starts, or one ``days`` later."""
    day = instant.astimezone(zone).date() + timedelta(days=days)
    return resolve(datetime(day.year, day.month, day.day), zone).utc  # noqa: DTZ001 - local on purpose


#: Cities that people name though the zone has another's name, and abbreviations that are no zone.
_KNOWN_AS = {
    "beijing": "Asia/Shanghai",
    "shenzhen": "Asia/Shanghai",
    "guangzhou": "Asia/Shanghai",
    "xinjiang": "Asia/Urumqi",
    "osaka": "Asia/Tokyo",
    "delhi": "Asia/Kolkata",
    "new_delhi": "Asia/Kolkata",
    "mumbai": "Asia/Kolkata",
    "abu_dhabi": "Asia/Dubai",
    "ankara": "Europe/Istanbul",
    "munich": "Europe/Berlin",
    "hamburg": "Europe/Berlin",
    "geneva": "Europe/Zurich",
    "the_hague": "Europe/Amsterdam",
    "barcelona": "Europe/Madrid",
    "milan": "Europe/Rome",
    "washington": "America/New_York",
    "boston": "America/New_York",
    "ottawa": "America/Toronto",
    "montreal": "America/Toronto",
    "san_francisco": "America/Los_Angeles",
    "seattle": "America/Los_Angeles",
    "et": "America/New_York",
    "edt": "America/New_York",
    "ct": "America/Chicago",
    "cst": "America/Chicago",
    "pt": "America/Los_Angeles",
    "pst": "America/Los_Angeles",
    "pdt": "America/Los_Angeles",
    "cest": "Europe/Berlin",
    "bst": "Europe/London",
}
#: In the database of zones, and yet no place whose clocks anyone keeps.
_NO_ZONES = frozenset({"Factory", "localtime", "posixrules"})


def find_zone(name: str) -> ZoneInfo:
    """Find an IANA zone by its exact name.

    Raises:
        ValueError: there is none of that name; the message offers the nearest one.
    """
    zones = _zones()
    if name in zones:
        return ZoneInfo(name)
    near = _nearest(name, zones)
    hint = f"did you mean '{near}'?" if near else "write one such as Europe/Paris"
    raise ValueError(f"no such zone '{name[:60]}'; {hint}")


@cache
def _zones() -> frozenset[str]:
    """Ask the machine's database of zones once; it takes 5 ms and does not change."""
    return frozenset(available_timezones() - _NO_ZONES)


def _nearest(name: str, zones: Iterable[str]) -> str | None:
    asked = name[:60].strip().casefold().replace(" ", "_")
    city = asked.rpartition("/")[2]
    if city in _KNOWN_AS:
        return _KNOWN_AS[city]
    folded = {zone.casefold(): zone for zone in sorted(zones)}
    cities = {zone.rpartition("/")[2]: zone for zone in folded}
    near = asked if asked in folded else cities.get(city)
    near = near or next(iter(get_close_matches(asked, folded, n=1, cutoff=0.7)), None)
    return folded[near] if near else None
