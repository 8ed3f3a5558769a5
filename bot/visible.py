"""Foreign text made fit to be shown: what nobody sees, or what acts on its reader, as an escape.

What a server, a form or a file says may hold terminal escapes, line breaks that forge a row, marks
that turn the reading order, and characters that nobody sees. A `Visible` text has none of them; it
is the only kind that may reach a terminal, a log, a page, a mail, the audit log or a spreadsheet.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NewType

if TYPE_CHECKING:
    import regex

Visible = NewType("Visible", str)

#: Scripts whose letters change their shape at a joiner: there it is spelling.
_JOINING = "".join(
    rf"\p{{{script}}}"
    for script in (
        "Arabic", "Syriac", "Mongolian", "Nko", "Mandaic", "Adlam", "Devanagari", "Bengali",
        "Gurmukhi", "Gujarati", "Oriya", "Tamil", "Telugu", "Kannada", "Malayalam", "Sinhala",
        "Khmer", "Myanmar", "Tibetan", "Balinese", "Javanese",
    )
)  # fmt: skip
#: Where an unseen character belongs to what is seen: letters that join, emoji, variants of letters.
_FINE = (
    rf"(?<=[{_JOINING}])[\u200c\u200d]"
    r"|(?<=\p{Extended_Pictographic}\ufe0f?|\p{Emoji_Modifier})\u200d(?=\p{Extended_Pictographic})"
    r"|(?<=\p{Extended_Pictographic})[\ufe0e\ufe0f]|(?<=[0-9#*])\ufe0f(?=\u20e3)"
    r"|(?<=\U0001f3f4[\U000e0020-\U000e007e]{0,16})[\U000e0020-\U000e007f]"
    r"|(?<=\p{Han})[\ufe00-\ufe02\U000e0100-\U000e01ef]"
    r"|(?<=\p{Mongolian})[\u180b-\u180f]|(?<=\p{Hebrew})\u034f(?=\p{Hebrew})"
)
_CLASS = r"\p{DI}\p{Cc}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{NChar}\p{Bidi_Control}\ufff9-\ufffb\u2800"
_HIDDEN = rf"(?V1)(?!{_FINE})[[{_CLASS}]--[\n\t]]"
#: The same in a text with letters that run from right to left, which need marks beside others.
_HIDDEN_BIDI = rf"(?V1)(?!{_FINE}|[\u200e\u200f\u061c])[[{_CLASS}]--[\n\t]]"
_CROWDED = r"\p{M}{31,}+"
_RIGHT_TO_LEFT = r"(?V1)[\p{BC=R}\p{BC=AL}--[\u200f\u061c]]"


def hidden_in(text: str) -> Iterator[tuple[int, str]]:
    """Yield each character that nobody sees or that acts on its reader, with its place from 0.

    Line feed and tab are none; nor are joiners, variation selectors and direction marks where a
    script or an emoji needs them.
    """
    if not is_plain(text):
        yield from ((match.start(), match[0]) for match in _pattern(text).finditer(text))


def is_plain(text: str) -> bool:
    """Return whether a text has nothing but what is printed in ASCII, line feeds and tabs."""
    return text.isascii() and text.replace("\n", "").replace("\t", "").isprintable()


def _pattern(text: str) -> regex.Pattern[str]:
    is_bidi = compiled(_RIGHT_TO_LEFT).search(text)
    return compiled(_HIDDEN_BIDI if is_bidi else _HIDDEN)


@cache
def compiled(pattern: str) -> regex.Pattern[str]:
    """Return a pattern that is compiled when it is first used, and kept."""
    import regex  # 0.03 s: nobody waits for it where all is plain ASCII

    return regex.compile(pattern)


def block(text: object) -> Visible:
    """Return text of any number of lines in which everything is seen."""
    shown = str(text).replace("\r\n", "\n")
    if is_plain(shown):
        return Visible(shown)
    return Visible(_pattern(shown).sub(lambda match: _escaped(match[0]), shown))


def line(text: object) -> Visible:
    """Return text in which everything is seen, on one line."""
    return Visible(block(text).replace("\n", r"\n").replace("\t", r"\t"))


def short(text: object, most: int = 1000) -> Visible:
    """Return `line` of so many characters; the rest of a longer text is told by its hash."""
    whole = line(text)
    if len(whole) <= most:
        return whole
    from hashlib import sha256  # loads OpenSSL, which most verbs that end at once need not

    digest = sha256(whole.encode()).hexdigest()
    return Visible(f"{whole[:most]}… ({len(whole):,} characters, {digest[:12]})")


def indented(text: object) -> Visible:
    """Return text whose further lines stand indented: none can pass for a line of somebody else."""
    return Visible(block(text).replace("\n", "\n  | "))


def values(value: Any) -> Any:
    """Return JSON's values with every text in them visible."""
    if isinstance(value, Mapping):
        return {line(key): values(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [values(inner) for inner in value]
    return shown(value)


def shown(value: object) -> object:
    """Return what a template may write: a text made visible, anything else as it is."""
    return block(value) if type(value) is str else value


def normalized(form: Literal["NFC", "NFKC"], text: str) -> str:
    """Return text in a normal form, without so many marks on one letter as no script has.

    It would take the square of their number (UAX 15, "stream-safe").
    """
    return unicodedata.normalize(form, text if text.isascii() else compiled(_CROWDED).sub("", text))


#: Characters that Unicode has no name for, and that people meet.
_CONTROLS = {
    "\0": "NULL",
    "\t": "TAB",
    "\n": "LINE BREAK",
    "\r": "CARRIAGE RETURN",
    "\x1b": "ESCAPE",
}


def named(char: str) -> str:
    """Return a character's code point and name."""
    return f"U+{ord(char):04X} {unicodedata.name(char, _CONTROLS.get(char, '(no character)'))}"


def _escaped(char: str) -> str:
    """Write a character as JSON does, so that JSON stays JSON."""
    units = char.encode("utf-16-be", "surrogatepass").hex()
    return "".join(rf"\u{units[at : at + 4]}" for at in range(0, len(units), 4))
