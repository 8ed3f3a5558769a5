"""What a letter's own text tells of it: its title, date, signatories, reading list and shape.

Proposals for a person to look over; they are cautious where a wrong one could be posted.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

import regex

from bot.content.passages import paragraphs

_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_MONTH = rf"(?P<m>{'|'.join(_MONTHS)})"
_DATES = (
    regex.compile(rf"(?i)\b{_MONTH} (?P<d>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<y>\d{{4}})\b"),
    regex.compile(rf"(?i)\b(?P<d>\d{{1,2}})(?:st|nd|rd|th)? {_MONTH},? (?P<y>\d{{4}})\b"),
    regex.compile(r"\b(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})\b"),
    regex.compile(r"\b(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4})\b"),
)
_MARK = regex.compile(r"[ \t]*(?:#{1,6}|[-*•–—]|\d+[.)])[ \t]+")
_SALUTATION = regex.compile(r"(?i)^(?:dear|to|an|liebe|madame|estimad|cher|sayın)\b.*|.*[,،:：]$")
#: English; whom a letter is to is its title where it has no other.
_DEAR = regex.compile(r"(?i)^dear (.+?)[,:]$")
_CLOSING = regex.compile(
    r"(?i)^(?:yours|sincerely|respectfully|kind regards|best|with |in solidarity|signed|thank you)"
    r"|[,:：]$"
)
_READING = regex.compile(
    r"(?i)\b(?:reading|references|sources|investigations|reports|notes|links)\b|lecture|quellen"
)
_BETWEEN = regex.compile(r"\s+[–—|-]\s+|:\s+")
_ADDRESS = regex.compile(r"https?://[^\s<>\"]+")
#: English words of passages before which readers are warned; a person decides.
_GRAPHIC = regex.compile(
    r"(?i)\b(?:tortur|rape[ds]?\b|raping|murder|massacr|execut(?:ed|ions?)\b|sterili[sz]|mutilat"
    r"|behead|corpse|dead bod|sexual(?:ly)? (?:violen|abus|assault)|organ harvest|beaten|lynch)"
)
#: A line of the text proper has as many words, or the end of a sentence.
_WORDS_OF_PROSE, _LONGEST_NAME = 8, 100


@dataclass(frozen=True, slots=True)
class ListedPiece:
    """An entry of a reading list."""

    outlet: str
    title: str
    address: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a letter's description could say."""

    title: str
    #: None where no date stands in it.
    date: date | None
    signatories: tuple[str, ...]
    #: As they stand in the text, or with the line break before, where that makes them unique.
    never: tuple[str, ...]
    reading: tuple[ListedPiece, ...]


def propose_description(text: str, links: Mapping[str, str], today: date) -> Proposal:
    """Look for what every letter has; what it has not is empty."""
    lines = [line for line in _lines(text) if line.strip()]
    prose = [number for number, line in enumerate(lines) if _is_prose(line)]
    first, last = (prose[0], prose[-1]) if prose else (0, len(lines) - 1)
    heads = [at for at, line in enumerate(lines) if at > first and _is_reading(line)]
    reading_at = heads[-1] if heads else len(lines)
    last = max((at for at in prose if at < reading_at), default=last)
    head, tail, reading = lines[:first], lines[last + 1 : reading_at], lines[reading_at + 1 :]
    bare = [_bare(line) for line in head]
    titles = [line for line in bare if not _date_in(line, today) and not _SALUTATION.match(line)]
    titles += [f"Open letter to {dear[1]}" for line in bare if (dear := _DEAR.match(line))]
    signed = [_bare(line) for line in tail]
    headings = [line for line in lines[first : last + 1] if line.lstrip().startswith("#")]
    never = [*head, *headings, *tail, *lines[reading_at:]]
    return Proposal(
        title=titles[0] if titles else "",
        date=next(filter(None, (_date_in(line, today) for line in (*head, *tail, text))), None),
        signatories=tuple(dict.fromkeys(line for line in signed if _is_name(line, today))),
        never=tuple(dict.fromkeys(filter(None, (_unique(_bare(line), text) for line in never)))),
        reading=tuple(_reading(_bare(line), links) for line in reading),
    )


def graphic_of(sentences: Sequence[str], text: str) -> tuple[str, ...]:
    """Return the sentences that seem to need a warning, as far as English words tell."""
    return tuple(each for each in sentences if _GRAPHIC.search(each) and text.count(each) == 1)


def _lines(text: str) -> Iterator[str]:
    """Return the paragraphs; one of headings, entries or short lines by its lines."""
    for start, end in paragraphs(text):
        lines = text[start:end].split("\n")
        is_one = all(map(_is_prose, lines)) or not any(
            _MARK.match(line) or len(line) <= _LONGEST_NAME for line in lines
        )
        yield from [text[start:end]] if is_one and not _MARK.match(text, start) else lines


def _bare(line: str) -> str:
    mark = _MARK.match(line)
    return line[mark.end() if mark else 0 :].strip()


def _is_prose(line: str) -> bool:
    words = line.split()
    is_long = len(words) >= _WORDS_OF_PROSE or len(line) > _LONGEST_NAME
    is_sentence = regex.search(r"[.!?…。！？؟۔][”’\"')»]*$", line.strip()) and len(words) > 3
    return not line.lstrip().startswith("#") and bool(is_sentence or (is_long and "–" not in line))


def _is_reading(line: str) -> bool:
    return len(line) <= 60 and not _is_prose(line) and bool(_READING.search(line))


def _is_name(line: str, today: date) -> bool:
    no_name = _CLOSING.search(line) or _date_in(line, today) or _ADDRESS.search(line)
    return not no_name and "@" not in line and len(line) <= _LONGEST_NAME


def _unique(line: str, text: str) -> str:
    """Return the line so that it stands in the text once; empty where it cannot."""
    return next((each for each in (line, f"\n{line}", f"{line}\n") if text.count(each) == 1), "")


def _date_in(line: str, today: date) -> date | None:
    """Return the first day that is written out in a line and is not yet to come."""
    for found in (match for pattern in _DATES for match in pattern.finditer(line)):
        month = found["m"].casefold()
        with suppress(ValueError):  # no day, or a letter that only passes for one of ours: APRİL
            number = _MONTHS.index(month) + 1 if month in _MONTHS else int(month)
            if (day := date(int(found["y"]), number, int(found["d"]))) <= today:
                return day
    return None


def _reading(line: str, links: Mapping[str, str]) -> ListedPiece:
    written = _ADDRESS.search(line)
    linked = (address for words, address in links.items() if words and words in line)
    address = written[0].rstrip(".,);") if written else next(linked, "")
    words = line.replace(written[0], "").strip(" –—-:(") if written else line
    outlet, *title = _BETWEEN.split(words, maxsplit=1)
    return ListedPiece(outlet or words or line, title[0] if title else words or line, address)
