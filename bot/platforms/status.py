"""What is sent and what comes back: statuses, drafts, references, numbers, as frozen values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from typing import Self

from pydantic import TypeAdapter

from bot import visible
from bot.canonical import JsonObject, canonical_json


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
    #: Who may reply to it and quote it, of `spec.REPLIES` and `spec.QUOTES`; empty is everyone.
    replies: str = ""
    quotes: str = ""

    @property
    def controls(self) -> str:
        """Say who may reply and quote, for people; empty where everyone may."""
        limits = (("replies", self.replies), ("quotes", self.quotes))
        return " · ".join(f"{what}: {_AUDIENCES[who]}" for what, who in limits if who)

    @property
    def links(self) -> tuple[str, ...]:
        found = [facet.value for facet in self.facets if facet.kind is FacetKind.LINK]
        return tuple(dict.fromkeys([*found, *([self.card.url] if self.card else [])]))

    def to_json(self) -> str:
        """Return it as canonical JSON; `status_from_json` is the inverse."""
        values = {"v": 1, **_status_adapter().dump_python(self, mode="json")}
        # What is not limited is not written: fingerprints are older than these two.
        return canonical_json({key: each for key, each in values.items()
                               if each or key not in {"replies", "quotes"}})  # fmt: skip


_AUDIENCES = {
    "followers": "followers only",
    "followed": "only people the account follows",
    "mentioned": "only people it mentions",
    "nobody": "nobody",
}


def status_from_json(text: str) -> Status:
    return _status_adapter().validate_json(text)


_status_adapter = cache(lambda: TypeAdapter(Status))


@dataclass(frozen=True, slots=True)
class PostRef:
    """A live status on a platform."""

    #: The platform's own id: a number or an at:// URI. Always text.
    id: str
    #: What a reader opens in a browser; empty where the platform does not tell.
    url: str = ""
    #: Content hash, where a reply needs it; empty elsewhere.
    cid: str = ""
    #: What the platform made otherwise than was sent, for people, by what it is of.
    differs: Mapping[str, str] = field(default_factory=dict, compare=False)

    def compared(self, found: Mapping[str, str]) -> Self:
        """Return it with what differs; what is empty, or is not told, is no difference."""
        told = {subject: visible.short(words) for subject, words in found.items() if words}
        return replace(self, differs=told)


@dataclass(frozen=True, slots=True)
class ReplyTo:
    """Where the next status of a thread hangs."""

    root: PostRef
    parent: PostRef


#: Of drafts' bodies: no reader sees them. A record's key, and what was there before the attempt.
_MARKS = frozenset({"at", "before", "newest", "proofs", "rkey", "since"})


@dataclass(frozen=True, slots=True)
class Draft:
    """A status made ready for one platform: all that a repeated call must send again, unchanged.

    It is written to the database before the first byte that could publish, and never changes.
    """

    #: The same over all attempts of one delivery.
    key: str
    #: JSON of the adapter's own shape (frozen record, media ids, since-id, …).
    body: JsonObject

    def to_json(self) -> str:
        """Return it as canonical JSON; `draft_from_json` is the inverse."""
        return canonical_json({"key": self.key, "wire": self.body})

    def again(self, first: Self) -> Self:
        """Return it as one more try of the first: of that are only the marks it is found by."""
        marks = {name: first.body[name] for name in _MARKS & first.body.keys()}
        return replace(self, body={**self.body, **marks})


def draft_from_json(text: str) -> Draft:
    raw = json.loads(text)
    return Draft(raw["key"], raw["wire"])


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
