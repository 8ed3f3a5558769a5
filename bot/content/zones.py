"""Local times of an IANA zone as UTC instants; knows the hours that a clock change moves."""

from __future__ import annotations

import re
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
    local = instant.astimezone(zone)
    return f"{local:%a} {brief(instant, zone)} {local:%Z}"


def brief(instant: datetime, zone: ZoneInfo) -> str:
    """Write an instant where many stand together: the zone is told once, beside them."""
    local = instant.astimezone(zone)
    return f"{local.day} {local:%b %Y %H:%M}"


def midnight(instant: datetime, zone: ZoneInfo, *, days: int = 0) -> datetime:
    """Return the instant at which the local day of ``instant`` starts, or one ``days`` later."""
    day = instant.astimezone(zone).date() + timedelta(days=days)
    return resolve(datetime(day.year, day.month, day.day), zone).utc  # noqa: DTZ001 - local on purpose


#: Cities that people name though the zone has another's name, and abbreviations that are no zone.
_KNOWN_AS = {
    "America/Chicago": ("ct", "cst"),
    "America/Los_Angeles": ("san_francisco", "seattle", "pt", "pst", "pdt"),
    "America/New_York": ("washington", "boston", "et", "edt"),
    "America/Toronto": ("ottawa", "montreal"), "Asia/Dubai": ("abu_dhabi",),
    "Asia/Kolkata": ("delhi", "new_delhi", "mumbai"),
    "Asia/Shanghai": ("beijing", "shenzhen", "guangzhou"), "Asia/Tokyo": ("osaka",),
    "Asia/Urumqi": ("xinjiang",), "Europe/Amsterdam": ("the_hague",),
    "Europe/Berlin": ("munich", "hamburg", "cest"), "Europe/Istanbul": ("ankara",),
    "Europe/London": ("bst",), "Europe/Madrid": ("barcelona",), "Europe/Rome": ("milan",),
    "Europe/Zurich": ("geneva",),
}  # fmt: skip
#: A place for each offset that people write, by its time in winter.
_PLACES = {
    -10: "Pacific/Honolulu", -9: "America/Anchorage", -8: "America/Los_Angeles",
    -7: "America/Denver", -6: "America/Chicago", -5: "America/New_York", -4: "America/Halifax",
    -3: "America/Sao_Paulo", 0: "Europe/London", 1: "Europe/Paris", 2: "Europe/Athens",
    3: "Europe/Istanbul", 4: "Asia/Dubai", 5: "Asia/Tashkent", 6: "Asia/Almaty", 7: "Asia/Bangkok",
    8: "Asia/Shanghai", 9: "Asia/Tokyo", 10: "Australia/Sydney", 12: "Pacific/Auckland",
}  # fmt: skip
_OFFSET = re.compile(r"(?i)(?:UTC|GMT|Z)? ?([+−–-]) ?0?(\d{1,2})(?::?00)?")
#: In the database of zones, and yet no place whose clocks anyone keeps.
_NO_ZONES = frozenset({"Factory", "localtime", "posixrules"})


def find_zone(name: str) -> ZoneInfo:
    """Find an IANA zone by its exact name.

    Raises:
        ValueError: there is none of that name; the message offers the nearest one.
    """
    if name in _zones():
        return ZoneInfo(name)
    if offset := _OFFSET.fullmatch(name.strip()):
        raise ValueError(_no_offset(name, -1 if offset[1] in "-−–" else 1, int(offset[2])))
    near = _nearest(name)
    hint = f"did you mean '{near}'?" if near else "write one such as Europe/Paris"
    raise ValueError(f"no such zone '{name[:60]}'; {hint}")


def offset_of(name: str, local: datetime) -> str:
    """Return a zone's offset at a local time, such as ``-05:00``; empty for no zone of that name.

    The name may be written in any case.
    """
    found = next((zone for zone in _zones() if zone.casefold() == name.casefold()), None)
    offset = local.replace(tzinfo=ZoneInfo(found)).strftime("%z") if found else ""
    return offset and f"{offset[:3]}:{offset[3:5]}"


@cache
def _zones() -> frozenset[str]:
    """Ask the machine's database of zones once; it takes 5 ms and does not change."""
    return frozenset(available_timezones() - _NO_ZONES)


def offsets(zone: ZoneInfo, first: datetime, last: datetime) -> list[tuple[datetime, int]]:
    """Return until when (excluded) a zone's clocks are how many seconds ahead of UTC.

    From ``first`` on, in order; the last moment is later than ``last``.
    """
    found, at = [], first.astimezone(UTC)
    ahead = _ahead(at, zone)
    while at <= last:
        until = at + timedelta(days=1)
        if _ahead(until, zone) != ahead:
            while until - at > timedelta(seconds=1):
                middle = at + (until - at) / 2
                at, until = (middle, until) if _ahead(middle, zone) == ahead else (at, middle)
            until = until.replace(microsecond=0)
            found.append((until, ahead))
            ahead = _ahead(until, zone)
        at = until
    return [*found, (at, ahead)]


def _ahead(at: datetime, zone: ZoneInfo) -> int:
    return int((at.astimezone(zone).utcoffset() or timedelta(0)).total_seconds())


def _no_offset(name: str, sign: int, hours: int) -> str:
    """Return what to write for a fixed offset; in ``Etc/GMT-3`` the sign is the other way round."""
    offset = sign * hours
    fixed = (
        f", or Etc/GMT{-offset:+d}, which is UTC{offset:+d} all year" if -13 < offset < 15 else ""
    )
    place = _PLACES.get(offset, "Europe/Paris")
    return (
        f"'{name[:60]}' is an offset from UTC and no zone: it knows no summer time; write a place "
        f"with that time, such as {place}{fixed}"
    )


def fixed_offset(name: str) -> str | None:
    """Return what to mind of a zone that is no place: its clocks never change."""
    if not name.startswith("Etc/GMT") and name not in ("EST", "MST", "HST"):
        return None
    offset = ZoneInfo(name).utcoffset(datetime(2026, 1, 1))  # noqa: DTZ001 - the zone has one
    hours = int((offset or timedelta(0)) / timedelta(hours=1))
    place = _PLACES.get(hours, "Europe/Paris")
    return f"is UTC{hours:+d} all year, without summer time; write a place, such as {place}"


def _nearest(name: str) -> str | None:
    asked = name[:60].strip().casefold().replace(" ", "_")
    city = asked.rpartition("/")[2]
    known = next((zone for zone, names in _KNOWN_AS.items() if city in names), None)
    folded = {zone.casefold(): zone for zone in sorted(_zones())}
    cities = {zone.rpartition("/")[2]: zone for zone in folded}
    near = asked if asked in folded else cities.get(city)
    near = near or next(iter(get_close_matches(asked, folded, n=1, cutoff=0.7)), None)
    return known or (folded[near] if near else None)
