"""What is so, and what lies ahead, as people read it."""

from __future__ import annotations

import pytest
from icalendar import Calendar

from bot.authority.tables import StopReason
from bot.content.model import Mode
from bot.delivery.sent_log import mark_restored
from bot.engine.rehearsal import SIMULATED, simulate_approvals
from bot.operations.model import ServiceStatus
from bot.operations.status import status_of
from bot.planning.outlook import Outlook, as_calendar, outlook_of
from bot.platforms.spec import Charge
from bot.rendering.rendered import RenderedCampaign
from tests.fakes.running_bot import ACCOUNTS, DAY, MINUTE, NINE, RunningBot, post


@pytest.fixture
def bot(new_bot: RunningBot) -> RunningBot:
    new_bot.use("m", x=ACCOUNTS["x"].replace("threads: true", "budget_usd_per_month: 5"))
    new_bot.start_with(post("one", at=NINE), post("two", at=NINE + DAY))
    return new_bot


def status(bot: RunningBot) -> ServiceStatus:
    return status_of(bot.store, bot.services.contents.campaign().schedule, bot.clock)


def outlook(bot: RunningBot, days: int = 7, rendered: RenderedCampaign | None = None) -> Outlook:
    composed = rendered or bot.services.contents.rendered
    return outlook_of(bot.store, bot.clock, composed, days=days)


def test_a_bot_that_gives_signs_of_life_is_running(bot: RunningBot) -> None:
    assert not status(bot).workers

    bot.services.beat()
    assert status(bot).workers

    bot.clock.advance(MINUTE)
    assert not status(bot).workers


def test_the_status_tells_what_is_due_and_what_was_sent(bot: RunningBot) -> None:
    bot.approve("one")
    bot.wait(NINE + MINUTE)

    told = status(bot)

    assert (told.last_sent, told.next_due) == (NINE, NINE + DAY)
    assert told.counts == {"SENT": 2, "PLANNED": 2}
    assert {account.name: account.next_due for account in told.accounts} == {
        "m": NINE + DAY,
        "x": NINE + DAY,
    }


def test_the_status_tells_what_stands_in_the_way(bot: RunningBot) -> None:
    bot.desk.pause("mourning", by="Ann")
    bot.store.accounts.stop("x", StopReason.UNAUTHORIZED, "revoked", bot.clock.now())
    mark_restored(bot.store._db, "a backup was brought back")
    bot.store.ledger.reserve("x", Charge("post"), 1.25, now=bot.clock.now())

    told = status(bot)

    assert told.paused == "mourning (Ann)"
    assert told.settling == "a backup was brought back"
    assert {matter.key for matter in told.matters} == {
        "worker", "settling", "paused", "stopped/x/unauthorized", "unapproved",
    }  # fmt: skip
    assert {account.name: (account.stopped, account.budget_left) for account in told.accounts} == {
        "m": ("", None), "x": ("revoked", 3.75),
    }  # fmt: skip


def test_an_account_that_no_plan_has_seen_yet_is_told_too(new_bot: RunningBot) -> None:
    new_bot.services.contents.start()

    (line,) = status(new_bot).accounts

    assert (line.name, line.stopped, line.next_due) == ("m", "", None)


def test_the_outlook_tells_what_is_approved(bot: RunningBot) -> None:
    bot.desk.approve("one", by="Ann")
    bot.approve("two")

    notes = {(entry.post_id, entry.account): entry.note for entry in outlook(bot).entries}

    assert notes["one", "m"] == "unapproved: 1 of 2"
    assert notes["two", "x"] == "approved"


def test_the_outlook_is_what_then_happens(bot: RunningBot) -> None:
    ahead = [(entry.due_at, entry.account, entry.post_id) for entry in outlook(bot).entries]
    bot.approve("one", "two")

    bot.wait(NINE + 7 * DAY)

    sent = [(row.sent_at, row.account, row.post_id) for row in bot.rows()]
    assert sent == ahead


def test_looking_ahead_changes_nothing(bot: RunningBot) -> None:
    before = bot.rows()

    outlook(bot, days=100)

    assert bot.rows() == before


def test_what_is_held_stands_in_the_outlook(bot: RunningBot) -> None:
    bot.wait(NINE + MINUTE)

    notes = [entry.note for entry in outlook(bot).entries if entry.post_id == "one"]

    assert notes == ["HELD: unapproved: 0 of 2"] * 2


def test_the_outlook_adds_up_what_a_month_costs(bot: RunningBot) -> None:
    assert outlook(bot).cost_by_month == {"2026-12": pytest.approx(0.03)}


def test_the_calendar_has_utc_instants_and_lasting_ids(bot: RunningBot) -> None:
    first, again = (Calendar.from_ical(as_calendar(outlook(bot))) for _ in range(2))

    events = [str(event["uid"]) for event in first.walk("VEVENT")]
    starts = [event.decoded("dtstart") for event in first.walk("VEVENT")]
    assert starts == [NINE, NINE, NINE + DAY, NINE + DAY]
    assert events == [str(event["uid"]) for event in again.walk("VEVENT")]
    assert len(set(events)) == 4


def test_a_rehearsal_marks_its_approvals_as_simulated(new_bot: RunningBot) -> None:
    new_bot.set("mode: live", "mode: rehearsal")
    new_bot.write(post("one", at=NINE))

    new_bot.start()

    given = new_bot.store.approvals.standing(fingerprint=new_bot.row().fingerprint)
    assert [approval.by for approval in given] == [f"{SIMULATED} 1", f"{SIMULATED} 2"]


def test_nothing_is_simulated_live(bot: RunningBot) -> None:
    campaign = bot.services.contents.campaign()
    assert campaign.schedule.mode is Mode.LIVE

    with pytest.raises(AssertionError):
        simulate_approvals(bot.store, campaign, bot.clock.now())
