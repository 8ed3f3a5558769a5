"""An account has no more posts in an hour or a day than it may, whatever crowds them."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.content.model import Account
from bot.content.slots import free_at

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
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
