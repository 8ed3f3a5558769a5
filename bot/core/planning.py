"""Which post goes where and when: a greedy plan that only looks back, so it grows without change.

Moments are taken in order of time over all accounts. What is decided for one depends on what came
before it and on the posts with a fixed time, never on how far ahead is planned; so a plan made
today for a year and one made each day for a week tell the same future.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.core.campaign import Account, Post, Queue, Schedule
from bot.core.planbook import Alike, PlanState
from bot.core.publications import FixedTime, Occurrence, Queued, Yearly, occurrence_text
from bot.core.slots import pause_on, slot_times, yearly_times
from bot.core.zones import Kind


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
class Past:
    """A delivery that the plan must respect: sent, under way, held, or about to go."""

    account: str
    platform: str
    post_id: str
    occurrence: Occurrence
    due_at: datetime
    graphic: bool


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
    holes: tuple[EmptySlot, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """From when (included) to when (excluded) is planned; UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class _Moment:
    due_at: datetime
    occurrence: Occurrence
    account: Account
    queue: Queue | None
    slot: str
    post: Post | None
    why_not: str = ""


def plan(
    schedule: Schedule,
    offers: Sequence[Offer],
    *,
    past: Iterable[Past],
    added_at: Mapping[str, datetime],
    window: Window,
    alike: Alike,
) -> Plan:
    """Lay posts on moments.

    Args:
        schedule: Whose slots, queues, pauses, quiet days and caps hold.
        offers: One for each (post, account) that the campaign has, in the order of writing.
        past: Every delivery that is not to be planned anew.
        added_at: When each account came to the campaign; nothing earlier is planned for it.
        window: What to plan.
        alike: Which posts need `Schedule.similarity_days` between them.
    """
    zone = ZoneInfo(schedule.timezone)
    platforms = {account.name: account.platform for account in schedule.accounts.values()}
    state = PlanState(schedule, alike, platforms, zone)
    for one in past:
        state.enter(one.account, one.post_id, one.due_at, graphic=one.graphic)
        state.occurrences.add((one.account, one.occurrence))
    queues = _by_queue(offers)
    by_pair = {(offer.post.id, offer.account): offer for offer in offers}

    def is_open(moment: _Moment) -> bool:
        account = moment.account.name
        since = added_at.get(account, moment.due_at)
        return moment.due_at >= since and (account, moment.occurrence) not in state.occurrences

    fixed, slots = _moments(schedule, offers, window, zone)
    assignments, holes = _lay_fixed(filter(is_open, fixed), by_pair, state, window)
    for moment in sorted(filter(is_open, slots), key=_order(schedule)):
        _lay(moment, queues, state, assignments, holes)
    return Plan(
        tuple(sorted(assignments, key=lambda one: (one.due_at, one.account))),
        tuple(sorted(holes, key=lambda one: (one.due_at, one.account))),
    )


def _by_queue(offers: Sequence[Offer]) -> Mapping[tuple[str, str], Sequence[Offer]]:
    """Sort the offers of ready posts by account and queue."""
    queues: dict[tuple[str, str], list[Offer]] = defaultdict(list)
    for offer in offers:
        if offer.post.queue and offer.post.ready:
            queues[offer.account, offer.post.queue].append(offer)
    return queues


def _order(schedule: Schedule) -> Callable[[_Moment], tuple[datetime, int, str]]:
    rank = {name: place for place, name in enumerate(schedule.accounts)}
    return lambda moment: (
        moment.due_at,
        rank[moment.account.name],
        occurrence_text(moment.occurrence),
    )


def _moments(
    schedule: Schedule, offers: Sequence[Offer], window: Window, zone: ZoneInfo
) -> tuple[list[_Moment], list[_Moment]]:
    """Give all fixed moments near the window (they push others away), and the slots in it."""
    reach = timedelta(days=schedule.similarity_days)
    fixed = [
        moment
        for offer in offers
        for moment in _fixed(offer, schedule.accounts[offer.account], window, reach, zone)
    ]
    first, last = (moment.astimezone(zone).date() for moment in (window.start, window.end))
    slots = [
        _Moment(
            at.utc, Queued(queue.name, at.local), account, queue, slot, None,
            _blocked(schedule, at.local.date(), at.instant.kind),
        )
        for queue in schedule.queues.values()
        for slot in queue.slots
        for at in slot_times(schedule.slots[slot], zone=zone, first=first, last=last)
        for account in schedule.accounts.values()
        if window.start <= at.utc < window.end
    ]  # fmt: skip
    return fixed, slots


def _blocked(schedule: Schedule, day: date, kind: Kind) -> str:
    pause = pause_on(schedule.pauses, day)
    if pause is not None:
        return f"planned pause: {pause.reason}"
    return "clocks skip this hour" if kind is Kind.GAP else ""


def _fixed(
    offer: Offer, account: Account, window: Window, reach: timedelta, zone: ZoneInfo
) -> Iterator[_Moment]:
    post = offer.post
    if post.at is not None and post.at < window.end + reach:
        yield _Moment(post.at, FixedTime(post.id), account, None, "", post)
    if post.every_year is not None:
        first, last = window.start.astimezone(zone).date(), (window.end + reach).date()
        for year, instant in yearly_times(post.every_year, zone=zone, first=first, last=last):
            yield _Moment(instant.utc, Yearly(post.id, year), account, None, "", post)


def _lay_fixed(
    moments: Iterable[_Moment],
    offers: Mapping[tuple[str, str], Offer],
    state: PlanState,
    window: Window,
) -> tuple[list[Assignment], list[EmptySlot]]:
    """Enter posts with a fixed time first: they do not move, so the others keep clear of them."""
    assignments: list[Assignment] = []
    holes: list[EmptySlot] = []
    for moment in moments:
        post, account = moment.post, moment.account.name
        if post is None or not post.ready or moment.due_at < window.start:
            continue
        offer = offers[post.id, account]
        why = offer.skipped or _fixed_why_not(offer, moment, state)
        inside = moment.due_at < window.end
        if not why:
            state.enter(account, post.id, moment.due_at, graphic=post.graphic)
        if why and inside:
            holes.append(EmptySlot(account, moment.occurrence, moment.due_at, f"{post.id}: {why}"))
        elif inside:
            assignments.append(Assignment(account, post.id, moment.occurrence, moment.due_at, ""))
    return assignments, holes


def _fixed_why_not(offer: Offer, moment: _Moment, state: PlanState) -> str:
    post, day = offer.post, state.day(moment.due_at)
    if not offer.may_repeat and (offer.account, post.id) in state.last_used:
        return "out already, and not repeated there"
    pause = pause_on(state.schedule.pauses, day)
    if pause is not None:
        return f"planned pause: {pause.reason}"
    return state.too_graphic(post, day)


def _lay(
    moment: _Moment,
    queues: Mapping[tuple[str, str], Sequence[Offer]],
    state: PlanState,
    assignments: list[Assignment],
    holes: list[EmptySlot],
) -> None:
    account, queue = moment.account, moment.queue
    waiting = queues.get((account.name, queue.name)) if queue else None
    if queue is None or waiting is None:
        return  # the queue is not for this account
    why = moment.why_not or state.caps(account, moment.due_at)
    chosen = None
    if not why:
        chosen, why = _choose(queue, waiting, moment, state)
    if chosen is None:
        holes.append(EmptySlot(account.name, moment.occurrence, moment.due_at, why))
        return
    state.enter(account.name, chosen.id, moment.due_at, graphic=chosen.graphic)
    assignments.append(
        Assignment(account.name, chosen.id, moment.occurrence, moment.due_at, moment.slot)
    )


def _choose(
    queue: Queue, waiting: Sequence[Offer], moment: _Moment, state: PlanState
) -> tuple[Post | None, str]:
    """Give the first post of the queue that may go now, or why there is none."""
    reasons: dict[str, int] = defaultdict(int)
    for offer in sorted(waiting, key=_turn(queue, state)):
        why = offer.skipped or _why_not_now(offer, queue, moment, state)
        if not why:
            return offer.post, ""
        reasons[why] += 1
    return None, _summary(queue, reasons)


def _turn(queue: Queue, state: PlanState) -> Callable[[Offer], tuple[float, str]]:
    """Order a queue: what was never out first, then what was out longest ago."""

    def key(offer: Offer) -> tuple[float, str]:
        used = state.last_used.get((offer.account, offer.post.id))
        mixed = hashlib.sha256(f"{queue.name}/{offer.post.id}".encode()).hexdigest()
        return (used.timestamp() if used else 0.0, mixed if queue.order == "shuffled" else "")

    return key


def _why_not_now(offer: Offer, queue: Queue, moment: _Moment, state: PlanState) -> str:
    post, when = offer.post, moment.due_at
    used = state.last_used.get((offer.account, post.id))
    if used is not None:
        if queue.repeat_after is None or not offer.may_repeat:
            return "out already, and not repeated there"
        if when - used < queue.repeat_after:
            return "out already, too recently to repeat"
    return state.too_graphic(post, state.day(when)) or state.too_alike(
        post.id, offer.account, offer.platform, when
    )


def _summary(queue: Queue, reasons: Mapping[str, int]) -> str:
    told = "; ".join(f"{count} {why}" for why, count in sorted(reasons.items()))
    return f"queue {queue.name} has nothing to give: {told}"
