"""Readers of single values: what the text that an editor typed means, or why it means nothing.

Every reader takes what `Node.plain` returns and raises `ValueError` with what to do about it.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta, timezone
from difflib import get_close_matches
from enum import Enum
from typing import Final

import regex

from bot.content.characters import fault_of_words
from bot.content.notations import NOTHING, what_to_write
from bot.content.other_names import called, other_names
from bot.content.zones import find_zone


class Empty(Enum):
    """The value of a key that has none; not to be mixed up with a key that is missing."""

    EMPTY = "nothing"


class RuleError(ValueError):
    """A value breaks a rule that has an id of its own."""

    def __init__(self, message: str, rule: str) -> None:
        self.rule = rule
        super().__init__(message)


EMPTY: Final = Empty.EMPTY

FIRST_YEAR, LAST_YEAR = 1900, 2100
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

SHA256 = re.compile(r"[0-9a-f]{64}")
LANG = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
#: Categories without a shape of their own: separators, marks, controls, formats, surrogates. A
#: character without a category is newer than Python.
_UNSEEN = frozenset({"Zs", "Zl", "Zp", "Mn", "Mc", "Me", "Cc", "Cf", "Cs", "Co"})
#: Marks of Indic scripts, the joiner of Persian and the middle dot are taken by all platforms.
_TAG = regex.compile(r"(?=.*\p{L})[\p{L}\p{M}\p{N}_·\u200c]{1,100}")
_HANDLE = re.compile(
    r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252}[A-Za-z0-9_])?(?:@[A-Za-z0-9.-]{1,253})?"
)
_INTEGER = re.compile(r"0|[1-9][0-9]{0,8}")
_DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,6})?")
_DURATION = re.compile(
    r"(?=.)(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?(?:(\d{1,7})s)?", re.ASCII
)
DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
TIME = re.compile(r"(\d{2}):(\d{2})(?::(\d{2}))?", re.ASCII)
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})[ T]([0-9:]{5,8})(?: ?(Z|[+-]\d{2}:\d{2}))?", re.ASCII)
MONTH_DAY = re.compile(r"(\d{2})-(\d{2})", re.ASCII)

_BOOLEANS = {
    **dict.fromkeys(("yes", "on", "1", "y", "true"), "true"),
    **dict.fromkeys(("no", "off", "0", "n", "none", "false"), "false"),
}
#: Longer words are shown and compared by their beginning.
_LONG = 60
_FEW = 8


def quoted(text: str) -> str:
    """Show a value in a message, cut where it is long."""
    return f"'{text}'" if len(text) <= _LONG else f"'{text[:_LONG]}…'"


def written(text: str) -> str:
    """Write a text for YAML on one line, in quotation marks: line breaks and tabs as escapes."""
    return json.dumps(text, ensure_ascii=False)


def kind(value: object) -> str:
    """Name what stands where something else should."""
    if value is EMPTY:
        return "has no value (what follows a # is a comment)"
    if isinstance(value, list):
        return "is a list"
    return "is a mapping of keys" if isinstance(value, dict) else "is a single value"


def suggestion(word: str, options: Iterable[str], few: int = _FEW) -> str:
    """Return a hint: which of the options was likely meant, or which there are."""
    options = tuple(options)
    folded = {option.casefold(): option for option in options}
    asked = word[:_LONG].strip().casefold()
    begun = [option for option in folded if len(asked) > 2
             and (asked.startswith(option) or option.startswith(asked))]  # fmt: skip
    near = get_close_matches(asked, folded, n=1, cutoff=0.6) or begun[:1]
    if near:
        return f"did you mean '{folded[near[0]]}'?"
    if not options:
        return "there are none yet"
    shown = ", ".join(options[:few])
    return f"there are: {shown}{', …' if len(options) > few else ''}"


def no_such(what: str, name: str, options: Iterable[str]) -> str:
    """Return what is said of a name that nothing has."""
    return f"no {what} is called {name!r}; {suggestion(name, options)}"


def text_of(value: object, wanted: str = "text") -> str:
    """Return the text that was typed, of which no character may get lost."""
    if isinstance(value, str):
        return value
    raise ValueError(f"{kind(value)}; write {wanted}")


def _matched(
    value: object, pattern: re.Pattern[str], what: str, wanted: str, *, is_rule: bool = False
) -> re.Match[str]:
    typed = text_of(value, wanted)
    match = pattern.fullmatch(typed)
    if not match:
        advice = what_to_write(typed, pattern.fullmatch, wanted, is_rule=is_rule)
        raise ValueError(f"{quoted(typed)} {what}; {advice}")
    return match


def language(value: object) -> str:
    """Read a language tag (BCP 47); a country's code is none."""
    typed = text_of(value, "a language tag such as en, ug or zh-Hans")
    main, *others = typed.split("-")
    known = {"": "", **{name: right[0] for name, right in other_names("regions").items()}}
    regions = [known.get(other.upper(), other) for other in others]
    right = called("languages", main) or main
    if others and main == "kr":
        right = main  # Kanuri
    if right != main or regions != others:
        right = "-".join(filter(None, (right.removesuffix("-Hant") if others else right, *regions)))
        raise ValueError(f"{quoted(typed)} is no language's code; write {right}")
    if len(main) == 2 and main.islower() and main not in other_names("two letters"):
        message = f"{quoted(typed)} is no language's code; write one such as en, ug or zh-Hans"
        raise ValueError(message)
    return _matched(typed, LANG, "does not fit", "a language tag such as en, ug or zh-Hans")[0]


def text(value: object) -> str:
    """Read text that readers see, without line breaks and spaces around it."""
    typed = text_of(value).strip()
    if not any(unicodedata.category(char) not in _UNSEEN for char in typed):
        raise ValueError("has nothing that can be seen; write text, or take the key out")
    return optional_text(typed)


def optional_text(value: object) -> str:
    """Read text that may be missing: an empty value says that it is not known."""
    typed = "" if value is EMPTY else text_of(value).strip()
    if message := fault_of_words(typed):
        raise RuleError(message, "character")
    return typed


def warning(value: object) -> str:
    """Read a content warning, which readers see as it is written."""
    typed = text(value)
    if typed.casefold() in NOTHING | _BOOLEANS.keys():
        raise ValueError(
            f"{quoted(typed)} would be shown as the warning; write what readers are warned of, "
            "or leave the key out"
        )
    return typed


def matching(pattern: re.Pattern[str], rule: str) -> Callable[[object], str]:
    """Return a reader of text that fits a pattern, which the rule says in words."""
    return lambda value: _matched(value, pattern, "does not fit", rule, is_rule=True)[0]


def choice(*options: str) -> Callable[[object], str]:
    """Return a reader of one word out of several; it returns the option itself."""

    def read(value: object) -> str:
        typed = text_of(value, " or ".join(options))
        if typed not in options:
            also = other_names("choices").get(typed.casefold(), ())
            meant = next((each for each in also if each in options), "")
            advice = f"write {meant}" if meant else suggestion(typed, options)
            raise ValueError(f"{quoted(typed)} is none of these; {advice}")
        return options[options.index(typed)]

    return read


def boolean(value: object) -> bool:
    """Read ``true`` or ``false``, nothing else."""
    typed = text_of(value, "true or false")
    if typed not in ("true", "false"):
        meant = _BOOLEANS.get(typed.casefold(), "true or false")
        raise ValueError(f"{quoted(typed)} is neither; write {meant}")
    return typed == "true"


def integer(least: int, most: int) -> Callable[[object], int]:
    """Return a reader of whole numbers, both ends included."""
    wanted = f"a whole number from {least} to {most:,}"

    def fits(typed: str) -> bool:
        return bool(_INTEGER.fullmatch(typed)) and least <= int(typed) <= most

    return lambda value: int(_fitting(value, fits, wanted, f"{wanted}, digits only"))


def decimal(most: float, *, above_zero: bool = False) -> Callable[[object], float]:
    """Return a reader of numbers such as ``0.015``, from 0 on or above it."""
    wanted = f"a number {'above 0, up' if above_zero else 'from 0'} to {most:g}, such as 0.5"

    def fits(typed: str) -> bool:
        number = float(typed) if _DECIMAL.fullmatch(typed) else -1
        return number <= most and (number > 0 or (number == 0 and not above_zero))

    return lambda value: float(_fitting(value, fits, wanted, wanted))


def _fitting(value: object, fits: Callable[[str], bool], wanted: str, advice: str) -> str:
    typed = text_of(value, wanted)
    if fits(typed):
        return typed
    advice = what_to_write(typed, fits, advice, is_rule=False)
    raise ValueError(f"{quoted(typed)} does not fit; {advice}")


_A_DURATION = "a duration such as 15m, 1h or 60d"


def duration(value: object) -> timedelta:
    """Read ``90s``, ``15m``, ``1h``, ``60d`` or several of them, the larger first: ``1h30m``."""
    match = _matched(value, _DURATION, "is no duration", _A_DURATION)
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def positive_duration(value: object) -> timedelta:
    """Read a duration that is longer than nothing."""
    read = timedelta(0) if value == "0" else duration(value)
    if not read:
        raise ValueError(f"is no time at all; write {_A_DURATION}")
    return read


def day(value: object) -> date:
    """Read a date, year first."""
    wanted = "a date such as 2026-12-09"
    match = _matched(value, DATE, "is no date", wanted)
    year, month, number = map(int, match.groups())
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"year {year} is not between {FIRST_YEAR} and {LAST_YEAR}; correct it")
    try:
        return date(year, month, number)
    except ValueError as error:
        raise ValueError(f"{quoted(match[0])} is no date: {error}; write {wanted}") from error


def clock_time(value: object) -> time:
    """Read a time of day, 24 hours, with or without seconds."""
    wanted = "a time such as 09:30"
    match = _matched(value, TIME, "is no time", wanted)
    hour, minute, second = (int(part or 0) for part in match.groups())
    typed = quoted(match[0])
    if second == 60:
        raise ValueError(f"{typed} names a leap second; write one that each minute has")
    if hour == 24:
        raise ValueError(f"{typed}: write 00:00 of the next day instead")
    try:
        return time(hour, minute, second)
    except ValueError as error:
        raise ValueError(f"{typed} is no time: {error}; write {wanted}") from error


def moment(value: object) -> datetime:
    """Read a date and time: naive, or aware where its offset from UTC is written behind it."""
    wanted = "a date and time such as 2026-12-09 09:00"
    match = _matched(value, _MOMENT, "is no date and time", wanted)
    local = datetime.combine(day(match[1]), clock_time(match[2]))
    return local.replace(tzinfo=timezone(_offset(match[3]))) if match[3] else local


def _offset(typed: str) -> timedelta:
    if typed == "Z":
        return timedelta(0)
    hours, minutes = int(typed[1:3]), int(typed[4:6])
    # -12:00 to +14:00 are the widest that any place has.
    if minutes > 59 or hours * 60 + minutes > 14 * 60:
        raise ValueError(f"{typed} is no offset from UTC; write one such as +01:00 or -05:00")
    size = timedelta(hours=hours, minutes=minutes)
    return size if typed[0] == "+" else -size


def days_named(typed: str) -> str:
    """Return the days that ``mon-fri`` or a word for several means; empty for neither."""
    text = typed.casefold().strip()
    match = re.fullmatch(r"([a-z]{3})[a-z]* ?(?:-|–|to) ?([a-z]{3})[a-z]*", text)
    if match and set(match.groups()) <= set(WEEKDAYS):
        first, last = (WEEKDAYS.index(each) for each in match.groups())
        return ", ".join(WEEKDAYS[at % 7] for at in range(first, last + 1 + 7 * (last < first)))
    return called("weekdays", text)


def weekday(value: object) -> int:
    """Read a day of the week; 0 is Monday."""
    if isinstance(value, str) and (several := days_named(value)):
        raise ValueError(f"{quoted(value)} is more than one day; write {several}")
    return WEEKDAYS.index(choice(*WEEKDAYS)(value))


def month_day(value: object) -> tuple[int, int]:
    """Read a day of every year; 02-29 is one."""
    wanted = "a month and a day such as 12-09"
    match = _matched(value, MONTH_DAY, "is no day of the year", wanted)
    month, number = int(match[1]), int(match[2])
    try:
        date(2024, month, number)  # a leap year
    except ValueError as error:
        raise ValueError(f"{quoted(match[0])} comes in no year: {error}; write {wanted}") from error
    return month, number


def handle(value: object) -> str:
    """Read an account's handle; a leading @ is dropped."""
    wanted = "a handle such as coalition.example or coalition@social.example"
    typed = text_of(value, wanted).removeprefix("@")
    meant = typed.strip("“”„.").rstrip("/").rpartition("/")[2]
    if not _HANDLE.fullmatch(typed) and "." in meant and _HANDLE.fullmatch(meant):
        raise ValueError(f"{quoted(typed)} is no handle; write {meant}")
    return _matched(typed, _HANDLE, "is no handle", wanted)[0]


def zone_name(value: object) -> str:
    """Read the name of an IANA time zone."""
    return find_zone(text_of(value, "a time zone such as Europe/Paris")).key


def hashtag(value: object) -> str:
    """Read a hashtag without its #."""
    typed = text_of(value, "a hashtag without #, such as HumanRights")
    if typed.startswith("#"):
        raise ValueError(f"{quoted(typed)}: leave the # out; write {typed[1:] or 'HumanRights'}")
    if not _TAG.fullmatch(typed):
        meant = re.sub(r"[\s#＃.!?,;:“”-]+", "", typed)
        rule = "letters, digits and _ only, and at least one letter"
        advice = f"write {meant} ({rule})" if _TAG.fullmatch(meant) else rule
        raise ValueError(f"{quoted(typed)} is no hashtag; {advice}")
    return typed


def days(value: object) -> tuple[date, date]:
    """Read one day, or the first and the last of several (``from`` and ``to``)."""
    if not isinstance(value, dict):
        return day(value), day(value)
    first, last = map(day, _range(value, "a date"))
    refuse_backwards(first, last)
    return first, last


def refuse_backwards(first: date, last: date) -> None:
    """Refuse a stretch of days that ends before it begins, or lasts longer than a year."""
    if last < first:
        raise ValueError(f"ends on {last}, before it begins on {first}; swap from and to")
    if last - first > timedelta(days=366):
        raise ValueError(f"lasts from {first} to {last}, more than a year; correct the dates")


def passage(value: object) -> tuple[str, str]:
    """Read a passage: its exact text, or how it begins and how it ends."""
    if isinstance(value, dict):
        return _range(value, "exact text")
    typed = text_of(value, "exact text of the source")
    if not typed.strip():
        raise ValueError("is empty; write exact text of the source")
    return typed, ""


def _range(value: dict[str, object], wanted: str) -> tuple[str, str]:
    if set(value) != {"from", "to"}:
        raise ValueError(f"has the keys {', '.join(value)[:60]}; write from and to, nothing else")
    first, last = text_of(value["from"], wanted), text_of(value["to"], wanted)
    if not first.strip() or not last.strip():
        raise ValueError(f"from and to need {wanted} each")
    return first, last
