"""Quotation marks in what people write themselves: what stands between them must be proved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bot.content.comparing import fold
from bot.content.model import Investigation, Source
from bot.content.quoting import look_alike, occurrences, prove, usable

#: Each opening mark with the closing ones that answer it.
_MARKS = """“” ‘’ «» ‹› „“” ‚‘’ 「」 『』 〝〞〟 ｢｣ ‟” ‛’ ❝❞ ❛❜ ＂＂ "" ''"""
_PAIRS = {marks[0]: marks[1:] for marks in _MARKS.split()}
_CLOSERS = frozenset("".join(_PAIRS.values()))
#: Of these a single one between or after letters is an apostrophe.
_APOSTROPHES = "'’"
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


@dataclass(frozen=True, slots=True)
class LoneMark:
    """A quotation mark without its partner, or not yet with it."""

    at: int
    mark: str


def marked_spans(text: str) -> tuple[tuple[Marked, ...], tuple[LoneMark, ...]]:
    """Find every stretch between marks, inner ones too, and every mark without its partner.

    Apostrophes (``don’t``, ``l’homme``, ``partners’ ties``, ``’90s``) are no marks.
    """
    opened: list[LoneMark] = []
    found: list[Marked] = []
    alone: list[LoneMark] = []
    for at, char in enumerate(text):
        if (char not in _PAIRS and char not in _CLOSERS) or _is_measure(text, at):
            continue
        depth = _closes(opened, char, text, at)
        if depth is not None:
            alone += opened[depth + 1 :]
            start = opened[depth].at + 1
            found.append(Marked(start, at, text[start:at], opened[depth].mark, char))
            del opened[depth:]
        elif char in _PAIRS and _may_open(text, at):
            opened.append(LoneMark(at, char))
        elif not _is_apostrophe(text, at):
            alone.append(LoneMark(at, char))
    return (
        tuple(sorted(found, key=lambda marked: marked.start)),
        tuple(sorted(alone + opened, key=lambda lone: lone.at)),
    )


def _is_measure(text: str, at: int) -> bool:
    """Return whether a mark is of feet, minutes or seconds (6'2" tall)."""
    return text[at] in "'\"" and at > 0 and text[at - 1].isdigit() and "'" in text[at - 2 : at + 4]


def _closes(opened: list[LoneMark], char: str, text: str, at: int) -> int | None:
    """Return which open mark this one closes; None where it closes none."""
    for depth in reversed(range(len(opened))):
        if char in _PAIRS[opened[depth].mark]:
            if char not in _APOSTROPHES:
                return depth
            if not _between_letters(text, at):
                return None if _is_plural_possessive(text, at, opened[depth]) else depth
    return None


def _between_letters(text: str, at: int) -> bool:
    return 0 < at < len(text) - 1 and text[at - 1].isalnum() and text[at + 1].isalnum()


def _is_plural_possessive(text: str, at: int, opened: LoneMark) -> bool:
    """Return whether it is as in ``partners’ ties``, where another mark closes them later."""
    if not (text[at - 1 : at].lower() == "s" and text[at + 1 : at + 2] == " "):
        return False
    return any(
        text[other] in _PAIRS[opened.mark]
        and not _between_letters(text, other)
        and text[other - 1] != " "
        and opened.mark not in text[at + 1 : other]
        for other in range(at + 1, len(text))
    )


def _may_open(text: str, at: int) -> bool:
    char = text[at]
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if char not in "'\"":
        return not (char == "‘" and before.isalnum() and after.isalnum())
    if char == "'" and _is_elision(text, at):
        return False
    return not before.isalnum() and bool(after.strip())


def _is_apostrophe(text: str, at: int) -> bool:
    """Return an apostrophe: inside a word, at its end, or in place of what a word begins with."""
    if text[at] not in "'’‘":
        return False
    return text[at - 1 : at].isalpha() or text[at - 1 : at].isdigit() or _is_elision(text, at)


def _is_elision(text: str, at: int) -> bool:
    rest = text[at + 1 : at + 8].lower()
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
        if not any(outer.start <= lone.at < outer.end for outer in seen):
            yield lone.at, f"the quotation mark {lone.mark} has no partner"


def _problem(marked: Marked, sources: tuple[Source, ...], titles: tuple[str, ...]) -> str:
    # French sets a space, often a narrow one, inside of its marks.
    text = marked.text.strip() if marked.opening in "«‹" else marked.text
    shown = f"{marked.opening}{text}{marked.closing}"
    if text in titles or any(_has(source, text) for source in sources):
        if marked.opening not in "'\"":
            return ""
        left, right = "“”" if marked.opening == '"' else "‘’"
        return (
            f"straight marks around {shown}; "
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
