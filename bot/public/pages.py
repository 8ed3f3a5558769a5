"""Templates of what is published: no script, escaped everywhere, links within the folder."""

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import pairwise
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined

from bot import visible
from bot.content.model import Source, Stretch
from bot.content.passages import paragraphs
from bot.content.zones import shown
from bot.platforms.status import Status
from bot.rendering.layout import first_words, html_direction


def environment() -> Environment:
    """Make the templates' surroundings."""
    made = Environment(
        loader=PackageLoader("bot.public"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=visible.shown,
    )
    made.filters |= {
        "shown": shown, "machine": machine_time, "words": first_words, "dir": html_direction,
        "links": links_of, "web": is_web,
    }  # fmt: skip
    return made


def machine_time(instant: datetime) -> str:
    """Write an instant for programs (RFC 3339)."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def is_web(address: str) -> bool:
    """Return whether a page may link to an address."""
    return urlsplit(address).scheme in {"http", "https"}


def links_of(status: Status) -> list[str]:
    """Return where a status links to."""
    return [address for address in status.links if is_web(address)]


def merged(text: str, spans: Iterable[Stretch]) -> tuple[Stretch, ...]:
    """Join stretches that overlap, or have nothing but white space between them."""
    found: list[Stretch] = []
    for start, end in sorted(spans):
        if found and not text[found[-1][1] : start].strip():
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return tuple(found)


#: One stretch of a paragraph: its text, whether it is quoted, and its address or empty.
Piece = tuple[str, bool, str]


def anchor_of(span: Stretch) -> str:
    """Return the name of the place where a quoted stretch begins."""
    return f"c{span[0]}"


def marked_paragraphs(
    source: Source, spans: Iterable[Stretch], *, only_quoted: bool = False
) -> list[tuple[int, list[Piece]]]:
    """Return the numbered paragraphs of a source; each quoted stretch is marked and has an address.

    Stretches may overlap: each begins at an address of its own.
    """
    spans = tuple(spans)
    found = []
    for number, (first, last) in enumerate(paragraphs(source.text), 1):
        here = [(max(a, first), min(b, last)) for a, b in spans if a < last and first < b]
        cuts = sorted({first, last, *(edge for span in here for edge in span)})
        begins = {a: anchor_of((a, b)) for a, b in here}
        pieces = [
            (source.text[a:b], any(x <= a and b <= y for x, y in here), begins.get(a, ""))
            for a, b in pairwise(cuts)
        ]
        if here or not only_quoted:
            found.append((number, pieces))
    return found
