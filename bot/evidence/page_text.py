"""The title and the words of a page, as far as readers see them."""

import codecs
import re
from contextlib import suppress
from dataclasses import dataclass

from bot import visible
from bot.evidence.fetching import Hop
from bot.platforms.http.markup import pieces_of

_CHARSET = re.compile(r"charset=[\"']?([\w-]+)", re.IGNORECASE)
#: Python has others, which fail on odd bytes or take the square of their number.
_OF_PAGES = re.compile(r"utf-(?:8|16)|ascii|iso8859|cp\d|koi8|mac|gb|big5|euc|shift_jis|iso2022|hz")
#: Characters that are read; two pages are compared word by word.
_MOST = 500_000
#: Words in these are of the site, not of the page.
_ASIDE = frozenset({"template", "noscript", "nav", "header", "footer", "aside"})


@dataclass(frozen=True, slots=True)
class PageText:
    """What a page says; both empty where it is no page of HTML."""

    title: str = ""
    words: str = ""


def _encoding(page: Hop, kind: str) -> str:
    """Return the encoding that a page names, where it is one of the web's."""
    named = _CHARSET.search(kind) or _CHARSET.search(page.body[:2048].decode("latin-1"))
    with suppress(LookupError):
        known = codecs.lookup(named[1]) if named else None
        return known.name if known and _OF_PAGES.match(known.name) else "utf-8"
    return "utf-8"


def page_text(page: Hop) -> PageText:
    """Read a page of HTML; whatever stands in it, it has a title and words, perhaps empty."""
    kind = page.header("content-type")
    if "html" not in kind.lower():
        return PageText()
    text = page.body[: 4 * _MOST].decode(_encoding(page, kind), "replace")
    title, words, aside, is_title = list[str](), list[str](), 0, False
    for piece in pieces_of(text[:_MOST]):
        if isinstance(piece, str):
            (title if is_title else words).append(piece if is_title or not aside else "")
        else:
            is_aside = piece.name in _ASIDE
            aside = max(0, aside - is_aside) if piece.is_end else aside + is_aside
            is_title = piece.name == "title" and not piece.is_end and not "".join(title)
    shown = visible.line(" ".join("".join(title).split()))[:300]
    return PageText(shown, " ".join(" ".join(words).split()))
