"""Texts as pages show them: pieces of a status, passages of a source, differences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from urllib.parse import urlsplit

from bot.content.passages import paragraphs
from bot.delivery.model import Delivery, State
from bot.platforms.status import FacetKind, Status
from bot.rendering.layout import short_link

#: Where a entry of the calendar stands: its name, its sign (never colour alone), its meaning.
KINDS = {
    "forecast": ("forecast", "◌", "planned further ahead; may still move"),
    "unapproved": ("needs approval", "○", "goes out only if enough people approve it in time"),
    "approved": ("approved", "✓", "goes out at its time"),
    "sending": ("on its way", "→", "being sent, or read back"),
    "sent": ("sent", "●", "out"),
    "held": ("held", "!", "waits for a person"),
    "failed": ("failed", "×", "the platform refused it"),
    "draft": ("draft", "✎", "not planned before it is `ready`"),
    "gone": ("taken down", "–", "retracted, or deleted elsewhere"),
    "cancelled": ("cancelled", "–", "taken out before it was sent"),
}
KIND_OF = {
    State.READY: "approved",
    State.SENDING: "sending",
    State.UNKNOWN: "sending",
    State.SENT: "sent",
    State.HELD: "held",
    State.FAILED: "failed",
    State.CANCELLED: "cancelled",
    State.RETRACTED: "gone",
    State.GONE: "gone",
}
_WORDS = re.compile(r"\s+|[^\s]+")
#: Where an address stands whole in a text, readers see this much of it.
_SHOWN_OF_LINK = 30


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a status as a reader sees it."""

    text: str
    #: ``link``, ``tag``, ``mention`` or empty.
    kind: str = ""
    #: Where a link leads; only http(s).
    address: str = ""


def pieces(status: Status) -> tuple[Piece, ...]:
    """Cut a status at its links, tags and mentions."""
    raw, at = status.text.encode(), 0
    found: list[Piece] = []
    for facet in sorted(status.facets, key=lambda one: one.start):
        if facet.start < at:
            continue
        found.append(Piece(raw[at : facet.start].decode(errors="replace")))
        text = raw[facet.start : facet.end].decode(errors="replace")
        found.append(_piece(text, facet.kind, facet.value))
        at = facet.end
    found.append(Piece(raw[at:].decode(errors="replace")))
    return tuple(one for one in found if one.text)


def _piece(text: str, kind: FacetKind, value: str) -> Piece:
    if kind is not FacetKind.LINK:
        return Piece(text, kind.value)
    shown = short_link(text, _SHOWN_OF_LINK) if text == value else text
    return Piece(shown, "link", value if is_web(value) else "")


def is_web(address: str) -> bool:
    """Return whether an address is one that a page may link to."""
    return urlsplit(address).scheme in {"http", "https"}


def host_of(address: str) -> str:
    """Name whose page an address is, as link cards do."""
    return (urlsplit(address).hostname or "").removeprefix("www.")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph of a source, its quoted stretches marked."""

    #: (text, is quoted), in order.
    pieces: tuple[tuple[str, bool], ...]
    has_quote: bool


def passage_in(
    text: str, spans: Sequence[tuple[int, int]], *, around: int | None
) -> list[Paragraph]:
    """Return a source's paragraphs with stretches marked.

    Args:
        text: The whole source.
        spans: What is quoted, in order.
        around: How many paragraphs before and after the quoted ones; None gives all.
    """
    blocks = paragraphs(text)
    quoted = [
        number
        for number, (start, end) in enumerate(blocks)
        if any(a < end and start < b for a, b in spans)
    ]
    if not quoted:
        wanted = range(len(blocks)) if around is None else range(0)
    elif around is None:
        wanted = range(len(blocks))
    else:
        wanted = range(max(0, quoted[0] - around), min(len(blocks), quoted[-1] + around + 1))
    return [_paragraph(text, blocks[number], spans) for number in wanted]


def _paragraph(text: str, block: tuple[int, int], spans: Iterable[tuple[int, int]]) -> Paragraph:
    start, end = block
    found: list[tuple[str, bool]] = []
    at = start
    for a, b in spans:
        low, high = max(a, start), min(b, end)
        if low >= high:
            continue
        found += [(text[at:low], False), (text[low:high], True)]
        at = high
    found.append((text[at:end], False))
    kept = tuple(one for one in found if one[0])
    return Paragraph(kept, any(is_quoted for _text, is_quoted in kept))


def difference(before: str, after: str) -> tuple[tuple[str, str], ...]:
    """Compare two texts word by word: (``same``, ``gone`` or ``new``, words)."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    found: list[tuple[str, str]] = []
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            found.append(("same", "".join(old[a:b])))
            continue
        found += [("gone", "".join(old[a:b]))] if b > a else []
        found += [("new", "".join(new[c:d]))] if d > c else []
    return tuple(found)


def by_account(rows: Iterable[Delivery]) -> Iterator[tuple[str, tuple[Delivery, ...]]]:
    """Group deliveries by account, in the order in which they come."""
    groups: dict[str, list[Delivery]] = {}
    for row in rows:
        groups.setdefault(row.account, []).append(row)
    yield from ((name, tuple(group)) for name, group in groups.items())
