"""A text compared with a source that does not have it: look-alikes, and the nearest passage."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

import regex

from bot.content.model import Source
from bot.visible import named

#: Characters that readers cannot tell from the ones on the right.
_LOOK_ALIKES: dict[str, str] = {
    **dict.fromkeys("‘’‚‛′`´ʼʻˈ‹›＇", "'"),
    **dict.fromkeys("“”„‟″«»＂「」『』", '"'),
    **dict.fromkeys("‐‑‒–—―−﹘﹣－­", "-"),
    # Cyrillic and Greek letters that are drawn as Latin ones.
    **dict(zip("аеорсухіјѕһԁԛԝ", "aeopcyxijshdqw", strict=True)),
    **dict(zip("АВЕКМНОРСТУХІЈЅ", "ABEKMHOPCTYXIJS", strict=True)),
    **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX", strict=True)),
    **dict(zip("ονı", "ovi", strict=True)),
    # Arabic, Persian and Uyghur letters that keyboards mix up.
    **dict.fromkeys("يىی", "ي"),
    **dict.fromkeys("كک", "ك"),
    **dict.fromkeys("هھەہۀة", "ه"),
}
_INVISIBLE = frozenset(
    "\u202a\u202b\u202c\u202d\u202e"
    "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\u061c\ufeff\ufe0e\ufe0f"
)
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
class Folded:
    """A text's skeleton, and for each of its characters the stretch it was folded from."""

    text: str
    spans: tuple[tuple[int, int], ...]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return the stretch of the original from which ``text[start:end]`` was folded."""
        return self.spans[start][0], self.spans[end - 1][1]


#: Spans of a text whose characters all fold to themselves, made once: most texts are this short.
_EACH = tuple((at, at + 1) for at in range(1000))


@lru_cache(maxsize=16)
def fold(text: str) -> Folded:
    """Fold look-alikes together: quotes, dashes, spaces, ligatures, widths, homoglyphs."""
    is_usual = text.isascii() and text.isprintable() and "`" not in text
    if "  " not in text and (is_usual or all(_fold_char(char) == char for char in set(text))):
        rest = range(len(_EACH), len(text))
        return Folded(text, _EACH[: len(text)] + tuple((at, at + 1) for at in rest))
    chars: list[str] = []
    spans: list[tuple[int, int]] = []
    since = 0
    for at, char in enumerate(text):
        folded = _fold_char(char)
        if folded and not (folded == " " and chars and chars[-1] == " "):
            chars.extend(folded)
            spans.extend([(since, at + 1)] * len(folded))
            since = at + 1
        elif spans:
            # What is unseen goes with the character before it; at the very start, with the next.
            spans[-1] = (spans[-1][0], at + 1)
            since = at + 1
    return Folded("".join(chars), tuple(spans))


@lru_cache(maxsize=4096)
def _fold_char(char: str) -> str:
    if char in _INVISIBLE:
        return ""
    if char.isspace():
        return " "
    if char in _LOOK_ALIKES:
        return _LOOK_ALIKES[char]
    return "".join(_LOOK_ALIKES.get(part, part) for part in unicodedata.normalize("NFKD", char))


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a written text and the right one part; ``at`` counts characters from 0."""

    at: int
    written: str
    right: str

    def __str__(self) -> str:
        written, right = _named(self.written), _named(self.right)
        return f"character {self.at + 1}: {written} where the source has {right}"


def differences(written: str, right: str) -> Iterator[Difference]:
    """Return each place where two texts of one skeleton differ."""
    ours, theirs = fold(written), fold(right)
    first = 0
    while first < len(ours.text):
        last = first
        while last + 1 < len(ours.text) and (
            ours.spans[last][0] == ours.spans[last + 1][0]
            or theirs.spans[last][0] == theirs.spans[last + 1][0]
        ):
            last += 1
        (a, b), (c, d) = ours.original(first, last + 1), theirs.original(first, last + 1)
        if written[a:b] != right[c:d]:
            yield _narrowed(a, written[a:b], right[c:d])
        first = last + 1


def marked_differences(written: str, right: str) -> tuple[str, str]:
    """Return the words of each text that the other one has not, with … between stretches."""
    ours, theirs = written.split(), right.split()
    blocks = SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes()
    changed = [block for block in blocks if block[0] != "equal"]
    mine = (" ".join(ours[a:b]) or "nothing" for _, a, b, _, _ in changed)
    others = (" ".join(theirs[c:d]) or "nothing" for _, _, _, c, d in changed)
    return f"⟦{' … '.join(mine)}⟧", f"⟦{' … '.join(others)}⟧"


def _narrowed(at: int, written: str, right: str) -> Difference:
    """Leave out what both share before and after, such as a letter before an unseen character."""
    same = 0
    while written[same : same + 1] == right[same : same + 1] != "":
        same += 1
    written, right = written[same:], right[same:]
    while written and right and written[-1] == right[-1]:
        written, right = written[:-1], right[:-1]
    return Difference(at + same, written, right)


def _named(text: str) -> str:
    """Show characters with their code points and names; ``nothing`` for none."""
    if not text:
        return "nothing"
    names = [named(char) for char in text[:4]]
    shown = f"{text[:4]} " if regex.fullmatch(r"[^\p{C}\p{Z}\p{M}]+", text[:4]) else ""
    return f"{shown}({', '.join(names)}{', …' if len(text) > 4 else ''})"


@dataclass(frozen=True, slots=True)
class Near:
    """A passage that is close to what was asked for."""

    source: str
    start: int
    end: int
    text: str
    #: 0 to 1; 1 is the same words in the same order.
    ratio: float


@lru_cache(maxsize=16)
def _words(text: str) -> tuple[tuple[str, ...], tuple[tuple[int, int], ...]]:
    """Return the words of a text, and where each stands in it."""
    folded = fold(text)
    found = list(_WORD.finditer(folded.text))
    return (
        tuple(match[0].casefold() for match in found),
        tuple(folded.original(match.start(), match.end()) for match in found),
    )


def nearest(text: str, source: Source) -> Near | None:
    """Find the passage that shares most words with a text; None where nothing is near."""
    query = _words(text[:20_000])[0][:_QUERY_WORDS]
    passages = [_compared(query, start, source) for start in _candidates(query, source)]
    best = max(passages, key=lambda near: near.ratio, default=None)
    return best if best and best.ratio >= _LEAST else None


def _candidates(query: tuple[str, ...], source: Source) -> list[int]:
    """Vote for the offset at which most words fall together; rare words count most."""
    wanted = set(query)
    places: dict[str, list[int]] = defaultdict(list)
    for at, word in enumerate(_words(source.text)[0]):
        if word in wanted and len(places[word]) < _OCCURRENCES:
            places[word].append(at)
    votes: Counter[int] = Counter()
    for at, word in enumerate(query):
        for place in places[word]:
            # Neighbouring offsets share a bucket: one word more or less moves the rest.
            votes[(place - at) // 4] += 1000 // len(places[word])
    return [bucket * 4 for bucket, _ in votes.most_common(_CANDIDATES)]


def _compared(query: tuple[str, ...], offset: int, source: Source) -> Near:
    words, spans = _words(source.text)
    slack = max(6, len(query) // 4)
    low = max(0, offset - slack)
    window = words[low : offset + len(query) + slack]
    matcher = SequenceMatcher(None, query, window, autojunk=False)
    blocks = [block for block in matcher.get_matching_blocks() if block.size]
    first, last = blocks[0], blocks[-1]
    begin = max(0, low + first.b - first.a)
    end = min(len(words), low + last.b + last.size + len(query) - last.a - last.size)
    ratio = 2 * sum(block.size for block in blocks) / (len(query) + max(1, end - begin))
    start, stop = spans[begin][0], spans[end - 1][1]
    # The full stop and closing marks belong to the passage.
    while stop < len(source.text) and not regex.match(r"[\s\w]", source.text[stop]):
        stop += 1
    return Near(source.id, start, stop, source.text[start:stop], min(1.0, ratio))
