"""Links that open a page at the quoted words (WICG URL fragment text directives)."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from urllib.parse import quote as percent_encoded

import regex

from bot.content.passages import paragraphs

#: Browsers match whole words, so a directive begins and ends at one and needs no punctuation.
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}_]+(?:[’'\u200c-][\p{L}\p{M}\p{N}_]+)*")
#: Up to this many words are named whole; longer passages by their first and last words.
_WHOLE = 6

Span = tuple[int, int]


def with_text_fragment(address: str, source: str, spans: Iterable[Span]) -> str:
    """Return a link that scrolls to, and marks, the quoted stretches of a source's page.

    A stretch that the source's words cannot name without doubt is left out; with none left, the
    address stays as it is. A fragment that the address already has is kept.
    """
    directives = [found for span in spans if (found := directive(source, span))]
    if not directives:
        return address
    joint = ":~:" if "#" in address else "#:~:"
    return address + joint + "&".join(f"text={found}" for found in directives)


@lru_cache(maxsize=4096)
def directive(source: str, span: Span) -> str:
    """Name one stretch by the fewest words that occur once in the source; empty where none do.

    Case and the width of white space are ignored, as browsers do.
    """
    words = [match.span() for match in _WORD.finditer(source, *span)]
    if not words:
        return ""
    known = _known(source)
    for start, *end in _ranges(source, words):
        texts = [source[slice(*term)] for term in (start, *end)]
        if all(_is_unique(text, known) for text in texts):
            return ",".join(_encoded(text) for text in texts)
    return _with_context(source, words, known)


def _ranges(source: str, words: list[Span]) -> Iterator[tuple[Span, ...]]:
    """List candidates from the shortest: the whole stretch, or its first and last words.

    A directive's term may not run over the end of a paragraph, but a range may.
    """
    whole = (words[0][0], words[-1][1])
    blocks = paragraphs(source)
    one_block = _block(blocks, words[0]) == _block(blocks, words[-1])
    if one_block and len(words) <= _WHOLE:
        yield (whole,)
    first = [word for word in words if _block(blocks, word) == _block(blocks, words[0])]
    last = [word for word in words if _block(blocks, word) == _block(blocks, words[-1])]
    for count in range(2, len(words) // 2 + 1):
        start = (words[0][0], first[min(count, len(first)) - 1][1])
        end = (last[-min(count, len(last))][0], words[-1][1])
        yield start, end
    if one_block:
        yield (whole,)


def _block(blocks: tuple[Span, ...], word: Span) -> int:
    return next(at for at, (start, end) in enumerate(blocks) if start <= word[0] < end)


def _with_context(source: str, words: list[Span], known: str) -> str:
    """Name a short stretch that occurs more often by the words before or after it as well."""
    start, end = words[0][0], words[-1][1]
    first, last = next(
        (block for block in paragraphs(source) if block[0] <= start < block[1]), (start, end)
    )
    if end > last:
        return ""
    text = source[start:end]
    for other in reversed([m.start() for m in _WORD.finditer(source, first, start)]):
        if _is_unique(source[other:end], known):
            return f"{_encoded(source[other:start].rstrip())}-,{_encoded(text)}"
    for other in [m.end() for m in _WORD.finditer(source, end, last)]:
        if _is_unique(source[start:other], known):
            return f"{_encoded(text)},-{_encoded(source[end:other].lstrip())}"
    return ""


@lru_cache(maxsize=8)
def _known(source: str) -> str:
    return _plain(source)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _is_unique(text: str, known: str) -> bool:
    """Return whether a text occurs once; a place inside other words counts too, to be safe."""
    plain = _plain(text)
    at = known.find(plain)
    return at >= 0 and known.find(plain, at + 1) < 0


def _encoded(text: str) -> str:
    """Percent-encode as the specification asks: comma, ampersand and hyphen have a meaning."""
    return percent_encoded(" ".join(text.split()), safe="").replace("-", "%2D")
