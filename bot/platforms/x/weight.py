"""How X weighs a text.

Written from X's documentation (counting characters) and its published configuration, version 3;
which emoji sequences count as one is in `bot.platforms.x.emoji`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import regex

from bot.core.model import Limits
from bot.core.twitter_text import INVALID, find_addresses
from bot.platforms.x import emoji


@dataclass(frozen=True, slots=True)
class Scale:
    """X's published configuration; the default is its version 3."""

    maximum: int = 280
    #: What every address weighs.
    address: int = 23
    #: An emoji sequence weighs as one; version 2 weighed its parts.
    joins_emoji: bool = True


VERSION_3 = Scale()


@dataclass(frozen=True, slots=True)
class Weight:
    """What a text counts on X."""

    total: int
    #: Nothing in it makes X refuse it: not empty, not too heavy, no forbidden character.
    is_valid: bool
    #: Code points of the composed (NFC) text, and how many of them, from its start, fit.
    length: int
    fitting: int


@dataclass(frozen=True, slots=True)
class _Piece:
    start: int
    end: int
    weight: int
    is_address: bool = False


@cache
def _emoji() -> regex.Pattern[str]:
    """Sequences that count as one; a single emoji needs no rule, its range weighs 2 anyway."""
    tones = [chr(point) for point in range(0x1F3FB, 0x1F400)]
    styled, toned = _characters(emoji.STYLED), _characters(emoji.TONED)
    longer = {
        sequence.replace(tones[0], tone)
        for sequence in map(_decoded, emoji.LONGER.split())
        for tone in tones
    }
    flags = {
        "".join(chr(0x1F1E6 + ord(letter) - ord("a")) for letter in pair)
        for pair in emoji.FLAGS.split()
    }
    both = "".join(sorted(set(styled) & set(toned)))
    return regex.compile(
        rf"\L<sequences>|[{toned}][{tones[0]}-{tones[-1]}]|[{both}]\ufe0f[{tones[0]}-{tones[-1]}]"
        rf"|[{styled}]\ufe0f|[0-9#*]\ufe0f?\u20e3",
        sequences=longer | flags,
    )


def _decoded(hexadecimal: str) -> str:
    return "".join(chr(int(point, 16)) for point in hexadecimal.split("-"))


def _characters(table: str) -> str:
    return "".join(_decoded(sequence)[0] for sequence in table.split())


@cache
def _heavy() -> regex.Pattern[str]:
    """What weighs 2: all outside the four light ranges of the configuration."""
    return regex.compile(r"[^\u0000-\u10ff\u2000-\u200d\u2010-\u201f\u2032-\u2037]")


@cache
def _forbidden() -> regex.Pattern[str]:
    return regex.compile(rf"[{INVALID}]")


@cache
def _joint() -> regex.Pattern[str]:
    """What every emoji sequence has one of."""
    return regex.compile(
        r"[\u200d\u20e3\ufe0f\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
    )


def _plain_weight(text: str, scale: Scale) -> int:
    if text.isascii():
        return len(text)
    joins = scale.joins_emoji and _joint().search(text)
    rest, sequences = _emoji().subn("", text) if joins else (text, 0)
    return 2 * sequences + len(rest) + len(_heavy().findall(rest))


def length(text: str, limits: Limits) -> int:
    """Count as X: weights after NFC, and each address as ``limits.url_length``.

    An address whose top-level domain is newer than X's published list counts what is more.
    """
    return total_weight(text, Scale(address=limits.url_length))


def total_weight(text: str, scale: Scale = VERSION_3) -> int:
    """Weigh a text as X does: composed first (NFC), then in units of a Latin letter."""
    return sum(piece.weight for piece in _pieces(unicodedata.normalize("NFC", text), scale))


def weigh(text: str, scale: Scale = VERSION_3) -> Weight:
    """Weigh a text as `total_weight` does, and tell how much of it may be sent."""
    composed = unicodedata.normalize("NFC", text)
    pieces = list(_pieces(composed, scale))
    total = sum(piece.weight for piece in pieces)
    forbidden = _forbidden().search(composed)
    fitting = _fitting(composed, pieces, scale)
    return Weight(
        total,
        is_valid=0 < total <= scale.maximum and not forbidden,
        length=len(composed),
        fitting=min(fitting, forbidden.start()) if forbidden else fitting,
    )


def _pieces(text: str, scale: Scale) -> Iterator[_Piece]:
    """Cut a text into addresses and what is between them."""
    done = 0
    for found in find_addresses(text):
        yield _Piece(done, found.start, _plain_weight(text[done : found.start], scale))
        raw = 0 if found.is_certain else _plain_weight(text[found.start : found.end], scale)
        yield _Piece(found.start, found.end, max(scale.address, raw), is_address=True)
        done = found.end
    yield _Piece(done, len(text), _plain_weight(text[done:], scale))


def _fitting(text: str, pieces: list[_Piece], scale: Scale) -> int:
    """Count the code points before the first unit that is too much."""
    left = scale.maximum
    for piece in pieces:
        if piece.weight > left:
            return piece.start if piece.is_address else _cut(text, piece, left, scale)
        left -= piece.weight
    return len(text)


def _cut(text: str, piece: _Piece, left: int, scale: Scale) -> int:
    start = end = piece.start
    while left >= 0:
        start = end
        sequence = _emoji().match(text, start, piece.end) if scale.joins_emoji else None
        end = sequence.end() if sequence else start + 1
        left -= _plain_weight(text[start:end], scale)
    return start
