"""However crowded it gets, an account's caps are kept as posts go out."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bot.delivery.model import State
from bot.errors import UnavailableError, UnconfirmedError
from tests.fakes.running_bot import ACCOUNTS, DAY, MINUTE, NINE, RunningBot, post, thread

HOUR = timedelta(hours=1)
NAMES = ("one", "two", "three", "four", "five")


@pytest.fixture
def bot(new_bot: RunningBot) -> RunningBot:
    """Have five posts, an hour apart, on an account with two an hour, and nobody who approves."""
    new_bot.use(m=ACCOUNTS["m"].replace("platform:", "max_per_hour: 2, platform:"))
    new_bot.start_with(*(post(name, at=NINE + number * HOUR) for number, name in enumerate(NAMES)))
    return new_bot


def let_all_go_at_once(bot: RunningBot) -> datetime:
    """Hold them all for want of approval; then a person lets them go at the same moment."""
    bot.wait(NINE + 5 * HOUR)
    bot.approve(*NAMES)
    for row in bot.rows("", State.HELD):
        bot.desk.resolve(row.id, "send", by="Ann")
    return bot.clock.now()


def sent(bot: RunningBot, since: datetime) -> list[tuple[str, timedelta]]:
    rows = sorted(bot.rows("", State.SENT), key=lambda row: row.sent_at or since)
    return [(row.post_id, (row.sent_at or since) - since) for row in rows]


def test_what_is_let_go_at_once_goes_two_an_hour_in_order(bot: RunningBot) -> None:
    now = let_all_go_at_once(bot)

    bot.wait(now + 3 * HOUR)

    waits = (0, 0, 1, 1, 2)
    assert sent(bot, now) == [(name, wait * HOUR) for name, wait in zip(NAMES, waits, strict=True)]
    (last,) = bot.rows("five")
    moved = [move.reason for move in bot.store.outbox.moves_of(last.id)]
    assert moved.count("the account has had as many posts as it may") == 2


def test_what_surely_did_not_go_out_takes_no_place(bot: RunningBot) -> None:
    bot.servers["m"].fails(UnavailableError("mastodon", "refused"), keeps=False)
    now = let_all_go_at_once(bot)

    bot.wait(now + MINUTE)

    assert len(sent(bot, now)) == 2


def test_what_may_have_gone_out_takes_one_and_is_not_kept_by_itself(bot: RunningBot) -> None:
    bot.servers["m"].fails(UnconfirmedError("mastodon", "504"), keeps=False)
    now = let_all_go_at_once(bot)

    bot.wait(now + 30 * MINUTE)

    assert [name for name, _wait in sent(bot, now)] == ["one", "two"]


def test_a_thread_is_one_post_and_is_not_cut(new_bot: RunningBot) -> None:
    new_bot.use(m=ACCOUNTS["m"].replace("platform:", "max_per_hour: 1, platform:"))
    new_bot.start_approved(thread("long", 2, at=NINE), post("after", at=NINE + HOUR))

    new_bot.wait(NINE + DAY)

    assert len(new_bot.rows("long", State.SENT)) > 1
    assert new_bot.states()["after/m/0"] == "SENT"


def test_what_waits_too_long_for_its_turn_is_held_as_late(new_bot: RunningBot) -> None:
    new_bot.use(m=ACCOUNTS["m"].replace("platform:", "max_per_hour: 1, platform:"))
    new_bot.start_approved(post("one", at=NINE), post("two", at=NINE + HOUR))
    new_bot.servers["m"].fails(UnavailableError("mastodon", "down"), keeps=False)
    new_bot.wait(NINE + HOUR - MINUTE)
    assert new_bot.states()["one/m/0"] == "SENT"
    new_bot.set("max_per_hour: 1", "max_per_day: 1")
    new_bot.watch()
    new_bot.confirm()

    new_bot.wait(NINE + 3 * HOUR)

    assert new_bot.states()["two/m/0"].startswith("HELD late")
