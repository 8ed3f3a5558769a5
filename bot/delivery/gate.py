"""Whether a delivery whose time has come may go out now."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.delivery.model import MOST_ATTEMPTS, Delivery, Hold, HoldReason, State

#: The part before it is out, or still on its way; then it may wait, and need not be held.
_ON_ITS_WAY = frozenset({State.PLANNED, State.READY, State.SENDING, State.UNKNOWN, State.SENT})


@dataclass(frozen=True, slots=True)
class ApprovalCount:
    """What stands of the approvals of one publication."""

    #: Who approved it and counts.
    by: frozenset[str]
    required: int
    author: str
    #: Why none can count on this machine, as the end of a sentence; empty where they can.
    lack: str = ""
    #: Why it waits or never goes out, whoever approved it; None where nobody objects.
    objection: Hold | None = None

    def __str__(self) -> str:
        return f"{self.count} of {self.required}"

    @property
    def count(self) -> int:
        """Count the people: the author is none, and nobody is two people."""
        return len({_person(name) for name in self.by} - {_person(self.author)})

    @property
    def missing(self) -> int:
        """How many more it needs."""
        return max(0, self.required - self.count)

    @property
    def is_enough(self) -> bool:
        """Whether enough people said yes, and nobody no."""
        return not self.missing and self.objection is None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the gate must know about the moment; read just before it is asked."""

    now: datetime
    approvals: ApprovalCount
    #: Why this machine sends nothing at all; empty where it may.
    obstacle: str = ""
    paused: bool = False
    #: What of it is paused; empty where everything is.
    pause_detail: str = ""
    #: Why the account is stopped; empty where it is not.
    stopped: str = ""
    #: Dollars that the account may still spend this month; None is no budget.
    budget_left: float | None = None
    #: State of the part before it; None where it is the first.
    parent: State | None = None
    #: What it links to and readers do not find; empty for nothing.
    gone: str = ""


def is_same_person(one: str, other: str) -> bool:
    """Compare names as people write them: capitals and spaces make no difference."""
    return _person(one) == _person(other)


def _person(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def why_hold(delivery: Delivery, facts: Facts) -> Hold | None:
    """Return why a due delivery must not go out; None where it may.

    A person's word (`Delivery.released_by`) sends what is late, was tried often or links to what
    is gone; it never stands in for the approvals, lifts a pause, or pays.
    """
    return next(_holds(delivery, facts), None)


def why_truncate(delivery: Delivery, parent: State, now: datetime) -> Hold | None:
    """Return why a planned part need not wait any more for the part before it; None: it waits."""
    last = delivery.not_after
    is_late = last is not None and now > last
    if parent is State.FAILED or (parent is not State.SENT and is_late):
        return Hold(HoldReason.PARENT, f"it is {parent}; the thread is truncated")
    return None


def _holds(delivery: Delivery, facts: Facts) -> Iterator[Hold]:
    if facts.parent is not None and facts.parent not in _ON_ITS_WAY:
        yield Hold(HoldReason.PARENT, f"it is {facts.parent}")
    if facts.paused:
        yield Hold(HoldReason.PAUSED, facts.pause_detail)
    if facts.stopped:
        yield Hold(HoldReason.ACCOUNT_STOPPED, facts.stopped)
    if not facts.approvals.is_enough:
        unapproved = Hold(HoldReason.UNAPPROVED, f"{facts.approvals}{facts.approvals.lack}")
        yield facts.approvals.objection or unapproved
    if not delivery.released_by:
        yield from _forgivable(delivery, facts)
    cost, left = delivery.cost_usd, facts.budget_left
    if left is not None and cost > left:
        yield Hold(HoldReason.OVER_BUDGET, f"costs ${cost:.3f}, ${left:.3f} left this month")
    if delivery.attempts >= MOST_ATTEMPTS and not delivery.released_by:
        yield Hold(HoldReason.ATTEMPTS)


def in_words(gap: timedelta) -> str:
    """Return a length of time for people, in the unit that fits it."""
    for unit, name in ((timedelta(days=2), "days"), (timedelta(hours=2), "hours")):
        if gap >= unit:
            return f"{gap // (unit / 2)} {name}"
    return f"{gap // timedelta(minutes=1)} min"


def _forgivable(delivery: Delivery, facts: Facts) -> Iterator[Hold]:
    if facts.gone:
        yield Hold(HoldReason.LINK_GONE, facts.gone)
    due_at, not_after, now = delivery.due_at, delivery.not_after, facts.now
    if due_at is not None and not_after is not None and now > not_after:
        why = f": {facts.obstacle}" if facts.obstacle else ""
        yield Hold(HoldReason.LATE, f"{in_words(now - due_at)} after its time{why}")
