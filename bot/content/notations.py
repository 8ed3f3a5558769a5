"""What somebody means who writes a value in another way: other signs, dates, times, names."""

from __future__ import annotations

import calendar
import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime

from bot.content.zones import offset_of
from bot.visible import named

_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
#: With the day or the month first, and a time behind it.
_NUMBERS = re.compile(
    r"(\d{1,2})[./-](\d{1,2})[./-](\d{4}|\d{2})(?:,? +(\d{1,2}[:.h]\d{2}))?", re.ASCII
)
_NAMED = re.compile(
    r"(?:(\d{1,2})(?:st|nd|rd|th)?\.? +)?([a-z]{3,9})\.?(?: +(\d{1,2}))?(?:st|nd|rd|th)?,? +(\d{4})"
    r"(?:,? +(\d{1,2}[:.h]\d{2}))?"
)
_TWELVE_HOURS = re.compile(r"(.*?)(\d{1,2})(?:[:.](\d{2}))? ?([ap])\.?m\.?")
_TIME = re.compile(r"\d{1,2}[:.h]\d{2}")
_SLASHES = re.compile(r"^(\d{4})[/.](\d{2})[/.](\d{2})")
_SHORT_HOUR = re.compile(r"[ t](\d:\d{2})")
#: What people write around a date and a time.
_AROUND = re.compile(r"^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,? +|\bat +|(?<=\d) *(?:uhr|h)$")
_DURATION = re.compile(
    r"(\d{1,4}) ?(s|m|h|d|w|(?:sec(?:ond)?|min(?:ute)?|hr|hour|day|week|month|year)s?)?", re.ASCII
)
#: Days of a unit, by how it begins.
_DAYS = {"w": 7, "we": 7, "mo": 30, "y": 365, "ye": 365}
_MONEY = re.compile(r"[a-z]{3} ?| ?[a-z]{3}$|[$€£¥ ]")
_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name}
#: Signs and letters that pass for plain ones, or for nothing.
_PLAIN = {
    **dict.fromkeys("\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff", ""),
    **dict.fromkeys("‐‑‒–—―−", "-"),
    **dict.fromkeys("：∶", ":"),
    **dict.fromkeys("\u00a0\u202f\u2007\u3000", " "),
    **dict(zip("аеорсухіјѕ", "aeopcyxijs", strict=True)),
}


def plain(typed: str) -> str:
    """Return a text with plain signs in the place of those that pass for them."""
    return "".join(
        str(unicodedata.decimal(char))
        if unicodedata.category(char) == "Nd"
        else _PLAIN.get(char) or ("" if char in _PLAIN else unicodedata.normalize("NFKC", char))
        for char in typed
    )


def what_to_write(typed: str, fits: Callable[[str], object], wanted: str, *, is_rule: bool) -> str:
    """Say what to write: what was likely meant where that fits, and what is wanted.

    Args:
        is_rule: What is wanted is a rule, told beside what was meant; else it has an example.
    """
    meant = plain(typed)
    odd = next((char for char in typed if plain(char) != char), "")
    why = f"it has {named(odd)}, which passes for another sign; " if odd else ""
    readings = [*_readings(meant.strip())]
    if is_rule:  # as of an id
        seen = "".join(char for char in typed if unicodedata.category(char) not in {"Cf", "Cc"})
        own, plainer = (re.sub("[ _-]+", "-", each.strip().lower())
                        for each in (unicodedata.normalize("NFKC", seen), meant))  # fmt: skip
        if fits(own):
            return f"write {own} ({wanted})"
        readings.append(plainer)
    found = [each for each in dict.fromkeys(readings) if fits(each)]
    if not found:
        return f"{why}write {wanted}"
    return f"{why}write {' or '.join(found)}" + (f" ({wanted})" if is_rule else "")


def _readings(typed: str) -> Iterator[str]:
    """Yield in which ways a value may have been meant."""
    yield typed
    typed = _AROUND.sub("", typed.lower()).replace("noon", "12:00")
    if match := _TWELVE_HOURS.fullmatch(typed):
        hour = int(match[2]) % 12 + (12 if match[4] == "p" else 0)
        typed = f"{match[1]}{hour:02}:{match[3] or '00'}"
        yield typed
    if _TIME.fullmatch(typed):
        yield f"{re.sub('[.h]', ':', typed):0>5}"
    yield from _amounts(typed)
    yield re.sub(r"^(\d{4})(\d\d)(\d\d)[t ]?(\d\d):?(\d\d)$", r"\1-\2-\3 \4:\5", typed)
    yield from _with_offset(typed)
    if match := re.fullmatch(r"([a-z]{2,3})[_-]([a-z]{2}|[a-z]{4})", typed):  # a language
        yield f"{match[1]}-{match[2].upper() if len(match[2]) == 2 else match[2].capitalize()}"
    yield _SHORT_HOUR.sub(r" 0\1", _SLASHES.sub(r"\1-\2-\3", typed))
    if _ISO_DATE.fullmatch(typed):
        yield f"{typed} 09:00"
    for whole in (f"{typed} 2024", f"{typed.rstrip('.')}/2024"):  # a day of every year
        yield from (day[5:] for day, _ in _dates(whole))
    for day, at in _dates(typed):
        yield from (day, f"{day} {re.sub('[.h]', ':', at or '09:00'):0>5}")


def _amounts(typed: str) -> Iterator[str]:
    """Yield the durations and numbers that a text may be: other units, commas, a currency."""
    if match := _DURATION.fullmatch(typed):
        unit = match[2] or ""
        days = _DAYS.get(unit[:2], 0)
        units = "d" if days else unit[:1] or "mhd"
        yield from (f"{int(match[1]) * (days or 1)}{each}" for each in units)
    number = _MONEY.sub("", typed)
    if re.fullmatch(r"\d{1,3}(,\d{3})+", number, re.ASCII):
        yield number.replace(",", "")
    elif re.fullmatch(r"\d+[.,]?\d*", number, re.ASCII):
        yield re.sub(r"\.0*$", "", number.replace(",", "."))


def _with_offset(typed: str) -> Iterator[str]:
    """Yield a date and time with the offset of the zone that is named behind it."""
    match = re.fullmatch(r"(\d{4}-\d{2}-\d{2})[ t](\d{2}:\d{2}) ?\(?([a-z_/]{3,40})\)?", typed)
    with suppress(ValueError):  # no day, no time
        if match:
            local = datetime.fromisoformat(f"{match[1]} {match[2]}")
            yield f"{match[1]} {match[2]} {offset_of(match[3], local)}"


def _dates(typed: str) -> Iterator[tuple[str, str]]:
    """Yield each day that a date of another country may name, and the time behind it."""
    days: list[tuple[int, int]] = []
    if match := _NUMBERS.fullmatch(typed):
        one, other, at = int(match[1]), int(match[2]), match[4]
        year = f"20{match[3]}" if len(match[3]) == 2 else match[3]
        days = [(other, one), (one, other)]
    elif match := _NAMED.fullmatch(typed):
        year, at = match[4], match[5]
        days = [(_MONTHS.get(match[2][:3], 0), int(match[1] or match[3] or 0))]
    for month, day in days:
        if 1 <= month <= 12 and 1 <= day <= 31:
            yield f"{year}-{month:02}-{day:02}", at
