"""Ids in any script: what one may be, and which two of them nobody can tell apart.

Letters, marks and digits are those of Unicode's identifiers (UAX 31), in small letters and in NFC;
alphabets mix no further than UTS 39 calls moderately restrictive.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import regex

from bot.content.characters import ALIKE
from bot.content.notations import what_to_write
from bot.content.values import EMPTY, matching, quoted, text_of
from bot.visible import named

RULE = (
    "small letters of one script, digits and hyphens, at most 64, beginning with a letter or digit"
)
#: Value of a variant's ``link`` that takes the post's link away.
NO_LINK = "none"
#: Of accounts: settings are named after them.
ACCOUNT_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
#: What JSON Schemas say of ids: as near as both Python and editors can tell.
_NO_SIGN = r"\u0000-,./:-`{-\u00bf\u2000-\u206f\u3000-\u3004"
ID_LIKE = rf"[^\-{_NO_SIGN}][^{_NO_SIGN}]{{0,63}}"
#: File systems and git take 255 bytes, with what we add.
_MOST_BYTES = 160
#: Not letters that nobody sees, that only stretch a word, or that are drawn as a sign: ǀ ǃ.
_SHAPE = regex.compile(
    r"(?V1)[[\p{Ll}\p{Lo}\p{Lm}\p{Nd}]--[\p{DI}\u0640\u07fa\u01c0-\u01c3]]"
    r"[[\p{Ll}\p{Lo}\p{Lm}\p{Nd}\p{Mn}\p{Mc}\-]--[\p{DI}\u0640\u07fa\u01c0-\u01c3]]{0,63}"
)
_UNSEEN = regex.compile(r"[\p{DI}\p{Cf}\p{Cc}]")
#: Written so by everybody, although Unicode takes them apart: the am of Thai and Lao.
_WHOLE = str.maketrans(dict.fromkeys("\u0e33\u0eb3"))
#: Written together in one language.
_EAST_ASIAN = frozenset({"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC"})
#: Scripts with letters that are drawn like Latin ones, as names of letters begin.
_LIKE_LATIN = {name.upper().partition("_")[0] for name in ALIKE} - {"LATIN"}


def id_fault(name: str) -> str:
    """Return why a text is no id; empty where it is one."""
    # No rule refuses one of these, as most are.
    return "" if ACCOUNT_ID.fullmatch(name) else _fault(name)


def _fault(name: str) -> str:
    if unseen := _UNSEEN.search(name):
        return f"has {named(unseen[0])}, which cannot be seen"
    if not _SHAPE.fullmatch(name):
        return "does not fit"
    if len(name.encode()) > _MOST_BYTES:
        return f"is {len(name.encode())} bytes long, more than file names have room for"
    bare = name.translate(_WHOLE)
    for form in ("NFC", "NFKC"):
        if unicodedata.normalize(form, bare) != bare:
            return "has a letter that can be written in two ways, and not in the usual one"
    if len({ord(char) - unicodedata.decimal(char) for char in name if char.isdecimal()}) > 1:
        return "has digits of two scripts"
    scripts = {_script(char) for char in name} - {""}
    others = scripts - {"LATIN"}
    if len(others) > 1 or (others & _LIKE_LATIN and scripts > others):
        return f"mixes letters of two scripts ({' and '.join(sorted(map(str.title, scripts)))})"
    return ""


def is_id(name: str) -> bool:
    """Return whether a text may be an id."""
    return not id_fault(name)


def _script(char: str) -> str:
    """Return by the name of a letter which script it is of; empty where it is of any."""
    if not char.isalpha():
        return ""
    first = unicodedata.name(char, "").partition(" ")[0].partition("-")[0]
    return "" if first == "MODIFIER" else "CJK" if first in _EAST_ASIAN else first


def identifier(value: object) -> str:
    """Read an id, in any script."""
    typed = text_of(value, "an id such as our-mothers")
    if why := id_fault(typed):
        raise ValueError(
            f"{quoted(typed)} {why}; {what_to_write(typed, is_id, RULE, is_rule=True)}"
        )
    return typed


account_name = matching(
    ACCOUNT_ID,
    "small letters a to z, digits and hyphens, at most 64, beginning with a letter or digit: "
    "settings are named after an account, such as VERBATIM_NAME_ACCESS_TOKEN",
)


def name(value: object) -> str:
    """Read what should be the id of something that is defined elsewhere."""
    return text_of(value, "an id such as our-mothers")


def link_or_none(value: object) -> str:
    """Read a link; ``none``, or no value at all, takes a link away and is read as empty text."""
    return "" if value is EMPTY or value in ("", NO_LINK) else name(value)


@cache
def _prototypes() -> Mapping[int, str]:
    """Return what each letter looks like, by Unicode's table of confusable letters."""
    groups = json.loads((files("bot.content") / "lookalikes.json").read_text(encoding="utf-8"))
    return {ord(char): prototype for prototype, alike in groups.items() for char in alike}


def skeleton(name: str) -> str:
    """Return the same text for all ids that look alike; for nobody to read."""
    plain = name
    if not name.isascii():
        plain = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", name))
    alike = plain.translate(_prototypes())
    return alike if alike.isascii() else unicodedata.normalize("NFD", alike)


def differing(name: str, other: str) -> str:
    """Return the first letter of an id that another one, which looks alike, has not."""
    pairs = zip(name, f"{other}{' ' * len(name)}", strict=False)
    return next((char for char, instead in pairs if char != instead), name[-1:])
