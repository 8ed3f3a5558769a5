"""Where words, sentences and paragraphs of a source begin and end."""

from functools import lru_cache

import regex

#: Unicode's default word boundaries (UAX 29): an apostrophe inside a word is no boundary, and
#: each Han character is a word, so that languages without spaces can be quoted too.
_BOUNDARY = regex.compile(r"(?w)\b")
_BREAK = r"(?>\r\n?|\n)"
_PARAGRAPH_BREAK = regex.compile(rf"{_BREAK}(?:[ \t]*{_BREAK})+")
_HEADING = regex.compile(r"(?m)^#{1,6}[ \t]+(.+?)[ \t]*$")
_HYPHENS = "-\u2010\u2011"
#: Sentences of the Latin, Arabic, CJK, Devanagari, Armenian, Ethiopic and Myanmar scripts end so.
_FINAL = ".!?…。！？｡．؟۔।॥։።၊။‼⁇⁈⁉"
_CLOSING = "”’\"')]}»›」』）】〉》"
_OPENING = "“‘„‚\"'([{«‹「『（【〈《¿¡"
_ENTRY = r"(?:[-*•–—]|\d+[.)])"
#: What stands before the first words of a list's entry, and after the last ones of another.
_ENTRY_BEFORE = regex.compile(rf"(?:^|[\r\n])[ \t]*{_ENTRY}\s+$")
_ENTRY_AFTER = regex.compile(rf"([^\p{{L}}\p{{N}}\r\n]*)[\r\n]+[ \t]*{_ENTRY}[ \t]+")
#: A full stop after these does not end a sentence; nor after a single letter (an initial).
_ABBREVIATION = regex.compile(
    r"(?i)(?:^|[^\p{L}.])(?:(?:\p{L}\.)*\p{L}|dr|mr|mrs|ms|prof|st|sen|rep|gov|gen|col|lt|jr|sr|no|nos|vs"
    r"|cf|etc|fig|art|vol|ed|eds|approx|dept|inc|ltd|corp|jan|feb|mar|apr|jun|jul|aug|sept?|oct"
    r"|nov|dec)\.$"
)


def is_inside_word(text: str, at: int) -> bool:
    """Return whether a cut at this position would tear a word; hyphens hold a word together."""
    if at <= 0 or at >= len(text):
        return False
    if _BOUNDARY.match(text, at) is None and not (text[at - 1].isspace() and text[at].isspace()):
        return True
    before, after = text[max(0, at - 2) : at], text[at : at + 2]
    hyphen_after = after[0] in _HYPHENS and len(after) > 1 and before[-1].isalnum()
    hyphen_before = before[-1] in _HYPHENS and len(before) > 1 and after[0].isalnum()
    return (hyphen_after and after[1].isalnum()) or (hyphen_before and before[0].isalnum())


def is_whole(text: str, start: int, end: int) -> bool:
    """Return whether a stretch neither begins nor ends inside a word."""
    return not is_inside_word(text, start) and not is_inside_word(text, end)


@lru_cache(maxsize=32)
def paragraphs(text: str) -> tuple[tuple[int, int], ...]:
    """Return the (start, end) of each paragraph; blank lines part them, spaces at the ends stay."""
    breaks = [match.span() for match in _PARAGRAPH_BREAK.finditer(text)]
    starts = [0, *(end for _, end in breaks)]
    ends = [*(start for start, _ in breaks), len(text)]
    pairs = zip(starts, ends, strict=True)
    return tuple((start, end) for start, end in pairs if text[start:end].strip())


def paragraph_at(text: str, at: int) -> tuple[int, int]:
    """Return the paragraph in which a position lies; an empty one between two."""
    return next(((start, end) for start, end in paragraphs(text) if start <= at <= end), (at, at))


@lru_cache(maxsize=1024)
def section(text: str, at: int, never: tuple[tuple[int, int], ...] = ()) -> str:
    """Name the place for a reader: the last heading, and which paragraph of the text proper.

    Paragraphs that lie in ``never`` (date, salutation, signatures) are not counted.
    """
    headings = [match for match in _HEADING.finditer(text) if match.start() <= at]
    since = headings[-1].end() if headings else 0
    count = sum(
        since <= start <= at and not any(a <= start and end <= b for a, b in never)
        for start, end in paragraphs(text)
    )
    parts = [match[1] for match in headings[-1:]]
    return ", ".join([*parts, f"paragraph {count}"] if count else parts)


def goes_on_before(text: str, start: int) -> bool:
    """Return whether the sentence began before ``start``.

    After a colon, a clause with a capital first letter is a complete sentence. An entry of a
    list begins one.
    """
    first, _ = paragraph_at(text, start)
    before = text[first:start].rstrip()
    opened = before.rstrip(_OPENING).rstrip()
    if not opened or _ENTRY_BEFORE.search(before + " "):
        return False
    letter = next((char for char in text[start:] if char.isalpha()), "")
    if letter.islower():
        return True
    return not (letter.isupper() if opened.endswith((":", "：")) else _ends_sentence(opened))


def goes_on_after(text: str, end: int, start: int = 0) -> bool:
    """Return whether the sentence that is cut at ``end`` has more words in the same paragraph.

    Only a full stop or closing marks left over are no words, so nothing is cut.
    """
    _, last = paragraph_at(text, end)
    rest = text[end:last]
    following = regex.search(r"[\p{L}\p{N}]", rest)
    if following is None:
        return False
    if entry := _ENTRY_AFTER.match(rest):
        return not _ends_sentence(text[start : end + entry.end(1)])
    ended = text[start : end + following.start()].rstrip().rstrip(_OPENING).rstrip()
    return not _ends_sentence(ended) or following[0].islower()


def _ends_sentence(text: str) -> bool:
    bare = text.rstrip().rstrip(_CLOSING).rstrip()
    if not bare or bare[-1] not in _FINAL:
        return False
    return not (bare[-1] == "." and _ABBREVIATION.search(bare[-24:]))
