"""Local times become UTC instants, and zones are found by name."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from bot.content.zones import LocalTimeKind, find_zone, midnight, resolve, shown

NEW_YORK = ZoneInfo("America/New_York")
APIA = ZoneInfo("Pacific/Apia")


def local(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("zone", "typed", "kind", "utc"),
    [
        ("America/New_York", "2026-12-09 09:00", LocalTimeKind.ONCE, "2026-12-09 14:00"),
        ("America/New_York", "2027-03-14 01:59:59", LocalTimeKind.ONCE, "2027-03-14 06:59:59"),
        ("America/New_York", "2027-03-14 02:00", LocalTimeKind.GAP, "2027-03-14 07:00"),
        ("America/New_York", "2027-03-14 02:30", LocalTimeKind.GAP, "2027-03-14 07:30"),
        ("America/New_York", "2027-03-14 03:00", LocalTimeKind.ONCE, "2027-03-14 07:00"),
        ("America/New_York", "2027-11-07 01:00", LocalTimeKind.FOLD, "2027-11-07 05:00"),
        ("America/New_York", "2027-11-07 02:00", LocalTimeKind.ONCE, "2027-11-07 07:00"),
        ("Europe/London", "2027-03-28 01:30", LocalTimeKind.GAP, "2027-03-28 01:30"),
        ("Australia/Lord_Howe", "2027-04-04 01:45", LocalTimeKind.FOLD, "2027-04-03 14:45"),
        ("Asia/Urumqi", "2027-03-14 02:30", LocalTimeKind.ONCE, "2027-03-13 20:30"),
        ("Pacific/Apia", "2011-12-30 12:00", LocalTimeKind.GAP, "2011-12-30 22:00"),
    ],
)
def test_a_local_time_is_once_skipped_or_repeated(
    zone: str, typed: str, kind: LocalTimeKind, utc: str
) -> None:
    instant = resolve(local(typed), ZoneInfo(zone))

    assert instant.kind is kind
    assert instant.utc == local(utc).replace(tzinfo=UTC)


def test_an_instant_is_shown_with_its_zones_name() -> None:
    instant = datetime(2026, 12, 9, 14, 0, tzinfo=UTC)

    assert shown(instant, NEW_YORK) == "Wed 09 Dec 2026 09:00 EST"


def test_midnight_of_a_day_without_one_is_its_first_moment() -> None:
    # In Beirut clocks go from 00:00 to 01:00.
    beirut = ZoneInfo("Asia/Beirut")

    assert midnight(datetime(2027, 3, 28, 12, tzinfo=UTC), beirut) == datetime(
        2027, 3, 27, 22, tzinfo=UTC
    )


@pytest.mark.parametrize("name", ["Europe/Paris", "America/New_York", "Asia/Urumqi", "UTC"])
def test_a_zone_is_found_by_its_exact_name(name: str) -> None:
    assert find_zone(name).key == name


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("Europe/Pari", "Europe/Paris"),
        ("europe/paris", "Europe/Paris"),
        ("Paris", "Europe/Paris"),
        ("New York", "America/New_York"),
        ("America/Newyork", "America/New_York"),
        ("Asia/Beijing", "Asia/Shanghai"),
        ("Asia/Urumchi", "Asia/Urumqi"),
        ("America/Washington", "America/New_York"),
        ("EDT", "America/New_York"),
        ("CEST", "Europe/Berlin"),
    ],
)
def test_an_unknown_zone_offers_the_one_that_was_meant(name: str, near: str) -> None:
    with pytest.raises(ValueError, match=rf"no such zone '{name}'; did you mean '{near}'\?"):
        find_zone(name)


@pytest.mark.parametrize(
    "name", ["", "../../etc/passwd", "/etc/localtime", "localtime", "x" * 10_000, "a\0b"]
)
def test_a_name_like_no_zone_is_told_what_one_looks_like(name: str) -> None:
    with pytest.raises(ValueError, match=r"no such zone '.*'; write one such as Europe/Paris"):
        find_zone(name)
