"""From planned to out: the gate, the intent, one call, and what comes of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, event

from bot.delivery.lifecycle import Event
from bot.delivery.model import CancelReason, State
from bot.delivery.reads import AHEAD
from bot.errors import (
    OverBudgetError,
    PlatformError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
    UnconfirmedError,
)
from tests.fakes.running_bot import ACCOUNTS, DAY, MINUTE, NINE, RunningBot, post, thread
from tests.fakes.scripted import PublishCall, Server


@pytest.fixture
def server(bot: RunningBot) -> Server:
    return bot.servers["m"]


#: Less than what a delivery is let through ahead of its time.
MOMENT = timedelta(seconds=1)


# What goes out


def test_an_approved_post_is_let_through_ahead_and_goes_out_at_its_time_and_once(
    bot: RunningBot, server: Server
) -> None:
    for ahead in (AHEAD, MOMENT):
        bot.wait(NINE - ahead)
        assert (bot.states(), bot.row().attempts) == ({"one/m/0": "READY"}, 0)

    bot.wait(NINE + DAY)

    assert bot.moves(bot.row()) == ["PLANNED READY", "READY SENDING", "SENDING SENT"]
    assert bot.row().sent_at == NINE
    assert len(server.live) == 1
    assert [attempt.started_at for attempt in bot.store.outbox.attempts_of(bot.row().id)] == [NINE]


def test_ahead_of_its_time_nothing_is_held(new_bot: RunningBot) -> None:
    new_bot.start_with(post("one", at=NINE))
    new_bot.wait(NINE - MOMENT)
    assert new_bot.states() == {"one/m/0": "PLANNED"}

    new_bot.approve("one")
    new_bot.wait(NINE)
    assert new_bot.states() == {"one/m/0": "SENT"}


def test_an_approval_taken_back_at_the_last_moment_counts(bot: RunningBot, server: Server) -> None:
    bot.wait(NINE - MOMENT)
    bot.store.approvals.take_back([bot.row().fingerprint], "Ann", now=bot.clock.now())
    bot.wait(NINE - MOMENT)
    assert bot.states() == {"one/m/0": "READY"}

    assert held_for_good(bot) == "unapproved: 1 of 2"


def test_the_intent_is_stored_before_the_first_byte(bot: RunningBot, server: Server) -> None:
    seen: list[object] = []

    def look() -> None:
        row = bot.row()
        (attempt,) = bot.store.outbox.attempts_of(row.id)
        seen.extend([row.state, row.draft_json is not None, row.first_intent_at, attempt.phase])

    server.steps.append(PublishCall(meanwhile=look))

    bot.wait(NINE)

    assert seen == [State.SENDING, True, NINE, "calling"]


# What is held, with its reason, and never sent by itself


def held_for_good(bot: RunningBot, account: str = "m") -> str:
    """Let two days pass; tell why the one delivery is held, and prove that it never went out."""
    bot.wait(NINE + 2 * DAY)
    assert bot.servers[account].live == []
    row = bot.row()
    assert row.state is State.HELD
    return row.reason_text


@pytest.mark.parametrize(
    ("approvers", "reason"), [([], "unapproved: 0 of 2"), (["Ann"], "unapproved: 1 of 2")]
)
def test_a_post_without_all_its_approvals_is_held(
    new_bot: RunningBot, approvers: list[str], reason: str
) -> None:
    new_bot.start_with(post("one", at=NINE))
    new_bot.approve("one", by=approvers)

    assert held_for_good(new_bot) == reason


def test_an_approval_that_comes_too_late_sends_nothing(new_bot: RunningBot) -> None:
    new_bot.start_with(post("one", at=NINE))
    new_bot.wait(NINE + MINUTE)
    new_bot.approve("one")

    assert held_for_good(new_bot) == "unapproved: 0 of 2"


@pytest.mark.parametrize(
    ("own", "after", "reason"),
    [
        ("theme: families", timedelta(minutes=15, seconds=1), "late: 15 min after its time"),
        ("not_after: 1m", timedelta(minutes=2), "late: 2 min after its time"),
    ],
    ids=["the campaign's limit", "the post's own"],
)
def test_a_late_post_is_held(new_bot: RunningBot, own: str, after: timedelta, reason: str) -> None:
    new_bot.start_approved(post("one", own, at=NINE))
    new_bot.clock.advance(NINE + after - new_bot.clock.now())

    assert held_for_good(new_bot) == reason


def test_a_post_goes_out_up_to_the_last_moment_allowed(bot: RunningBot, server: Server) -> None:
    bot.clock.advance(timedelta(hours=1, minutes=15))

    bot.wait(bot.clock.now())

    assert len(server.live) == 1


@pytest.mark.parametrize(
    ("budget", "price", "reason"),
    [
        ("0.01", "", "over budget: costs $0.015, $0.010 left this month"),
        # A price of the schedule overrides the platform's.
        ("5", "x_prices: {post: 6}", "over budget: costs $6.000, $5.000 left this month"),
    ],
)
def test_a_post_over_the_budget_is_held(
    new_bot: RunningBot, budget: str, price: str, reason: str
) -> None:
    new_bot.use(x=ACCOUNTS["x"].replace("threads: true", f"budget_usd_per_month: {budget}"))
    new_bot.set("campaign: test", f"campaign: test\n{price}")
    new_bot.start_approved(post("one", at=NINE))

    assert held_for_good(new_bot, "x") == reason


def test_the_ledger_stops_what_the_gate_let_through(new_bot: RunningBot) -> None:
    new_bot.use(x=ACCOUNTS["x"].replace("threads: true", "budget_usd_per_month: 0.02"))
    new_bot.start_approved(post("one", at=NINE), post("two", at=NINE))

    new_bot.wait(NINE + DAY)

    told = sorted(new_bot.states().values())
    assert [state.partition(":")[0] for state in told] == ["HELD over budget", "SENT"]
    assert len(new_bot.servers["x"].live) == 1


def test_a_part_whose_parent_was_dropped_is_held(new_bot: RunningBot) -> None:
    new_bot.start_approved(thread("long", 2, at=NINE))
    new_bot.servers["m"].fails(RejectedError("mastodon", "no"))
    new_bot.wait(NINE)
    first = new_bot.rows("long")[0]

    new_bot.store.outbox.move(
        first.id, Event.DROP, now=new_bot.clock.now(), actor="Ann", reason=CancelReason.WITHDRAWN
    )
    new_bot.wait(NINE + MINUTE)

    assert new_bot.states() == {"long/m/1": "HELD the part before it is not out: it is CANCELLED"}


def test_the_queue_moves_on_past_a_post_that_nobody_approved(new_bot: RunningBot) -> None:
    new_bot.start_with(post("one"), post("two"))
    new_bot.approve("two")

    new_bot.wait(NINE + DAY)

    assert new_bot.states() == {"one/m/0": "HELD unapproved: 0 of 2", "two/m/0": "SENT"}


# What a call may end in


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (UnavailableError("mastodon", "connection refused"), "READY mastodon: connection refused"),
        (UnauthorizedError("mastodon", "revoked"), "HELD account stopped: mastodon: revoked"),
        (OverBudgetError("mastodon", "nothing left"), "HELD over budget: mastodon: nothing left"),
        (RejectedError("mastodon", "too long"), "FAILED mastodon: too long"),
        (UnconfirmedError("mastodon", "504"), "UNKNOWN mastodon: 504"),
        (PlatformError("mastodon", "who knows"), "UNKNOWN mastodon: who knows"),
        (KeyError("id"), "UNKNOWN unexpected KeyError"),
    ],
)
def test_a_call_ends_as_its_error_says(
    bot: RunningBot, server: Server, error: Exception, state: str
) -> None:
    server.fails(error)

    bot.wait(NINE)

    assert bot.states() == {"one/m/0": state}


def test_before_the_call_nothing_is_ever_in_doubt(bot: RunningBot, server: Server) -> None:
    server.unprepared.append(UnconfirmedError("mastodon", "what"))

    bot.wait(NINE)

    assert bot.states() == {"one/m/0": "READY UnconfirmedError before the call"}
    assert "publish" not in server.calls


def test_a_repeated_call_sends_the_same_bytes_under_the_same_key(
    bot: RunningBot, server: Server
) -> None:
    server.fails(UnavailableError("mastodon", "connection refused"))

    bot.wait(NINE + MINUTE)

    (one,) = server.live
    assert (one.key, one.at) == (bot.row().id, NINE.isoformat())
    assert server.calls.count("prepare") == 1


def test_a_process_that_stood_still_does_not_call(bot: RunningBot, server: Server) -> None:
    server.before_prepare = lambda: bot.clock.advance(timedelta(seconds=61))

    bot.wait(NINE + timedelta(seconds=61))

    (first, *_) = bot.store.outbox.attempts_of(bot.row().id)
    assert first.reason == "too slow before the call"
    assert len(server.live) == 1


def lose_lease(bot: RunningBot) -> None:
    """Let another worker take over what is being sent."""
    bot.clock.advance(timedelta(seconds=121))
    bot.store.outbox.expire(bot.clock.now())


def test_a_lease_that_another_worker_took_is_left_alone(bot: RunningBot, server: Server) -> None:
    server.before_prepare = lambda: lose_lease(bot)

    bot.wait(NINE + timedelta(seconds=121))

    assert bot.states() == {"one/m/0": "SENT"}
    assert len(server.live) == 1


def test_an_answer_after_the_lease_is_reported_and_found(bot: RunningBot, server: Server) -> None:
    server.steps.append(PublishCall(meanwhile=lambda: lose_lease(bot)))

    bot.wait(NINE + 10 * MINUTE)

    assert bot.states() == {"one/m/0": "SENT"}
    assert len(server.live) == 1
    assert next(row.verb for row in bot.store.audit.rows()) == "incident"


def test_a_sender_leaves_an_account_alone_that_another_one_has(
    bot: RunningBot, server: Server
) -> None:
    with bot.store.sending("m") as is_mine:
        assert is_mine
        bot.wait(NINE)

    assert server.live == []
    assert bot.row().state is State.READY


def test_many_that_wait_are_not_all_looked_at_for_each_that_goes_out(new_bot: RunningBot) -> None:
    names = [f"p{number}" for number in range(12)]
    new_bot.set("not_after: 15m", "not_after: 15m\nsimilarity: 1.0")
    new_bot.start_approved(*(post(name, at=NINE) for name in names))
    asked = 0

    def count(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        nonlocal asked
        asked += "FROM approval" in statement

    event.listen(Engine, "before_cursor_execute", count)
    new_bot.wait(NINE)
    event.remove(Engine, "before_cursor_execute", count)

    assert {row.state for row in new_bot.rows()} == {State.SENT}
    # With the two looks that tell whether an approver answered in between.
    assert asked <= 5 * len(names)


# A thread whose part is refused


def test_a_refused_part_holds_what_follows_until_a_person_sends_both(new_bot: RunningBot) -> None:
    new_bot.start_approved(thread("long", 3, at=NINE))
    new_bot.servers["m"].steps.append(PublishCall())
    new_bot.servers["m"].fails(RejectedError("mastodon", "no"))
    new_bot.wait(NINE + timedelta(seconds=5))
    assert new_bot.states() == {
        "long/m/0": "SENT",
        "long/m/1": "FAILED mastodon: no",
        "long/m/2": "HELD the part before it is not out: it is FAILED; the thread is truncated",
    }
    _first, second, third = new_bot.rows("long")

    new_bot.desk.retry(second.id, by="Aygul")
    new_bot.desk.resolve(third.id, "send", by="Aygul")
    new_bot.wait(NINE + timedelta(seconds=10))

    assert set(new_bot.states().values()) == {"SENT"}
    assert [status.parent for status in new_bot.servers["m"].live] == [None, "1", "2"]
