"""How long a text is, as each platform counts; never ``len``."""

from __future__ import annotations

from functools import cache

import regex

from bot.core import mastodon_text, x_weight
from bot.core.model import Limits


@cache
def _grapheme() -> regex.Pattern[str]:
    return regex.compile(r"\X")


def graphemes(text: str) -> int:
    """Count what readers see as characters: extended grapheme clusters (Unicode, UAX #29)."""
    if text.isascii():
        return len(text) - text.count("\r\n")
    return sum(1 for _ in _grapheme().finditer(text))


def utf8_length(text: str) -> int:
    """Count the bytes of the text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def x_length(text: str, limits: Limits) -> int:
    """Count as X: weights after NFC, and each address as ``limits.url_length``.

    An address whose top-level domain is newer than X's published list counts what is more.
    """
    return x_weight.total_weight(text, limits.url_length)


def bluesky_length(text: str, limits: Limits) -> int:
    """Count as Bluesky: graphemes, or more where the bytes are what binds.

    Bluesky has two limits. So that one number says whether a text fits, a text over the second
    (``limits.max_bytes``) counts one more than ``limits.max_length`` at least.
    """
    seen = graphemes(text)
    if limits.max_bytes is not None and utf8_length(text) > limits.max_bytes:
        return max(seen, limits.max_length + 1)
    return seen


def mastodon_length(text: str, limits: Limits) -> int:
    """Count as Mastodon: graphemes, addresses as ``limits.url_length``, mentions without host.

    A warning (``spoiler_text``) counts too: add `graphemes` of it.
    """
    return max(
        graphemes(countable) for countable in mastodon_text.countable(text, limits.url_length)
    )
