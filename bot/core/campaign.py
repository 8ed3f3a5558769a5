"""What people write: sources, posts and the schedule, as frozen values with their places.

`bot.content` reads files into these; everything else only reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is written: line and column count from 1."""

    file: str
    line: int
    column: int


NOWHERE = Place("", 0, 0)


class Mode(StrEnum):
    """Whether anything leaves the machine."""

    REHEARSAL = "rehearsal"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Consent:
    """Who of an account's owner agreed that the bot posts there, and when."""

    by: str
    on: date


@dataclass(frozen=True, slots=True)
class Account:
    """One account of the coalition."""

    name: str
    platform: str
    #: Origin of the account's server, such as ``https://social.example``; empty for the usual.
    server: str = ""
    handle: str = ""
    owner: str = ""
    consent: Consent | None = None
    #: ``always`` or ``never``: whether posts with a link may go there.
    links: str = "always"
    #: Hard caps and the least gap between two deliveries; None is no cap.
    max_per_hour: int | None = None
    max_per_day: int | None = None
    min_gap: timedelta = timedelta(0)
    #: US dollars; None is no budget. The hard stop for posting and reading.
    budget_usd_per_month: float | None = None
    #: ``resend`` after surely absent, or ``hold`` for a person.
    on_unknown: str = "resend"
    #: Length of a status where the server's own number is known to differ from the usual.
    max_length: int | None = None
    #: Values of the keys that only its platform has; `PlatformSpec.value` reads them.
    own: Mapping[str, Any] = field(default_factory=dict)
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Slot:
    """Named moments of a week, in the schedule's zone."""

    name: str
    #: 0 is Monday, as `datetime.date.weekday`.
    weekdays: frozenset[int]
    times: tuple[time, ...]
    skip: frozenset[date] = frozenset()
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Queue:
    """Posts in order, waiting for slots."""

    name: str
    slots: tuple[str, ...]
    #: ``listed`` (as written) or ``shuffled`` (by a stable hash).
    order: str = "listed"
    #: A post may come again after this long; None is never.
    repeat_after: timedelta | None = None
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Pause:
    """Days without slots, both included."""

    first: date
    last: date
    reason: str
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Schedule:
    """The whole of schedule.yaml."""

    campaign: str
    #: IANA name; every local time is in it.
    timezone: str
    mode: Mode
    approvals_required: int
    #: A post later than this is held, not sent.
    not_after: timedelta
    coalition: tuple[str, ...]
    hashtags: tuple[str, ...]
    accounts: Mapping[str, Account]
    slots: Mapping[str, Slot]
    queues: Mapping[str, Queue]
    pauses: tuple[Pause, ...] = ()
    quiet: frozenset[date] = frozenset()
    #: By platform, US dollars by action; they override its own prices.
    prices: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    #: Two texts this alike (Jaccard of word shingles, 0 to 1) need `similarity_days` between them.
    similarity: float = 0.6
    similarity_days: int = 30
    graphic_per_day: int = 1
    file: str = "schedule.yaml"


@dataclass(frozen=True, slots=True)
class Source:
    """A text that may be quoted, byte for byte as its file."""

    id: str
    #: The whole text of the file, decoded from UTF-8 and not otherwise touched.
    text: str
    #: Of the file's bytes; the one written beside the source, which is proved when it is read.
    sha256: str
    title: str
    #: The line that names who, what and the date, put under every quotation.
    attribution: str
    date: date
    signatories: tuple[str, ...]
    #: Where a reader finds it; empty where it is not published.
    address: str
    lang: str
    card_title: str = ""
    card_description: str = ""
    #: Stretches that may only be quoted with a content warning; code points, end exclusive.
    graphic: tuple[tuple[int, int], ...] = ()
    #: Stretches that are no text of the source's own (lists of titles, signatures).
    never: tuple[tuple[int, int], ...] = ()
    #: Source of which this is an approved translation; empty for an original.
    translation_of: str = ""
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Investigation:
    """A published piece that posts may link to."""

    id: str
    outlet: str
    title: str
    author: str
    date: str
    #: Empty where it is not known; then it cannot be posted.
    address: str
    about: str
    caution: str
    #: Warning that a post with this link must carry; empty for none.
    warning: str = ""
    card_title: str = ""
    card_description: str = ""
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A picture in ``posts/media`` that a post uses; bytes are read once and kept by hash."""

    file: str
    alt: str
    sha256: str
    mime: str
    width: int
    height: int
    size: int
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Original:
    """What a quoted translation translates: proved fragments of the original source."""

    source: str
    source_sha256: str
    text: str
    #: (start, end) of each fragment; code points, end exclusive.
    fragments: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Quote:
    """A proved quotation: fragments of one source, in order."""

    source: str
    source_sha256: str
    #: As written: fragments joined by ``[…]``. Never changed.
    text: str
    #: (start, end) of each fragment in the source; code points, end exclusive.
    fragments: tuple[tuple[int, int], ...]
    #: The source's sentence goes on before, or after, what is quoted.
    cut_before: bool = False
    cut_after: bool = False
    place: Place = NOWHERE
    #: Of a quotation from a translation, and only of that.
    original: Original | None = None


@dataclass(frozen=True, slots=True)
class Variant:
    """What one account, or one platform, says instead; None keeps the post's own."""

    text: str | None = None
    #: True takes the post's link away.
    drop_link: bool = False
    link: str | None = None
    warning: str | None = None
    media: tuple[MediaFile, ...] | None = None
    card: bool | None = None
    thread: bool | None = None
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class EveryYear:
    """A day and a local time that come back each year."""

    month: int
    day: int
    at: time


@dataclass(frozen=True, slots=True)
class Post:
    """One entry of ``posts/**/*.yaml``."""

    id: str
    #: Own words, shown before the quotation; may be empty where there is one.
    text: str
    quote: Quote | None
    #: Id of an investigation, or of a source with an address; empty for none.
    link: str
    theme: str
    #: Just one of the three says when.
    queue: str
    #: UTC instant of ``at:``.
    at: datetime | None
    every_year: EveryYear | None
    #: Names of accounts, in the schedule's order; all, where the post names none.
    accounts: tuple[str, ...]
    lang: str
    #: None where there is none.
    warning: str | None
    media: tuple[MediaFile, ...]
    #: Draw a quote card from the quotation.
    card: bool
    thread: bool
    #: By account name or platform name; the account's own wins.
    variants: Mapping[str, Variant]
    author: str
    ready: bool
    #: The passage is graphic, by its source or because the post carries a warning for it.
    graphic: bool
    not_after: timedelta | None = None
    note: str = ""
    place: Place = NOWHERE
    #: Of its keys, such as ``quote.text`` or ``variants.x.text``: where a problem points.
    places: Mapping[str, Place] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Campaign:
    """All content, read and proved as a whole."""

    schedule: Schedule
    #: In the order in which they are written, files in the order of their paths.
    posts: tuple[Post, ...]
    sources: Mapping[str, Source]
    investigations: Mapping[str, Investigation]
    #: Of every file that was read, by path; the same files give the same hash.
    tree_sha256: str

    @property
    def zone(self) -> ZoneInfo:
        """The zone of every local time in the campaign."""
        return ZoneInfo(self.schedule.timezone)

    def post(self, post_id: str) -> Post | None:
        """Find a post by its id."""
        return next((post for post in self.posts if post.id == post_id), None)
