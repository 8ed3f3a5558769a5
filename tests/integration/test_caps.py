"""However crowded it gets, an account's caps are kept as posts go out."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bot.delivery.model import State
from bot.errors import UnavailableError, UnconfirmedError
from tests.fakes.newsroom import ACCOUNTS, DAY, MINUTE, NINE, Newsroom, post
from tests.integration.test_publisher import thread

HOUR = timedelta(hours=1)
NAMES = ("one", "two", "three", "four", "five")


@pytest.fixture
def room(newsroom: Newsroom) -> Newsroom:
    """Have five posts, an hour apart, on an account with two an hour, and nobody who approves."""
    newsroom.use(m=ACCOUNTS["m"].replace("platform:", "max_per_hour: 2, platform:"))
    newsroom.write(*(post(name, at=NINE + number * HOUR) for number, name in enumerate(NAMES)))
    newsroom.start()
    return newsroom


def let_all_go_at_once(room: Newsroom) -> datetime:
    """Hold them all for want of approval; then a person lets them go at the same moment."""
    room.wait(NINE + 5 * HOUR)
    room.approve(*NAMES)
    for row in room.rows("", State.HELD):
        room.desk.resolve(row.id, "send", by="Ann")
    return room.clock.now()


def sent(room: Newsroom, since: datetime) -> list[tuple[str, timedelta]]:
    rows = sorted(room.rows("", State.SENT), key=lambda row: row.sent_at or since)
    return [(row.post_id, (row.sent_at or since) - since) for row in rows]


def test_what_is_let_go_at_once_goes_two_an_hour_in_order(room: Newsroom) -> None:
    now = let_all_go_at_once(room)

    room.wait(now + 3 * HOUR)

    waits = (0, 0, 1, 1, 2)
    assert sent(room, now) == [(name, wait * HOUR) for name, wait in zip(NAMES, waits, strict=True)]
    (last,) = room.rows("five")
    moved = [one.reason for one in room.store.outbox.moves_of(last.id)]
    assert moved.count("the account has had as many posts as it may") == 2


def test_what_surely_did_not_go_out_takes_no_place(room: Newsroom) -> None:
    room.servers["m"].fails(UnavailableError("mastodon", "refused"), keeps=False)
    now = let_all_go_at_once(room)

    room.wait(now + MINUTE)

    assert len(sent(room, now)) == 2


def test_what_may_have_gone_out_takes_one_and_is_not_kept_by_itself(room: Newsroom) -> None:
    room.servers["m"].fails(UnconfirmedError("mastodon", "504"), keeps=False)
    now = let_all_go_at_once(room)

    room.wait(now + 30 * MINUTE)

    assert [name for name, _wait in sent(room, now)] == ["one", "two"]


def test_a_thread_is_one_post_and_is_not_cut(newsroom: Newsroom) -> None:
    newsroom.use(m=ACCOUNTS["m"].replace("platform:", "max_per_hour: 1, platform:"))
    newsroom.write(thread(), post("after", at=NINE + HOUR))
    newsroom.start()
    newsroom.approve("long", "after")

    newsroom.wait(NINE + DAY)

    assert len(newsroom.rows("long", State.SENT)) > 1
    assert newsroom.states()["after/m/0"] == "SENT"


def test_what_waits_too_long_for_its_turn_is_held_as_late(newsroom: Newsroom) -> None:
    newsroom.use(m=ACCOUNTS["m"].replace("platform:", "max_per_hour: 1, platform:"))
    newsroom.write(post("one", at=NINE), post("two", at=NINE + HOUR))
    newsroom.start()
    newsroom.approve("one", "two")
    newsroom.servers["m"].fails(UnavailableError("mastodon", "down"), keeps=False)
    newsroom.wait(NINE + HOUR - MINUTE)
    assert newsroom.states()["one/m/0"] == "SENT"
    newsroom.set("max_per_hour: 1", "max_per_day: 1")
    newsroom.watch()

    newsroom.wait(NINE + 3 * HOUR)

    assert newsroom.states()["two/m/0"].startswith("HELD late")
