"""Lengths that several platforms count by; never ``len``."""

from __future__ import annotations

from functools import cache

import regex


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
