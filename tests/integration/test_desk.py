"""What people decide: each decision does what it says, is written down, and no more."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.authority.tables import StopReason
from bot.delivery.model import CancelReason, Delivery, HoldReason, State
from bot.errors import DecisionError, RejectedError, UnconfirmedError
from bot.platforms.base import Profile
from tests.fakes.running_bot import ACCOUNTS, DAY, MINUTE, NINE, RunningBot, post, thread
from tests.fakes.scripted import PublishCall, Published


@pytest.fixture
def bot(new_bot: RunningBot) -> RunningBot:
    """Have one post for nine o'clock that nobody approved."""
    new_bot.start_with(post("one", at=NINE))
    return new_bot


@pytest.fixture
def held(bot: RunningBot) -> Delivery:
    """Find it held after its time."""
    bot.wait(NINE + MINUTE)
    return bot.row()


def decisions(bot: RunningBot) -> list[str]:
    """Return what was decided, oldest first."""
    rows = [row for row in reversed(bot.store.audit.rows()) if row.who != "setup"]
    return [f"{row.who} {row.verb} {row.subject} {row.why}".strip() for row in rows]


#: Decisions on what is planned and not approved, and why they are refused.
REFUSED: list[tuple[Callable[[RunningBot], object], str]] = [
    (lambda bot: bot.desk.approve("one", by="Ed"), "somebody else"),
    (lambda bot: bot.desk.approve("other", by="Ann"), "waits for approval"),
    (lambda bot: bot.desk.resume(by="Ann"), "not paused"),
    (lambda bot: bot.desk.restart("m", by="Ann"), "no stopped account"),
    (lambda bot: bot.desk.restart("other", by="Ann"), "no stopped account"),
    (lambda bot: bot.desk.resolve(bot.row().id[:8], "send", by="Ann"), "only a held one"),
    (lambda bot: bot.desk.retry(bot.row().id, by="Ann"), "only a failed one"),
]


def test_what_is_not_to_be_decided_is_refused_with_the_reason(bot: RunningBot) -> None:
    for decide, why in REFUSED:
        with pytest.raises(DecisionError, match=why):
            decide(bot)
    bot.desk.pause("mourning", by="Ann")
    with pytest.raises(DecisionError, match="already"):
        bot.desk.pause("again", by="Ben")

    assert decisions(bot) == ["Ann pause everything mourning"]


@pytest.mark.parametrize(
    ("choice", "why"),
    [
        ("send", "2 more approval"), ("queue", "fixed time"), ("later", "."), ("", "."),
        ("https://m.example", "."), ("https://m.example/@us/9", "."),
    ],
)  # fmt: skip
def test_what_cannot_be_chosen_for_a_held_one_is_refused(
    bot: RunningBot, held: Delivery, choice: str, why: str
) -> None:
    with pytest.raises(DecisionError, match=why):
        bot.desk.resolve(held.id, choice, by="Ann")
    bot.desk.pause("mourning", by="Ann")
    with pytest.raises(DecisionError, match="resume first" if choice == "send" else "."):
        bot.desk.resolve(held.id, choice, by="Ann")

    assert bot.row() == held


# Approving


def test_an_approval_is_written_down_with_its_words(bot: RunningBot) -> None:
    bot.desk.approve("one", by="Ann", note="checked")

    row = bot.store.audit.rows()[0]
    assert (row.who, row.verb, row.subject, row.why) == ("Ann", "approve", "one", "checked")
    assert row.detail["fingerprints"] == [bot.row().fingerprint]
    assert row.detail["said"] == {"m": [bot.row().status.text]}


@pytest.mark.parametrize("name", ["Ann", "ann ", "ANN"])
def test_nobody_is_two_people(bot: RunningBot, name: str) -> None:
    bot.desk.approve("one", by="Ann")

    with pytest.raises(DecisionError, match="already"):
        bot.desk.approve("one", by=name)

    assert bot.desk.consents.of(bot.row().publication).count == 1


def test_an_approver_who_becomes_the_author_does_not_count(bot: RunningBot) -> None:
    bot.approve("one")
    bot.write(post("one", "author: Ann", at=NINE))

    bot.watch()

    assert bot.desk.consents.of(bot.row().publication).count == 0
    with pytest.raises(DecisionError, match="somebody else"):
        bot.desk.approve("one", by="Ann")


def test_only_what_was_read_is_approved(bot: RunningBot) -> None:
    read = frozenset({bot.row().fingerprint})
    bot.write(post("one", at=NINE, words="Not what was read before."))
    bot.watch()

    with pytest.raises(DecisionError, match="read it again"):
        bot.desk.approve("one", by="Ann", seen=read)


def test_somebody_who_approved_one_account_s_words_may_approve_the_others(
    new_bot: RunningBot,
) -> None:
    new_bot.use("m", "b")
    new_bot.start_approved(post("one", at=NINE))
    new_bot.servers["m"].fails(UnconfirmedError("mastodon", "504"))
    new_bot.servers["m"].unread.append(UnconfirmedError("mastodon", "not ours"))
    new_bot.servers["b"].fails(RejectedError("bluesky", "too long"))
    new_bot.wait(NINE + MINUTE)
    new_bot.write(post("one", at=NINE + DAY))
    new_bot.watch()

    new_bot.approve("one")

    assert [new_bot.desk.consents.of(row.publication).count for row in new_bot.rows()] == [2, 2]


def test_what_was_held_for_another_reason_can_still_be_approved_and_sent(bot: RunningBot) -> None:
    bot.desk.pause("mourning", by="Ann")
    bot.wait(NINE)
    bot.desk.resume(by="Ann")
    assert bot.row().reason is HoldReason.PAUSED

    bot.approve("one")
    bot.desk.resolve(bot.row().id, "send", by="Ann")
    bot.wait(NINE + MINUTE)

    assert bot.row().state is State.SENT


# A stopped account


def test_an_account_that_is_still_unfit_is_stopped_again(new_bot: RunningBot) -> None:
    new_bot.servers["m"].profile = Profile("1", "", False)
    new_bot.start_with(post("one", at=NINE))
    new_bot.wait(new_bot.clock.now())

    new_bot.desk.restart("m", by="Ann")
    new_bot.wait(NINE)

    assert new_bot.row().reason_text.startswith("account stopped: it does not say that it is auto")


# Resolving


def test_a_person_s_send_forgives_lateness_only(bot: RunningBot) -> None:
    bot.approve("one")
    bot.clock.advance(DAY)
    bot.wait(bot.clock.now())
    assert bot.row().reason is HoldReason.LATE

    bot.desk.resolve(bot.row().id, "send", by="Ann", why="still true")
    bot.wait(bot.clock.now())

    assert bot.row().state is State.SENT
    assert decisions(bot)[-1] == f"Ann send {bot.row().id} still true"


def stopped(bot: RunningBot) -> str:
    bot.store.accounts.stop("m", StopReason.UNAUTHORIZED, "leaked", bot.clock.now())
    return "account stopped: leaked"


def paused(bot: RunningBot) -> str:
    bot.desk.pause("mourning", by="Ann")
    return "paused"


def voided(bot: RunningBot) -> str:
    bot.void("one")
    return "unapproved: 0 of 2"


@pytest.mark.parametrize("befalls", [stopped, paused, voided])
def test_a_person_s_send_lifts_nothing_else(
    bot: RunningBot, befalls: Callable[[RunningBot], str]
) -> None:
    bot.approve("one")
    bot.clock.advance(DAY)
    bot.wait(bot.clock.now())
    bot.desk.resolve(bot.row().id, "send", by="Ann")

    reason = befalls(bot)
    bot.wait(bot.clock.now())

    assert (bot.row().state, bot.row().reason_text) == (State.HELD, reason)


def test_a_person_s_send_does_not_pay(new_bot: RunningBot) -> None:
    new_bot.use(x=ACCOUNTS["x"].replace("threads: true", "budget_usd_per_month: 0.01"))
    new_bot.start_approved(post("one", at=NINE))
    new_bot.wait(NINE)

    new_bot.desk.resolve(new_bot.row().id, "send", by="Ann")
    new_bot.wait(NINE)

    assert new_bot.row().reason is HoldReason.OVER_BUDGET


def test_sending_the_first_part_of_a_late_thread_sends_all_of_it(new_bot: RunningBot) -> None:
    new_bot.start_approved(thread("one", 3, at=NINE + DAY))
    new_bot.clock.advance(3 * DAY)
    new_bot.wait(new_bot.clock.now())

    new_bot.desk.resolve(new_bot.rows()[0].id, "send", by="Ann")
    new_bot.wait(new_bot.clock.now())

    assert {row.state for row in new_bot.rows()} == {State.SENT}


def test_a_person_may_send_once_more_after_all_attempts(new_bot: RunningBot) -> None:
    new_bot.start_approved(post("one", at=NINE))
    for _ in range(6):
        new_bot.servers["m"].fails(UnconfirmedError("mastodon", "504"))
    new_bot.wait(NINE + DAY)
    assert new_bot.row().reason is HoldReason.ATTEMPTS

    new_bot.desk.resolve(new_bot.row().id, "send", by="Ann")
    new_bot.wait(NINE + 2 * DAY)

    assert new_bot.servers["m"].calls.count("publish") == 5
    assert new_bot.row().reason is HoldReason.ATTEMPTS


@pytest.mark.parametrize(
    ("address", "remote_id"),
    [
        ("https://m.example/@us/113", "113"),
        ("https://m.example/@us/113?s=20", "113"),
        ("https://m.example/@us/113/#m", "113"),
    ],
)
def test_what_is_out_already_is_known_by_its_address(
    bot: RunningBot, held: Delivery, address: str, remote_id: str
) -> None:
    bot.servers["m"].live.append(Published("113", "another's", "words", None, ""))

    bot.desk.resolve(held.id, address, by="Ann")

    row = bot.row()
    shown = "https://m.example/@us/113"
    assert (row.state, row.url, row.remote_id) == (State.SENT, shown, remote_id)


def test_what_was_dropped_is_gone_for_good(bot: RunningBot, held: Delivery) -> None:
    row = bot.desk.resolve(held.id, "drop", by="Ann", why="stale")

    assert (row.state, row.reason, row.detail) == (State.CANCELLED, CancelReason.WITHDRAWN, "stale")
    assert decisions(bot) == [f"Ann drop {held.id} stale"]


def test_what_may_be_out_does_not_go_back_into_its_queue(new_bot: RunningBot) -> None:
    new_bot.start_approved(post("one"))
    new_bot.servers["m"].fails(UnconfirmedError("mastodon", "504"))
    new_bot.servers["m"].unread.append(UnconfirmedError("mastodon", "not ours"))
    new_bot.wait(NINE + MINUTE)

    with pytest.raises(DecisionError, match="may be out"):
        new_bot.desk.resolve(new_bot.row().id, "queue", by="Ann")


def test_a_requeued_post_has_to_be_on_time_again(new_bot: RunningBot) -> None:
    new_bot.start_approved(post("one"))
    new_bot.clock.advance(DAY / 2)
    new_bot.wait(new_bot.clock.now())
    new_bot.desk.resolve(new_bot.row().id, "send", by="Ann")
    new_bot.desk.pause("wait", by="Ann")
    new_bot.wait(new_bot.clock.now())
    new_bot.desk.resume(by="Ann")

    row = new_bot.desk.resolve(new_bot.row().id, "queue", by="Ann")

    assert (row.state, row.released_by) == (State.PLANNED, "")


# Failed and planned ones


def failed(bot: RunningBot) -> Delivery:
    bot.approve("one")
    bot.servers["m"].fails(RejectedError("mastodon", "too long"))
    bot.wait(NINE)
    return bot.row()


def test_a_planned_held_or_failed_delivery_is_cancelled(bot: RunningBot) -> None:
    row = failed(bot)

    assert bot.desk.cancel(row.id, by="Ann").state is State.CANCELLED
    assert bot.desk.held() == ()


def test_what_is_out_is_not_cancelled(bot: RunningBot) -> None:
    bot.approve("one")
    bot.wait(NINE)

    with pytest.raises(DecisionError, match="SENT"):
        bot.desk.cancel(bot.row().id, by="Ann")


def test_a_thread_is_cancelled_whole(new_bot: RunningBot) -> None:
    new_bot.start_with(thread("one", 3))

    new_bot.desk.cancel(new_bot.rows()[1].id, by="Ann")

    assert new_bot.rows() == []


def test_of_a_thread_that_began_the_rest_is_cancelled(new_bot: RunningBot) -> None:
    new_bot.start_approved(thread("one", 3))
    new_bot.servers["m"].steps.append(
        PublishCall(meanwhile=lambda: new_bot.desk.pause("", by="Ann"))
    )
    new_bot.wait(NINE)

    new_bot.desk.resolve(new_bot.rows()[1].id, "drop", by="Ann")

    assert new_bot.states() == {"one/m/0": "SENT"}


# Finding


def test_an_id_names_one_delivery(new_bot: RunningBot) -> None:
    new_bot.start_with(post("one"), post("two"))

    with pytest.raises(DecisionError, match="more than one delivery"):
        new_bot.desk.find("")
    with pytest.raises(DecisionError, match="no delivery"):
        new_bot.desk.find("nothing")
