"""Record keys of Bluesky."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from bot.platforms.bluesky.record import tid

#: atproto.com/specs/tid
SYNTAX = re.compile(r"[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}")
ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"

moments = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


def time_of(key: str) -> datetime:
    number = 0
    for char in key:
        number = number * 32 + ALPHABET.index(char)
    return datetime.fromtimestamp((number >> 10) / 1_000_000, UTC)


@given(moments, st.text())
def test_a_key_is_well_formed_and_of_the_day_before(at: datetime, key: str) -> None:
    made = tid(at, key)

    assert SYNTAX.fullmatch(made)
    assert time_of(made).date() == (at - timedelta(days=1)).date()


@given(st.times(), st.times(), st.text())
def test_one_delivery_has_one_key_all_day(first: object, second: object, key: str) -> None:
    day = datetime(2026, 12, 9, tzinfo=UTC)
    early = day.replace(hour=first.hour, minute=first.minute)  # type: ignore[attr-defined] # a time
    late = day.replace(hour=second.hour, minute=second.minute)  # type: ignore[attr-defined] # a time

    assert tid(early, key) == tid(late, key)


def test_the_zone_does_not_matter() -> None:
    at = datetime(2026, 12, 9, 23, 30, tzinfo=UTC)

    assert tid(at.astimezone(timezone(timedelta(hours=9))), "k") == tid(at, "k")


def test_a_hundred_thousand_deliveries_of_a_day_have_keys_of_their_own() -> None:
    at = datetime(2026, 12, 9, tzinfo=UTC)

    assert len({tid(at, f"delivery {number}") for number in range(100_000)}) == 100_000
