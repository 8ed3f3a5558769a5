"""Slots, yearly days and local times become UTC instants, and zones are found by name."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from bot.content.model import EveryYear, Pause, Slot
from bot.content.slots import pause_on, slot_times, yearly_times
from bot.content.zones import LocalTimeKind, find_zone, midnight, resolve, shown

NEW_YORK = ZoneInfo("America/New_York")


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

    assert shown(instant, NEW_YORK) == "Wed 9 Dec 2026 09:00 EST"


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


def slot(*times: str, weekdays: str = "0123456", skip: tuple[date, ...] = ()) -> Slot:
    days = tuple(int(day) for day in weekdays)
    return Slot("s", days, tuple(time.fromisoformat(at) for at in times), tuple(skip))


def test_a_slot_in_the_repeated_hour_happens_once() -> None:
    days = {"first": date(2027, 11, 6), "last": date(2027, 11, 8)}

    moments = slot_times(slot("01:30"), zone=NEW_YORK, **days)

    assert [moment.utc.isoformat() for moment in moments] == [
        "2027-11-06T05:30:00+00:00",
        "2027-11-07T05:30:00+00:00",
        "2027-11-08T06:30:00+00:00",
    ]


def test_a_slot_leaves_out_other_weekdays_and_skipped_days() -> None:
    rule = slot("09:30", weekdays="024", skip=(date(2026, 12, 25),))

    days = [
        moment.local.date().isoformat()
        for moment in slot_times(
            rule, zone=NEW_YORK, first=date(2026, 12, 21), last=date(2026, 12, 27)
        )
    ]

    assert days == ["2026-12-21", "2026-12-23"]


@pytest.mark.parametrize(
    ("month", "day", "years"), [(12, 9, [2026, 2027, 2028, 2029]), (2, 29, [2028])]
)
def test_a_yearly_day_comes_in_each_year_that_has_it(
    month: int, day: int, years: list[int]
) -> None:
    rule = EveryYear((month, day), time(9))

    found = yearly_times(rule, zone=NEW_YORK, first=date(2026, 1, 1), last=date(2029, 12, 31))

    assert [year for year, _instant in found] == years


def test_a_planned_pause_covers_both_its_ends() -> None:
    pause = Pause(date(2027, 3, 20), date(2027, 3, 22), "Noruz")

    covered = [day for day in range(19, 24) if pause_on((pause,), date(2027, 3, day))]

    assert covered == [20, 21, 22]


def test_a_local_day_starts_at_its_own_midnight() -> None:
    noon = datetime(2026, 11, 23, 17, tzinfo=UTC)

    assert midnight(noon, NEW_YORK) == datetime(2026, 11, 23, 5, tzinfo=UTC)
    assert midnight(noon, NEW_YORK, days=1) == datetime(2026, 11, 24, 5, tzinfo=UTC)
