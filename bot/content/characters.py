"""Bytes to text, refusing what editors cannot see or what other programs would change."""

import codecs
import re
import unicodedata
from collections import Counter
from contextlib import suppress
from itertools import islice, zip_longest

import regex

from bot.errors import Problem, Severity
from bot.visible import hidden_in, is_plain, named, normalized

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
#: Scripts with letters that are drawn like those of another one. Others may follow a Latin name
#: without a space, as in Chinese and Uyghur.
ALIKE = (
    "Latin", "Cyrillic", "Greek", "Armenian", "Cherokee", "Coptic", "Lisu", "Gothic",
    "Deseret", "Osage", "Old_Italic", "Tifinagh", "Canadian_Aboriginal", "Vai", "Glagolitic",
)  # fmt: skip
_ALIKE = tuple((name, regex.compile(rf"\p{{{name}}}")) for name in ALIKE)
#: Joined words are each judged alone: IT-компания, WhatsApp’ом. A unit may have a Greek letter: kΩ.
_WORD = regex.compile(
    r"(?<![\p{L}\p{M}\p{N}ʼ])(?![kMG]?Ω\b|μ\p{Latin}{1,2}\b)\p{L}[\p{L}\p{M}\p{N}ʼ]*"
)
_BOMS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


def decode(raw: bytes, *, file: str, keep_mark: bool = False) -> tuple[str, list[Problem]]:
    """Decode strict UTF-8, and find every refused character.

    Args:
        keep_mark: Leave a byte order mark in the text (where it is refused) instead of dropping it.
    """
    for mark, name in _BOMS:
        if raw.startswith(mark) or (name == "UTF-16" and b"\0" in raw[:2]):
            return "", [Problem(file, 1, 1, "", f"is {name}; save the file as UTF-8", rule="utf-8")]
    try:
        text = (raw if keep_mark else raw.removeprefix(codecs.BOM_UTF8)).decode("utf-8")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode("utf-8")
        message = f"byte 0x{error.object[error.start]:02X} is not UTF-8; save the file as UTF-8"
        return "", [
            Problem(file, *_line_and_column(before, len(before)), "", message, rule="utf-8")
        ]
    if is_plain(text):
        return text, []
    found = [
        (*_line_and_column(text, match.start()), _why(match[0]))
        for match in islice(_REFUSED.finditer(text), _MANY)
    ]
    if not unicodedata.is_normalized("NFC", text):
        lines = enumerate(text.split("\n"), 1)
        # The name of a file is looked for in any form.
        named_files = re.compile(r"(?m)\bfile:.*")
        checked = ((number, named_files.sub("", line)) for number, line in lines)
        broken = ((number, *flaw) for number, line in checked if (flaw := _denormal(line)))
        found += islice(broken, _MANY)
    return text, [
        Problem(file, line, column, "", message, rule="character")
        for line, column, message in found
    ]


def fault(text: str) -> str | None:
    """Return what is wrong with the characters of a text that was written with escapes."""
    refused = _REFUSED.search(text)
    denormal = None if refused else _denormal(text)
    return _why(refused[0]) if refused else denormal and denormal[1]


#: What a program put in the place of a character that it could not read, UTF-8 that it read as
#: Windows-1252 (â€™ for ’, Ã© for é), and letters for their looks only (𝐛𝐨𝐥𝐝, ﬁ): searches and
#: screen readers do not take them for letters.
_SPOILT = re.compile(
    "[\ufffc\ufffd]|[ÂÃ][\u00a0-\u00ba\u00bc-\u00bf]|â€.|â„¢|[\ufb00-\ufb06\U0001d400-\U0001d7ff]+"
)


def fault_of_words(text: str, *, mixed: bool = True) -> str | None:
    """Return what is wrong with the characters of words that people read as they are.

    Args:
        mixed: Words of letters of several alphabets are wrong too.
    """
    if is_plain(text):
        return None
    if spoilt := _SPOILT.search(text):
        found, right = spoilt[0], unicodedata.normalize("NFKC", spoilt[0])
        with suppress(UnicodeError):
            right = found.encode("cp1252").decode("utf-8")
        what = f"“{found}” stands for {right}; write {right}"
        if right == found:
            what = f"{named(found[0])} stands for what got lost; type it anew"
        return f"character {spoilt.start() + 1}: {what}"
    for at, char in hidden_in(text):
        before = f" after “{text[max(0, at - 12) : at]}”" if at else ""
        return f"character {at + 1}: {named(char)}{before} cannot be seen; take it out"
    for match in _WORD.finditer(text) if mixed else ():
        if found := _stranger(match[0]):
            return (
                f"character {match.start() + 1}: “{match[0]}” mixes alphabets: {found} is "
                f"{named(found)}, which looks like another letter; type the word again"
            )
    return None


def problems_of_lines(
    text: str, *, file: str, severity: Severity = Severity.ERROR
) -> list[Problem]:
    """Return a problem of each line with what nobody sees, or what a program lost or misread."""
    lines = enumerate(() if text.isascii() else text.split("\n"), 1)
    found = ((number, fault_of_words(line.rstrip("\r"), mixed=False)) for number, line in lines)
    told = (
        Problem(file, number, 1, "", why, severity, "character") for number, why in found if why
    )
    return [*islice(told, _MANY)]


def _stranger(word: str) -> str:
    """Return a letter of another alphabet than the rest of its word, where they look alike."""
    if word.isascii():
        return ""
    letters = [(char, script) for char in word for script in _ALIKE if script[1].match(char)]
    usual = Counter(script[0] for _, script in letters).most_common(1)
    return next((char for char, script in letters if script[0] != usual[0][0]), "")


def _denormal(text: str) -> tuple[int, str] | None:
    """Return the column of the first character that is not in NFC, and what to do about it."""
    composed = normalized("NFC", text)
    if composed == text:
        return None
    pairs = enumerate(zip_longest(text, composed, fillvalue=""))
    column, (written, right) = next((at, pair) for at, pair in pairs if pair[0] != pair[1])
    usual = f"; the usual one is {right!r} ({named(right)})" if right else ""
    what = named(written) if written else "a character"
    return column + 1, (
        f"{what} is not written in the usual way (NFC){usual}; "
        "type the word again, or convert the file to NFC"
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
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
