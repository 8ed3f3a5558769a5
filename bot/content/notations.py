"""What somebody means who writes a value in another way: other signs, dates, times, names."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime

import regex

from bot.content.other_names import called
from bot.content.zones import offset_of
from bot.visible import named

#: An hour with its minutes, or with what says that it is one; no part of a date.
_CLOCK = re.compile(
    r"(?<![\d./:-])(\d{1,2})(?:[:.h](\d\d)(?::\d\d(?:\.\d+)?)?)? ?([ap])\.?m\b\.?"
    r"|(?<![\d./:-])(\d{1,2})"
    r"(?:[:.h](\d\d)(?::\d\d(?:\.\d+)?)?(?![\d./]) ?h?| ?(?:h|uhr|o.clock)\b)"
)
_HOUR_BEHIND = re.compile(r"^(\d{4}-\d\d?-\d\d?),? (?:at )?(\d{1,2})$")
#: What people write around a date and a time.
_AROUND = re.compile(
    r"\b(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\b\.?|\b(?:at|on|um|a|le|el|de|of|the|uhr|local|time)\b"
    r"|[,()'\"“”„‘’«»]|(?<=\d)(?:st|nd|rd|th)\b"
)
_DAY_FIRST = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4}|\d{2})")
_YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})|(\d{4})(\d\d)(\d\d)")
_NAMED = re.compile(r"(?:(\d{1,2})\.? )?([a-z]{3,10})\.? ?(?:(\d{1,2}) )?(\d{4}|\d\d)")
_ZONE_BEHIND = re.compile(r"(.*?\d) ?([+-]\d{1,2}(?::?\d\d)?|[a-z_/ ]{2,40})")
_PART = (
    r"(\d{1,4}(?:[.,]\d{1,2})?) ?"
    r"((?:sec(?:ond)?|min(?:ute)?|hr|hour|day|week|month|year)s?|s|m|h|d|w)?"
)
#: Seconds of a unit, by how it begins.
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SECONDS |= {"w": 7 * 86400, "mo": 30 * 86400, "y": 365 * 86400}
_MONEY = re.compile(r"[a-z]{3} ?| ?[a-z]{3}$|[$€£¥ ]")
#: What people write for nothing at all.
NOTHING = frozenset(
    {"none", "never", "no", "null", "~", "n/a", "-", "tbd", "unknown", "false", "off"}
)
_DASHES = tuple("‐‑‒–—―−")
#: Signs and letters that pass for plain ones, or for nothing.
_PLAIN = {
    **dict.fromkeys("\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff", ""),
    **dict.fromkeys(_DASHES, "-"),
    **dict.fromkeys("：∶", ":"),
    **dict.fromkeys("\u00a0\u202f\u2007\u3000", " "),
    **dict(zip("аеорсухіјѕ", "aeopcyxijs", strict=True)),
}


def plain(typed: str) -> str:
    """Return a text with plain signs in the place of those that pass for them."""
    return "".join(
        str(unicodedata.decimal(char, "")) or _PLAIN.get(char, unicodedata.normalize("NFKC", char))
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
        own, plainer = (regex.sub(r"[^\p{L}\p{M}\p{N}]+", "-", each.lower()).strip("-")
                        for each in (unicodedata.normalize("NFKC", seen), meant))  # fmt: skip
        if fits(own):
            return f"{why if odd in _DASHES else ''}write {own} ({wanted})"
        readings += [plainer, *re.findall("[0-9a-f]{64}", meant.lower())]
    found = [each for each in dict.fromkeys(readings) if fits(each)]
    if not found:
        return f"{why}write {wanted}{', or leave the key out' if meant.lower() in NOTHING else ''}"
    return f"{why}write {' or '.join(found)}" + (f" ({wanted})" if is_rule else "")


def _readings(typed: str) -> Iterator[str]:
    """Yield in which ways a value may have been meant."""
    yield typed
    text = unicodedata.normalize("NFD", typed.lower()).encode("ascii", "ignore").decode()
    yield text
    if match := re.fullmatch(r"([a-z]{2,3})[ _-]([a-z]{2}|[a-z]{4})", text):  # a language
        yield f"{match[1]}-{match[2].upper() if len(match[2]) == 2 else match[2].capitalize()}"
    yield from _amounts(text)
    text = text.replace("noon", "12:00").replace("midnight", "00:00")
    text = re.sub(r"^(\d{8})[t ](\d\d):?(\d\d)$", r"\1 \2:\3", re.sub(r"(?<=\d)t(?=\d)", " ", text))
    text, clock = _HOUR_BEHIND.sub(r"\1 \2:00", text), ""
    if bare := re.fullmatch(r"(\d{1,2}?)(\d\d)?", text):
        yield f"{bare[1]:0>2}:{bare[2] or '00'}"
    if match := _CLOCK.search(text):
        hour = int(match[1] or match[4])
        hour += 12 * (match[3] == "p" and hour < 12) - 12 * (match[3] == "a" and hour == 12)
        clock = f"{hour:02}:{match[2] or match[5] or '00'}"
        yield clock
        text = f"{text[: match.start()]} {text[match.end() :]}"
    text = " ".join(_AROUND.sub(" ", text).split())
    days, zone = [*_days(text)], ""
    if not days and (match := _ZONE_BEHIND.fullmatch(text)):
        days, zone = [*_days(match[1])], match[2]
    for day in days:
        local = f"{day} {clock or '09:00'}"
        yield from (day, day[5:], f"{local}{_offset(zone, local)}" if zone else local)
    if not days:  # a day of every year
        for whole in (f"{text} 2024", f"{text.rstrip('.')}/2024"):
            yield from (day[5:] for day in _days(whole))


def _offset(zone: str, local: str) -> str:
    """Return the offset that is written behind a time, or that of the zone that is named there."""
    if match := re.fullmatch(r"([+-])(\d{1,2}):?(\d\d)?", zone):
        return f" {match[1]}{match[2]:0>2}:{match[3] or '00'}"
    with suppress(ValueError):  # no time
        return f" {offset_of(zone, datetime.fromisoformat(local)) or '?'}"
    return ""


def _amounts(typed: str) -> Iterator[str]:
    """Yield the durations and numbers that a text may be: other units, commas, a currency."""
    bare = re.sub(r"^pt(?=\d)", "", typed)
    if match := re.fullmatch(r"(\d\d?):(\d\d)", bare):
        bare = f"{match[1]}h{match[2]}m"
    parts = re.findall(_PART, bare)
    if len(parts) == 1 and not parts[0][1] and bare.isdecimal():
        yield from (f"{int(bare)}{each}" for each in "mhd")
    elif parts and not re.sub(f"{_PART}|and|,| ", "", bare):
        total, size = 0.0, 0
        for number, unit in parts:
            size = _SECONDS.get(unit[:2]) or _SECONDS.get(unit[:1]) or size // 60
            total += float(number.replace(",", ".")) * size
        yield _duration(int(total), size)
    number = _MONEY.sub("", typed)
    if re.fullmatch(r"\d{1,3}(,\d{3})+", number, re.ASCII):
        yield number.replace(",", "")
    elif re.fullmatch(r"\d+[.,]?\d*", number, re.ASCII):
        yield re.sub(r"\.0*$", "", number.replace(",", "."))
    if match := re.fullmatch(r"(\d+)( ?[a-z]+|%)", typed, re.ASCII):
        yield f"{int(match[1]) / 100:g}" if match[2] == "%" else match[1]
    yield called("numbers", typed)


def _duration(seconds: int, size: int) -> str:
    """Write a time in days where it was told in days or more, else in smaller units."""
    if size >= 86400 and seconds % 86400 == 0:
        return f"{seconds // 86400}d"
    pairs = ((seconds // 3600, "h"), (seconds // 60 % 60, "m"), (seconds % 60, "s"))
    return "".join(f"{number}{unit}" for number, unit in pairs if number)


def _days(text: str) -> Iterator[str]:
    """Yield each day that a date of another country may name."""
    found: list[Sequence[str]] = []
    if match := _YEAR_FIRST.fullmatch(text):
        found = [[each for each in match.groups() if each]]
    elif match := _DAY_FIRST.fullmatch(text):
        one, other, year = match.groups()
        found = [(year, other, one), (year, one, other)]
        found += [(one, other, year)] if len(year) == 2 and int(one) > 12 else []
    elif match := _NAMED.fullmatch(text):
        month = called("months", match[2][:4]) or called("months", match[2][:3])
        found = [(match[4], month or "0", match[1] or match[3] or "0")]
    for year, month, number in found:
        with suppress(ValueError):  # no day
            yield date(int(f"20{year}"[-4:]), int(month), int(number)).isoformat()
