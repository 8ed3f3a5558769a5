"""Whether a due delivery may go out now, and what the end of a call means for it.

The rows of its states that no person moves. It never guesses that something was published or was
not: the adapter's error class says so, and whatever is not surely a refusal is in doubt.
"""

import hashlib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.delivery.lifecycle import Event
from bot.delivery.model import MOST_ATTEMPTS, Delivery, Hold, HoldReason, State
from bot.errors import (
    DuplicateError,
    LeaseLostError,
    OverBudgetError,
    PausedError,
    PlatformError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
    UnconfirmedError,
)
from bot.platforms.spec import ReadBackPolicy
from bot.platforms.status import PostRef

#: The part before it is out, or still on its way; then it may wait, and need not be held.
_ON_ITS_WAY = frozenset({State.PLANNED, State.READY, State.SENDING, State.UNKNOWN, State.SENT})
#: All that surely means "not accepted" while the call is under way.
_SURELY_NOT = (UnavailableError, RejectedError, UnauthorizedError, OverBudgetError)
#: Waits between failing reads stop growing here: at about a minute.
_LONGEST = 6
_AT_ONCE = timedelta(0)
#: Bounds of the waits between attempts at one delivery.
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=2), timedelta(minutes=5)
#: A server's word is obeyed up to here; longer ones are cut.
LONGEST_RETRY_AFTER = timedelta(hours=1)


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
    #: What of it is paused, empty for everything; None where nothing is.
    paused: str | None = None
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
    if facts.paused is not None:
        yield Hold(HoldReason.PAUSED, facts.paused)
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


@dataclass(frozen=True, slots=True)
class Policy:
    """What a delivery's platform and account allow."""

    read_back: ReadBackPolicy
    #: What was not seen is a person's to decide, not sent again.
    holds_unknown: bool = False
    #: After this long without one complete read, a person decides.
    patience: timedelta = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class FailedReads:
    """How often in a row a delivery could not be read back."""

    since: datetime
    count: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is so now; the store writes it down as it stands."""

    #: The move that it is; None where the delivery stays UNKNOWN and is read again.
    event: Event | None
    #: For people: what was answered.
    detail: str = ""
    #: When to try, or to read back, next.
    at: datetime | None = None
    #: Why a person decides: at once (with DEFER, in the same step), or where an UNKNOWN one is
    #: not found.
    hold: Hold | None = None
    #: For people: what was read and found.
    evidence: str = ""
    #: Nothing more is sent on the account.
    stops_account: bool = False
    #: The read was complete and found nothing.
    is_absent: bool = False
    #: Where it is out.
    ref: PostRef | None = None


def wait_before(attempt: int, *, retry_after: timedelta | None = None, salt: str = "") -> timedelta:
    """Return the wait after a failed attempt (the first is 1): doubling, spread by ``salt``.

    A platform that names a time knows better than any formula.
    """
    if retry_after is not None:
        return min(max(retry_after, timedelta(0)), LONGEST_RETRY_AFTER)
    doubled = min(FIRST_WAIT * (1 << min(attempt - 1, 20)), LONGEST_WAIT)
    # Half to whole of the wait, from the delivery's own id: many deliveries that failed
    # together do not come back together, and a run can be repeated.
    share = hashlib.sha256(f"{salt}/{attempt}".encode()).digest()[0] / 255
    return doubled * (0.5 + share / 2)


def decide(
    answer: PostRef | Exception,
    delivery: Delivery,
    policy: Policy,
    now: datetime,
    *,
    has_begun: bool,
) -> Outcome:
    """Return what came of a claim: where it is, or what was raised, once the call ``has_begun``.

    Before, nothing has been sent; from then on a reader may see it.
    """
    if isinstance(answer, PostRef):
        return Outcome(Event.ACCEPT, ref=answer)
    # A refusal of a repeated call may only mean that the first one went through.
    is_repeated = isinstance(answer, RejectedError) and delivery.attempts > 0
    if not has_begun or (isinstance(answer, _SURELY_NOT) and not is_repeated):
        return _not_accepted(answer, delivery, now)
    detail = (
        str(answer) if isinstance(answer, PlatformError) else f"unexpected {type(answer).__name__}"
    )
    hold = Hold(HoldReason.DUPLICATE, detail) if isinstance(answer, DuplicateError) else None
    return Outcome(Event.OUTCOME_UNKNOWN, detail, now + policy.read_back.first_after, hold)


def put_off(
    delivery: Delivery, now: datetime, detail: str, *, retry_after: timedelta | None = None
) -> Outcome:
    """Return that surely nothing was accepted, and when to try again."""
    wait = wait_before(delivery.fence, retry_after=retry_after, salt=delivery.id)
    return Outcome(Event.DEFER, detail, now + wait)


def put_off_and_hold(hold: Hold, now: datetime) -> Outcome:
    """Return that surely nothing was accepted, and that a person decides."""
    return Outcome(Event.DEFER, str(hold), now, hold)


def give_up(evidence: str, *, reason: HoldReason = HoldReason.UNSETTLED) -> Outcome:
    """Return that a person decides on what is in doubt."""
    return Outcome(Event.GIVE_UP, hold=Hold(reason), evidence=evidence)


def _not_accepted(answer: Exception, delivery: Delivery, now: datetime) -> Outcome:
    detail = str(answer)
    match answer:
        case RejectedError():
            return Outcome(Event.REFUSE, detail)
        case UnauthorizedError():
            hold = Hold(HoldReason.ACCOUNT_STOPPED, detail)
            return Outcome(Event.STOP, detail, hold=hold, stops_account=True)
        case OverBudgetError():
            return put_off_and_hold(Hold(HoldReason.OVER_BUDGET, detail), now)
        case UnavailableError():
            return put_off(delivery, now, detail, retry_after=answer.retry_after)
        case LeaseLostError() | PausedError():
            # What holds the delivery is said by whoever took it.
            return put_off(delivery, now, "stopped before the call", retry_after=_AT_ONCE)
        case _:
            return put_off(delivery, now, f"{type(answer).__name__} before the call")


def decide_read(
    answer: PostRef | Exception | None,
    delivery: Delivery,
    policy: Policy,
    now: datetime,
    *,
    called_at: datetime,
    failed: FailedReads,
) -> Outcome:
    """Return what came of a read-back: where it is, what was raised, or None: it is not there.

    Its last call began at ``called_at``; ``failed`` are the reads in a row before this one.
    """
    if answer is None:
        return _absent(delivery, policy, now, now - called_at)
    if isinstance(answer, PostRef):
        return Outcome(Event.CONFIRMED_SENT, ref=answer)
    if isinstance(answer, UnconfirmedError):
        return give_up(f"read back, but {answer}")
    # Read again later: this read did not happen, so it proves nothing.
    if now - failed.since > policy.patience:
        outcome = give_up(f"could not be read back: {answer}")
    else:
        retry_after = answer.retry_after if isinstance(answer, UnavailableError) else None
        tries = min(failed.count + 2, _LONGEST)
        wait = wait_before(tries, retry_after=retry_after, salt=delivery.id)
        outcome = Outcome(None, at=now + wait)
    stops = isinstance(answer, UnauthorizedError)
    return replace(outcome, detail=str(answer), stops_account=stops)


def _absent(delivery: Delivery, policy: Policy, now: datetime, since_call: timedelta) -> Outcome:
    reads = delivery.absent_reads + 1
    wait = policy.read_back.again_after(reads, since_call)
    if wait is not None:
        return Outcome(None, at=now + wait, is_absent=True)
    not_seen = f"not seen in {reads} complete reads"
    if delivery.reason is HoldReason.DUPLICATE:
        return give_up(f"{delivery.reason_text}; {not_seen}")
    if policy.holds_unknown:
        return give_up(f"{not_seen}; account holds")
    if delivery.attempts >= MOST_ATTEMPTS:
        return give_up(f"not seen after {delivery.attempts} attempts", reason=HoldReason.ATTEMPTS)
    return Outcome(Event.CONFIRMED_ABSENT, at=now, is_absent=True)
