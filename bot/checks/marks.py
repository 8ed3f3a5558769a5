"""Which characters work as quotation marks, by Unicode's properties and names."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import regex

#: Each opening mark that some language writes, with the closing ones that answer it.
_MARKS = """“” ‘’ «» ‹› „“” ‚‘’ 「」 『』 〈〉 《》 〝〞〟 ｢｣ ‟” ‛’ ❝❞ ❛❜ ＂＂ ”” ’’ »« ›‹ "" ''"""
PAIRS = {marks[0]: marks[1:] for marks in _MARKS.split()}
CLOSERS = frozenset("".join(PAIRS.values()))
#: Opening marks that a quotation may stand in.
USUAL = frozenset("“‘«‹„‚「『〈《〝”’»›")

_PROPERTY = regex.compile(r"[\p{Quotation_Mark}\p{Pi}\p{Pf}]")
_CATEGORY = regex.compile(r"[\p{P}\p{S}\p{Lm}]")
_NAME = regex.compile(
    r"QUOTATION|PRIME\b|COMMA (?:ABOVE|QUOTATION)|(?:TURNED|REVERSED|SINGLE|DOUBLE) COMMA"
    r"|(?:ANGLE|CORNER|HALF|SUBSTITUTION|OMISSION) BRACKET|(?:LEFT|RIGHT) CORNER\b|APOSTROPHE"
    r"|(?:GRAVE|ACUTE) ACCENT|GERESH|GERSHAYIM|DITTO|HALF RING|MUCH (?:LESS|GREATER)-THAN"
    r"|MODIFIER LETTER VERTICAL LINE|ORNATE"
)
_WIDE = regex.compile(r"DOUBLE|TRIPLE|QUADRUPLE|GERSHAYIM|DITTO|^QUOTATION")
_SINGLE = frozenset("'‘’‚‛")


@dataclass(frozen=True, slots=True)
class Mark:
    """A sign of one or two characters that works as a quotation mark."""

    start: int
    end: int
    #: As it is written.
    sign: str
    #: The mark in `PAIRS` or `CLOSERS` that it works as.
    kind: str

    @property
    def is_letter(self) -> bool:
        """Whether it also is a letter of some languages (``ʻokina``, ``oʻzbek``)."""
        return unicodedata.category(self.sign[0]) == "Lm"


def marks_in(text: str) -> Iterator[Mark]:
    """Yield each mark of a text; two single ones, commas or angles in a row are one double mark."""
    at = 0
    while at < len(text):
        kind, length = _kind(text[at]), 1
        two = text[at : at + 2]
        if (kind in _SINGLE and two == two[:1] * 2) or _is_low(text, at):
            kind, length = '"', 2
        elif two in ("<<", "＜＜", ">>", "＞＞"):
            kind, length = "«" if two[0] in "<＜" else "»", 2
        if kind:
            yield Mark(at, at + length, text[at : at + length], kind)
        at += length


def _is_low(text: str, at: int) -> bool:
    """Return whether two commas stand for „ (``,,so``)."""
    return text[at : at + 2] == ",," and not text[at - 1 : at].strip() and text[at + 2 :][:1] > " "


@lru_cache(maxsize=4096)
def _kind(char: str) -> str:
    """Return the mark that a character works as; empty where it is none."""
    if char in PAIRS or char in CLOSERS or not char:
        return char
    name = unicodedata.name(char, "")
    is_named = _CATEGORY.match(char) and _NAME.search(name)
    if not is_named and not _PROPERTY.match(char):
        return ""
    wide = bool(_WIDE.search(name))
    category = unicodedata.category(char)
    if "LEFT" in name or "LESS-THAN" in name or category in ("Pi", "Ps"):
        return "«"
    if "RIGHT" in name or "GREATER-THAN" in name or category in ("Pf", "Pe"):
        return "»"
    if "TURNED COMMA" in name or "REVERSED COMMA" in name:
        return "“" if wide else "‘"
    if "LOW" in name:
        return "„" if wide else "‚"
    if "COMMA" in name or (category == "Lm" and "APOSTROPHE" in name):
        return "”" if wide else "’"
    return '"' if wide else "'"
