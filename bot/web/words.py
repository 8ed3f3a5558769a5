"""Texts as pages show them: statuses by account, passages of a source, differences."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from urllib.parse import urlsplit

from bot.content.model import Account, Campaign, Post
from bot.content.passages import paragraphs
from bot.delivery.model import Delivery, State
from bot.platforms.status import FacetKind, Status
from bot.rendering.layout import short_link
from bot.rendering.rendered import RenderedCampaign

#: A status of a delivery or draft, for people: its name and its sign (never colour alone).
KINDS = {
    "forecast": ("forecast", "◌"),  # planned further ahead; may still move
    "unapproved": ("needs approval", "○"),
    "asked": ("change asked for", "?"),
    "paused": ("paused", "‖"),  # nothing goes out then, as things are
    "approved": ("approved", "✓"),
    "sending": ("on its way", "→"),  # being sent, or read back
    "sent": ("sent", "●"),
    "held": ("held", "!"),
    "failed": ("failed", "×"),  # the platform refused it
    "draft": ("draft", "✎"),
    "gone": ("taken down", "–"),  # retracted, or deleted elsewhere
    "cancelled": ("cancelled", "–"),
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


def words_of(post: Post) -> str:
    """Return what a post says, by which people call it; its id is for files and addresses."""
    quoted = f"“{post.quote.text}”" if post.quote else ""
    return f"{post.text} {quoted}".strip() or post.id


def titles(campaign: Campaign) -> dict[str, tuple[str, str]]:
    """Return by id what posts say, and in which language."""
    return {post.id: (words_of(post), post.lang) for post in campaign.posts}


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
    for facet in sorted(status.facets, key=lambda facet: facet.start):
        if facet.start < at:
            continue
        found.append(Piece(raw[at : facet.start].decode(errors="replace")))
        text = raw[facet.start : facet.end].decode(errors="replace")
        address = facet.value if facet.kind is FacetKind.LINK else ""
        if text == address:
            text = short_link(text, _SHOWN_OF_LINK)
        # Only an address of the web is one that a page may link to.
        is_web = urlsplit(address).scheme in {"http", "https"}
        found.append(Piece(text, facet.kind.value, address if is_web else ""))
        at = facet.end
    found.append(Piece(raw[at:].decode(errors="replace")))
    return tuple(piece for piece in found if piece.text)


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
    if around is not None:
        blocks = blocks[max(0, quoted[0] - around) : quoted[-1] + around + 1] if quoted else ()
    return [pieces_between(text, block, spans) for block in blocks]


def pieces_between(
    text: str, block: tuple[int, int], spans: Iterable[tuple[int, int]]
) -> Paragraph:
    """Return a stretch of a source with what is quoted of it marked."""
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
    kept = tuple(piece for piece in found if piece[0])
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


@dataclass(frozen=True, slots=True)
class AccountView:
    """What one account shows."""

    account: Account
    #: With their lengths, as the platform counts.
    statuses: tuple[tuple[Status, int], ...]
    max_length: int
    #: Why it shows nothing.
    skipped: str = ""
    cost: float = 0.0


def looks_of(whole: RenderedCampaign, post: Post) -> list[AccountView]:
    """Lay a post out as each of its accounts shows it."""
    return [
        AccountView(
            text.account,
            tuple(zip(text.statuses, text.lengths, strict=False)),
            text.max_length,
            text.why_not,
            whole.cost_of_all(text),
        )
        for text in whole.texts_of(post)
    ]


def looks_of_rows(whole: RenderedCampaign, rows: Iterable[Delivery]) -> list[AccountView]:
    """Show what deliveries froze: of corrections, and of posts that no file has any more."""
    accounts, looks = whole.campaign.schedule.accounts, []
    for name, group in by_account(rows):
        if name not in accounts:
            continue
        spec, limits = whole.spec_of(name), whole.limits_of(name)
        first = (row.status for row in group if row.publication.id == group[0].publication.id)
        statuses = tuple((status, spec.length_of(status, limits)) for status in first)
        most = accounts[name].max_length or limits.max_length
        looks.append(AccountView(accounts[name], statuses, most))
    return looks
