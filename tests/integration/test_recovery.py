"""After a restore, a clone or a lost log nothing goes out twice, and nothing by itself."""

from __future__ import annotations

from threading import Event, Thread

import pytest

from bot.delivery import lifecycle
from bot.delivery.model import CancelReason, HoldReason, State
from bot.errors import UnauthorizedError, UnavailableError, UnconfirmedError
from tests.fakes.running_bot import DAY, MINUTE, NINE, RunningBot, post
from tests.waiting import PATIENCE


@pytest.fixture
def bot(new_bot: RunningBot) -> RunningBot:
    """Have a copy of a database with two approved posts: for nine today and for tomorrow."""
    new_bot.start_approved(post("one", at=NINE), post("two", at=NINE + DAY))
    keep(new_bot)
    return new_bot


def keep(bot: RunningBot, name: str = "copy.db") -> None:
    bot.store.backup(bot.folder / name)


def bring_back(bot: RunningBot, name: str = "copy.db") -> None:
    bot.bring_back(bot.folder / name)


def settle(bot: RunningBot) -> bool:
    """Let the bot settle first; tell whether it is done."""
    bot.services.beat()
    return bot.store.restore_guard.reason() is None


def test_what_the_log_says_is_out_is_recognised(bot: RunningBot) -> None:
    bot.wait(NINE)
    sent = bot.rows("one")[0]

    bring_back(bot)
    assert "older than the sent log" in (bot.store.restore_guard.reason() or "")
    assert settle(bot)
    bot.wait(NINE + DAY)

    assert bot.states() == {"one/m/0": "SENT", "two/m/0": "SENT"}
    assert bot.rows("one")[0].ref == sent.ref
    assert len(bot.servers["m"].live) == 2


def test_what_was_tried_and_is_out_is_found(bot: RunningBot) -> None:
    bot.servers["m"].fails(UnconfirmedError("mastodon", "504"), keeps=True)
    bot.wait(NINE)

    bring_back(bot)
    assert settle(bot)

    assert bot.rows("one")[0].state is State.SENT
    assert len(bot.servers["m"].live) == 1


def test_what_was_tried_and_is_absent_is_held(bot: RunningBot) -> None:
    bot.servers["m"].fails(UnconfirmedError("mastodon", "504"))
    bot.wait(NINE)

    bring_back(bot)
    assert settle(bot)
    bot.wait(NINE + 10 * MINUTE)

    row = bot.rows("one")[0]
    assert (row.state, row.reason) == (State.HELD, HoldReason.UNSETTLED)
    assert row.evidence == "tried before a restore; not seen when it was read back"
    assert bot.servers["m"].live == []


def test_what_came_due_meanwhile_is_held(bot: RunningBot) -> None:
    bot.wait(NINE)
    bring_back(bot)
    bot.clock.advance(DAY)

    assert settle(bot)

    assert bot.rows("two")[0].evidence == "it was due while this database may have been away"


def test_nothing_is_sent_while_something_cannot_be_read_back(bot: RunningBot) -> None:
    bot.servers["m"].fails(UnconfirmedError("mastodon", "504"), keeps=True)
    bot.wait(NINE)
    bring_back(bot)
    bot.write(post("one", at=NINE), post("new", at=NINE + MINUTE))
    bot.watch()
    bot.approve("new")
    bot.servers["m"].unread.extend([UnavailableError("mastodon", "502")] * 3)

    assert not settle(bot)
    bot.wait(NINE + MINUTE)
    assert len(bot.servers["m"].live) == 1

    while not settle(bot):
        pass
    assert bot.rows("one")[0].state is State.SENT


@pytest.mark.parametrize(
    "error", [UnconfirmedError("mastodon", "not ours"), UnauthorizedError("mastodon", "revoked")]
)
def test_what_can_never_be_told_is_held_and_keeps_nobody_waiting(
    bot: RunningBot, error: Exception
) -> None:
    bot.servers["m"].fails(UnconfirmedError("mastodon", "504"))
    bot.wait(NINE)
    bring_back(bot)
    bot.servers["m"].unread.append(error)

    assert settle(bot)

    row = bot.rows("one")[0]
    assert (row.state, row.evidence) == (
        State.HELD, f"tried before a restore; read back, but {error}"
    )  # fmt: skip


def test_an_account_that_is_gone_keeps_nobody_waiting(bot: RunningBot) -> None:
    bot.use("m", "b")
    bot.watch()
    bot.approve("one")
    keep(bot, "both.db")
    bot.servers["m"].fails(UnconfirmedError("mastodon", "504"))
    bot.wait(NINE)
    bot.use("b")

    bring_back(bot, "both.db")

    assert settle(bot)
    (row,) = [one for one in bot.rows("one") if one.account == "m"]
    assert "no longer in the schedule" in row.evidence


def test_what_a_person_dropped_and_is_out_all_the_same_is_told(bot: RunningBot) -> None:
    bot.wait(NINE)
    bring_back(bot)
    bot.store.outbox.move(
        bot.rows("one")[0].id,
        lifecycle.Event.CANCEL,
        now=bot.clock.now(),
        actor="Ann",
        reason=CancelReason.WITHDRAWN,
    )

    assert settle(bot)

    (incident, *_) = bot.store.audit.rows()
    assert (incident.who, incident.verb, incident.detail["remote_id"]) == (
        "recovery", "incident", "1"
    )  # fmt: skip


def test_what_is_in_doubt_in_the_copy_too_is_read_back_as_ever(new_bot: RunningBot) -> None:
    new_bot.start_approved(post("one", at=NINE))
    new_bot.servers["m"].fails(UnconfirmedError("mastodon", "504"), keeps=True)
    new_bot.servers["m"].unread.extend([UnavailableError("mastodon", "502")] * 2)
    new_bot.wait(NINE)
    keep(new_bot)
    new_bot.wait(NINE + MINUTE)

    bring_back(new_bot)
    assert settle(new_bot)
    new_bot.wait(NINE + 2 * MINUTE)

    assert new_bot.row().state is State.SENT
    assert len(new_bot.servers["m"].live) == 1


def test_only_one_thread_settles(bot: RunningBot) -> None:
    bot.servers["m"].fails(UnconfirmedError("mastodon", "504"), keeps=True)
    bot.wait(NINE)
    bring_back(bot)
    asked, answered = Event(), Event()

    def wait() -> None:
        asked.set()
        answered.wait(PATIENCE)

    bot.servers["m"].before_find = wait
    other = Thread(target=bot.services.recovery.run)
    other.start()
    assert asked.wait(PATIENCE)

    assert not bot.services.recovery.run()

    answered.set()
    other.join()
    assert bot.services.recovery.run()


def test_a_plan_of_a_forgetful_database_does_not_repeat_what_the_log_knows(bot: RunningBot) -> None:
    bot.write(post("one", at=NINE), post("two", at=NINE + DAY), post("new", at=NINE))
    bot.watch()
    bot.approve("new")
    bot.wait(NINE)
    assert len(bot.servers["m"].live) == 2

    bring_back(bot)

    assert settle(bot)
    bot.wait(NINE + 10 * MINUTE)
    assert len(bot.servers["m"].live) == 2
    assert {row.state for row in bot.rows("new")} <= {State.SENT, State.HELD}
