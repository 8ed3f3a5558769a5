"""Where a line may end, and how one line of a mixed text keeps its place in the paragraph.

A small part of UAX #14 (line breaking) and of UAX #9 (writing direction): what running text in
Latin, Arabic and Chinese letters needs. Tested against Chromium, which has the whole of both.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

#: Where lines part, and what vanishes at their ends; a no-break space does neither.
SPACES = " \u2002\u2003\u2009\u3000"
_OPENING = "([{“‘«‹（《〈【〔「『［｛¡¿"
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


def stretches(text: str) -> Iterator[tuple[int, int]]:
    """The shortest pieces that stay together, as start and end; spaces end the piece they follow.

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
    """The letter that marks and format characters before this place belong to."""
    for index in range(at - 1, -1, -1):
        if unicodedata.category(text[index]) not in _RIDING or text[index] == "\u200b":
            return text[index]
    return "\u2060"


def _breaks_after_hyphen(text: str, at: int, hyphen: str) -> bool:
    """Inside ``state-sponsored``, not in ``-5``, ``24/7`` or before a word that starts with one."""
    is_joining = at >= 2 and text[at - 2] not in SPACES
    if hyphen in "-‐/":
        return is_joining and text[at].isalpha()
    return text[at] != hyphen


def line_of(text: str, start: int, end: int, *, rtl: bool) -> str:
    """One line cut out of a paragraph, to be drawn by itself with the order it has there.

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
    """The mark that tells a line what its neighbour across the break at this place is."""
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
    """Bidi class of letters and digits; empty for what takes its direction from them."""
    way = unicodedata.bidirectional(letter)
    return way if way in ("L", "R", "AL", "EN", "AN") else ""


def is_rtl(text: str) -> bool:
    """Direction of a line that has no given one: its first letter's (UAX #9, rules P2 and P3)."""
    return next((way for way in map(_way, text) if way in ("L", "R", "AL")), "L") != "L"
