"""A post that becomes several statuses: where it is cut, and what each part repeats."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import regex

from bot.core.campaign import Quote, Source
from bot.core.layout import Passage, passage
from bot.core.versions import Version


class ThreadError(ValueError):
    """One word with what must stand beside it is longer than a status may be."""


@dataclass(frozen=True, slots=True)
class Part:
    """Own words, a passage or both, that stand in one status of a thread."""

    text: str
    quoted: Passage | None = None
    is_first: bool = False
    is_last: bool = False


#: White space, or a place between two characters of scripts that write none.
_GAP = regex.compile(
    r"(?<=\S)\s+(?=\S)|(?<=[\p{Han}\p{Hiragana}\p{Katakana}，。！？；：、”’」』）])"
    r"(?=[\p{Han}\p{Hiragana}\p{Katakana}“‘「『（])"
)
#: Better places to cut, and which share of the longest possible part they must keep.
_BREAKS = (
    (regex.compile(r"\n\s*\n"), 0.5),
    (regex.compile(r"[.!?…。！？؟۔][”’\")»\]]*(?=\s|\p{Han})"), 0.3),
    (regex.compile(r"[;:,،؛；：，–—][”’\")»\]]*(?=\s|\p{Han})"), 0.5),
)

#: Tells whether a part fits, laid out with its warning, attribution and link.
Fits = Callable[[Part], bool]


def parts_of(version: Version, fits: Fits) -> tuple[Part, ...]:
    """Cut a post into parts that fit; nothing is lost and quoted words stay as they are.

    Own words come first; each part that quotes stands in marks of its own. Own words stand beside
    a quotation only where a whole sentence of it follows. The last part is measured with its link.

    Raises:
        ThreadError: a word is too long for a part.
    """
    parts = list(_own_parts(version.text, fits))
    if version.quote and version.source:
        lead = parts.pop().text if parts else ""
        parts += _quoted_parts(lead, version.quote, version.source, fits)
    elif parts and not fits(replace(parts[-1], is_last=True)):
        tail = parts.pop().text
        parts += _own_parts(tail, lambda part: fits(replace(part, is_last=True)))
    return tuple(
        replace(part, is_first=at == 0, is_last=at == len(parts) - 1)
        for at, part in enumerate(parts)
    )


def _own_parts(text: str, fits: Fits) -> Iterator[Part]:
    rest = text
    while rest:
        end = head(rest, lambda one: fits(Part(one)))
        yield Part(rest[:end].rstrip())
        rest = rest[end:].lstrip()


def _quoted_parts(lead: str, quote: Quote, source: Source, fits: Fits) -> Iterator[Part]:
    """Cut a quotation; ``lead`` are own words that stand before its first part."""
    at = 0
    while at < len(quote.text):
        whole = Part(lead, passage(quote, source, at), is_last=True)
        if fits(whole):
            yield whole
            return
        linked = fits(replace(whole, is_last=False))
        part, end = _next_part(lead, (quote, source, at), linked, fits)
        if linked and part.quoted and part.quoted.cut_after:
            # Only the link is too much: better a part of its own than a torn sentence.
            yield replace(whole, is_last=False)
            yield Part("", is_last=True)
            return
        yield part
        lead, at = "", end


def _next_part(
    lead: str, rest: tuple[Quote, Source, int], linked: bool, fits: Fits
) -> tuple[Part, int]:
    quote, source, at = rest

    def part(length: int) -> Part:
        return Part(lead, passage(quote, source, at, at + length), is_last=linked)

    try:
        end = head(quote.text[at:], lambda one: fits(part(len(one))))
    except ThreadError:
        if not lead:
            raise
        return Part(lead), at
    found = part(end)
    if lead and found.quoted and found.quoted.cut_after:
        return Part(lead), at
    end += len(quote.text[at + end :]) - len(quote.text[at + end :].lstrip())
    return replace(found, is_last=False), at + end


def head(text: str, fits: Callable[[str], bool]) -> int:
    """Give the length of the best first part of a text: to a sentence's end, a clause's, a word's.

    Raises:
        ThreadError: not even the first word fits.
    """
    ends = [end for end in _ends(text) if text[:end].strip()]
    many = bisect_left(ends, True, key=lambda end: not fits(text[:end].rstrip()))
    if not many:
        raise ThreadError(f"{text[: ends[0]]!r} does not fit with what stands beside it")
    longest = ends[many - 1]
    for pattern, share in _BREAKS:
        good = [match.end() for match in pattern.finditer(text, 0, longest + 1)]
        best = max((end for end in good if end <= longest and end in set(ends)), default=0)
        if best >= longest * share:
            return best
    return longest


def _ends(text: str) -> list[int]:
    """Give where a text may be cut: after a word and the marks that close it; never in ``[…]``."""
    found = [match.start() for match in _GAP.finditer(text)]
    return [*found, len(text)]
