"""Quotation marks in what people write themselves: what stands between them must be proved.

Which characters work as such marks is told by Unicode's properties and names.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import regex

from bot.content.comparing import fold
from bot.content.model import Investigation, Source
from bot.content.quoting import look_alike, occurrences, prove, usable

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
    while found := _CATEGORY.search(text, at):
        at = found.start()
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


#: Marks within marks; what is open further out stays open, which is a problem too.
_DEEPEST = 40
#: Problems of one text that are told: each is searched for in every source.
MOST = 50
#: Of these a single one between or after letters is an apostrophe.
_APOSTROPHES = "'’"
#: Of scripts that write no spaces between words.
_NO_SPACES = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")
_HEBREW = regex.compile(r"\p{Hebrew}{2}")
_FEET = regex.compile(r"\d[’'′]\s?\d+$")
#: Words that begin with an apostrophe, as people write them.
_ELISIONS = ("tis", "twas", "em", "til", "cause", "n", "round", "bout")


@dataclass(frozen=True, slots=True)
class Marked:
    """A stretch between quotation marks; offsets are of what stands between them."""

    start: int
    end: int
    text: str
    opening: str
    closing: str


@lru_cache(maxsize=64)  # several rules ask for those of one text
def marked_spans(text: str) -> tuple[tuple[Marked, ...], tuple[Mark, ...]]:
    """Find every stretch between marks, inner ones too, and every mark without its partner.

    Apostrophes (``don’t``, ``l’homme``, ``partners’ ties``, ``’90s``) are no marks.
    """
    opened: list[Mark] = []
    found: list[Marked] = []
    alone: list[Mark] = []
    for mark in marks_in(text):
        if _is_spelling(text, mark, opened):
            continue
        depth = _closes(opened, mark, text)
        if depth is not None:
            opening = opened[depth]
            inside = text[opening.end : mark.start]
            # Letters that look like marks are marks where they stand around several words.
            is_one_word = len(inside.split()) < 2 and not _NO_SPACES.search(inside)
            if not (opening.is_letter and mark.is_letter and is_one_word):
                alone += opened[depth + 1 :]
                found.append(Marked(opening.end, mark.start, inside, opening.sign, mark.sign))
            del opened[depth:]
        elif mark.kind in PAIRS and _may_open(text, mark):
            opened.append(mark)
        elif not _is_apostrophe(text, mark):
            alone.append(mark)
    lone = (mark for mark in alone + opened if not _may_be(text, mark))
    return (
        tuple(sorted(found, key=lambda marked: marked.start)),
        tuple(sorted(lone, key=lambda mark: mark.start)),
    )


def _may_be(text: str, mark: Mark) -> bool:
    """Return whether a mark without a partner is a letter of a word, or a comparison (``<<``)."""
    is_beside_a_letter = any(map(_is_word, _around(text, mark)))
    return (mark.is_letter and is_beside_a_letter) or mark.sign in ("<<", ">>")


def _is_word(char: str) -> bool:
    """Return whether a character is part of a word; some scripts write no spaces between words."""
    return char.isalnum() and not _NO_SPACES.match(char)


def _around(text: str, mark: Mark) -> tuple[str, str]:
    """Return the characters before and after a mark; empty at an end of the text."""
    return text[mark.start - 1 : mark.start] if mark.start else "", text[mark.end : mark.end + 1]


def _is_spelling(text: str, mark: Mark, opened: list[Mark]) -> bool:
    """Return whether a mark is of a measure (6'2" tall, 5′, 30″) or of a Hebrew abbreviation."""
    before, after = _around(text, mark)
    if _HEBREW.fullmatch(before + after):
        return True
    if not before.isdigit():
        return False
    if mark.sign in "'\"":
        return "'" in text[mark.start - 2 : mark.start + 4]
    if mark.sign == "”":
        return _FEET.search(text, 0, mark.start) is not None and not any(
            "”" in PAIRS[one.kind] for one in opened
        )
    return mark.kind in "'\"" and not any(one.kind in "'\"" and one.sign > "~" for one in opened)


def _closes(opened: list[Mark], mark: Mark, text: str) -> int | None:
    """Return which open mark this one closes; None where it closes none."""
    for depth in reversed(range(max(0, len(opened) - _DEEPEST), len(opened))):
        if mark.kind in PAIRS[opened[depth].kind]:
            if mark.kind not in _APOSTROPHES:
                return depth
            if not _between_letters(text, mark):
                return None if _is_plural_possessive(text, mark, opened[depth]) else depth
    return None


def _between_letters(text: str, mark: Mark) -> bool:
    before, after = _around(text, mark)
    return _is_word(before) and _is_word(after)


def _is_plural_possessive(text: str, mark: Mark, opened: Mark) -> bool:
    """Return whether it is as in ``partners’ ties``, where another mark closes them later."""
    before, after = _around(text, mark)
    if not (before.lower() == "s" and after == " "):
        return False
    for other in marks_in(text[mark.end :]):
        later = Mark(mark.end + other.start, mark.end + other.end, other.sign, other.kind)
        if other.kind == opened.kind not in PAIRS[opened.kind]:
            return False
        if other.kind in PAIRS[opened.kind] and not _between_letters(text, later):
            return _around(text, later)[0] != " "
    return False


def _may_open(text: str, mark: Mark) -> bool:
    before, after = _around(text, mark)
    if mark.kind in "'’" and _is_elision(text, mark):
        return False
    if mark.kind == "’":
        return not _is_word(before) and after.isalnum()
    if mark.kind in "'\"":
        return not _is_word(before) and bool(after.strip())
    return mark.kind != "‘" or not _between_letters(text, mark)


def _is_apostrophe(text: str, mark: Mark) -> bool:
    """Return an apostrophe: inside a word, at its end, or in place of what a word begins with."""
    if mark.kind not in "'’‘":
        return False
    before, _ = _around(text, mark)
    return _is_word(before) or _is_elision(text, mark)


def _is_elision(text: str, mark: Mark) -> bool:
    rest = text[mark.end : mark.end + 7].lower()
    word = "".join(char if char.isalnum() else " " for char in rest).split(" ", 1)[0]
    return word in _ELISIONS or (len(word) in (2, 3) and word.rstrip("s").isdigit())


def problems_of_marks(
    text: str, sources: Iterable[Source], investigations: Iterable[Investigation]
) -> Iterator[tuple[int, str]]:
    """Yield (offset, message) for each marked stretch that is nobody's words, and each lone mark.

    A stretch inside of another one goes with it.
    """
    sources, titles = tuple(sources), tuple(piece.title for piece in investigations)
    marked, alone = marked_spans(text)
    seen: list[Marked] = []
    for inner in marked:
        if any(outer.start <= inner.start and inner.end <= outer.end for outer in seen):
            continue
        message = _problem(inner, sources, titles)
        if message:
            yield inner.start, message
        seen.append(inner)
    for lone in alone:
        if not any(outer.start <= lone.start < outer.end for outer in seen):
            inches = "; for inches write ″ (U+2033)" if text[: lone.start][-1:].isdigit() else ""
            yield lone.start, f"the quotation mark {lone.sign} has no partner{inches}"


def _problem(marked: Marked, sources: tuple[Source, ...], titles: tuple[str, ...]) -> str:
    # French sets a space, often a narrow one, inside of its marks.
    is_usual = marked.opening in USUAL
    text = marked.text.strip() if marked.opening in "«‹" or not is_usual else marked.text
    shown = f"{marked.opening}{text}{marked.closing}"
    if text in titles or any(_has(source, text) for source in sources):
        if is_usual:
            return ""
        left, right = "‘’" if marked.opening == "'" else "“”"
        kind = "straight" if marked.opening in "'\"" else "unusual"
        return (
            f"{kind} marks around {shown}; "
            f"write {left}{text}{right} (U+{ord(left):04X}, U+{ord(right):04X})"
        )
    alike = next((title for title in titles if fold(title).text == fold(text).text), None)
    for source in sources:
        span = look_alike(text, source)
        alike = alike or (source.text[slice(*span)] if span else None)
    if alike:
        return f"{shown} has other characters than its source; write: “{alike}”"
    reasons = [message for source in sources for message in prove(text, source).messages[:1]]
    near = next((reason for reason in reasons if "nearest" in reason), "")
    return (
        f"{shown} stands in quotation marks but in no source, and is no investigation's title; "
        "quote exactly or take the marks away" + (f" ({near})" if near else "")
    )


def _has(source: Source, text: str) -> bool:
    return any(usable(source, span) for span in occurrences(source.text, text)) or (
        "[…]" in text and prove(text, source).quote is not None
    )
