"""Which post goes where and when: a greedy plan that only looks back, so it grows without change.

Moments are taken in order of time over all accounts. What is decided for one depends on what came
before it and on the posts with a fixed time, never on how far ahead is planned; so a plan made
today for a year and one made each day for a week tell the same future.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bot.content.model import Account, Post, Queue, Schedule
from bot.content.slots import pause_on, slot_times, yearly_times
from bot.content.zones import LocalTimeKind
from bot.delivery.publications import FixedTime, Occurrence, Publication, Queued, Yearly
from bot.planning.state import Alike, PlanState


@dataclass(frozen=True, slots=True)
class Offer:
    """A post that could go to an account."""

    post: Post
    account: str
    platform: str
    #: Why it cannot go there; empty where it can.
    skipped: str = ""
    #: The same text may come again on this platform.
    may_repeat: bool = True


@dataclass(frozen=True, slots=True)
class Assignment:
    """One post to one account at one moment."""

    account: str
    post_id: str
    occurrence: Occurrence
    due_at: datetime
    #: Name of the slot; empty for a fixed time.
    slot: str


@dataclass(frozen=True, slots=True)
class EmptySlot:
    """A moment, or a fixed post, that stays empty, and why."""

    account: str
    occurrence: Occurrence
    due_at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What will go out, and what stays empty; both in order of time."""

    assignments: tuple[Assignment, ...]
    empty_slots: tuple[EmptySlot, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """From when (included) to when (excluded) is planned; UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class _SlotMoment:
    """One moment of a slot on one account, which a queue may use."""

    due_at: datetime
    account: Account
    queue: Queue
    occurrence: Queued
    slot: str
    why_not: str


def plan(
    schedule: Schedule,
    offers: Sequence[Offer],
    *,
    past: Iterable[Publication],
    added_at: Mapping[str, datetime],
    window: Window,
    alike: Alike,
) -> Plan:
    """Lay posts on moments.

    Args:
        schedule: Whose slots, queues, pauses, quiet days and caps hold.
        offers: One for each (post, account) that the campaign has, in the order of writing.
        past: What is not to be planned anew: sent, under way, held, about to go, or withdrawn.
        added_at: When each account came to the campaign; nothing earlier is planned for it.
        window: What to plan.
        alike: Which posts need `Schedule.similarity_days` between them.
    """
    state = PlanState(schedule, alike)
    for one in past:
        # What waits for a free slot, but may not be moved any more, may go out at any time.
        state.enter(one.account, one.post_id, one.due_at or window.start, graphic=one.graphic)
        state.occurrences.add((one.account, one.occurrence))

    def is_open(account: str, occurrence: Occurrence, due_at: datetime) -> bool:
        is_late = due_at < added_at.get(account, due_at)
        return not is_late and (account, occurrence) not in state.occurrences

    planned: list[Assignment] = []
    empty: list[EmptySlot] = []
    # Posts with a fixed time come first: they do not move, so the others keep clear of them.
    for offer in offers:
        for occurrence, due_at in _fixed_times(offer.post, state, window):
            if is_open(offer.account, occurrence, due_at):
                _lay_fixed(offer, occurrence, due_at, state, window, planned, empty)
    queues = _by_queue(offers)
    for moment in _slot_moments(state, window):
        waiting = queues.get((moment.account.name, moment.queue.name))
        if waiting and is_open(moment.account.name, moment.occurrence, moment.due_at):
            _lay_slot(moment, waiting, state, planned, empty)
    return Plan(
        tuple(sorted(planned, key=lambda one: (one.due_at, one.account))),
        tuple(sorted(empty, key=lambda one: (one.due_at, one.account))),
    )


def _by_queue(offers: Iterable[Offer]) -> Mapping[tuple[str, str], Sequence[Offer]]:
    """Return the offers of ready posts by account and queue."""
    queues: dict[tuple[str, str], list[Offer]] = defaultdict(list)
    for offer in offers:
        if offer.post.queue and offer.post.ready:
            queues[offer.account, offer.post.queue].append(offer)
    return queues


def _fixed_times(
    post: Post, state: PlanState, window: Window
) -> Iterator[tuple[Occurrence, datetime]]:
    """Yield a post's own times from the window's start to some days after it.

    Those after it push others away from them.
    """
    end = window.end + timedelta(days=state.schedule.similarity_days)
    if not post.ready:
        return
    if post.at is not None and window.start <= post.at < end:
        yield FixedTime(post.id), post.at
    if post.every_year is not None:
        first, last = state.day(window.start), end.date()
        for year, instant in yearly_times(post.every_year, zone=state.zone, first=first, last=last):
            if window.start <= instant.utc:
                yield Yearly(post.id, year), instant.utc


def _lay_fixed(
    offer: Offer,
    occurrence: Occurrence,
    due_at: datetime,
    state: PlanState,
    window: Window,
    planned: list[Assignment],
    empty: list[EmptySlot],
) -> None:
    post, account = offer.post, offer.account
    why = offer.skipped or _why_not_then(offer, state.day(due_at), state)
    if not why:
        state.enter(account, post.id, due_at, graphic=post.graphic)
    if why and due_at < window.end:
        empty.append(EmptySlot(account, occurrence, due_at, f"{post.id}: {why}"))
    elif due_at < window.end:
        planned.append(Assignment(account, post.id, occurrence, due_at, ""))


def _why_not_then(offer: Offer, day: date, state: PlanState) -> str:
    if not offer.may_repeat and (offer.account, offer.post.id) in state.last_used:
        return "out already, and not repeated there"
    pause = pause_on(state.schedule.pauses, day)
    return f"planned pause: {pause.reason}" if pause else state.too_graphic(offer.post, day)


def _slot_moments(state: PlanState, window: Window) -> Sequence[_SlotMoment]:
    """Return the moments of all slots, by time, then in the schedule's order of accounts."""
    schedule = state.schedule
    rank = {name: place for place, name in enumerate(schedule.accounts)}
    first, last = state.day(window.start), state.day(window.end)
    moments = [
        _SlotMoment(
            at.utc, account, queue, Queued(queue.name, at.local), slot,
            _blocked(schedule, at.local.date(), at.instant.kind),
        )
        for queue in schedule.queues.values()
        for slot in queue.slots
        for at in slot_times(schedule.slots[slot], zone=state.zone, first=first, last=last)
        for account in schedule.accounts.values()
        if window.start <= at.utc < window.end
    ]  # fmt: skip
    return sorted(moments, key=lambda one: (one.due_at, rank[one.account.name], one.queue.name))


def _blocked(schedule: Schedule, day: date, kind: LocalTimeKind) -> str:
    pause = pause_on(schedule.pauses, day)
    if pause is not None:
        return f"planned pause: {pause.reason}"
    return "clocks skip this hour" if kind is LocalTimeKind.GAP else ""


def _lay_slot(
    moment: _SlotMoment,
    waiting: Sequence[Offer],
    state: PlanState,
    planned: list[Assignment],
    empty: list[EmptySlot],
) -> None:
    """Return a moment the first post of its queue that may go then, or say why there is none."""
    account, due_at = moment.account.name, moment.due_at
    why = moment.why_not or state.caps(moment.account, due_at)
    reasons: Counter[str] = Counter()
    for offer in () if why else sorted(waiting, key=_turn(moment.queue, state)):
        why_not = offer.skipped or _why_not_now(offer, moment, state)
        if not why_not:
            state.enter(account, offer.post.id, due_at, graphic=offer.post.graphic)
            # Two slots of a queue at one time are one place in it.
            state.occurrences.add((account, moment.occurrence))
            planned.append(
                Assignment(account, offer.post.id, moment.occurrence, due_at, moment.slot)
            )
            return
        reasons[why_not] += 1
    counted = "; ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    why = why or f"queue {moment.queue.name} has nothing to give: {counted}"
    empty.append(EmptySlot(account, moment.occurrence, due_at, why))


def _turn(queue: Queue, state: PlanState) -> Callable[[Offer], tuple[float, str]]:
    """Order a queue: what was never out first, then what was out longest ago."""

    def key(offer: Offer) -> tuple[float, str]:
        used = state.last_used.get((offer.account, offer.post.id))
        mixed = hashlib.sha256(f"{queue.name}/{offer.post.id}".encode()).hexdigest()
        return (used.timestamp() if used else 0.0, mixed if queue.order == "shuffled" else "")

    return key


def _why_not_now(offer: Offer, moment: _SlotMoment, state: PlanState) -> str:
    post, due_at, repeat_after = offer.post, moment.due_at, moment.queue.repeat_after
    used = state.last_used.get((offer.account, post.id))
    if used is not None:
        if repeat_after is None or not offer.may_repeat:
            return "out already, and not repeated there"
        if due_at - used < repeat_after:
            return "out already, too recently to repeat"
    return state.too_graphic(post, state.day(due_at)) or state.too_alike(
        post.id, offer.account, offer.platform, due_at
    )
