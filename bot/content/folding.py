"""Typographic look-alikes: one skeleton for all of them, and a way back to what was written."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import regex

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
_INVISIBLE = frozenset("\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\u061c\ufeff\ufe0e\ufe0f")


@dataclass(frozen=True, slots=True)
class Folded:
    """A text's skeleton, and for each of its characters the stretch it was folded from."""

    text: str
    spans: tuple[tuple[int, int], ...]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return the stretch of the original from which ``text[start:end]`` was folded."""
        return self.spans[start][0], self.spans[end - 1][1]


@lru_cache(maxsize=16)
def fold(text: str) -> Folded:
    """Fold look-alikes together: quotes, dashes, spaces, ligatures, widths, homoglyphs."""
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
    plain = unicodedata.normalize("NFKD", char)
    return "".join(_LOOK_ALIKES.get(one, one) for one in plain)


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a written text and the right one part; ``at`` counts characters from 0."""

    at: int
    written: str
    right: str

    def __str__(self) -> str:
        return f"character {self.at + 1}: {naming(self.written)} where the source has " + naming(
            self.right
        )


def differences(written: str, right: str) -> Iterator[Difference]:
    """Return each place where two texts of one skeleton differ."""
    one, two = fold(written), fold(right)
    first = 0
    while first < len(one.text):
        last = first
        while last + 1 < len(one.text) and (
            one.spans[last][0] == one.spans[last + 1][0]
            or two.spans[last][0] == two.spans[last + 1][0]
        ):
            last += 1
        (a, b), (c, d) = one.original(first, last + 1), two.original(first, last + 1)
        if written[a:b] != right[c:d]:
            yield _narrowed(a, written[a:b], right[c:d])
        first = last + 1


def _narrowed(at: int, written: str, right: str) -> Difference:
    """Leave out what both share before and after, such as a letter before an unseen character."""
    same = 0
    while written[same : same + 1] == right[same : same + 1] != "":
        same += 1
    written, right = written[same:], right[same:]
    while written and right and written[-1] == right[-1]:
        written, right = written[:-1], right[:-1]
    return Difference(at + same, written, right)


def naming(text: str) -> str:
    """Show characters with their code points and names; ``nothing`` for none."""
    if not text:
        return "nothing"
    names = [f"U+{ord(char):04X} {unicodedata.name(char, 'unnamed')}" for char in text[:4]]
    shown = f"{text[:4]} " if regex.fullmatch(r"[^\p{C}\p{Z}\p{M}]+", text[:4]) else ""
    return f"{shown}({', '.join(names)}{', …' if len(text) > 4 else ''})"
