"""The proof that a quotation is its source's own words, character for character."""

import html
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import regex

from bot.content.comparing import Near, differences, fold, marked_differences, nearest
from bot.content.model import Quote, Source, Stretch
from bot.content.passages import goes_on_after, goes_on_before, is_inside_word, is_whole, section
from bot.content.values import written

OMISSION = "[…]"
_JOIN = regex.compile(r" ?\[…\] ?")
_BAD_OMISSION = regex.compile(r"\[\s*\.\.\.\s*\]|\(\s*(?:\.\.\.|…)\s*\)|\[ +… *\]|\[… +\]")
#: What people write for an omission.
_DOTS = regex.compile(r"\s*(?:\[\s*(?:\.{3}|…)\s*\]|\(\s*(?:\.{3}|…)\s*\)|\.{3,4}|…)\s*")
#: Notes, insertions and markup within a quotation; what stands around one, which the bot sets.
_INSERTED = regex.compile(
    r"\s?\[(?!\s*(?:\.{3}|…)\s*\])[^\]\n]*\]|[¹²³⁰-⁹]+|\*+|(?<!\w)_+|_+(?!\w)"
)
_AROUND = regex.compile(r"^(?:\s|[\"'“”„«»]|\[…\])+|(?:\s|[\"'“”„«»]|\[…\])+$")
#: More occurrences than this need no counting.
_MANY = 100
_SHOWN_DIFFERENCES = 5


@dataclass(frozen=True, slots=True)
class Proof:
    """A proved quotation, or what keeps it from being one; warnings go with either."""

    quote: Quote | None
    messages: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def prove(text: str, source: Source, *, others: Iterable[Source] = ()) -> Proof:
    """Prove that a text quotes a source exactly; an omission is written ``[…]``.

    Each fragment is found in order and without overlap, between words, outside of what is no text
    of the source's own. Where a fragment occurs more than once, its earliest place in order is
    taken, with a warning. ``others`` are looked through for a text that is not in ``source``.
    """
    if problem := _malformed(text):
        return Proof(None, (problem + _with_omissions(text, source),))
    spans: list[Stretch] = []
    messages: list[str] = []
    warnings: list[str] = []
    for fragment in fragments_of(text, source):
        found = islice(occurrences(source.text, fragment), _MANY)
        good = [span for span in found if usable(source, span)]
        later = occurrences(source.text, fragment, spans[-1][1] if spans else 0)
        span = next((span for span in later if usable(source, span)), None)
        if span is None:
            messages.append(_why_not(fragment, source, is_earlier=bool(good)))
            continue
        spans.append(span)
        if len(good) > 1:
            where = section(source.text, span[0], source.never_spans)
            warnings.append(
                f"{shortened(fragment)} stands {len(good)} times in {source.id!r}; the first in "
                f"order is taken ({where}); quote more words to be sure"
            )
    if messages:
        messages += (
            f"{other.id!r} has exactly this text; quote it with `source: {other.id}`"
            for other in others
            if other.id != source.id and prove(text, other).quote
        )
        return Proof(None, tuple(messages), tuple(warnings))
    quote = Quote(source.id, text, source_sha256=source.sha256, fragments=tuple(spans))
    return Proof(quote, (), tuple(warnings))


def fragments_of(text: str, source: Source) -> tuple[str, ...]:
    """Cut a quotation at its omissions, unless the source itself has these characters so."""
    return (text,) if text in source.text else tuple(_JOIN.split(text))


def is_exact(quote: Quote, source: Source) -> bool:
    """Return whether a proved quotation still is what its source says, character for character."""
    parts = tuple(source.text[start:end] for start, end in quote.fragments)
    return quote.source == source.id and fragments_of(quote.text, source) == parts


def _malformed(text: str) -> str | None:
    if not text.strip():
        return "empty; write the words that are quoted"
    if _BAD_OMISSION.search(text):
        return f"an omission is written {OMISSION}: square brackets around one … (U+2026)"
    fragments = _JOIN.split(text)
    if not all(fragment.strip() for fragment in fragments):
        return (
            f"{OMISSION} stands between two fragments, never at an end: "
            "the cut of a sentence is shown by rule"
        )
    if text != text.strip():
        where = "ends" if text == text.lstrip() else "begins"
        return f"{where} with a space or line break; take it away (in YAML, `|-` and `>-` do)"
    return None


def _with_omissions(text: str, source: Source) -> str:
    """Say how a quotation is written that is right but for what people put into or around one."""
    bare = _INSERTED.sub("", html.unescape(text))
    right = _AROUND.sub("", _DOTS.sub(f" {OMISSION} ", bare))
    return f"; write: {right}" if right != text and prove(right, source).quote else ""


def occurrences(text: str, part: str, start: int = 0) -> Iterator[Stretch]:
    """Return each place where ``part`` stands, overlapping ones too."""
    at = text.find(part, start)
    while at >= 0:
        yield at, at + len(part)
        at = text.find(part, at + 1)


def overlaps(span: Stretch, spans: Iterable[Stretch]) -> bool:
    """Return whether a stretch shares a character with any of the others."""
    return any(span[0] < end and start < span[1] for start, end in spans)


def usable(source: Source, span: Stretch) -> bool:
    """Return whether a stretch begins and ends between words, in the source's own text."""
    return is_whole(source.text, *span) and not overlaps(span, source.never_spans)


def _why_not(fragment: str, source: Source, *, is_earlier: bool) -> str:
    if is_earlier:
        return (
            f"{shortened(fragment)} does not follow the fragment before it in {source.id!r}; "
            "fragments stand in the source's own order and do not overlap"
        )
    found = next(occurrences(source.text, fragment), None)
    message = _torn(fragment, source, found) if found else _look_alike(fragment, source)
    if message:
        return message
    if parts := _two_places(fragment, source):
        return (
            f"{shortened(fragment)} joins two passages of {source.id!r} that do not stand side by "
            f"side; an omission is written {OMISSION}: {parts[0]} {OMISSION} {parts[1]}"
        )
    near = nearest(fragment, source)
    if near is None:
        return f"{shortened(fragment)} is not in {source.id!r}, nor anything like it"
    place = section(source.text, near.start, source.never_spans)
    hint = _with_omissions(fragment, source)
    if ("..." in fragment or "…" in fragment) and OMISSION in hint + OMISSION * (not hint):
        hint = f"; an omission is written {OMISSION}{hint}"
    ours, theirs = marked_differences(fragment, near.text)
    return (
        f"{shortened(fragment)} is not in {source.id!r}{hint}; nearest, {place}: {near.text} "
        f"(what differs: {ours}, where the source has {theirs})"
    )


def _two_places(fragment: str, source: Source) -> tuple[str, str] | None:
    """Return the two passages that a text consists of, in the source's order; else None."""
    for cut in (match.start() for match in regex.finditer(r"\s+", fragment)):
        first, second = fragment[:cut], fragment[cut:].strip()
        firsts = occurrences(source.text, first)
        start = next((each for each in firsts if usable(source, each)), None)
        if start is None:
            return None  # nor is any longer beginning
        later = occurrences(source.text, second, start[1])
        place = next((each for each in later if usable(source, each)), None)
        if second and place and regex.search(r"\w", source.text[start[1] : place[0]]):
            return first, second
    return None


def _torn(fragment: str, source: Source, span: Stretch) -> str:
    if overlaps(span, source.never_spans) and is_whole(source.text, *span):
        return (
            f"{shortened(fragment)} is no text of {source.id!r} itself "
            "(a date, salutation, signature or list of titles) and may not be quoted as such"
        )
    where = "begins" if is_inside_word(source.text, span[0]) else "ends"
    start, end = span
    while is_inside_word(source.text, start):
        start -= 1
    while is_inside_word(source.text, end):
        end += 1
    whole = shortened(source.text[start:end])
    return f"{shortened(fragment)} {where} inside a word of {source.id!r}; whole words: {whole}"


def _look_alike(fragment: str, source: Source) -> str:
    """Show the right characters where only their typography is wrong."""
    span = look_alike(fragment, source)
    if span is None:
        return ""
    right = source.text[slice(*span)]
    shown = [*map(str, islice(differences(fragment, right), _SHOWN_DIFFERENCES + 1))]
    shown[_SHOWN_DIFFERENCES:] = ["…"] if shown[_SHOWN_DIFFERENCES:] else []
    # Over several lines it can be copied with escapes only.
    right = written(right) if "\n" in right else right
    return f"{source.id!r} has other characters: {'; '.join(shown)}. Write: {right}"


def look_alike(fragment: str, source: Source) -> Stretch | None:
    """Find where a source has a text but for look-alike characters."""
    folded, wanted = fold(source.text), fold(fragment).text
    found = occurrences(folded.text, wanted) if wanted.strip() else ()
    spans = (folded.original(start, end) for start, end in found)
    return next((span for span in spans if usable(source, span)), None)


def shortened(text: str, most: int = 80) -> str:
    """Show a text in a message: on one line, in quotation marks, cut where it is long."""
    one_line = " ".join(text.split())
    return f"“{one_line if len(one_line) <= most else one_line[: most - 1] + '…'}”"


@dataclass(frozen=True, slots=True)
class Found:
    """One place of a text in a source."""

    source: str
    start: int
    end: int
    section: str
    cut_before: bool
    cut_after: bool
    #: Why it may not be quoted from there; empty where it may.
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Located:
    """Where a text stands, or what comes nearest."""

    exact: tuple[Found, ...]
    #: For a text that is nowhere: by source, which characters are wrong and what is right.
    look_alikes: tuple[tuple[str, str], ...] = ()
    #: For a text that is nowhere and looks like nothing: best first.
    nearest: tuple[Near, ...] = ()


def quotes_graphic(quote: Quote, sources: Mapping[str, Source]) -> bool:
    """Return whether a quotation, or the original that it translates, has a graphic passage."""
    return any(
        overlaps(span, sources[part.source].graphic_spans)
        for part in (quote, quote.translates)
        if part and part.source in sources
        for span in part.fragments
    )


def locate(text: str, sources: Iterable[Source]) -> Located:
    """Find a text in all sources; where it is nowhere, what looks like it or is nearest."""
    sources = tuple(sources) if text.strip() else ()
    exact = tuple(found for source in sources for found in _found(text, source))
    if exact:
        return Located(exact)
    alike = [(source.id, _look_alike(text, source)) for source in sources]
    look_alikes = tuple((name, message) for name, message in alike if message)
    near = [] if look_alikes else [found for source in sources if (found := nearest(text, source))]
    return Located((), look_alikes, tuple(sorted(near, key=lambda found: -found.ratio)))


def _found(text: str, source: Source) -> Iterator[Found]:
    is_joined = len(fragments_of(text, source)) > 1
    places = list(islice(occurrences(source.text, text), _MANY))
    if is_joined:
        quote = prove(text, source).quote
        places = [(quote.fragments[0][0], quote.fragments[-1][1])] if quote else []
    for start, end in places:
        yield found_at(source, start, end, is_joined=is_joined)


def found_at(source: Source, start: int, end: int, *, is_joined: bool = False) -> Found:
    """Describe a stretch of a source: its section, which sentences it cuts, whether it may go."""
    fine = is_joined or usable(source, (start, end))
    return Found(
        source.id,
        start,
        end,
        section(source.text, start, source.never_spans),
        goes_on_before(source.text, start),
        goes_on_after(source.text, end, start),
        "" if fine else _torn(source.text[start:end], source, (start, end)),
    )
