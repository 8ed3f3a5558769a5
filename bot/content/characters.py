"""Bytes to text, refusing what editors cannot see or what other programs would change."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterator
from itertools import islice, zip_longest

from bot.content.model import Place
from bot.errors import Problem

#: More of one kind in one file are not told one by one.
_MANY = 20

#: Control and separator characters, surrogates and noncharacters, and what turns the reading
#: direction of other people's text around. Line feed, tab, ZWJ, ZWNJ, LRM and RLM are fine.
_REFUSED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
    + "".join(
        f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(1 << 16, 17 << 16, 1 << 16)
    )
    + "]|\r(?!\n)"
)
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_BOMS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


def decode(raw: bytes, *, file: str, keep_mark: bool = False) -> tuple[str, list[Problem]]:
    """Decode strict UTF-8, and find every refused character.

    Args:
        raw: The whole file.
        file: Its path, for problems.
        keep_mark: Leave a byte order mark in the text (where it is refused) instead of dropping it.
    """
    for mark, name in _BOMS:
        if raw.startswith(mark):
            return "", [Problem(file, 1, 1, "", f"is {name}; save the file as UTF-8", rule="utf-8")]
    try:
        text = (raw if keep_mark else raw.removeprefix(codecs.BOM_UTF8)).decode("utf-8")
    except UnicodeDecodeError as error:
        return "", [_undecodable(error, file)]
    return text, [
        Problem(place.file, place.line, place.column, "", message, rule="character")
        for place, message in _faults(text, file)
    ]


def fault(text: str) -> str | None:
    """Say what is wrong with the characters of a text that was written with escapes."""
    found = _REFUSED.search(text)
    if found:
        return _why(found[0])
    return next((message for _, message in _denormal(text)), None)


def named(char: str) -> str:
    """Name a character: ``U+202E RIGHT-TO-LEFT OVERRIDE``."""
    return f"U+{ord(char):04X} {unicodedata.name(char, '(no character)')}"


def _undecodable(error: UnicodeDecodeError, file: str) -> Problem:
    before = error.object[: error.start].decode("utf-8")
    line, column = _line_and_column(before, len(before))
    byte = error.object[error.start]
    message = f"byte 0x{byte:02X} is not UTF-8; save the file as UTF-8"
    return Problem(file, line, column, "", message, rule="utf-8")


def _faults(text: str, file: str) -> Iterator[tuple[Place, str]]:
    for match in islice(_REFUSED.finditer(text), _MANY):
        yield Place(file, *_line_and_column(text, match.start())), _why(match[0])
    if unicodedata.is_normalized("NFC", text):
        return
    lines = enumerate(text.split("\n"), 1)
    broken = ((number, found) for number, line in lines for found in _denormal(line))
    for number, (column, message) in islice(broken, _MANY):
        yield Place(file, number, column), message


def _denormal(text: str) -> Iterator[tuple[int, str]]:
    """Yield the column and a message for the first character that is not in NFC."""
    composed = unicodedata.normalize("NFC", text)
    if composed == text:
        return
    pairs = enumerate(zip_longest(text, composed, fillvalue=""))
    column, (written, right) = next((at, pair) for at, pair in pairs if pair[0] != pair[1])
    usual = f"; the usual one is {right!r} ({named(right)})" if right else ""
    yield (
        column + 1,
        f"{named(written) if written else 'a character'} is not written in the usual way (NFC)"
        f"{usual}; type the word again, or convert the file to NFC",
    )


def _why(found: str) -> str:
    if found in _BIDI:
        return f"{named(found)} turns text around for readers; take it out"
    if found == "\r":
        return "an old line break (U+000D alone); save the file with usual line breaks"
    if found in "\x85\u2028\u2029":
        return f"{named(found)} breaks lines unseen; use a usual line break"
    return f"{named(found)} may not stand in a text; take it out"


def _line_and_column(text: str, at: int) -> tuple[int, int]:
    start = text.rfind("\n", 0, at) + 1
    return text.count("\n", 0, at) + 1, at - start + 1
