"""What is so, and what lies ahead, as people read it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from icalendar import Calendar

from bot.authority.tables import StopReason
from bot.content.model import Mode
from bot.delivery.restore_guard import mark_restored
from bot.engine.rehearsal import SIMULATED, simulate_approvals
from bot.operations.status import ServiceStatus, status_of
from bot.planning.outlook import Outlook, as_calendar, outlook_of
from bot.platforms.spec import Charge
from bot.rendering.rendered import RenderedCampaign
from tests.fakes.newsroom import ACCOUNTS, DAY, MINUTE, NINE, START, Newsroom, post


@pytest.fixture
def room(newsroom: Newsroom) -> Newsroom:
    newsroom.use("m", x=ACCOUNTS["x"].replace("threads: true", "budget_usd_per_month: 5"))
    newsroom.write(post("one", at=NINE), post("two", at=NINE + DAY))
    newsroom.start()
    return newsroom


def status(room: Newsroom) -> ServiceStatus:
    return status_of(room.store, room.bot.contents.campaign(), room.clock)


def outlook(room: Newsroom, days: int = 7, rendered: RenderedCampaign | None = None) -> Outlook:
    composed = rendered or room.bot.contents.rendered
    return outlook_of(room.store, room.clock, composed, days=days)


def test_a_bot_that_gives_signs_of_life_is_running(room: Newsroom) -> None:
    assert not status(room).is_running

    room.bot.beat()
    assert status(room).is_running

    room.clock.advance(MINUTE)
    assert not status(room).is_running


def test_the_status_tells_what_is_due_and_what_was_sent(room: Newsroom) -> None:
    room.approve("one")
    room.wait(NINE + MINUTE)

    told = status(room)

    assert (told.last_sent, told.next_due) == (NINE, NINE + DAY)
    assert told.counts == {"SENT": 2, "PLANNED": 2}
    assert {one.name: one.next_due for one in told.accounts} == {"m": NINE + DAY, "x": NINE + DAY}


def test_the_status_tells_what_stands_in_the_way(room: Newsroom) -> None:
    room.desk.pause("mourning", by="Ann")
    room.store.accounts.stop("x", StopReason.UNAUTHORIZED, "revoked", room.clock.now())
    mark_restored(room.store._db, "a backup was brought back")
    room.store.ledger.reserve("x", Charge("post"), 1.25, now=room.clock.now())
    room.store.notices.raise_("k", "look here", room.clock.now())

    told = status(room)

    assert told.paused == "mourning (Ann)"
    assert told.settling == "a backup was brought back"
    assert told.notices == ("look here",)
    assert {one.name: (one.stopped, one.budget_left) for one in told.accounts} == {
        "m": ("", None), "x": ("revoked", 3.75),
    }  # fmt: skip


def test_an_account_that_no_plan_has_seen_yet_is_told_too(newsroom: Newsroom) -> None:
    newsroom.bot.contents.start()

    (line,) = status(newsroom).accounts

    assert (line.name, line.stopped, line.next_due) == ("m", "", None)


def test_the_outlook_tells_what_is_approved(room: Newsroom) -> None:
    room.desk.approve("one", by="Ann")
    room.approve("two")

    notes = {(one.post_id, one.account): one.note for one in outlook(room).entries}

    assert notes["one", "m"] == "unapproved: 1 of 2"
    assert notes["two", "x"] == "approved"


def test_the_outlook_is_what_then_happens(room: Newsroom) -> None:
    ahead = [(one.due_at, one.account, one.post_id) for one in outlook(room).entries]
    room.approve("one", "two")

    room.wait(NINE + 7 * DAY)

    sent = [(row.sent_at, row.account, row.post_id) for row in room.rows()]
    assert sent == ahead


def test_looking_ahead_changes_nothing(room: Newsroom) -> None:
    before = room.rows()

    outlook(room, days=100)

    assert room.rows() == before


def test_what_is_held_stands_in_the_outlook(room: Newsroom) -> None:
    room.wait(NINE + MINUTE)

    notes = [one.note for one in outlook(room).entries if one.post_id == "one"]

    assert notes == ["HELD: unapproved: 0 of 2"] * 2


def test_the_outlook_adds_up_what_a_month_costs(room: Newsroom) -> None:
    assert outlook(room).cost_by_month == {"2026-12": pytest.approx(0.03)}


def test_the_calendar_has_utc_instants_and_lasting_ids(room: Newsroom) -> None:
    first, again = (Calendar.from_ical(as_calendar(outlook(room))) for _ in range(2))

    events = [str(one["uid"]) for one in first.walk("VEVENT")]
    starts = [one.decoded("dtstart") for one in first.walk("VEVENT")]
    assert starts == [NINE, NINE, NINE + DAY, NINE + DAY]
    assert events == [str(one["uid"]) for one in again.walk("VEVENT")]
    assert len(set(events)) == 4


def test_a_rehearsal_marks_its_approvals_as_simulated(newsroom: Newsroom) -> None:
    newsroom.set("mode: live", "mode: rehearsal")
    newsroom.write(post("one", at=NINE))

    newsroom.start()

    given = newsroom.store.approvals.of(newsroom.row().fingerprint)
    assert [one.by for one in given] == [f"{SIMULATED} 1", f"{SIMULATED} 2"]


def test_nothing_is_simulated_live(room: Newsroom) -> None:
    campaign = room.bot.contents.campaign()
    assert campaign.schedule.mode is Mode.LIVE

    with pytest.raises(AssertionError):
        simulate_approvals(room.store, campaign, room.clock.now())


def test_times_are_utc(room: Newsroom) -> None:
    assert status(room).at == START == datetime(2026, 12, 7, 8, tzinfo=UTC)
