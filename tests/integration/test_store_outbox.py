"""The outbox on both databases: who gets a delivery, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest

from bot.authority.pauses import PauseState
from bot.authority.tables import StopReason
from bot.delivery.decide import Outcome, give_up
from bot.delivery.lifecycle import Event
from bot.delivery.model import (
    CancelReason,
    Delivery,
    FixedTime,
    HoldReason,
    NewPublication,
    Publication,
    PublicationState,
    Queued,
    State,
)
from bot.delivery.reads import AHEAD
from bot.errors import DecisionError, LeaseLostError, PausedError, StoreError
from bot.planning.diff import PlanDiff
from bot.planning.store import Store
from bot.platforms.status import Draft, Status
from tests.integration.store_rows import (
    DRAFT,
    HELLO,
    LEASE,
    NOW,
    REF,
    absent,
    begun,
    claimed,
    new_publication,
    put_off,
    ready,
    sent,
    stopped,
    unknown,
)

SECOND = timedelta(seconds=1)


def row_of(store: Store, delivery_id: str = "d1") -> Delivery:
    row = store.outbox.get(delivery_id)
    assert row is not None
    return row


# --- planning


def test_what_was_added_is_read_back_as_it_was(store: Store) -> None:
    due = datetime(2026, 12, 1, 9, 30, 0, 123456, tzinfo=UTC)
    new = new_publication(HELLO, HELLO, ids=("d1", "d2"), due_at=due, cost_usd=0.015, graphic=True)

    store.outbox.add(new, now=NOW)

    first, second = store.outbox.find()
    assert first.publication == second.publication == new.publication
    assert (first.part, first.parent_id, second.part, second.parent_id) == (0, None, 1, "d1")
    assert (first.cost_usd, first.status, first.state) == (0.015, HELLO, State.PLANNED)


def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="without a zone"):
        store.outbox.add(new_publication(due_at=datetime(2026, 12, 1)), now=NOW)  # noqa: DTZ001 - the point of it


def test_a_cancelled_place_can_be_planned_again_under_another_id(store: Store) -> None:
    store.outbox.add(new_publication(), now=NOW)
    store.outbox.move("d1", Event.CANCEL, now=NOW, actor="planner", reason=CancelReason.REMOVED)

    assert not store.outbox.add(new_publication(), now=NOW)
    assert store.outbox.add(new_publication(id="d1-again", occurrence=FixedTime("d1")), now=NOW)


def test_planning_twice_changes_nothing_and_adding_many_tells_which_were_new(store: Store) -> None:
    same_place = new_publication(Status("b"), id="other", occurrence=FixedTime("d1"))
    assert store.outbox.add(new_publication(), now=NOW)

    assert not store.outbox.add(new_publication(), now=NOW)
    assert not store.outbox.add(same_place, now=NOW)

    (row,) = store.outbox.find()
    assert (row.id, row.status.text, row.state) == ("d1", "hello", State.PLANNED)
    news = [new_publication(), new_publication(id="d2"), thread("t")]
    assert store.outbox.add(*news, now=NOW) == ("d2", "t")


def test_a_child_of_a_delivery_that_is_not_there_is_refused(store: Store) -> None:
    with pytest.raises(StoreError):
        store.outbox.add(new_publication(reply_to="nobody"), now=NOW)


def test_deliveries_are_found_by_what_they_are_in_order(store: Store) -> None:
    for number in (3, 1, 2):
        due = NOW + timedelta(hours=number)
        new = new_publication(id=f"d{number}", due_at=due, post_id="q")
        store.outbox.add(new, now=NOW)
    store.outbox.move("d2", Event.CANCEL, now=NOW, actor="planner")

    def ids(**which: object) -> list[str]:
        return [row.id for row in store.outbox.find(**which)]  # type: ignore[arg-type]  # keywords

    assert ids() == ["d1", "d2", "d3"]
    assert ids(states={State.PLANNED}) == ["d1", "d3"]
    assert ids(since=NOW + timedelta(hours=2)) == ["d2", "d3"]
    assert ids(until=NOW + timedelta(hours=2)) == ["d1"]
    assert ids(account="acc", post_id="q") == ["d1", "d2", "d3"]
    assert [row.id for row in store.outbox.each(states={State.PLANNED})] == ["d1", "d3"]
    assert ids(account="nobody") == []


def edited(*statuses: Status, **other: Any) -> PlanDiff:
    return PlanDiff(replace=(new_publication(*statuses, **other),))


def placed(id_: str, slot: datetime) -> Publication:
    place = Queued("q", slot.replace(tzinfo=None))
    return new_publication(id=id_, occurrence=place, due_at=slot).publication


def test_an_edited_post_gets_a_new_payload_and_is_planned_again(store: Store) -> None:
    ready(store)

    store.plan.apply(edited(Status("edited")), now=NOW)

    assert (row_of(store).state, row_of(store).status.text) == (State.PLANNED, "edited")
    assert store.outbox.moves_of("d1")[-1].event is Event.EDIT

    store.outbox.move("d1", Event.HOLD, now=NOW, actor="publisher", reason=HoldReason.LATE)
    store.plan.apply(edited(HELLO), now=NOW)
    row = row_of(store)
    assert (row.state, row.reason, row.status.text) == (State.PLANNED, None, "hello")

    store.outbox.move("d1", Event.RELEASE, now=NOW, actor="publisher")
    store.outbox.commit(begun(store), Outcome(Event.REFUSE, "422 too long"), now=NOW)
    store.plan.apply(edited(Status("short")), now=NOW)
    row = row_of(store)
    assert (row.attempts, row.draft_json, row.first_intent_at) == (0, None, None)


def test_what_may_be_out_is_never_replaced(store: Store) -> None:
    ready(store)
    claim = begun(store)
    store.outbox.commit(claim, unknown(NOW), now=NOW)
    store.outbox.commit_read("d1", give_up("cannot read"), now=NOW)

    with pytest.raises(DecisionError, match="may be out"):
        store.plan.apply(edited(Status("edited")), now=NOW)
    with pytest.raises(DecisionError, match="may be out"):
        store.outbox.unschedule("d1", now=NOW)


def test_two_publications_swap_their_places_in_the_queue(store: Store) -> None:
    later = NOW + timedelta(days=1)
    for id_, slot in (("d1", NOW), ("d2", later)):
        place = placed(id_, slot).occurrence
        store.outbox.add(new_publication(id=id_, occurrence=place, due_at=slot), now=NOW)

    store.plan.apply(PlanDiff(move=(placed("d1", later), placed("d2", NOW))), now=NOW)

    assert [row.publication for row in store.outbox.find()] == [
        placed("d2", NOW), placed("d1", later),
    ]  # fmt: skip


def test_a_place_that_is_taken_is_not_given_twice_and_nothing_else_is_changed(
    store: Store,
) -> None:
    later = NOW + timedelta(days=1)
    for id_, slot in (("d1", NOW), ("d2", later), ("d3", later + LEASE)):
        place = placed(id_, slot).occurrence
        store.outbox.add(new_publication(id=id_, occurrence=place, due_at=slot), now=NOW)
    before = store.outbox.find()
    taken = new_publication(Status("edited"), occurrence=placed("d1", later).occurrence)
    dropped = before[2:], CancelReason.UNPLANNED

    for changes in (PlanDiff(move=(placed("d1", later),)), PlanDiff(replace=(taken,))):
        with pytest.raises(DecisionError, match="taken"):
            store.plan.apply(replace(changes, cancel=(dropped,)), now=NOW)

    assert store.outbox.find() == before


def test_only_a_planned_delivery_changes_its_place(store: Store) -> None:
    ready(store)

    with pytest.raises(DecisionError, match="READY"):
        store.plan.apply(PlanDiff(move=(placed("d1", NOW),)), now=NOW)


def test_what_waits_for_a_free_slot_is_due_at_no_time(store: Store) -> None:
    store.outbox.add(new_publication(), now=NOW)
    store.outbox.add(new_publication(id="d2"), now=NOW)

    store.outbox.unschedule("d1", now=NOW)

    assert [row.id for row in store.outbox.find()] == ["d2", "d1"]
    assert [row.id for row in store.outbox.find(until=NOW + LEASE)] == ["d2"]
    assert [row.id for row in store.outbox.due("acc", NOW + timedelta(days=9))] == ["d2"]
    store.outbox.move("d1", Event.RELEASE, now=NOW, actor="publisher")
    assert store.outbox.claim("acc", now=NOW, owner="w", lease=LEASE) is None


def test_whose_cancelling_freed_an_occurrence_is_kept(store: Store) -> None:
    for id_ in ("mine", "theirs"):
        store.outbox.add(new_publication(id=id_), now=NOW)
    store.outbox.add(thread("t"), now=NOW)

    mine = store.outbox.find(publication_id="mine")
    store.plan.apply(PlanDiff(cancel=((mine, CancelReason.REMOVED),)), now=NOW)
    store.outbox.move("theirs", Event.CANCEL, now=NOW, actor="ana")
    store.outbox.move("t1", Event.CANCEL, now=NOW, actor="ana")

    states = {row.id: row.publication.state for row in store.outbox.find()}
    assert states == {
        "mine": PublicationState.UNPLANNED, "theirs": PublicationState.WITHDRAWN,
        "t0": PublicationState.OPEN, "t1": PublicationState.OPEN,
    }  # fmt: skip


# --- moves by hand


def test_a_move_that_the_life_cycle_has_not_is_refused_and_leaves_no_trace(store: Store) -> None:
    store.outbox.add(new_publication(), now=NOW)

    with pytest.raises(DecisionError, match="PLANNED"):
        store.outbox.move("d1", Event.RETRACT, now=NOW, actor="ana")
    with pytest.raises(DecisionError, match="no delivery"):
        store.outbox.move("nobody", Event.CANCEL, now=NOW, actor="ana")
    for event in (Event.CLAIM, Event.ACCEPT, Event.DEFER, Event.OUTCOME_UNKNOWN):
        with pytest.raises(ValueError, match="not by hand"):
            store.outbox.move("d1", event, now=NOW, actor="ana")
    with pytest.raises(ValueError, match="status_json"):
        store.outbox.move("d1", Event.HOLD, now=NOW, actor="ana", status_json="{}")

    assert (row_of(store).state, store.outbox.moves_of("d1")) == (State.PLANNED, ())


def test_a_person_vouches_for_a_held_one_and_it_counts_as_sent(store: Store) -> None:
    ready(store)
    store.outbox.move("d1", Event.HOLD, now=NOW, actor="publisher", reason=HoldReason.LATE)

    row = store.outbox.move(
        "d1",
        Event.MARK_SENT,
        now=NOW,
        actor="ana",
        detail="I see it",
        url="https://x",
        remote_id="7",
    )

    assert (row.state, row.remote_id, row.sent_at, row.detail) == (State.SENT, "7", NOW, "")
    assert [(m.before, m.after, m.actor, m.reason) for m in store.outbox.moves_of("d1")[1:]] == [
        (State.READY, State.HELD, "publisher", "late"),
        (State.HELD, State.SENT, "ana", "I see it"),
    ]


# --- claiming


def test_a_claim_takes_the_lease_raises_the_fence_and_opens_an_attempt(store: Store) -> None:
    ready(store)

    claim = claimed(store)

    assert (claim.fence, claim.lease_until, claim.state) == (1, NOW + LEASE, State.SENDING)
    (attempt,) = store.outbox.attempts_of("d1")
    assert (attempt.phase, attempt.outcome, attempt.called_at) == ("preparing", None, None)


def test_the_oldest_due_goes_first_and_one_account_sends_one_at_a_time(store: Store) -> None:
    ready(store, new_publication(id="b", due_at=NOW - timedelta(minutes=1)))
    ready(store, new_publication(id="a"))
    ready(store, new_publication(id="c", account="other"))

    assert claimed(store).id == "b"
    assert store.outbox.claim("acc", now=NOW, owner="w2", lease=LEASE) is None
    assert claimed(store, account="other").id == "c"


def test_what_is_too_late_is_not_claimed_unless_a_person_released_it(store: Store) -> None:
    ready(store)
    late = NOW + timedelta(hours=1)

    assert store.outbox.claim("acc", now=late, owner="w1", lease=LEASE) is None

    store.outbox.move("d1", Event.HOLD, now=late, actor="publisher", reason=HoldReason.LATE)
    store.outbox.move("d1", Event.SEND, now=late, actor="ana", released_by="ana")
    assert claimed(store, now=late).released_by == "ana"


def test_nothing_is_claimed_while_paused_and_a_claim_made_before_begins_nothing(
    store: Store,
) -> None:
    ready(store)
    claim = claimed(store)
    ready(store, new_publication(id="o", account="other"))
    store.pauses.pause(PauseState("a reason", "ana", NOW))

    assert store.outbox.claim("other", now=NOW, owner="w1", lease=LEASE) is None
    with pytest.raises(PausedError):
        store.outbox.begin(claim, DRAFT, now=NOW)

    row = store.outbox.commit(claim, put_off(NOW, "paused"), now=NOW)
    assert (row.state, row.attempts, row.draft) == (State.READY, 0, None)
    store.pauses.resume("ana", NOW)
    assert claimed(store).fence == 2


def thread(name: str) -> NewPublication:
    return new_publication(HELLO, HELLO, id=name, ids=(f"{name}0", f"{name}1"))


def test_a_part_of_a_thread_waits_for_the_part_before_it(store: Store) -> None:
    ready(store, thread("t"))
    claim = begun(store)

    store.outbox.commit(claim, put_off(NOW + LEASE, "503"), now=NOW)
    assert store.outbox.claim("acc", now=NOW, owner="w1", lease=LEASE) is None

    store.outbox.commit(claimed(store, now=NOW + LEASE), sent(REF), now=NOW)
    assert claimed(store).id == "t1"


def test_a_planned_part_is_due_once_its_parent_is_out_or_never_will_be(store: Store) -> None:
    store.outbox.add(thread("t"), now=NOW)
    assert [row.id for row in store.outbox.due("acc", NOW)] == ["t0"]

    store.outbox.move("t0", Event.HOLD, now=NOW, actor="publisher", reason=HoldReason.LATE)
    assert store.outbox.due("acc", NOW) == ()

    store.outbox.move("t0", Event.DROP, now=NOW, actor="ana")
    assert [row.id for row in store.outbox.due("acc", NOW)] == ["t1"]


def test_two_workers_compete_and_one_gets_it(store: Store) -> None:
    for number in range(4):
        ready(store, new_publication(id=f"d{number}"))
    start = Barrier(8)

    def take(owner: int) -> Delivery | None:
        start.wait()
        return store.outbox.claim("acc", now=NOW, owner=f"w{owner}", lease=LEASE)

    with ThreadPoolExecutor(8) as pool:
        claims = [claim for claim in pool.map(take, range(8)) if claim is not None]

    assert len(claims) == 1
    assert len(store.outbox.find(states={State.SENDING})) == 1


def test_workers_on_different_accounts_do_not_stand_in_each_others_way(store: Store) -> None:
    for number in range(6):
        account = f"acc{number}"
        ready(store, new_publication(id=f"d{number}", account=account))
    start = Barrier(6)

    def send(number: int) -> State:
        start.wait()
        claim = claimed(store, account=f"acc{number}")
        store.outbox.begin(claim, DRAFT, now=NOW)
        return store.outbox.commit(claim, sent(REF), now=NOW).state

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(send, range(6))) == {State.SENT}


# --- the call and what came of it


def test_the_intent_is_stored_before_the_call_and_never_changes(store: Store) -> None:
    ready(store)
    claim = begun(store)
    store.outbox.commit(claim, put_off(NOW, "503"), now=NOW)
    later = NOW + timedelta(minutes=1)
    again = claimed(store, now=later)

    with pytest.raises(StoreError, match="another draft"):
        store.outbox.begin(again, Draft("k1", {"text": "changed"}), now=later)

    with pytest.raises(LeaseLostError):
        store.outbox.begin(claim, DRAFT, now=later)
    with pytest.raises(LeaseLostError):
        store.outbox.begin(again, DRAFT, now=later + LEASE)
    row = store.outbox.begin(again, DRAFT, now=later)
    assert (row.draft, row.first_intent_at, row.attempts, row.fence) == (DRAFT, NOW, 1, 2)
    with pytest.raises(StoreError, match="begun its call"):
        store.outbox.begin(again, DRAFT, now=later)


def test_sent_is_stored_with_where_it_is(store: Store) -> None:
    ready(store)

    row = store.outbox.commit(begun(store), sent(REF), now=NOW)

    assert (row.state, row.ref, row.sent_at, row.owner) == (State.SENT, REF, NOW, "")
    (attempt,) = store.outbox.attempts_of("d1")
    assert (attempt.phase, attempt.outcome, attempt.remote_id) == ("done", Event.ACCEPT, REF.id)


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (put_off(NOW + LEASE, "429"), State.READY),
        (Outcome(Event.REFUSE, "429"), State.FAILED),
    ],
)
def test_what_was_surely_not_accepted_counts_as_no_attempt(
    store: Store, outcome: Outcome, state: State
) -> None:
    ready(store)

    row = store.outbox.commit(begun(store), outcome, now=NOW)

    assert (row.state, row.attempts, row.detail) == (state, 0, "429")


def test_a_broken_account_is_stopped_together_with_the_hold(store: Store) -> None:
    ready(store)
    ready(store, new_publication(id="d2"))

    row = store.outbox.commit(begun(store), stopped("401 revoked"), now=NOW)

    account = store.accounts.get("acc")
    assert account is not None
    assert (row.state, row.reason, row.detail) == (
        State.HELD,
        HoldReason.ACCOUNT_STOPPED,
        "401 revoked",
    )
    assert account.stops == {StopReason.UNAUTHORIZED: "401 revoked"}
    assert store.outbox.claim("acc", now=NOW, owner="w1", lease=LEASE) is None


def test_a_worker_that_lost_its_lease_writes_nothing_but_where_its_status_is(store: Store) -> None:
    ready(store)
    old = begun(store)
    store.outbox.expire(NOW + LEASE)

    with pytest.raises(LeaseLostError):
        store.outbox.commit(old, sent(REF), now=NOW + LEASE)
    outcomes: list[Callable[[], object]] = [
        lambda: store.outbox.commit(old, put_off(NOW), now=NOW),
        lambda: store.outbox.commit(old, stopped("401"), now=NOW),
        lambda: store.outbox.commit(old, Outcome(Event.REFUSE, "422"), now=NOW),
        lambda: store.outbox.commit(old, unknown(NOW), now=NOW),
    ]
    for outcome in outcomes:
        with pytest.raises(LeaseLostError):
            outcome()

    (incident,) = store.audit.rows()
    assert (incident.verb, incident.subject, incident.detail["remote_id"]) == (
        "incident",
        "d1",
        REF.id,
    )
    assert row_of(store).state is State.UNKNOWN


# --- expired leases


def test_a_worker_that_died_before_its_call_gives_the_delivery_back(store: Store) -> None:
    ready(store)
    claimed(store)

    assert store.outbox.expire(NOW) == ()
    (row,) = store.outbox.expire(NOW + LEASE)

    assert (row.state, row.attempts, row.retry_at) == (State.READY, 0, NOW + LEASE)


def test_a_worker_that_died_in_its_call_leaves_it_unknown(store: Store) -> None:
    ready(store)
    begun(store)

    (row,) = store.outbox.expire(NOW + LEASE)

    assert (row.state, row.attempts, row.next_read_at) == (State.UNKNOWN, 1, NOW + LEASE)
    assert store.outbox.unknown(NOW + LEASE) == (row,)


def test_whoever_holds_the_process_lock_need_not_wait_for_a_dead_owners_lease(
    store: Store,
) -> None:
    ready(store)
    begun(store)

    assert store.outbox.expire(NOW, dead_owner_before=True, owner="w1") == ()
    (row,) = store.outbox.expire(NOW, dead_owner_before=True, owner="w2")

    assert row.state is State.UNKNOWN


# --- reading back


def in_doubt(store: Store) -> None:
    ready(store)
    store.outbox.commit(begun(store), unknown(NOW), now=NOW)


def test_what_is_absent_is_counted_until_it_is_sent_again_with_the_same_bytes(
    store: Store,
) -> None:
    in_doubt(store)
    later = NOW + timedelta(seconds=90)

    row = store.outbox.commit_read("d1", Outcome(None, at=later, is_absent=True), now=NOW)
    assert (row.state, row.absent_reads, row.next_read_at) == (State.UNKNOWN, 1, later)
    assert store.outbox.unknown(NOW) == ()
    row = store.outbox.commit_read("d1", Outcome(None, at=NOW), now=NOW)
    assert (row.absent_reads, row.next_read_at) == (1, NOW)
    row = store.outbox.commit_read("d1", absent(later), now=later)
    assert (row.state, row.absent_reads, row.draft) == (State.READY, 2, DRAFT)

    claim = claimed(store, now=later)
    row = store.outbox.begin(claim, DRAFT, now=later)
    assert (row.attempts, row.absent_reads) == (2, 0)
    store.outbox.commit(claim, unknown(later), now=later)
    found = Outcome(Event.CONFIRMED_SENT, ref=REF)
    row = store.outbox.commit_read("d1", found, now=later + LEASE)
    assert (row.state, row.ref, row.sent_at) == (State.SENT, REF, later), "the time of its call"


def test_what_cannot_be_told_is_held_with_the_evidence(store: Store) -> None:
    in_doubt(store)

    row = store.outbox.commit_read("d1", give_up("timeline answers 404"), now=NOW)

    assert (row.state, row.evidence) == (State.HELD, "timeline answers 404")
    assert row.reason is HoldReason.UNSETTLED


def test_only_an_unknown_one_can_be_read_back(store: Store) -> None:
    store.outbox.add(new_publication(), now=NOW)

    decisions: list[Callable[[], object]] = [
        lambda: store.outbox.commit_read("d1", Outcome(Event.CONFIRMED_SENT, ref=REF), now=NOW),
        lambda: store.outbox.commit_read("d1", Outcome(None, at=NOW, is_absent=True), now=NOW),
        lambda: store.outbox.commit_read("d1", Outcome(None, at=NOW), now=NOW),
        lambda: store.outbox.commit_read("d1", absent(NOW), now=NOW),
        lambda: store.outbox.commit_read("d1", give_up(""), now=NOW),
    ]
    for decide in decisions:
        with pytest.raises(DecisionError):
            decide()


@pytest.mark.parametrize("where", ["PLANNED", "READY", "HELD", "FAILED", "SENDING", "UNKNOWN"])
def test_a_forgetful_database_learns_that_a_delivery_is_out(store: Store, where: str) -> None:
    store.outbox.add(new_publication(), now=NOW)
    if where != "PLANNED":
        store.outbox.move("d1", Event.RELEASE, now=NOW, actor="publisher")
    if where == "HELD":
        store.outbox.move("d1", Event.HOLD, now=NOW, actor="publisher", reason=HoldReason.LATE)
    if where in {"FAILED", "SENDING", "UNKNOWN"}:
        claim = begun(store)
        if where == "FAILED":
            store.outbox.commit(claim, Outcome(Event.REFUSE, "422"), now=NOW)
        if where == "UNKNOWN":
            store.outbox.commit(claim, unknown(NOW), now=NOW)

    row = store.outbox.recognise("d1", REF, now=NOW)

    assert (row.state, row.ref) == (State.SENT, REF)
    assert store.outbox.recognise("d1", REF, now=NOW) == row


# --- what is to be done when


def test_accounts_with_work_and_the_next_moment_to_wake(store: Store) -> None:
    later = NOW + timedelta(hours=1)
    assert (store.outbox.accounts_with_work(NOW), store.outbox.next_wake(NOW)) == ((), None)
    store.outbox.add(new_publication(due_at=later), now=NOW)

    ahead = later - AHEAD
    assert (store.outbox.accounts_with_work(NOW), store.outbox.next_wake(NOW)) == ((), ahead)
    assert (store.outbox.accounts_with_work(ahead), store.outbox.next_wake(ahead)) == (
        ("acc",), later,
    )  # fmt: skip
    assert store.outbox.accounts_with_work(later) == ("acc",)
    assert store.outbox.next_wake(later) is None

    store.outbox.move("d1", Event.RELEASE, now=ahead, actor="publisher")
    assert (store.outbox.accounts_with_work(ahead), store.outbox.next_wake(ahead)) == ((), later)
    assert store.outbox.claim("acc", now=ahead, owner="w1", lease=LEASE) is None
    assert store.outbox.accounts_with_work(later) == ("acc",)

    ready(store, new_publication(id="d2"))
    store.outbox.commit(claimed(store), put_off(NOW + LEASE), now=NOW)
    assert store.outbox.claim("acc", now=NOW, owner="w1", lease=LEASE) is None
    assert store.outbox.next_wake(NOW) == NOW + LEASE
    at = NOW + LEASE
    claim = begun(store, now=at)
    assert store.outbox.next_wake(at) == at + LEASE
    store.outbox.commit(claim, unknown(at + SECOND), now=at)
    ready(store, new_publication(id="d3"), now=at)
    assert store.outbox.claim("acc", now=at, owner="w1", lease=LEASE) is None, "one is in doubt"
    assert store.outbox.next_wake(at) == at + SECOND
    store.outbox.commit_read("d2", absent(at + 2 * SECOND), now=at + SECOND)
    assert store.outbox.next_wake(at) == at + 2 * SECOND
    assert store.outbox.accounts_with_work(at + 2 * SECOND) == ("acc",)
