"""When numbers are read, and what numbers of a post are added up."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.engagement.ages import AGES, added, due_times, engagements, per_thousand, window
from bot.platforms.status import Metrics

moments = st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)).map(  # noqa: DTZ001 - made aware
    lambda naive: naive.replace(tzinfo=UTC)
)


def days(dues: dict[str, datetime]) -> int:
    return len({due.date() for due in dues.values()})


@given(moments, st.booleans())
def test_every_read_falls_into_its_own_window(sent: datetime, in_few_days: bool) -> None:
    dues = due_times(sent, in_few_days=in_few_days)

    assert list(dues) == list(AGES)
    for age, due in dues.items():
        early, late = window(sent, age)
        assert early <= due <= late


@given(moments)
def test_few_days_are_never_more_days(sent: datetime) -> None:
    few, plain = due_times(sent, in_few_days=True), due_times(sent)

    assert days(dict(few)) <= days(dict(plain))


def test_two_reads_that_midnight_parts_are_brought_to_one_day() -> None:
    sent = datetime(2026, 12, 9, 18, 5, tzinfo=UTC)  # 6 h later is the next UTC day

    dues = due_times(sent, in_few_days=True)

    assert dues["6h"] == datetime(2026, 12, 9, 23, 56, tzinfo=UTC)
    assert dues["1h"].date() == dues["6h"].date()
    assert dues["30d"] == sent + timedelta(days=30), "what shares no day stays where it was"


def test_a_read_that_shares_its_day_anyway_is_not_moved() -> None:
    sent = datetime(2026, 12, 9, 9, 0, tzinfo=UTC)

    assert due_times(sent, in_few_days=True) == due_times(sent)


def test_the_window_is_a_tenth_to_either_side() -> None:
    sent = datetime(2026, 12, 9, 12, tzinfo=UTC)

    assert window(sent, "24h") == (
        sent + timedelta(hours=21, minutes=36),
        sent + timedelta(hours=26, minutes=24),
    )


@pytest.mark.parametrize(
    ("numbers", "sum_"),
    [
        (Metrics(3, 2, 1, 4, bookmarks=9, impressions=500, clicks=7), 10),
        (Metrics(3, 2, 1), 6),  # no quotes on this platform
        (Metrics(0, 0, 0, 0), 0),
        (Metrics(3, None, 1), None),
        (Metrics(), None),
    ],
)
def test_engagements_are_likes_reposts_replies_and_quotes(
    numbers: Metrics, sum_: int | None
) -> None:
    assert engagements(numbers) == sum_


def test_a_thread_lacks_what_one_of_its_parts_lacks() -> None:
    assert added([Metrics(3, 2, 1, 0), Metrics(1, 0, 0)]) == Metrics(4, 2, 1)
    assert added([]) == Metrics()


def test_no_rate_where_count_or_audience_is_untold() -> None:
    assert per_thousand(5, 2500) == 2.0
    assert per_thousand(0, 10) == 0.0
    assert per_thousand(None, 10) is None
    assert per_thousand(5, None) is None
    assert per_thousand(5, 0) is None
