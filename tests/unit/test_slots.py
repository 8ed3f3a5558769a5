"""Slots and yearly days become UTC instants once, with the zone's rules."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from bot.content.model import EveryYear, Pause, Slot
from bot.content.slots import pause_on, slot_times, yearly_times
from bot.content.zones import midnight

NEW_YORK = ZoneInfo("America/New_York")


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
