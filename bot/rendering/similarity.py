"""How alike two texts are: the share of three-word shingles that they have in common."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from math import ceil

from bot import visible

#: Words in a shingle.
SHINGLE = 3

_Shingles = frozenset[tuple[str, ...]]
# What a script writes without spaces between words: each sign is one.
_ALONE = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}"
_WORD = rf"[{_ALONE}]\p{{M}}*|(?:(?![{_ALONE}])[\p{{L}}\p{{M}}\p{{N}}])+"
# Format characters, and the stroke that only makes an Arabic word longer.
_UNSEEN = r"[\p{Cf}\u0640]"


#: The places of two texts in what was compared, the smaller first, and how alike they are.
Pair = tuple[int, int, float]


def words(text: str) -> list[str]:
    """List the words for comparing: composed by compatibility (NFKC), without case."""
    plain = visible.normalized("NFKC", visible.compiled(_UNSEEN).sub("", text)).casefold()
    return visible.compiled(_WORD).findall(plain)


@lru_cache(maxsize=20_000)
def _shingles(text: str) -> _Shingles:
    found = words(text)
    if len(found) < SHINGLE:
        return frozenset([tuple(found)] if found else [])
    return frozenset(zip(found, found[1:], found[2:], strict=False))


def _jaccard(a: _Shingles, b: _Shingles) -> float:
    common = len(a & b)
    return common / (len(a) + len(b) - common) if common else 0.0


def similar_pairs(texts: Sequence[str], threshold: float) -> tuple[Pair, ...]:
    """List the pairs of texts that are at least that similar, in order.

    A similarity is 0 where two share no three words in a row, 1 where they share all. A text of
    less than three words is one shingle; one without words resembles nothing. The threshold is
    above 0, and 1 at most.

    Does not compare all with all: two texts above the threshold share one of their rarest
    shingles, and only those are looked up.
    """
    shingles = [_shingles(text) for text in texts]
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    pairs: list[Pair] = []
    for second, rarest in enumerate(_rarest(shingles, threshold)):
        for first in sorted({text for shingle in rarest for text in holders[shingle]}):
            score = _jaccard(shingles[first], shingles[second])
            if score >= threshold:
                pairs.append((first, second, score))
        for shingle in rarest:
            holders[shingle].append(second)
    return tuple(sorted(pairs))


def shares_with(
    new: Iterable[str], texts: Iterable[str], threshold: float
) -> dict[tuple[str, str], float]:
    """Return the pairs of `similar_pairs` that one of the ``new`` texts is in."""
    among = [(text, _shingles(text)) for text in texts]
    return {
        (min(one, other), max(one, other)): share
        for one in new
        for other, shingles in among
        if one != other and (share := _jaccard(_shingles(one), shingles)) >= threshold
    }


def _rarest(shingles: Sequence[_Shingles], threshold: float) -> Iterator[list[tuple[str, ...]]]:
    """Of each text, so many of its rarest shingles that a similar text must have one of them."""
    counts = Counter(shingle for text in shingles for shingle in text)
    for text in shingles:
        ordered = sorted(text, key=lambda shingle: (counts[shingle], shingle))
        yield ordered[: len(text) - ceil(threshold * len(text)) + 1]
