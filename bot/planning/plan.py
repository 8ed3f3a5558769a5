"""Which post goes where and when: a greedy plan that only looks back, so it grows without change.

Moments are taken in order of time over all accounts. What is decided for one depends on what came
before it and on the posts with a fixed time, never on how far ahead is planned; so a plan made
today for a year and one made each day for a week tell the same future.
"""

import hashlib
from bisect import bisect_left, bisect_right, insort
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.content.model import Account, Post, Queue, Schedule
from bot.content.slots import HOUR, caps_of, pause_on, slot_times, yearly_times
from bot.content.zones import LocalTimeKind
from bot.delivery.model import FixedTime, Occurrence, Publication, Queued, Yearly

#: Whether two posts are too much alike to stand close together; symmetric.
Alike = Callable[[str, str], bool]

#: Sorts after every id of a post.
_LAST = "\U0010ffff"
_REPEATED = "out already, and not repeated there"


@dataclass(frozen=True, slots=True)
class Offer:
    """A post that could go to an account."""

    post: Post
    account: str
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
class _SlotMoment:
    """One moment of a slot on one account, which a queue may use."""

    due_at: datetime
    account: Account
    queue: Queue
    occurrence: Queued
    slot: str
    why_not: str


@dataclass(slots=True)
class PlanState:
    """What is taken so far, by account, and what that forbids."""

    schedule: Schedule
    alike: Alike
    #: From when (included) to when (excluded) is planned; UTC.
    start: datetime
    end: datetime
    zone: ZoneInfo
    taken: dict[str, list[tuple[datetime, str]]] = field(default_factory=lambda: defaultdict(list))
    last_used: dict[tuple[str, str], datetime] = field(default_factory=dict)
    graphic_days: dict[date, set[str]] = field(default_factory=lambda: defaultdict(set))
    occurrences: set[tuple[str, Occurrence]] = field(default_factory=set)
    planned: list[Assignment] = field(default_factory=list)
    empty: list[EmptySlot] = field(default_factory=list)

    def enter(self, account: str, post: str, when: datetime, *, graphic: bool) -> None:
        insort(self.taken[account], (when, post))
        self.last_used[account, post] = max(when, self.last_used.get((account, post), when))
        if graphic:
            self.graphic_days[self.day(when)].add(post)

    def day(self, when: datetime) -> date:
        return when.astimezone(self.zone).date()

    def near(self, account: str, when: datetime, within: timedelta) -> Iterator[str]:
        """Yield posts taken on the account less than ``within`` before or after."""
        taken = self.taken[account]
        start = bisect_right(taken, (when - within, _LAST))
        end = bisect_left(taken, (when + within, ""))
        return (post for _at, post in taken[start:end])

    def caps(self, account: Account, when: datetime) -> str:
        """Return which cap of an account a delivery would break; empty for none."""
        taken = self.taken[account.name]
        for most, span, _key in caps_of(account):
            used = bisect_right(taken, (when, _LAST)) - bisect_right(taken, (when - span, _LAST))
            if used >= most:
                return f"the account's {most} {'an hour' if span == HOUR else 'a day'} are used"
        if account.min_gap and any(self.near(account.name, when, account.min_gap)):
            return "too close to another post of the account"
        return ""

    def paused(self, day: date) -> str:
        """Return why nothing comes on a local day; empty where something may."""
        pause = pause_on(self.schedule.pauses, day)
        return f"planned pause: {pause.reason}" if pause else ""

    def too_graphic(self, post: Post, day: date) -> str:
        """Return why a graphic post cannot come on a local day; empty where it may."""
        if not post.graphic:
            return ""
        if self.schedule.is_quiet(day):
            return "a quiet day has no graphic post"
        if len(self.graphic_days[day] - {post.id}) >= self.schedule.graphic_per_day:
            return f"the day has its {self.schedule.graphic_per_day} graphic post already"
        return ""

    def too_alike(self, post_id: str, account: str, when: datetime) -> str:
        """Look for a text too much alike, close by, on any account of the same platform."""
        days = timedelta(days=self.schedule.similarity_days)
        accounts = self.schedule.accounts
        platform = accounts[account].platform
        for name in (other.name for other in accounts.values() if other.platform == platform):
            if name != account and (name, post_id) in self.last_used:
                return "the same text never goes to two accounts of one platform"
            for other in self.near(name, when, days):
                same_here = name == account and other == post_id
                if not same_here and self.alike(post_id, other):
                    return f"too much like another within {days.days} days"
        return ""


def plan(
    schedule: Schedule,
    offers: Sequence[Offer],
    *,
    past: Iterable[Publication],
    last_used: Mapping[tuple[str, str], datetime],
    added_at: Mapping[str, datetime],
    start: datetime,
    end: datetime,
    alike: Alike,
) -> Plan:
    """Lay posts on moments.

    Args:
        schedule: Whose slots, queues, pauses, quiet days and caps hold.
        offers: One for each (post, account) that the campaign has, in the order of writing.
        past: What is not to be planned anew: sent, under way, held, about to go, or withdrawn.
        last_used: Account and post -> when it was last due, of what is older than ``past``.
        added_at: When each account came to the campaign; nothing earlier is planned for it.
        start: From when (included) to ``end`` (excluded) is planned; UTC.
        alike: Which posts need `Schedule.similarity_days` between them.
    """
    zone = ZoneInfo(schedule.timezone)
    state = PlanState(schedule, alike, start, end, zone, last_used=dict(last_used))
    for old in past:
        # What waits for a free slot, but may not be moved any more, may go out at any time.
        state.enter(old.account, old.post_id, old.due_at or start, graphic=old.graphic)
        state.occurrences.add((old.account, old.occurrence))

    def is_open(account: str, occurrence: Occurrence, due_at: datetime) -> bool:
        is_late = due_at < added_at.get(account, due_at)
        return not is_late and (account, occurrence) not in state.occurrences

    queues: dict[tuple[str, str], list[Offer]] = defaultdict(list)
    # Posts with a fixed time come first: they do not move, so the others keep clear of them.
    for offer in (offer for offer in offers if offer.post.ready):
        queues[offer.account, offer.post.queue].append(offer)
        for occurrence, due_at in _fixed_times(offer.post, state):
            if is_open(offer.account, occurrence, due_at):
                _lay_fixed(offer, occurrence, due_at, state)
    for moment in _slot_moments(state):
        waiting = queues.get((moment.account.name, moment.queue.name))
        if waiting and is_open(moment.account.name, moment.occurrence, moment.due_at):
            _lay_slot(moment, waiting, state)
    return Plan(
        tuple(sorted(state.planned, key=lambda entry: (entry.due_at, entry.account))),
        tuple(sorted(state.empty, key=lambda entry: (entry.due_at, entry.account))),
    )


def _fixed_times(post: Post, state: PlanState) -> Iterator[tuple[Occurrence, datetime]]:
    """Yield a post's own times from the window's start to some days after it.

    Those after it push others away from them.
    """
    start, end = state.start, state.end + timedelta(days=state.schedule.similarity_days)
    if post.at is not None and start <= post.at < end:
        yield FixedTime(post.id), post.at
    if post.every_year is not None:
        first, last = state.day(start), end.date()
        for year, instant in yearly_times(post.every_year, zone=state.zone, first=first, last=last):
            if start <= instant.utc:
                yield Yearly(post.id, year), instant.utc


def _lay_fixed(offer: Offer, occurrence: Occurrence, due_at: datetime, state: PlanState) -> None:
    post, account, day = offer.post, offer.account, state.day(due_at)
    is_repeated = not offer.may_repeat and (account, post.id) in state.last_used
    why = offer.skipped or (_REPEATED if is_repeated else "")
    why = why or state.paused(day) or state.too_graphic(post, day)
    if not why:
        state.enter(account, post.id, due_at, graphic=post.graphic)
    if due_at >= state.end:
        return
    if why:
        state.empty.append(EmptySlot(account, occurrence, due_at, f"{post.id}: {why}"))
    else:
        state.planned.append(Assignment(account, post.id, occurrence, due_at, ""))


def _slot_moments(state: PlanState) -> Sequence[_SlotMoment]:
    """Return the moments of all slots, by time, then in the schedule's order of accounts."""
    schedule = state.schedule
    rank = {name: place for place, name in enumerate(schedule.accounts)}
    first, last = state.day(state.start), state.day(state.end)
    moments = []
    for queue in schedule.queues.values():
        for slot in queue.slots:
            for at in slot_times(schedule.slots[slot], zone=state.zone, first=first, last=last):
                skipped = "clocks skip this hour" if at.instant.kind is LocalTimeKind.GAP else ""
                why_not = state.paused(at.local.date()) or skipped
                occurrence = Queued(queue.name, at.local)
                moments += [
                    _SlotMoment(at.utc, account, queue, occurrence, slot, why_not)
                    for account in schedule.accounts.values()
                    if state.start <= at.utc < state.end
                ]
    return sorted(
        moments, key=lambda moment: (moment.due_at, rank[moment.account.name], moment.queue.name)
    )


def _lay_slot(moment: _SlotMoment, waiting: Sequence[Offer], state: PlanState) -> None:
    """Lay the first post of its queue that may go then on a moment, or note why there is none."""
    account, due_at = moment.account.name, moment.due_at
    why = moment.why_not or state.caps(moment.account, due_at)
    reasons: Counter[str] = Counter()
    for offer in () if why else sorted(waiting, key=_turn(moment.queue, state)):
        why_not = offer.skipped or _why_not_now(offer, moment, state)
        if not why_not:
            post = offer.post
            state.enter(account, post.id, due_at, graphic=post.graphic)
            # Two slots of a queue at one time are one place in it.
            state.occurrences.add((account, moment.occurrence))
            new = Assignment(account, post.id, moment.occurrence, due_at, moment.slot)
            state.planned.append(new)
            return
        reasons[why_not] += 1
    counted = "; ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    why = why or f"queue {moment.queue.name} has nothing to give: {counted}"
    state.empty.append(EmptySlot(account, moment.occurrence, due_at, why))


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
            return _REPEATED
        if due_at - used < repeat_after:
            return "out already, too recently to repeat"
    return state.too_graphic(post, state.day(due_at)) or state.too_alike(
        post.id, offer.account, due_at
    )
