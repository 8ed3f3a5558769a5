"""Words of one's own that look like a quotation without marks: its attribution, a quoted block."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Iterator
from functools import lru_cache

import regex

from bot.content.comparing import fold
from bot.content.model import Source

_WORD = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}]|[\p{L}\p{M}]+|\p{N}+")
#: Such a line is a quoted block in mail and Markdown, or speech in many languages.
_BLOCK = regex.compile(r"(?m)^[ \t]*(?:[>＞❯➤▶|｜❘│┃]\s*\S|(?:[—―⸺⸻〜~]|--+)\s*\S)")
#: What parts a text into what could be a signature and the rest.
_SEGMENT = regex.compile(r"[^\n.!?:;()\[\]{}—―–⸺⸻~|/•·。！？：；（）]+")
_LED = regex.compile(r"(?:[—―–⸺⸻~•·]|--|(?:^|\n)[ \t]*[-*])[ \t]*$")
#: Words that say nothing of where a text is from.
_SMALL = frozenset({
    "a", "an", "and", "as", "at", "by", "cited", "dated", "excerpt", "extract", "from", "in", "of",
    "on", "our", "quote", "quoted", "quotation", "quoting", "said", "says", "signed", "source",
    "text", "the", "their", "this", "to", "via", "with", "words",
})  # fmt: skip
_DATES = frozenset(
    name.casefold() for names in (calendar.month_name, calendar.month_abbr) for name in names
)
_LIKE, _LIKE_WHERE_LED = 0.9, 0.75


def attribution_shapes(
    text: str, sources: Iterable[Source], *, after_quotation: Iterable[int] = ()
) -> Iterator[tuple[int, str]]:
    """Yield (offset, message) of what readers would take for the attribution of words before it.

    Args:
        text: Words that people wrote themselves.
        sources: All that may be quoted.
        after_quotation: Ends of exact quotations, after which an attribution is true.
    """
    ends = {end + len(text[end:]) - len(text[end:].lstrip(" \t\n—–-―(")) for end in after_quotation}
    known = tuple(sources)
    found = [match.start() for match in _BLOCK.finditer(text)]
    found += [
        match.start() + len(match[0]) - len(match[0].lstrip())
        for match in _SEGMENT.finditer(text)
        if any(_is_like(match, text, source) for source in known)
    ]
    found += [at for source in known for at in _copies(text, source)]
    for at in sorted(set(found)):
        start = at + len(text[at:]) - len(text[at:].lstrip(" \t\n—–-―("))
        if start not in ends:
            line = text[start:].split("\n", 1)[0][:60].strip()
            yield start, _message(line)
            return


def _message(line: str) -> str:
    return (
        f"“{line}” reads as the attribution of a quotation, or as a quoted block, and what stands "
        "beside it as quoted; write quoted words in `quote:`, which sets marks and attribution by "
        "itself, and say the rest in a sentence of your own, such as “Read the open letter of 2022”"
    )


def _copies(text: str, source: Source) -> Iterator[int]:
    """Yield where the words of a source's own attribution stand in a text."""
    wanted, words = [word for _, word in _words(source.attribution)], _words(text)
    for first in range(len(words) - len(wanted) + 1):
        if len(wanted) > 2 and [w for _, w in words[first : first + len(wanted)]] == wanted:
            yield words[first][0]


def _is_like(match: regex.Match[str], text: str, source: Source) -> bool:
    """Return whether a stretch says little else than where a source's words are from."""
    words = [word for _, word in _words(match[0]) if word not in _SMALL]
    names = [word for word in words if not word.isdigit() and word not in _DATES]
    own = _own_words(source)
    if len(names) < 2 or (len(names) < 4 and len(names) == len(words)):
        return False
    is_led = _LED.search(text, 0, match.start()) is not None
    return sum(word in own for word in names) >= (_LIKE_WHERE_LED if is_led else _LIKE) * len(names)


@lru_cache(maxsize=64)
def _own_words(source: Source) -> frozenset[str]:
    parts = (source.attribution, source.title, *source.signatories)
    return frozenset(word for part in parts for _, word in _words(part)) - _SMALL


def _words(text: str) -> list[tuple[int, str]]:
    """Return the words of a text, with their places; look-alike letters are one."""
    folded = fold(text)
    return [
        (folded.spans[match.start()][0], match[0].casefold())
        for match in _WORD.finditer(folded.text)
    ]
