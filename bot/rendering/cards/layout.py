"""Fits a paragraph into a box: where a line may end, how it is shaped, and in which size.

What breaks lines is a small part of UAX #14 (line breaking) and of UAX #9 (writing direction): what
running text in Latin, Arabic and Chinese letters needs. Tested against Chromium, which has the
whole of both.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise
from typing import Any

from bot.rendering.cards.typefaces import REGULAR, Typeface, load

#: Fonts are measured at this size, as their widths grow evenly with it.
_MEASURED = 200
_HANGING = tuple("“‘„«‹「『")
_WIDE_CLOSING_PAIRED = "”’）》〉】〕」』"
_WIDE_CLOSING = _WIDE_CLOSING_PAIRED + "，。、；：！？"
_WIDE_OPENING = "“‘„（《〈【〔「『"
#: Where lines part, and what vanishes at their ends; a no-break space does neither.
SPACES = " \u2002\u2003\u2009\u3000"
_OPENING = "([{“‘„«‹（《〈【〔「『［｛¡¿"
_CLOSING = ")]}”’»›）》〉】〕」』］｝!?,.:;%…‥、。，．：；！？％·・،؛؟٪—–-‐/～ー々'\""
#: Closing marks that stay with what is before them even across a space (French, and LB13).
_CLINGING = ")]}»›!?:;،؛؟"
_BREAK_AFTER = "-‐–—/"
#: Han, kana, Bopomofo and their punctuation, full-width forms.
_EAST_ASIAN = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uff60\U00020000-\U0003ffff]")
_RIDING = ("Mn", "Me", "Mc", "Cf")
_ISOLATES = "\u2066\u2067\u2068"
_END_ISOLATE = "\u2069"
_LEFT_MARK, _RIGHT_MARK, _ARABIC_MARK = "\u200e", "\u200f", "\u061c"


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
        return self.size * self.style.typeface.leading

    @property
    def height(self) -> float:
        return self.leading * len(self.lines)


def shaping(line: str, style: Style) -> dict[str, Any]:
    """Return what Pillow must be told to shape a line, to measure it and to draw it."""
    return {
        "direction": "rtl" if style.rtl else "ltr",
        "language": style.lang,
        "features": trims(line, style),
    }


def length(text: str, style: Style) -> float:
    """Return the width of a line in font sizes, as it will be drawn."""
    font = load(style.typeface, _MEASURED, style.weight)
    return font.getlength(text, **shaping(text, style)) / _MEASURED


def trims(line: str, style: Style) -> list[str] | None:
    """Return font features that close the gap between two full-width Chinese marks, as printers do.

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
        self._length = cache(partial(length, style=style))
        is_hanging = hangs and text.startswith(_HANGING)
        #: Width of the hanging mark in font sizes.
        self.hang = self._length(text[0]) if is_hanging else 0.0

    def lines(self, width: float) -> tuple[str, ...] | None:
        """Return as few and even lines as fit a width in font sizes; None if one word is wider."""
        found: list[str] = []
        for paragraph in self._paragraphs:
            broken = self._broken(paragraph, width, 0.0 if found else self.hang)
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
        cuts: list[str] = []
        end = len(pieces)
        while end:
            first = best[end][2]
            start, stop = pieces[first][0], pieces[end - 1][1]
            cuts.append(line_of(text, start, stop, rtl=self._style.rtl))
            end = first
        return cuts[::-1]


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


def stretches(text: str) -> Iterator[tuple[int, int]]:
    """List the shortest pieces that stay together; spaces end the piece they follow.

    Neither a word nor a number nor an address is ever cut; Chinese is cut between characters,
    but not before closing or after opening punctuation.
    """
    start = 0
    for at in range(1, len(text)):
        if _may_break(text, at):
            yield start, at
            start = at
    if text:
        yield start, len(text)


def _may_break(text: str, at: int) -> bool:
    after = text[at]
    if after in SPACES or (unicodedata.category(after) in _RIDING and text[at - 1] not in SPACES):
        return False
    before = _base_before(text, at)
    if before in SPACES:
        solid = text[:at].rstrip(SPACES)
        return bool(solid) and solid[-1] not in "([{«‹“‘" and after not in _CLINGING
    if before == "\u200b":
        return True
    if after in _CLOSING or before in _OPENING or before in "'\"":
        return False
    if before in _BREAK_AFTER:
        return _breaks_after_hyphen(text, at, before)
    return bool(_EAST_ASIAN.match(before) or _EAST_ASIAN.match(after))


def _base_before(text: str, at: int) -> str:
    """Return the letter that marks and format characters before this place belong to."""
    for index in range(at - 1, -1, -1):
        if unicodedata.category(text[index]) not in _RIDING or text[index] == "\u200b":
            return text[index]
    return "\u2060"


def _breaks_after_hyphen(text: str, at: int, hyphen: str) -> bool:
    """Say yes in ``state-sponsored``, no in ``-5``, ``24/7`` or where a hyphen starts a word."""
    if hyphen in "-‐/":
        return at >= 2 and text[at - 2] not in SPACES and text[at].isalpha()
    return text[at] != hyphen


def line_of(text: str, start: int, end: int, *, rtl: bool) -> str:
    """Cut one line out of a paragraph, to be drawn by itself with the order it has there.

    Isolates that are open at an edge are closed and opened again; where the same direction goes
    on over the edge, a mark stands for the neighbour, so that punctuation and numbers at the
    edge do not jump to the other side.
    """
    line = text[start:end].strip(SPACES)
    open_before, open_after = _open_isolates(text[:start]), _open_isolates(text[:end])
    if open_before or open_after:
        return "".join(open_before) + line + _END_ISOLATE * len(open_after)
    return _edge(text, start, rtl=rtl) + line + _edge(text, end, rtl=rtl)


def _open_isolates(text: str) -> list[str]:
    opened: list[str] = []
    for letter in text:
        if letter in _ISOLATES:
            opened.append(letter)
        elif letter == _END_ISOLATE and opened:
            opened.pop()
    return opened


def _edge(text: str, at: int, *, rtl: bool) -> str:
    """Return the mark that tells a line what its neighbour across the break at this place is."""
    before = next((way for way in map(_way, reversed(text[:at])) if way in ("L", "R", "AL")), "")
    after = next((way for way in map(_way, text[at:]) if way), "")
    if not before or not after:
        return ""
    goes_left = after == "L" or (after == "EN" and before == "L")
    if rtl and before == "L" and goes_left:
        return _LEFT_MARK
    if not rtl and before != "L" and not goes_left:
        return _ARABIC_MARK if before == "AL" else _RIGHT_MARK
    return ""


def _way(letter: str) -> str:
    """Return the bidi class of letters and digits; empty for what takes its direction from them."""
    way = unicodedata.bidirectional(letter)
    return way if way in ("L", "R", "AL", "EN", "AN") else ""
