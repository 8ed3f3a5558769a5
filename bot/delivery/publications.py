"""What is planned, approved, held and reported: one post on one account at one occurrence."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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
