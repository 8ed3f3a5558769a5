"""What is planned, approved, held and reported: a publication, and its parts, the deliveries.

Code compares the values of reasons; the detail beside one is for people only.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.platforms.status import Draft, PostRef, Status, draft_from_json, status_from_json

#: Attempts that may have had a side effect; then a person decides (Tusky #4405: no bug may post
#: twenty times).
MOST_ATTEMPTS = 4


@dataclass(frozen=True, slots=True)
class FixedTime:
    """The one time of a post that has its own."""

    post: str


@dataclass(frozen=True, slots=True)
class Yearly:
    """One year's time of a post that comes every year."""

    post: str
    year: int


@dataclass(frozen=True, slots=True)
class Queued:
    """One slot of a queue."""

    queue: str
    #: Naive local time: a queue has it once, whatever the clocks do.
    local: datetime


@dataclass(frozen=True, slots=True)
class Correction:
    """A correction, which people plan; the planner leaves it alone."""

    post: str


#: Which time of a post this is.
Occurrence = FixedTime | Yearly | Queued | Correction


def occurrence_columns(occurrence: Occurrence) -> tuple[str, str, str]:
    """Return kind, subject and key: the three texts that are stored of an occurrence."""
    match occurrence:
        case FixedTime(post):
            return "at", post, ""
        case Yearly(post, year):
            return "year", post, str(year)
        case Queued(queue, local):
            return "queue", queue, local.isoformat()
        case Correction(post):
            return "correction", post, ""


def occurrence_from(kind: str, subject: str, key: str) -> Occurrence:
    """Return the occurrence that these columns are; ValueError where there is no such kind."""
    match kind:
        case "at":
            return FixedTime(subject)
        case "year":
            return Yearly(subject, int(key))
        case "queue":
            return Queued(subject, datetime.fromisoformat(key))
        case "correction":
            return Correction(subject)
        case _:
            raise ValueError(f"no kind of occurrence is called {kind!r}")


def occurrence_text(occurrence: Occurrence) -> str:
    """Return an occurrence as people and other programs read it; nothing reads it back."""
    return "/".join(filter(None, occurrence_columns(occurrence)))


class PublicationState(StrEnum):
    """Whether a publication holds its occurrence; its deliveries have states of their own."""

    OPEN = "OPEN"
    #: The planner cancelled all of it; it may be planned again.
    UNPLANNED = "UNPLANNED"
    #: A person cancelled all of it; it comes back only when its post was edited.
    WITHDRAWN = "WITHDRAWN"


@dataclass(frozen=True, slots=True)
class Publication:
    """One post on one account at one occurrence; its parts are deliveries."""

    id: str
    account: str
    platform: str
    post_id: str
    occurrence: Occurrence
    #: Number of its deliveries; more than one for a thread.
    parts: int
    #: UTC; None while it waits for the next free slot of its queue, as `not_after` then is.
    due_at: datetime | None
    #: Held, not sent, when later than this.
    not_after: datetime | None
    #: What an approval binds to: what this account's readers will see.
    fingerprint: str
    #: Who wrote it: approves nothing of it.
    author: str
    graphic: bool
    theme: str = ""
    #: Quoted passage, ``source:start-end``; empty where it quotes nothing.
    excerpt: str = ""
    lang: str = ""
    #: ``quote``, ``link``, ``card``, ``thread``, ``text`` or ``correction``.
    form: str = ""
    #: Name of the slot; empty at a fixed time.
    slot: str = ""
    state: PublicationState = PublicationState.OPEN

    @property
    def pausable(self) -> tuple[str, str, str]:
        """What a pause may be of, as `bot.authority.pauses` takes it."""
        return self.account, self.theme, self.lang

    @property
    def queue(self) -> str:
        """Name of its queue; empty at a fixed time."""
        return self.occurrence.queue if isinstance(self.occurrence, Queued) else ""


class OfPublication:
    """What belongs to a publication, and shows what is asked of it all the time."""

    __slots__ = ()
    publication: Publication

    @property
    def account(self) -> str:
        return self.publication.account

    @property
    def platform(self) -> str:
        return self.publication.platform

    @property
    def post_id(self) -> str:
        return self.publication.post_id


@dataclass(frozen=True, slots=True)
class NewPart:
    """One status of a publication that is not stored yet."""

    status_json: str
    cost_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class NewPublication:
    """A publication as the files say it; `bot.planning.diff` gives it its ids, old or new ones."""

    publication: Publication
    parts: tuple[NewPart, ...]
    #: Of its deliveries, in order: what the platforms' keys come from.
    delivery_ids: tuple[str, ...] = ()
    #: The delivery that its first part replies to.
    reply_to: str | None = None


class State(StrEnum):
    """Where a delivery stands; the moves between them are in `bot.delivery.lifecycle`."""

    PLANNED = "PLANNED"
    READY = "READY"
    SENDING = "SENDING"
    SENT = "SENT"
    UNKNOWN = "UNKNOWN"
    HELD = "HELD"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    RETRACTED = "RETRACTED"
    GONE = "GONE"


class HoldReason(StrEnum):
    """Why a delivery waits for a person."""

    UNAPPROVED = "unapproved"
    CHANGE_ASKED = "a change is asked for"
    REFUSED = "refused"
    PAUSED = "paused"
    OVER_BUDGET = "over budget"
    LATE = "late"
    ACCOUNT_STOPPED = "account stopped"
    PARENT = "the part before it is not out"
    LINK_GONE = "what it links to is gone"
    UNSETTLED = "cannot tell whether it is out"
    ATTEMPTS = "attempts used up"
    #: Of an UNKNOWN one: its platform took it for a repetition.
    DUPLICATE = "said before, perhaps by us"


class CancelReason(StrEnum):
    """Why a delivery was cancelled."""

    EDITED = "its post was edited"
    LIMITS = "its server told other limits"
    REMOVED = "its post was removed"
    UNPLANNED = "no longer planned"
    #: An approver refused it as it is; edited, it may come again.
    REFUSED = "refused by an approver"
    #: A person cancelled it; the detail is what they said.
    WITHDRAWN = "withdrawn"


Reason = HoldReason | CancelReason


@dataclass(frozen=True, slots=True)
class Hold:
    """A delivery must wait for a person."""

    reason: HoldReason
    detail: str = ""

    def __str__(self) -> str:
        return reason_text(self.reason, self.detail)


def reason_text(reason: Reason | None, detail: str) -> str:
    """Return what people read of a reason and its detail."""
    if reason is None or reason is CancelReason.WITHDRAWN:
        return detail
    return f"{reason}: {detail}" if detail else str(reason)


@dataclass(frozen=True, slots=True)
class Delivery(OfPublication):
    """One row of the outbox: one status of a publication. Times are UTC."""

    #: From the identity of what is delivered (campaign, account, post, turn, part).
    id: str
    publication: Publication
    #: Place in the thread, from 0.
    part: int
    parent_id: str | None
    status_json: str
    #: What publishing it costs, US dollars.
    cost_usd: float
    state: State
    #: Why it is HELD, CANCELLED or (as a repetition) UNKNOWN; None where no value says it.
    reason: Reason | None
    #: For people: more of the reason, or what the platform said.
    detail: str
    #: For people: what was tried, read and found.
    evidence: str
    #: Frozen at the first intent; None before.
    draft_json: str | None
    first_intent_at: datetime | None
    fence: int
    lease_until: datetime | None
    owner: str
    #: Attempts that may have had a side effect.
    attempts: int
    retry_at: datetime | None
    #: Complete read-backs since the last attempt that found nothing.
    absent_reads: int
    next_read_at: datetime | None
    #: A person let it go out in spite of its hold (late, paused before, unapproved never).
    released_by: str
    remote_id: str
    url: str
    cid: str
    sent_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @property
    def parts(self) -> int:
        return self.publication.parts

    @property
    def due_at(self) -> datetime | None:
        return self.publication.due_at

    @property
    def not_after(self) -> datetime | None:
        return self.publication.not_after

    @property
    def fingerprint(self) -> str:
        return self.publication.fingerprint

    @property
    def status(self) -> Status:
        return status_from_json(self.status_json)

    @property
    def reason_text(self) -> str:
        """What people read; empty where nothing needs saying."""
        return reason_text(self.reason, self.detail)

    @property
    def draft(self) -> Draft | None:
        return draft_from_json(self.draft_json) if self.draft_json else None

    @property
    def ref(self) -> PostRef:
        return PostRef(self.remote_id, self.url, self.cid)
