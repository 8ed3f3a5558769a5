"""Waits between attempts: they double, spread, end, and give way to a server's own word."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.delivery.decide import FIRST_WAIT, LONGEST_RETRY_AFTER, LONGEST_WAIT, wait_before

attempts = st.integers(1, 10_000)
salts = st.text(max_size=30)


@given(attempts, salts)
def test_a_wait_is_between_half_and_all_of_the_doubled_one(attempt: int, salt: str) -> None:
    whole = min(FIRST_WAIT * 2 ** min(attempt - 1, 20), LONGEST_WAIT)

    assert whole / 2 <= wait_before(attempt, salt=salt) <= whole


@given(attempts, salts)
def test_the_same_delivery_waits_the_same_each_time(attempt: int, salt: str) -> None:
    assert wait_before(attempt, salt=salt) == wait_before(attempt, salt=salt)


def test_deliveries_that_failed_together_do_not_come_back_together() -> None:
    waits = {wait_before(5, salt=f"d{number}") for number in range(50)}

    assert len(waits) > 25


@pytest.mark.parametrize(
    ("told", "obeyed"),
    [
        (timedelta(seconds=90), timedelta(seconds=90)),
        (timedelta(minutes=59), timedelta(minutes=59)),
        (timedelta(days=400), LONGEST_RETRY_AFTER),
        (timedelta(0), timedelta(0)),
        (timedelta(seconds=-5), timedelta(0)),
    ],
)
def test_a_server_s_word_is_obeyed_within_reason(told: timedelta, obeyed: timedelta) -> None:
    assert wait_before(3, retry_after=told, salt="d") == obeyed
