"""An account has no more posts in an hour or a day than it may, whatever crowds them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bot.content.model import Account
from bot.content.slots import free_at
from tests.fakes.written import post
from tests.unit.test_rules import NOW, errors, on

MINUTE = timedelta(minutes=1)
HOURLY = Account("m", "mastodon", max_per_hour=2)
DAILY = Account("m", "mastodon", max_per_day=2)


def ago(*minutes: int) -> list[datetime]:
    return sorted(NOW - one * MINUTE for one in minutes)


@pytest.mark.parametrize(
    ("account", "begun", "wait"),
    [
        (Account("m", "mastodon"), ago(1, 2, 3, 4), 0),
        (HOURLY, [], 0),
        (HOURLY, ago(59), 0),
        (HOURLY, ago(10, 60), 0),
        (HOURLY, ago(10, 59), 1),
        (HOURLY, ago(1, 10, 50), 50),
        (DAILY, ago(10, 1430), 10),
        (Account("m", "mastodon", max_per_hour=1, max_per_day=2), ago(10, 1430), 50),
    ],
)
def test_the_next_post_waits_until_all_caps_are_kept(
    account: Account, begun: list[datetime], wait: int
) -> None:
    assert free_at(account, begun, NOW) == NOW + wait * MINUTE


def test_fixed_times_that_break_a_cap_are_told_before() -> None:
    crowd = [
        post(text=f"A camera {one}.", id=f"p{one}", queue="", at=on(f"2026-12-09 09:{one}0"))
        for one in "012"
    ]

    told = errors(*crowd, accounts=[HOURLY])

    assert told == [
        "p2.at: number 3 of m within an hour, where max_per_hour is 2; move it, or raise the cap"
    ]
