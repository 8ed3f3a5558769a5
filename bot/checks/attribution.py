"""Words of one's own that look like a quotation without marks: its attribution, a quoted block."""

import calendar
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain

import regex

from bot.content.comparing import fold
from bot.content.model import Source

_WORD = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}]|[\p{L}\p{M}]+|\p{N}+")
#: Such a line is a quoted block in mail and Markdown, or speech in many languages.
_BLOCK = regex.compile(r"(?m)^[ \t]*(?:[>＞❯➤▶|｜❘│┃]\s*\S|(?:[—―⸺⸻〜~]|--+)\s*\S)")
#: What could be a signature: a stretch with whatever signs stand in it (Open letter - 9 December),
#: and each piece between them; a hyphen is such a sign where it stands in no word.
_STRETCH = regex.compile(r"[^\n.!?:;()\[\]{}|/。！？：；（）“”„«»]+")
_PIECE = regex.compile(
    r"(?:[^\n.!?:;()\[\]{}—―–⸺⸻/•·。！？：；（）…*_\\\p{Sm}\p{So}-]"
    r"|(?<=[\p{L}\p{M}\p{N}])-(?=[\p{L}\p{N}]))+"
)
#: What leads to a signature where it stands before it.
_LEADS = regex.compile(r"[\p{Pd}\p{Sm}\p{So}•·*]")
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
_ADVICE = (
    "reads as the attribution of a quotation, or as a quoted block, and what stands "
    "beside it as quoted; write quoted words in `quote:`, which sets marks and attribution by "
    "itself, and say the rest in a sentence of your own, such as “Read the open letter of 2022”"
)
#: A word and where it stands.
_Placed = tuple[int, str]


def attribution_shape(
    text: str, sources: Iterable[Source], *, after_quotation: Iterable[int] = ()
) -> tuple[int, str] | None:
    """Return (offset, message) of what readers first take for the attribution of words before it.

    Args:
        after_quotation: Ends of exact quotations, after which an attribution is true.
    """
    ends = {end + len(text[end:]) - len(text[end:].lstrip(" \t\n—–-―(")) for end in after_quotation}
    known = tuple(sources)
    found = {match.start() for match in _BLOCK.finditer(text)}
    owned = [_own_words(source) for source in known]
    said = {word.casefold() for word in _WORD.findall(fold(text).text)}
    if not all(map(said.isdisjoint, owned)):  # most texts have no word of a source's own
        words = _words(text)
        found.update(_signatures(text, words, owned))
        found |= {at for source in known for at in _copies(words, _attribution(source))}
    for at in sorted(found):
        start = at + len(text[at:]) - len(text[at:].lstrip(" \t\n—–-―("))
        if start not in ends:
            line = text[start:].split("\n", 1)[0][:60].strip()
            return start, f"“{line}” {_ADVICE}"
    return None


def _copies(words: Sequence[_Placed], wanted: Sequence[str]) -> Iterator[int]:
    """Yield where the words of a source's own attribution stand."""
    for first in range(len(words) - len(wanted) + 1):
        if len(wanted) > 2 and [w for _, w in words[first : first + len(wanted)]] == wanted:
            yield words[first][0]


def _signatures(
    text: str, words: Sequence[_Placed], owned: Sequence[frozenset[str]]
) -> Iterator[int]:
    """Yield where a stretch begins that says little else than where a source's words are from."""
    places = [at for at, _ in words]
    for match in chain(_STRETCH.finditer(text), _PIECE.finditer(text)):
        first, last = (bisect_left(places, at) for at in match.span())
        names = _names([word for _, word in words[first:last]])
        is_led = match.start() > 0 and _LEADS.match(text, match.start() - 1)
        least = (_LIKE_WHERE_LED if is_led else _LIKE) * len(names)
        if names and any(sum(name in own for name in names) >= least for own in owned):
            yield match.start() + len(match[0]) - len(match[0].lstrip())


def _names(words: Iterable[str]) -> list[str]:
    """Return the words that may name a source; none where there are too few to do so."""
    large = [word for word in words if word not in _SMALL]
    names = [word for word in large if not word.isdigit() and word not in _DATES]
    is_few = len(names) < 2 or (len(names) < 4 and len(names) == len(large))
    return [] if is_few else names


@lru_cache
def _attribution(source: Source) -> list[str]:
    return [word for _, word in _words(source.attribution)]


@lru_cache
def _own_words(source: Source) -> frozenset[str]:
    parts = (source.attribution, source.title, *source.signatories)
    return frozenset(word for part in parts for _, word in _words(part)) - _SMALL


def _words(text: str) -> list[_Placed]:
    """Return the words of a text, with their places; look-alike letters are one."""
    folded = fold(text)
    return [
        (folded.spans[match.start()][0], match[0].casefold())
        for match in _WORD.finditer(folded.text)
    ]
