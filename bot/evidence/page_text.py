"""The title and the words of a page, as far as readers see them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser

from bot import visible
from bot.evidence.fetching import Hop

_CHARSET = re.compile(r"charset=[\"']?([\w-]+)", re.IGNORECASE)
#: Characters that are read: a hostile page could make reading it take for ever.
_MOST = 500_000
#: Words in these are of the site, not of the page.
_ASIDE = frozenset({"script", "style", "template", "noscript", "nav", "header", "footer", "aside"})


@dataclass(frozen=True, slots=True)
class PageText:
    """What a page says; both empty where it is no page of HTML."""

    title: str = ""
    words: str = ""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.title, self.words = "", ""
        self._aside, self._is_title = 0, False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - html.parser's signature
        self._aside += tag in _ASIDE
        self._is_title = tag == "title" and not self.title

    def handle_endtag(self, tag: str) -> None:
        self._aside = max(0, self._aside - (tag in _ASIDE))
        self._is_title = False

    def handle_data(self, data: str) -> None:
        if self._is_title:
            self.title += data
        elif not self._aside:
            self.words += f"{data} "


def page_text(page: Hop) -> PageText:
    """Read a page of HTML; whatever stands in it, it has a title and words, perhaps empty."""
    kind = page.header("content-type")
    if "html" not in kind.lower():
        return PageText()
    named = _CHARSET.search(kind) or _CHARSET.search(page.body[:2048].decode("latin-1"))
    try:
        text = page.body.decode(named[1] if named else "utf-8", "replace")
    except LookupError:
        text = page.body.decode("utf-8", "replace")
    reader = _Reader()
    reader.feed(text[:_MOST])
    title = visible.line(" ".join(reader.title.split()))[:300]
    return PageText(title, " ".join(reader.words.split()))
