"""Fits a paragraph into a box: breaks it into even lines and chooses the size."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypedDict

from bot.rendering.cards.breaking import SPACES, line_of, stretches
from bot.rendering.cards.typefaces import REGULAR, Typeface, load

#: Fonts are measured at this size, as their widths grow evenly with it.
_MEASURED = 200
_HANGING = "“‘«‹「『"
_WIDE_CLOSING_PAIRED = "”’）》〉】〕」』"
_WIDE_CLOSING = _WIDE_CLOSING_PAIRED + "，。、；：！？"
_WIDE_OPENING = "“‘（《〈【〔「『"


@dataclass(frozen=True, slots=True)
class Style:
    """How a paragraph is set."""

    typeface: Typeface
    lang: str
    rtl: bool
    weight: int = REGULAR


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph broken into lines, ready to be drawn."""

    style: Style
    size: float
    lines: tuple[str, ...]
    #: How far the first line stands out, so that its quotation mark hangs in the margin.
    hang: float

    @property
    def leading(self) -> float:
        """Distance of base lines in pixels."""
        return self.size * self.style.typeface.leading

    @property
    def height(self) -> float:
        return self.leading * len(self.lines)


class Shaping(TypedDict):
    """What Pillow must be told to shape a line."""

    direction: Literal["ltr", "rtl"]
    language: str
    features: list[str] | None


def shaping(line: str, style: Style) -> Shaping:
    """The same for measuring a line and for drawing it."""
    return {
        "direction": "rtl" if style.rtl else "ltr",
        "language": style.lang,
        "features": trims(line, style),
    }


def length(text: str, style: Style) -> float:
    """Width of a line in font sizes, as it will be drawn."""
    font = load(style.typeface, _MEASURED, style.weight)
    return font.getlength(text, **shaping(text, style)) / _MEASURED


def trims(line: str, style: Style) -> list[str] | None:
    """Font features that close the gap between two full-width Chinese marks, as printers do.

    The rule is CSS Text 4's ``text-spacing-trim: normal``; see there for its ``allow-end``.
    """
    if style.typeface.varies:  # only the Chinese font has half-width forms
        return None
    found = []
    for at, (here, after) in enumerate(pairwise(line)):
        if here in _WIDE_CLOSING and after in _WIDE_CLOSING + _WIDE_OPENING:
            found.append(f"halt[{at}:{at + 1}]")
        if here in _WIDE_OPENING and after in _WIDE_OPENING:
            found.append(f"halt[{at + 1}:{at + 2}]")
    if line and line[-1] in _WIDE_CLOSING_PAIRED:  # its empty half needs no room at the edge
        found.append(f"halt[{len(line) - 1}:{len(line)}]")
    return found or None


class Measured:
    """A paragraph whose pieces were measured once, to be broken at many widths."""

    def __init__(self, text: str, style: Style, *, hangs: bool = False) -> None:
        self._paragraphs = [part for part in re.split(r"\s*\n\s*", text.strip()) if part]
        self._style = style
        self._widths: dict[str, float] = {}
        first = text[:1]
        self._hang = self._length(first) if hangs and first in _HANGING and first else 0.0

    @property
    def hang(self) -> float:
        """Width of the hanging mark in font sizes."""
        return self._hang

    def lines(self, width: float) -> tuple[str, ...] | None:
        """As few and as even lines as fit a width in font sizes; None where one word is wider."""
        found: list[str] = []
        for paragraph in self._paragraphs:
            broken = self._broken(paragraph, width, 0.0 if found else self._hang)
            if broken is None:
                return None
            found += broken
        return tuple(found)

    def _broken(self, text: str, width: float, hang: float) -> list[str] | None:
        """Choose the breaks with the fewest lines and, of those, the least ragged edge.

        Filling each line as far as it goes, as browsers do, leaves holes before long words.
        """
        pieces = list(stretches(text))
        #: For every piece count: fewest lines, sum of squared holes, where the last line begins.
        best: list[tuple[int, float, int]] = [(0, 0.0, 0)]
        for last in range(len(pieces)):
            choices = []
            for first in range(last, -1, -1):
                wide = self._length(text[pieces[first][0] : pieces[last][1]].strip(SPACES))
                hole = width + (0.0 if first else hang) - wide
                if hole < 0:
                    break
                lines, holes, _ = best[first]
                choices.append((lines + 1, holes + hole * hole, first))
            if not choices:
                return None
            best.append(min(choices))
        return self._cuts(text, pieces, [first for _, _, first in best])

    def _cuts(self, text: str, pieces: list[tuple[int, int]], begins: list[int]) -> list[str]:
        lines: list[str] = []
        end = len(pieces)
        while end:
            first = begins[end]
            start, stop = pieces[first][0], pieces[end - 1][1]
            lines.append(line_of(text, start, stop, rtl=self._style.rtl))
            end = first
        return lines[::-1]

    def _length(self, text: str) -> float:
        if text not in self._widths:
            self._widths[text] = length(text, self._style)
        return self._widths[text]


def fit(
    text: str,
    style: Style,
    *,
    box: tuple[float, float],
    sizes: Sequence[float],
    hangs: bool = False,
) -> Block | None:
    """Set a paragraph as large as the box allows; None where the smallest size is too large.

    Args:
        text: The paragraph.
        style: How it is set.
        box: Width and height in pixels.
        sizes: Font sizes to try, the largest first.
        hangs: Its opening quotation mark stands outside the box.
    """
    measured = Measured(text, style, hangs=hangs)
    for size in sizes:
        lines = measured.lines(box[0] / size)
        if lines is None:
            continue
        block = Block(style, size, lines, measured.hang * size)
        if block.height <= box[1]:
            return block
    return None
