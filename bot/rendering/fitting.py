"""Cuts a long text into parts that fit, where a reader would, and loses nothing."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise

import sentencex

from bot.platforms.measuring import find_addresses
from bot.visible import compiled

#: Tells whether a text may be sent as it is.
Fits = Callable[[str], bool]

# White space that may become a break; no-break spaces hold their words together.
_SPACE = r"[^\S\u00a0\u2007\u202f]"
# What belongs to the sign before it; a break in front of it would tear a grapheme.
_CLINGS = r"(?![\p{GCB=Extend}\p{GCB=SpacingMark}\p{GCB=ZWJ}])"
_CLOSING = r"[\"”’»›)\]」』）]*"
# After these a sentence may begin without a space.
_CJK_ENDS = "。！？…”’」』）"
_HAN = r"[\p{Han}\p{Hiragana}\p{Katakana}]"

# Ends of sentences that sentencex does not see: after an ellipsis.
_MISSED = r"…+[\"”’»)]*\s+(?=\p{Lu})|……(?=\p{Han})"
_EDGE = rf"\s*+{_CLINGS}"
# Every place where a break may be, by what is before it.
_PAUSE = (
    rf"(?P<CLAUSE>(?:[;:؛]|{_SPACE}[–—-]){_CLOSING}{_SPACE}++{_CLINGS}"
    rf"|(?<!\d)—(?!\d){_SPACE}*+{_CLINGS}|[；：]{_CLOSING}{_SPACE}*+{_CLINGS})"
    rf"|(?P<COMMA>[,،]{_CLOSING}{_SPACE}++{_CLINGS}|[，、]{_CLOSING}{_SPACE}*+{_CLINGS})"
    rf"|(?P<WORD>{_SPACE}++{_CLINGS})"
    rf"|(?P<CHARACTER>(?<={_HAN})(?={_HAN}))"
)
# Hashtags, mentions, and what looks like an address though no platform would link it.
_UNBREAKABLE = r"[#＃][\p{L}\p{M}\p{N}_]++|[@＠][\w.@-]++|(?<!\S)[^\s:]++://\S++"
# A quotation within a text; a ’ that a letter follows is an apostrophe.
_QUOTATION = (
    r"“[^“”]*”|„[^„“”]*[“”]|«[^«»]*»|「[^「」]*」|『[^『』]*』"
    r"|‘[^‘]*?’(?!\w)|(?<!\w)\"[^\"\n]*\"(?!\w)"
)


class _Rank(IntEnum):
    """How good a place for a break is; the smaller the better."""

    END = 0
    PARAGRAPH = 1
    SENTENCE = 2
    CLAUSE = 3
    COMMA = 4
    WORD = 5
    CHARACTER = 6


#: Added to the rank of a break inside quotation marks.
_QUOTED = 10


@dataclass(frozen=True, slots=True)
class _Break:
    #: End of the part before, and start of the part after it.
    end: int
    start: int
    rank: int


class ThreadError(ValueError):
    """One word with what must stand beside it is longer than a part may be."""


def find_parts(text: str, fits: Fits, lang: str = "en") -> tuple[tuple[int, int], ...]:
    """Break a text where sentences end, or else where they pause, so that every part fits.

    Each part is a stretch of the text as it is, in code points, end exclusive; between two is
    nothing but white space. A text that fits is one part; an empty one has none.

    Breaks inside a quotation within the text are the last choice: a part of a quotation stands in
    marks of its own, which ``fits`` adds itself, as it does ellipses and attribution.

    Raises:
        ThreadError: one word or address alone does not fit.
    """
    end = len(text.rstrip())
    first_word = compiled(_EDGE).match(text)
    start = min(first_word.end(), end) if first_word else 0
    if start == end:
        return ()
    if fits(text[start:end]):
        return ((start, end),)
    breaks = [*_find_breaks(text, lang, start, end), _Break(end, end, _Rank.END)]
    parts: list[tuple[int, int]] = []
    first = 0
    while start < end:
        chosen = _choose(text, start, breaks, first, fits)
        parts.append((start, breaks[chosen].end))
        start, first = breaks[chosen].start, chosen + 1
    return tuple(parts)


def _choose(text: str, start: int, breaks: Sequence[_Break], first: int, fits: Fits) -> int:
    """Choose the best break within reach; its index."""
    reach = _reach(text, start, breaks, first, fits)
    half = start + (breaks[reach].end - start) // 2
    last = {breaks[index].rank: index for index in range(first, reach + 1)}
    wanted = _preferred(last, lambda index: breaks[index].end >= half)
    # The farthest is among them, and it fits; the others are asked for: a rule may be odd.
    return next(index for index in wanted if fits(text[start : breaks[index].end]))


def _preferred(last: dict[int, int], is_far: Callable[[int], bool]) -> Iterator[int]:
    """Order the last break of each rank: whole sentences first, quotations torn last."""
    open_ranks = [rank for rank in sorted(last) if rank < _QUOTED]
    sentences = [last[rank] for rank in open_ranks if rank <= _Rank.SENTENCE]
    yield from (index for index in sentences if is_far(index))
    yield from sorted(sentences, reverse=True)
    yield from (last[rank] for rank in open_ranks if is_far(last[rank]))
    yield from sorted((last[rank] for rank in open_ranks), reverse=True)
    yield from (last[rank] for rank in sorted(last) if rank >= _QUOTED and is_far(last[rank]))


def _reach(text: str, start: int, breaks: Sequence[_Break], first: int, fits: Fits) -> int:
    """Find the farthest break that fits: in growing steps, then halving the last one."""
    if not fits(text[start : breaks[first].end]):
        word = text[start : breaks[first].end]
        raise ThreadError(
            f"cannot be cut into parts that fit: {word[:80]!r} alone is longer than what fits"
        )
    good, step = first, 1
    while good + step < len(breaks) and fits(text[start : breaks[good + step].end]):
        good += step
        step *= 2
    bad = min(good + step, len(breaks))
    while bad - good > 1:
        middle = (good + bad) // 2
        if fits(text[start : breaks[middle].end]):
            good = middle
        else:
            bad = middle
    return good


def _find_breaks(text: str, lang: str, start: int, end: int) -> Iterator[_Break]:
    """List the places for a break, in order."""
    quotations = [match.span() for match in compiled(_QUOTATION).finditer(text, start, end)]
    found = {pause.start: pause for pause in _pauses(text)}
    # A quotation is one sentence to sentencex; without its marks it has its own.
    inner = [(first + 1, last - 1) for first, last in quotations]
    for first, last in ((0, len(text)), *inner):
        found |= {ending.start: ending for ending in _sentence_ends(text, lang, first, last)}
    addresses = [(address.start, address.end) for address in find_addresses(text)]
    whole = _joined(addresses + [match.span() for match in compiled(_UNBREAKABLE).finditer(text)])
    quoted = _joined(quotations)
    for at, found_break in sorted(found.items()):
        is_within = start < found_break.end and at < end
        if is_within and not _is_inside(at, whole):
            rank = found_break.rank + _QUOTED if _is_inside(at, quoted) else found_break.rank
            yield _Break(found_break.end, at, rank)


def _pauses(text: str) -> Iterator[_Break]:
    for found in compiled(_PAUSE).finditer(text):
        rank = _Rank[found.lastgroup or "WORD"]
        if found.group().count("\n") > 1:
            rank = _Rank.PARAGRAPH
        yield _Break(found.start() + len(found.group().rstrip()), found.end(), rank)


def _sentence_ends(text: str, lang: str, first: int, last: int) -> Iterator[_Break]:
    """List where a sentence ends and another begins; a quotation's own are asked for apart."""
    sentences = find_sentences(text[first:last], lang)
    for (_, before), (after, _) in pairwise(sentences):
        end, start = first + before, first + after
        gap = text[end:start]
        # Else it is a full stop inside a name.
        is_end = not set(gap) & set("\u00a0\u2007\u202f") and (gap or text[end - 1] in _CJK_ENDS)
        if is_end and compiled(_EDGE).match(text, start):
            rank = _Rank.PARAGRAPH if gap.count("\n") > 1 else _Rank.SENTENCE
            yield _Break(end, start, rank)


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _is_inside(at: int, spans: Sequence[tuple[int, int]]) -> bool:
    index = bisect_left(spans, (at, 0)) - 1
    return index >= 0 and at < spans[index][1]


def find_sentences(text: str, lang: str = "en") -> tuple[tuple[int, int], ...]:
    """List the sentences as code points, end exclusive, without the white space around them.

    Nothing but white space is outside them. ``lang`` is a BCP 47 tag; an unknown one is taken
    for English.
    """
    language = lang.partition("-")[0].lower()
    ends = {int(found["end_index"]) for found in sentencex.get_sentence_boundaries(language, text)}
    ends |= {found.end() for found in compiled(_MISSED).finditer(text)} | {len(text)}
    sentences: list[tuple[int, int]] = []
    for start, end in pairwise(sorted({0, *ends})):
        whole = text[start:end]
        first = start + len(whole) - len(whole.lstrip())
        if last := len(whole.rstrip()):
            sentences.append((first, start + last))
    return tuple(sentences)
