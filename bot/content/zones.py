"""Local times of an IANA zone as UTC instants; knows the hours that a clock change moves."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from bot.content.other_names import called


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


_OFFSET = re.compile(r"(?i)\(?(?:UTC|GMT|Z)? ?([+−–-]) ?0?(\d{1,2})(?::?(00|15|30|45))?\b.*")
#: In the database of zones, and yet no place whose clocks anyone keeps.
_NO_ZONES = frozenset({"Factory", "localtime", "posixrules"})


def find_zone(name: str) -> ZoneInfo:
    """Find an IANA zone by its exact name.

    Raises:
        ValueError: there is none of that name; the message offers the nearest one.
    """
    if _zones().get(name.casefold()) == name:
        return ZoneInfo(name)
    if offset := _OFFSET.fullmatch(name.strip()):
        hours = int(offset[2]) + int(offset[3] or 0) / 60
        raise ValueError(_no_offset(name, -hours if offset[1] in "-−–" else hours))
    near = _nearest(name)
    hint = f"did you mean '{near}'?" if near else "write one such as Europe/Paris"
    raise ValueError(f"no such zone '{name[:60]}'; {hint}")


def offset_of(name: str, local: datetime) -> str:
    """Return a zone's offset at a local time, such as ``-05:00``; empty for no zone of that name.

    The name may be written in any case, or be one that people have for it.
    """
    folded = name.casefold()
    found = _zones().get(folded) or _known_as(folded)
    at = local.replace(tzinfo=ZoneInfo(found)) if found else local
    is_summer = folded in ("edt", "pdt", "cdt", "cest", "bst", "aedt")
    offset = at.strftime("%z") if not is_summer or at.dst() else ""
    return offset and f"{offset[:3]}:{offset[3:5]}"


@cache
def _zones() -> Mapping[str, str]:
    """Return the zones by their names in small letters; it takes 5 ms and does not change."""
    return {zone.casefold(): zone for zone in sorted(available_timezones() - _NO_ZONES)}


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


def _no_offset(name: str, offset: float) -> str:
    """Return what to write for a fixed offset; in ``Etc/GMT-3`` the sign is the other way round."""
    place, whole = called("zones by offset", f"{offset:g}"), int(offset)
    advice = f"write a place with that time, such as {place}" if place else "write a place"
    if whole == offset and -13 < offset < 15:
        advice += f", or Etc/GMT{-whole:+d}, which is UTC{whole:+d} all year"
    return f"'{name[:60]}' is an offset from UTC and no zone: it knows no summer time; {advice}"


def fixed_offset(name: str) -> str | None:
    """Return what to mind of a zone that is no place: its clocks never change."""
    if not name.startswith("Etc/GMT") and name not in ("EST", "MST", "HST"):
        return None
    hours = _ahead(datetime(2026, 1, 1, tzinfo=UTC), ZoneInfo(name)) // 3600
    place = called("zones by offset", f"{hours}")
    return f"is UTC{hours:+d} all year, without summer time; write a place, such as {place}"


def _known_as(name: str) -> str | None:
    """Return the zone that people call so, by a city, a country or an abbreviation."""
    plain = re.sub(r"[_ ]*(?:time|zone|[,(].*)$", "", name).replace(" ", "_").replace(".", "")
    city = plain.rpartition("/")[2]
    known = called("zones", city) or called("zones", plain)
    cities = (zone for key, zone in _zones().items() if key.rpartition("/")[2] == city)
    return known or next(cities, None)


def _nearest(name: str) -> str | None:
    asked, folded = name[:60].strip().casefold().replace(" ", "_"), _zones()
    if asked in folded or ((known := _known_as(asked)) is None and len(asked) < 5):
        return folded.get(asked)  # an abbreviation is like any other one
    cities = {zone.rpartition("/")[2]: zone for zone in folded}
    near = get_close_matches(asked, [*folded, *cities], n=1, cutoff=0.7)
    return known or next((folded[cities.get(each, each)] for each in near), None)
