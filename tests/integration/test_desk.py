"""What people decide: each decision does what it says, is written down, and no more."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.authority.tables import StopReason
from bot.delivery.model import CancelReason, Delivery, HoldReason, State
from bot.errors import DecisionError, RejectedError, UnauthorizedError, UnconfirmedError
from bot.platforms.base import Profile
from tests.fakes.newsroom import ACCOUNTS, DAY, MINUTE, NINE, Newsroom, post
from tests.fakes.scripted import Step
from tests.integration.test_planner import thread


@pytest.fixture
def room(newsroom: Newsroom) -> Newsroom:
    """Have one post for nine o'clock that nobody approved."""
    newsroom.write(post("one", at=NINE))
    newsroom.start()
    return newsroom


@pytest.fixture
def held(room: Newsroom) -> Delivery:
    """Find it held after its time."""
    room.wait(NINE + MINUTE)
    return room.row()


def decisions(room: Newsroom) -> list[str]:
    """Return what the audit log has, oldest first."""
    rows = reversed(room.store.audit.rows())
    return [f"{one.who} {one.verb} {one.subject} {one.why}".strip() for one in rows]


# Approving


def test_an_approval_is_written_down_with_its_words(room: Newsroom) -> None:
    room.desk.approve("one", by="Ann", note="checked")

    (row,) = room.store.audit.rows()
    assert (row.who, row.verb, row.subject, row.why) == ("Ann", "approve", "one", "checked")
    assert row.detail["fingerprint"] == room.row().fingerprint
    assert row.detail["said"] == {"m": [room.row().status.text]}


@pytest.mark.parametrize("name", ["Ed", " ed", "ED "])
def test_nobody_approves_what_they_wrote(room: Newsroom, name: str) -> None:
    with pytest.raises(DecisionError, match="somebody else"):
        room.desk.approve("one", by=name)


@pytest.mark.parametrize("name", ["Ann", "ann ", "ANN"])
def test_nobody_is_two_people(room: Newsroom, name: str) -> None:
    room.desk.approve("one", by="Ann")

    with pytest.raises(DecisionError, match="already"):
        room.desk.approve("one", by=name)

    assert room.desk.approvals(room.row().publication) == 1


def test_an_approver_who_becomes_the_author_does_not_count(room: Newsroom) -> None:
    room.approve("one")
    room.write(post("one", "author: Ann", at=NINE))

    room.watch()

    assert room.desk.approvals(room.row().publication) == 0
    with pytest.raises(DecisionError, match="somebody else"):
        room.desk.approve("one", by="Ann")


def test_there_is_nothing_to_approve_of_an_unknown_post(room: Newsroom) -> None:
    with pytest.raises(DecisionError, match="waits for approval"):
        room.desk.approve("other", by="Ann")


def test_only_what_was_read_is_approved(room: Newsroom) -> None:
    read = frozenset({room.row().fingerprint})
    room.write(post("one", at=NINE, words="Not what was read before."))
    room.watch()

    with pytest.raises(DecisionError, match="read it again"):
        room.desk.approve("one", by="Ann", seen=read)


def test_somebody_who_approved_one_account_s_words_may_approve_the_others(
    newsroom: Newsroom,
) -> None:
    newsroom.use("m", "b")
    newsroom.write(post("one", at=NINE))
    newsroom.start()
    newsroom.approve("one")
    newsroom.servers["m"].fails(UnconfirmedError("mastodon", "504"))
    newsroom.servers["m"].unread.append(UnconfirmedError("mastodon", "not ours"))
    newsroom.servers["b"].fails(RejectedError("bluesky", "too long"))
    newsroom.wait(NINE + MINUTE)
    newsroom.write(post("one", at=NINE + DAY))
    newsroom.watch()

    newsroom.approve("one")

    assert [newsroom.desk.approvals(row.publication) for row in newsroom.rows()] == [2, 2]


def test_what_was_held_for_another_reason_can_still_be_approved_and_sent(room: Newsroom) -> None:
    room.desk.pause("mourning", by="Ann")
    room.wait(NINE)
    room.desk.resume(by="Ann")
    assert room.row().reason is HoldReason.PAUSED

    room.approve("one")
    room.desk.resolve(room.row().id, "send", by="Ann")
    room.wait(NINE + MINUTE)

    assert room.row().state is State.SENT


# Pausing


def test_pause_and_resume_are_written_down(room: Newsroom) -> None:
    room.desk.pause("mourning", by="Ann")
    room.desk.resume(by="Ben", why="over")

    assert decisions(room) == ["Ann pause everything mourning", "Ben resume everything over"]


def test_one_pauses_once_and_resumes_what_is_paused(room: Newsroom) -> None:
    with pytest.raises(DecisionError, match="not paused"):
        room.desk.resume(by="Ann")
    room.desk.pause("mourning", by="Ann")
    with pytest.raises(DecisionError, match="already"):
        room.desk.pause("again", by="Ben")


# A stopped account


def test_a_stopped_account_sends_again_once_a_person_says_so(newsroom: Newsroom) -> None:
    newsroom.write(post("one", at=NINE), post("two", at=NINE + DAY))
    newsroom.start()
    newsroom.approve("one", "two")
    newsroom.servers["m"].fails(UnauthorizedError("mastodon", "revoked"))
    newsroom.wait(NINE + MINUTE)

    why = newsroom.desk.restart("m", by="Ann", why="new token")
    newsroom.wait(NINE + DAY)

    assert why == "mastodon: revoked"
    assert newsroom.states()["two/m/0"] == "SENT"
    assert "Ann restart m new token" in decisions(newsroom)


def test_an_account_that_is_still_unfit_is_stopped_again(newsroom: Newsroom) -> None:
    newsroom.servers["m"].profile = Profile("1", "", False)
    newsroom.write(post("one", at=NINE))
    newsroom.start()
    newsroom.wait(newsroom.clock.now())

    newsroom.desk.restart("m", by="Ann")
    newsroom.wait(NINE)

    assert newsroom.row().reason_text.startswith("account stopped: it does not say that it is auto")


def test_only_a_stopped_account_is_started(room: Newsroom) -> None:
    with pytest.raises(DecisionError, match="no stopped account"):
        room.desk.restart("m", by="Ann")
    with pytest.raises(DecisionError, match="no stopped account"):
        room.desk.restart("other", by="Ann")


def test_a_changed_configuration_is_confirmed_not_waved_through(room: Newsroom) -> None:
    room.set("approvals_required: 2", "approvals_required: 1")
    room.watch()

    with pytest.raises(DecisionError, match="accept-config"):
        room.desk.restart("m", by="Ann")


# Resolving


def test_a_person_s_send_forgives_lateness_only(room: Newsroom) -> None:
    room.approve("one")
    room.clock.advance(DAY)
    room.wait(room.clock.now())
    assert room.row().reason is HoldReason.LATE

    room.desk.resolve(room.row().id, "send", by="Ann", why="still true")
    room.wait(room.clock.now())

    assert room.row().state is State.SENT
    assert decisions(room)[-1] == f"Ann send {room.row().id} still true"


def stopped(room: Newsroom) -> str:
    room.store.accounts.stop("m", StopReason.UNAUTHORIZED, "leaked", room.clock.now())
    return "account stopped: leaked"


def paused(room: Newsroom) -> str:
    room.desk.pause("mourning", by="Ann")
    return "paused"


def voided(room: Newsroom) -> str:
    room.void("one")
    return "unapproved: 0 of 2"


@pytest.mark.parametrize("befalls", [stopped, paused, voided])
def test_a_person_s_send_lifts_nothing_else(
    room: Newsroom, befalls: Callable[[Newsroom], str]
) -> None:
    room.approve("one")
    room.clock.advance(DAY)
    room.wait(room.clock.now())
    room.desk.resolve(room.row().id, "send", by="Ann")

    reason = befalls(room)
    room.wait(room.clock.now())

    assert (room.row().state, room.row().reason_text) == (State.HELD, reason)


def test_a_person_s_send_does_not_pay(newsroom: Newsroom) -> None:
    newsroom.use(x=ACCOUNTS["x"].replace("threads: true", "budget_usd_per_month: 0.01"))
    newsroom.write(post("one", at=NINE))
    newsroom.start()
    newsroom.approve("one")
    newsroom.wait(NINE)

    newsroom.desk.resolve(newsroom.row().id, "send", by="Ann")
    newsroom.wait(NINE)

    assert newsroom.row().reason is HoldReason.OVER_BUDGET


def test_nothing_is_sent_without_its_approvals(room: Newsroom, held: Delivery) -> None:
    with pytest.raises(DecisionError, match="2 more approval"):
        room.desk.resolve(held.id, "send", by="Ann")


def test_nothing_is_sent_while_paused(room: Newsroom, held: Delivery) -> None:
    room.desk.pause("mourning", by="Ann")

    with pytest.raises(DecisionError, match="resume first"):
        room.desk.resolve(held.id, "send", by="Ann")


def test_sending_the_first_part_of_a_late_thread_sends_all_of_it(newsroom: Newsroom) -> None:
    newsroom.write(thread("one", 3, f"at: {NINE + DAY:%Y-%m-%d %H:%M}"))
    newsroom.start()
    newsroom.approve("one")
    newsroom.clock.advance(3 * DAY)
    newsroom.wait(newsroom.clock.now())

    newsroom.desk.resolve(newsroom.rows()[0].id, "send", by="Ann")
    newsroom.wait(newsroom.clock.now())

    assert {row.state for row in newsroom.rows()} == {State.SENT}


def test_a_person_may_send_once_more_after_all_attempts(newsroom: Newsroom) -> None:
    newsroom.write(post("one", at=NINE))
    newsroom.start()
    newsroom.approve("one")
    for _ in range(6):
        newsroom.servers["m"].fails(UnconfirmedError("mastodon", "504"))
    newsroom.wait(NINE + DAY)
    assert newsroom.row().reason is HoldReason.ATTEMPTS

    newsroom.desk.resolve(newsroom.row().id, "send", by="Ann")
    newsroom.wait(NINE + 2 * DAY)

    assert newsroom.servers["m"].calls.count("publish") == 5
    assert newsroom.row().reason is HoldReason.ATTEMPTS


@pytest.mark.parametrize(
    ("address", "remote_id"),
    [
        ("https://m.example/@us/113", "113"),
        ("https://x.com/us/status/1733?s=20", "1733"),
        ("https://x.com/us/status/1733/#m", "1733"),
        ("at://did:plc:a/app.bsky.feed.post/3k", "at://did:plc:a/app.bsky.feed.post/3k"),
    ],
)
def test_what_is_out_already_is_known_by_its_address(
    room: Newsroom, held: Delivery, address: str, remote_id: str
) -> None:
    room.desk.resolve(held.id, address, by="Ann")

    row = room.row()
    assert (row.state, row.url, row.remote_id) == (State.SENT, address, remote_id)


@pytest.mark.parametrize("choice", ["https://m.example", "later", "", "ftp://m.example/1"])
def test_what_is_no_choice_is_refused(room: Newsroom, held: Delivery, choice: str) -> None:
    with pytest.raises(DecisionError):
        room.desk.resolve(held.id, choice, by="Ann")

    assert room.row() == held


def test_what_was_dropped_is_gone_for_good(room: Newsroom, held: Delivery) -> None:
    row = room.desk.resolve(held.id, "drop", by="Ann", why="stale")

    assert (row.state, row.reason, row.detail) == (State.CANCELLED, CancelReason.WITHDRAWN, "stale")
    assert decisions(room) == [f"Ann drop {held.id} stale"]


def test_only_what_is_held_is_resolved(room: Newsroom) -> None:
    with pytest.raises(DecisionError, match="only a held one"):
        room.desk.resolve(room.row().id, "send", by="Ann")


def test_a_post_with_a_fixed_time_has_no_queue(room: Newsroom, held: Delivery) -> None:
    with pytest.raises(DecisionError, match="fixed time"):
        room.desk.resolve(held.id, "queue", by="Ann")


def test_what_may_be_out_does_not_go_back_into_its_queue(newsroom: Newsroom) -> None:
    newsroom.write(post("one"))
    newsroom.start()
    newsroom.approve("one")
    newsroom.servers["m"].fails(UnconfirmedError("mastodon", "504"))
    newsroom.servers["m"].unread.append(UnconfirmedError("mastodon", "not ours"))
    newsroom.wait(NINE + MINUTE)

    with pytest.raises(DecisionError, match="may be out"):
        newsroom.desk.resolve(newsroom.row().id, "queue", by="Ann")


def test_a_requeued_post_has_to_be_on_time_again(newsroom: Newsroom) -> None:
    newsroom.write(post("one"))
    newsroom.start()
    newsroom.approve("one")
    newsroom.clock.advance(DAY / 2)
    newsroom.wait(newsroom.clock.now())
    newsroom.desk.resolve(newsroom.row().id, "send", by="Ann")
    newsroom.desk.pause("wait", by="Ann")
    newsroom.wait(newsroom.clock.now())
    newsroom.desk.resume(by="Ann")

    row = newsroom.desk.resolve(newsroom.row().id, "queue", by="Ann")

    assert (row.state, row.released_by) == (State.PLANNED, "")


# Failed and planned ones


def failed(room: Newsroom) -> Delivery:
    room.approve("one")
    room.servers["m"].fails(RejectedError("mastodon", "too long"))
    room.wait(NINE)
    return room.row()


def test_a_failed_delivery_is_tried_again(room: Newsroom) -> None:
    row = failed(room)

    room.desk.retry(row.id, by="Ann")
    room.wait(NINE)

    assert room.row().state is State.SENT
    assert decisions(room)[-1] == f"Ann retry {row.id}"


def test_only_a_failed_one_is_tried_again(room: Newsroom) -> None:
    with pytest.raises(DecisionError, match="only a failed one"):
        room.desk.retry(room.row().id, by="Ann")


def test_a_planned_held_or_failed_delivery_is_cancelled(room: Newsroom) -> None:
    row = failed(room)

    assert room.desk.cancel(row.id, by="Ann").state is State.CANCELLED
    assert room.desk.held() == ()


def test_what_is_out_is_not_cancelled(room: Newsroom) -> None:
    room.approve("one")
    room.wait(NINE)

    with pytest.raises(DecisionError, match="SENT"):
        room.desk.cancel(room.row().id, by="Ann")


def test_a_thread_is_cancelled_whole(newsroom: Newsroom) -> None:
    newsroom.write(thread("one", 3))
    newsroom.start()

    newsroom.desk.cancel(newsroom.rows()[1].id, by="Ann")

    assert newsroom.rows() == []


def test_of_a_thread_that_began_the_rest_is_cancelled(newsroom: Newsroom) -> None:
    newsroom.write(thread("one", 3))
    newsroom.start()
    newsroom.approve("one")
    newsroom.servers["m"].steps.append(Step(meanwhile=lambda: newsroom.desk.pause("", by="Ann")))
    newsroom.wait(NINE)

    newsroom.desk.resolve(newsroom.rows()[1].id, "drop", by="Ann")

    assert newsroom.states() == {"one/m/0": "SENT"}


# Finding


def test_the_beginning_of_an_id_is_enough(room: Newsroom) -> None:
    assert room.desk.find(room.row().id[:8]) == room.row()


def test_an_id_names_one_delivery(newsroom: Newsroom) -> None:
    newsroom.write(post("one"), post("two"))
    newsroom.start()

    with pytest.raises(DecisionError, match="2 deliveries"):
        newsroom.desk.find("")
    with pytest.raises(DecisionError, match="no delivery"):
        newsroom.desk.find("nothing")
