"""How X weighs a text.

Written from X's documentation (counting characters) and its published configuration, version 3;
which emoji sequences count as one is in `bot.platforms.x.emoji`.
"""

from __future__ import annotations

import unicodedata
from functools import cache

import regex

from bot.platforms.spec import Limits
from bot.platforms.twitter_text import find_addresses
from bot.platforms.x import emoji


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
def _joint() -> regex.Pattern[str]:
    """What every emoji sequence has one of."""
    return regex.compile(
        r"[\u200d\u20e3\ufe0f\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
    )


def _plain_weight(text: str) -> int:
    if text.isascii():
        return len(text)
    rest, sequences = _emoji().subn("", text) if _joint().search(text) else (text, 0)
    return 2 * sequences + len(rest) + len(_heavy().findall(rest))


def length(text: str, limits: Limits) -> int:
    """Count as X: weights after NFC, and each address as ``limits.url_length``.

    An address whose top-level domain is newer than X's published list counts what is more.
    """
    return total_weight(text, limits.url_length)


def total_weight(text: str, address: int = 23) -> int:
    """Weigh a text as X does: composed first (NFC), then in units of a Latin letter.

    Args:
        text: Whatever may be sent.
        address: What every address weighs, however long it is.
    """
    composed = unicodedata.normalize("NFC", text)
    total = done = 0
    for found in find_addresses(composed):
        total += _plain_weight(composed[done : found.start])
        raw = 0 if found.is_certain else _plain_weight(composed[found.start : found.end])
        total += max(address, raw)
        done = found.end
    return total + _plain_weight(composed[done:])
