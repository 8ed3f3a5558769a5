"""The passage of a source that is nearest to a text that is not in it, in bounded time."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

import regex

from bot.content.folding import fold
from bot.content.model import Source

#: A word; where scripts write no spaces, a character.
_WORD = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]|[\p{L}\p{M}\p{N}]+"
    r"(?:['-][\p{L}\p{M}\p{N}]+)*"
)
#: Bounds on the work for one question, whatever the texts are.
_QUERY_WORDS = 300
_OCCURRENCES = 300
_CANDIDATES = 3
#: Below this share of common words, two passages have nothing to do with each other.
_LEAST = 0.5


@dataclass(frozen=True, slots=True)
class Near:
    """A passage that is close to what was asked for."""

    source: str
    start: int
    end: int
    text: str
    #: 0 to 1; 1 is the same words in the same order.
    ratio: float


@dataclass(frozen=True, slots=True)
class _Words:
    words: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]


@lru_cache(maxsize=16)
def _words(text: str) -> _Words:
    folded = fold(text)
    found = list(_WORD.finditer(folded.text))
    return _Words(
        tuple(match[0].casefold() for match in found),
        tuple(folded.original(match.start(), match.end()) for match in found),
    )


def nearest(text: str, source: Source) -> Near | None:
    """Find the passage that shares most words with a text; None where nothing is near."""
    query = _words(text[:20_000]).words[:_QUERY_WORDS]
    known = _words(source.text)
    best: Near | None = None
    for start in _candidates(query, known.words):
        near = _compared(query, known, start, source)
        if near.ratio >= _LEAST and (best is None or near.ratio > best.ratio):
            best = near
    return best


def _candidates(query: tuple[str, ...], words: tuple[str, ...]) -> list[int]:
    """Vote for the offset at which most words fall together; rare words count most."""
    wanted = set(query)
    places: dict[str, list[int]] = defaultdict(list)
    for at, word in enumerate(words):
        if word in wanted and len(places[word]) < _OCCURRENCES:
            places[word].append(at)
    votes: Counter[int] = Counter()
    for at, word in enumerate(query):
        for place in places[word]:
            # Neighbouring offsets share a bucket: one word more or less moves the rest.
            votes[(place - at) // 4] += 1000 // len(places[word])
    return [bucket * 4 for bucket, _ in votes.most_common(_CANDIDATES)]


def _compared(query: tuple[str, ...], known: _Words, offset: int, source: Source) -> Near:
    slack = max(6, len(query) // 4)
    low = max(0, offset - slack)
    window = known.words[low : offset + len(query) + slack]
    matcher = SequenceMatcher(None, query, window, autojunk=False)
    blocks = [block for block in matcher.get_matching_blocks() if block.size]
    first, last = blocks[0], blocks[-1]
    begin = max(0, low + first.b - first.a)
    end = min(len(known.words), low + last.b + last.size + len(query) - last.a - last.size)
    ratio = 2 * sum(block.size for block in blocks) / (len(query) + max(1, end - begin))
    start, stop = known.spans[begin][0], known.spans[end - 1][1]
    # The full stop and closing marks belong to the passage.
    tail = regex.compile(r"[^\s\w]*").match(source.text, stop)
    stop = tail.end() if tail else stop
    return Near(source.id, start, stop, source.text[start:stop], min(1.0, ratio))
