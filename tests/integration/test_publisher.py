"""From planned to out: the gate, the intent, one call, and what comes of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, event

from bot.authority.tables import StopReason
from bot.delivery.lifecycle import Event
from bot.delivery.model import CancelReason, HoldReason, State
from bot.errors import (
    OverBudgetError,
    PlatformError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
    UnconfirmedError,
)
from tests.fakes.newsroom import ACCOUNTS, DAY, MINUTE, NINE, Newsroom, post
from tests.fakes.scripted import Server, Step

LONG = "This is a long text of many words that needs more than one part. " * 12


@pytest.fixture
def room(newsroom: Newsroom) -> Newsroom:
    """Have one approved post, due at nine on Mastodon."""
    newsroom.write(post("one", at=NINE))
    newsroom.start()
    newsroom.approve("one")
    return newsroom


@pytest.fixture
def server(room: Newsroom) -> Server:
    return room.servers["m"]


def thread(name: str = "long") -> str:
    """Write a post of several parts."""
    return f'  - id: {name}\n    text: "{LONG.strip()}"\n    thread: true\n    author: Ed\n' + (
        f"    at: {NINE:%Y-%m-%d %H:%M:%S}+00:00\n"
    )


# What goes out


def test_an_approved_post_goes_out_at_its_time_and_once(room: Newsroom, server: Server) -> None:
    room.wait(NINE + DAY)

    assert room.states() == {"one/m/0": "SENT"}
    assert len(server.live) == 1
    assert room.row().sent_at == NINE
    assert room.moves(room.row()) == ["PLANNED READY", "READY SENDING", "SENDING SENT"]


def test_nothing_goes_out_before_its_time(room: Newsroom, server: Server) -> None:
    room.wait(NINE - timedelta(seconds=1))

    assert server.live == []


def test_the_intent_is_stored_before_the_first_byte(room: Newsroom, server: Server) -> None:
    seen: list[object] = []

    def look() -> None:
        row = room.row()
        (attempt,) = room.store.outbox.attempts_of(row.id)
        seen.extend([row.state, row.draft_json is not None, row.first_intent_at, attempt.phase])

    server.steps.append(Step(meanwhile=look))

    room.wait(NINE)

    assert seen == [State.SENDING, True, NINE, "calling"]


def test_a_thread_goes_out_in_order_each_part_under_the_one_before(newsroom: Newsroom) -> None:
    newsroom.write(thread())
    newsroom.start()
    newsroom.approve("long")

    newsroom.wait(NINE)

    live = newsroom.servers["m"].live
    assert [one.parent for one in live] == [None, "1"]
    assert " ".join(one.text for one in live).split() == LONG.split()


def test_one_account_in_trouble_does_not_keep_another_waiting(newsroom: Newsroom) -> None:
    newsroom.use("m", "b")
    newsroom.write(post("one", at=NINE))
    newsroom.servers["m"].fails(UnavailableError("mastodon", "connection refused"))
    newsroom.start()
    newsroom.approve("one")

    newsroom.wait(NINE)

    assert newsroom.states() == {
        "one/b/0": "SENT",
        "one/m/0": "READY mastodon: connection refused",
    }


# What is held, with its reason, and never sent by itself


def held_for_good(room: Newsroom, account: str = "m") -> str:
    """Let two days pass; tell why the one delivery is held, and prove that it never went out."""
    room.wait(NINE + 2 * DAY)
    assert room.servers[account].live == []
    row = room.row()
    assert row.state is State.HELD
    return row.reason_text


def test_a_post_that_nobody_approved_is_held(newsroom: Newsroom) -> None:
    newsroom.write(post("one", at=NINE))
    newsroom.start()

    assert held_for_good(newsroom) == "unapproved: 0 of 2"


def test_one_approval_of_two_is_not_enough(newsroom: Newsroom) -> None:
    newsroom.write(post("one", at=NINE))
    newsroom.start()
    newsroom.approve("one", by=["Ann"])

    assert held_for_good(newsroom) == "unapproved: 1 of 2"


def test_an_approval_that_comes_too_late_sends_nothing(newsroom: Newsroom) -> None:
    newsroom.write(post("one", at=NINE))
    newsroom.start()
    newsroom.wait(NINE + MINUTE)
    newsroom.approve("one")

    assert held_for_good(newsroom) == "unapproved: 0 of 2"


def test_a_paused_post_is_held_and_stays_so_after_resume(room: Newsroom) -> None:
    room.desk.pause("mourning", by="Ann")
    room.wait(NINE)
    room.desk.resume(by="Ann")

    assert held_for_good(room) == "paused"


def test_a_late_post_is_held(room: Newsroom) -> None:
    room.clock.advance(timedelta(hours=1, minutes=15, seconds=1))

    assert held_for_good(room) == "late: 15 min after its time"


def test_a_post_goes_out_up_to_the_last_moment_allowed(room: Newsroom, server: Server) -> None:
    room.clock.advance(timedelta(hours=1, minutes=15))

    room.wait(room.clock.now())

    assert len(server.live) == 1


def test_a_post_s_own_lateness_wins(newsroom: Newsroom) -> None:
    newsroom.write(post("one", "not_after: 1m", at=NINE))
    newsroom.start()
    newsroom.approve("one")
    newsroom.clock.advance(timedelta(hours=1, minutes=2))

    assert held_for_good(newsroom) == "late: 2 min after its time"


def test_an_outage_longer_than_the_lateness_ends_held(room: Newsroom, server: Server) -> None:
    for _ in range(400):
        server.fails(UnavailableError("mastodon", "no route to host"))

    assert held_for_good(room).startswith("late")


def test_an_account_that_is_stopped_sends_nothing(room: Newsroom) -> None:
    now = room.clock.now()
    room.store.accounts.stop("m", StopReason.UNAUTHORIZED, "its password was leaked", now)

    assert held_for_good(room) == "account stopped: its password was leaked"


def test_a_post_over_the_budget_is_held(newsroom: Newsroom) -> None:
    newsroom.use(x=ACCOUNTS["x"].replace("threads: true", "budget_usd_per_month: 0.01"))
    newsroom.write(post("one", at=NINE))
    newsroom.start()
    newsroom.approve("one")

    assert held_for_good(newsroom, "x") == "over budget: costs $0.015, $0.010 left this month"


def test_the_ledger_stops_what_the_gate_let_through(newsroom: Newsroom) -> None:
    newsroom.use(x=ACCOUNTS["x"].replace("threads: true", "budget_usd_per_month: 0.02"))
    newsroom.write(post("one", at=NINE), post("two", at=NINE))
    newsroom.start()
    newsroom.approve("one", "two")

    newsroom.wait(NINE + DAY)

    told = sorted(newsroom.states().values())
    assert [state.partition(":")[0] for state in told] == ["HELD over budget", "SENT"]
    assert len(newsroom.servers["x"].live) == 1


def test_prices_of_the_schedule_override_the_platform_s(newsroom: Newsroom) -> None:
    newsroom.use(x=ACCOUNTS["x"].replace("threads: true", "budget_usd_per_month: 5"))
    newsroom.set("campaign: test", "campaign: test\nx_prices: {post: 6}")
    newsroom.write(post("one", at=NINE))
    newsroom.start()
    newsroom.approve("one")

    assert held_for_good(newsroom, "x") == "over budget: costs $6.000, $5.000 left this month"


def test_a_part_whose_parent_was_dropped_is_held(newsroom: Newsroom) -> None:
    newsroom.write(thread())
    newsroom.start()
    newsroom.approve("long")
    newsroom.servers["m"].fails(RejectedError("mastodon", "no"))
    newsroom.wait(NINE)
    first = newsroom.rows("long")[0]

    newsroom.store.outbox.move(
        first.id, Event.DROP, now=newsroom.clock.now(), actor="Ann", reason=CancelReason.WITHDRAWN
    )
    newsroom.wait(NINE + MINUTE)

    assert newsroom.states() == {"long/m/1": "HELD the part before it is not out: it is CANCELLED"}


def test_the_queue_moves_on_past_a_post_that_nobody_approved(newsroom: Newsroom) -> None:
    newsroom.write(post("one"), post("two"))
    newsroom.start()
    newsroom.approve("two")

    newsroom.wait(NINE + DAY)

    assert newsroom.states() == {"one/m/0": "HELD unapproved: 0 of 2", "two/m/0": "SENT"}


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
    room: Newsroom, server: Server, error: Exception, state: str
) -> None:
    server.fails(error)

    room.wait(NINE)

    assert room.states() == {"one/m/0": state}


def test_before_the_call_nothing_is_ever_in_doubt(room: Newsroom, server: Server) -> None:
    server.unprepared.append(UnconfirmedError("mastodon", "what"))

    room.wait(NINE)

    assert room.states() == {"one/m/0": "READY UnconfirmedError before the call"}
    assert "publish" not in server.calls


def test_a_refusal_of_a_repeated_call_is_no_failure(room: Newsroom, server: Server) -> None:
    server.fails(UnconfirmedError("mastodon", "timeout"), keeps=True)
    server.blind = 2
    server.fails(RejectedError("mastodon", "duplicate"))

    room.wait(NINE + 5 * MINUTE)

    assert room.states() == {"one/m/0": "SENT"}
    assert len(server.live) == 1


def test_a_server_s_word_about_the_wait_is_obeyed(room: Newsroom, server: Server) -> None:
    wait = timedelta(minutes=7)
    server.fails(UnavailableError("mastodon", "rate limited", retry_after=wait))

    room.wait(NINE + wait - timedelta(seconds=1))
    assert server.calls.count("publish") == 1

    room.wait(NINE + wait)
    assert server.calls.count("publish") == 2


def test_a_repeated_call_sends_the_same_bytes_under_the_same_key(
    room: Newsroom, server: Server
) -> None:
    server.fails(UnavailableError("mastodon", "connection refused"))

    room.wait(NINE + MINUTE)

    (one,) = server.live
    assert (one.key, one.at) == (room.row().id, NINE.isoformat())
    assert server.calls.count("prepare") == 1


def test_a_pause_in_the_last_moment_stops_the_call(room: Newsroom, server: Server) -> None:
    server.before_prepare = lambda: room.desk.pause("stop", by="Ann")

    room.wait(NINE)

    assert "publish" not in server.calls
    assert room.states() == {"one/m/0": "HELD paused"}


def test_a_process_that_stood_still_does_not_call(room: Newsroom, server: Server) -> None:
    server.before_prepare = lambda: room.clock.advance(timedelta(seconds=61))

    room.wait(NINE + timedelta(seconds=61))

    (first, *_) = room.store.outbox.attempts_of(room.row().id)
    assert first.reason == "too slow before the call"
    assert len(server.live) == 1


def test_a_lease_that_another_worker_took_is_left_alone(room: Newsroom, server: Server) -> None:
    def take_over() -> None:
        room.clock.advance(timedelta(seconds=121))
        room.store.outbox.expire(room.clock.now())

    server.before_prepare = take_over

    room.wait(NINE + timedelta(seconds=121))

    assert room.states() == {"one/m/0": "SENT"}
    assert len(server.live) == 1


def test_an_answer_after_the_lease_is_reported_and_found(room: Newsroom, server: Server) -> None:
    def take_over() -> None:
        room.clock.advance(timedelta(seconds=121))
        room.store.outbox.expire(room.clock.now())

    server.steps.append(Step(meanwhile=take_over))

    room.wait(NINE + 10 * MINUTE)

    assert room.states() == {"one/m/0": "SENT"}
    assert len(server.live) == 1
    assert next(row.verb for row in room.store.audit.rows()) == "incident"


def test_attempts_are_counted_and_end(room: Newsroom, server: Server) -> None:
    for _ in range(9):
        server.fails(UnconfirmedError("mastodon", "504"))

    room.wait(NINE + DAY)

    assert server.calls.count("publish") == 4
    assert room.row().state is State.HELD
    assert room.row().reason is HoldReason.ATTEMPTS


def test_a_sender_leaves_an_account_alone_that_another_one_has(
    room: Newsroom, server: Server
) -> None:
    with room.store.sending("m") as is_mine:
        assert is_mine
        room.wait(NINE)

    assert server.live == []
    assert room.row().state is State.READY


def test_an_approval_that_is_withdrawn_while_others_go_out_holds(newsroom: Newsroom) -> None:
    newsroom.write(post("one", at=NINE - MINUTE), post("two", at=NINE))
    newsroom.start()
    newsroom.approve("one", "two")
    newsroom.clock.advance(NINE - newsroom.clock.now())

    def withdraw() -> None:
        newsroom.void("two")

    newsroom.servers["m"].steps.append(Step(meanwhile=withdraw))

    newsroom.wait(NINE)

    assert newsroom.states() == {"one/m/0": "SENT", "two/m/0": "HELD unapproved: 0 of 2"}


def test_many_that_wait_are_not_all_looked_at_for_each_that_goes_out(newsroom: Newsroom) -> None:
    names = [f"p{number}" for number in range(12)]
    newsroom.set("not_after: 15m", "not_after: 15m\nsimilarity: 1.0")
    newsroom.write(*(post(name, at=NINE) for name in names))
    newsroom.start()
    newsroom.approve(*names)
    asked = 0

    def count(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        nonlocal asked
        asked += "FROM approval" in statement

    event.listen(Engine, "before_cursor_execute", count)
    newsroom.wait(NINE)
    event.remove(Engine, "before_cursor_execute", count)

    assert {row.state for row in newsroom.rows()} == {State.SENT}
    assert asked <= 3 * len(names)
