"""What is sent: statuses, references, deliveries and their states, as frozen values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from bot.core.campaign import Account
from bot.core.publications import Publication
from bot.core.reasons import Reason, reason_text

#: A JSON object as the standard library reads it.
JsonObject = Mapping[str, Any]


def canonical_json(value: object) -> str:
    """Write JSON that is the same for the same value: sorted keys, no spaces, UTF-8 as it is."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def sha256_hex(value: str | bytes) -> str:
    """Hash text (as UTF-8) or bytes; lower-case hexadecimal."""
    return hashlib.sha256(value.encode() if isinstance(value, str) else value).hexdigest()


class FacetKind(StrEnum):
    """What a marked stretch of text is."""

    LINK = "link"
    TAG = "tag"
    MENTION = "mention"


@dataclass(frozen=True, slots=True)
class Facet:
    """A stretch of a status's text that is a link, a hashtag or a mention.

    Offsets are UTF-8 bytes of the text, end exclusive (app.bsky.richtext.facet#byteSlice).
    """

    kind: FacetKind
    start: int
    end: int
    #: The whole address, the tag without ``#``, or the handle without ``@``.
    value: str


@dataclass(frozen=True, slots=True)
class Picture:
    """An image by its hash; its bytes are in the store (``store.media``)."""

    sha256: str
    mime: str
    alt: str
    width: int
    height: int
    size: int


@dataclass(frozen=True, slots=True)
class LinkCard:
    """The preview of a link, given by the editor; nothing is fetched from the web."""

    url: str
    title: str
    description: str = ""
    thumb: Picture | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """Where a quoted fragment stands in its source; code points, end exclusive."""

    source: str
    source_sha256: str
    start: int
    end: int
    section: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """One rendered, fitted message: exactly what an adapter sends."""

    text: str
    #: BCP 47 tag of the text.
    lang: str = "en"
    facets: tuple[Facet, ...] = ()
    #: Folded warning for a platform that has one; elsewhere it is the text's first line.
    warning: str | None = None
    #: The pictures (or the whole, where the platform folds) may disturb.
    sensitive: bool = False
    pictures: tuple[Picture, ...] = ()
    card: LinkCard | None = None
    #: What is quoted in ``text``, for provenance; never sent.
    spans: tuple[Span, ...] = ()

    def to_json(self) -> str:
        """Freeze as canonical JSON; `status_from_json` is its inverse."""
        return canonical_json(
            {
                "v": 1,
                "text": self.text,
                "lang": self.lang,
                "facets": [_facet_json(facet) for facet in self.facets],
                "warning": self.warning,
                "sensitive": self.sensitive,
                "pictures": [_picture_json(picture) for picture in self.pictures],
                "card": _card_json(self.card),
                "spans": [_span_json(span) for span in self.spans],
            }
        )


def _facet_json(facet: Facet) -> JsonObject:
    return {"kind": facet.kind, "start": facet.start, "end": facet.end, "value": facet.value}


def _picture_json(picture: Picture) -> JsonObject:
    names = ("sha256", "mime", "alt", "width", "height", "size")
    return {name: getattr(picture, name) for name in names}


def _card_json(card: LinkCard | None) -> JsonObject | None:
    if card is None:
        return None
    thumb = _picture_json(card.thumb) if card.thumb else None
    return {"url": card.url, "title": card.title, "description": card.description, "thumb": thumb}


def _span_json(span: Span) -> JsonObject:
    return {name: getattr(span, name) for name in Span.__slots__}


def status_from_json(text: str) -> Status:
    """Read what `Status.to_json` wrote."""
    raw = json.loads(text)
    card = raw["card"]
    return Status(
        text=raw["text"],
        lang=raw["lang"],
        facets=tuple(
            Facet(FacetKind(one["kind"]), one["start"], one["end"], one["value"])
            for one in raw["facets"]
        ),
        warning=raw["warning"],
        sensitive=raw["sensitive"],
        pictures=tuple(Picture(**one) for one in raw["pictures"]),
        card=LinkCard(**{**card, "thumb": Picture(**card["thumb"]) if card["thumb"] else None})
        if card
        else None,
        spans=tuple(Span(**one) for one in raw["spans"]),
    )


@dataclass(frozen=True, slots=True)
class PostRef:
    """A live status on a platform."""

    #: The platform's own id: a number or an at:// URI. Always text.
    id: str
    #: What a reader opens in a browser; empty where the platform does not tell.
    url: str = ""
    #: Content hash, where a reply needs it; empty elsewhere.
    cid: str = ""


@dataclass(frozen=True, slots=True)
class ReplyTo:
    """Where the next status of a thread hangs."""

    root: PostRef
    parent: PostRef


@dataclass(frozen=True, slots=True)
class Draft:
    """A status made ready for one platform: all that a repeated call must send again, unchanged.

    It is written to the database before the first byte that could publish, and never changes.
    """

    #: The same over all attempts of one delivery.
    key: str
    #: JSON of the adapter's own shape (frozen record, media ids, since-id, …).
    wire: JsonObject

    def to_json(self) -> str:
        """Freeze as canonical JSON; ``draft_from_json`` is its inverse."""
        return canonical_json({"key": self.key, "wire": self.wire})


def draft_from_json(text: str) -> Draft:
    """Read what `Draft.to_json` wrote."""
    raw = json.loads(text)
    return Draft(raw["key"], raw["wire"])


@dataclass(frozen=True, slots=True)
class Limits:
    """What one account accepts in a single status, in its platform's own units."""

    max_length: int
    #: Second limit on the text in UTF-8 bytes, where the platform has one.
    max_bytes: int | None = None
    #: Length that every address counts, where the platform shortens them.
    url_length: int = 23
    max_pictures: int = 4
    #: Unicode code points of an alternative text.
    max_alt: int = 1500
    max_picture_bytes: int = 5_000_000
    max_thumb_bytes: int = 1_000_000
    #: Width times height, where the platform says.
    max_pixels: int | None = None
    picture_mimes: tuple[str, ...] = ("image/jpeg", "image/png")


@dataclass(frozen=True, slots=True)
class ReadBackPolicy:
    """How often, and when, a platform must be read before an absent status counts as absent."""

    #: Complete reads that all found nothing.
    reads: int = 1
    #: Wait after the last byte that was sent.
    first_after: timedelta = timedelta(0)
    #: Wait between two reads.
    apart: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Charge:
    """One kind of paid call, and how many units of it."""

    action: str
    units: int = 1
    #: What is read, where each thing is billed once a UTC day however often it is read.
    resources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountKey:
    """A key of an account in schedule.yaml that only its platform has."""

    name: str
    #: What a person is told of it.
    description: str
    #: ``bool`` or ``date``; a text, where there are choices.
    kind: type[bool | date | str] = bool
    choices: tuple[str, ...] = ()
    #: What holds where the key is left out.
    default: bool | date | str | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """How pages tell a platform from others at a glance; colours and sizes are CSS."""

    #: A letter or two.
    icon: str
    color: str
    color_on_dark: str
    #: Of the corners of a status.
    corner: str = "12px"


def _free(_status: Status) -> Sequence[Charge]:
    return ()


def _plain_read(_account: Account) -> str:
    return "read"


@dataclass(frozen=True, slots=True)
class PlatformSpec:
    """All that the rest of the program knows of a platform, as data that every layer reads."""

    #: Key used in YAML, in the database and in logs.
    name: str
    #: What to assume where no server has been asked.
    limits: Limits
    #: Length of a text as this platform counts it; never ``len``.
    measure: Callable[[str, Limits], int]
    #: What people call the platform.
    label: str = ""
    look: Look = Look("?", "currentcolor", "currentcolor")
    #: The warning folds the text away (and counts to its length); else it is the first line.
    folds_warning: bool = False
    #: A link is shown as a card that we provide; else it stands in the text.
    has_link_cards: bool = False
    #: The account key that lets a long post become a thread, and a program reply; empty where
    #: every account may.
    thread_key: str = ""
    #: The same text may go out again on the same account, after a while.
    may_repeat: bool = True
    read_back: ReadBackPolicy = ReadBackPolicy()
    #: What publishing one status costs.
    charges: Callable[[Status], Sequence[Charge]] = _free
    #: The paid action that reading one status of an account is.
    read_action: Callable[[Account], str] = _plain_read
    #: US dollars a unit, by action; the schedule's key ``<name>_prices`` overrides them.
    prices: Mapping[str, float] = field(default_factory=dict)
    #: Names of the secrets an account needs, as in VERBATIM_<ACCOUNT>_<SECRET>.
    secrets: tuple[str, ...] = ()
    #: Keys of an account that no other platform need have.
    account_keys: tuple[AccountKey, ...] = ()
    #: The account key for the day on which a person saw that the account says that it is
    #: automated; empty where the server tells.
    label_key: str = ""
    #: Keys of an account as `init` writes them into a new schedule; empty where it shows none.
    starter: str = ""

    @property
    def threads_freely(self) -> bool:
        """Whether a long post becomes a thread wherever the post says so."""
        return not self.thread_key

    def may_thread(self, account: Account) -> bool:
        """Tell whether this account lets long posts become threads."""
        return self.threads_freely or bool(self.value(account, self.thread_key))

    def value(self, account: Account, key: str) -> Any:
        """Return what an account says under a key of its platform, or what holds without it."""
        default = next((one.default for one in self.account_keys if one.name == key), None)
        return account.own.get(key, default)

    @property
    def prices_key(self) -> str:
        """Key of schedule.yaml for prices that differ from ours."""
        return f"{self.name}_prices"


#: Until the modules that still say so are renamed.


@dataclass(frozen=True, slots=True)
class Metrics:
    """Numbers of one status as its platform tells them; None is untold, never zero."""

    likes: int | None = None
    reposts: int | None = None
    replies: int | None = None
    quotes: int | None = None
    bookmarks: int | None = None
    impressions: int | None = None
    clicks: int | None = None


class State(StrEnum):
    """Where a delivery stands; the moves between them are in `bot.core.lifecycle`."""

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


@dataclass(frozen=True, slots=True)
class Delivery:
    """One row of the outbox: one status of a publication. Times are UTC."""

    #: From the identity of what is delivered (campaign, account, post, turn, part).
    id: str
    publication: Publication
    #: Place in the thread, from 0.
    part: int
    parent_id: str | None
    status_json: str
    payload_sha256: str
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
    def account(self) -> str:
        return self.publication.account

    @property
    def platform(self) -> str:
        return self.publication.platform

    @property
    def post_id(self) -> str:
        return self.publication.post_id

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
