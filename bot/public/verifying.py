"""Whether a text is ours: quoted exactly, published, altered, retracted or corrected, or nowhere.

It needs a record and nothing else, so anybody can ask, anywhere.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import cached_property
from urllib.parse import urlsplit

import regex

from bot.canonical import sha256_hex
from bot.checks.quotation_marks import Marked, marked_spans
from bot.content.comparing import Near, differences, fold, marked_differences, nearest
from bot.content.model import Quote, Source
from bot.content.quoting import fragments_of, locate, look_alike, prove
from bot.errors import DecisionError
from bot.planning.corrections import PublicCorrection
from bot.public.record import PublicRecord, PublishedStatus, squeezed
from bot.rendering.layout import END_ISOLATE, ISOLATE
from bot.rendering.similarity import words

#: Fewer words are in many texts, and prove nothing.
FEWEST_WORDS = 3
#: Characters of a text: finding its quotation marks takes the square of them.
LONGEST = 15_000
#: Published texts that are compared word by word: those with most words in common.
_COMPARED = 2
_SHOWN = 8
_MARKED = regex.compile(r"(?s)…?(?:“(.+)”|„(.+)[“”]|‘(.+)’|«(.+)»|‹(.+)›|「(.+)」|\"(.+)\")…?")

_ISOLATED = regex.compile(rf"(?m)^{ISOLATE}([^{ISOLATE}{END_ISOLATE}]*){END_ISOLATE}$")


class Provenance(StrEnum):
    """What a text is."""

    PUBLISHED = "quoted exactly, and published"
    EXACT = "quoted exactly, not published by us"
    CORRECTED = "published, and corrected since"
    RETRACTED = "published, and taken down since"
    AMONG_OTHERS = "quoted exactly, among words that are not ours"
    ALTERED = "altered"
    NOWHERE = "nowhere in the sources"


#: Nothing is wrong with these.
FINE = frozenset({Provenance.PUBLISHED, Provenance.EXACT})


@dataclass(frozen=True, slots=True)
class Verified:
    """What a text is, and what shows it."""

    answer: Provenance
    text: str
    #: Where it is or was published.
    statuses: tuple[PublishedStatus, ...] = ()
    #: Ids of the sources that have it.
    sources: tuple[str, ...] = ()
    #: Of an altered text: its part that differs, what that was made from, and of whom that is.
    compared: str = ""
    right: str = ""
    right_from: str = ""
    #: The words that differ: of the text, of what is right.
    marked: tuple[str, str] = ("", "")
    #: For people: single characters that differ, or why it may not be quoted.
    details: tuple[str, ...] = ()
    corrections: tuple[PublicCorrection, ...] = ()

    @property
    def is_fine(self) -> bool:
        return self.answer in FINE


class RecordVerifier:
    """Answers for one record."""

    def __init__(self, record: PublicRecord) -> None:
        self.record = record
        self._sources = {each.id: each.source for each in record.sources}

    def verify(self, text: str) -> Verified:
        """Return what a text is, or the status at an address; white space makes no difference.

        Raises:
            DecisionError: it is too long.
        """
        text = text.strip()
        if len(text) > LONGEST:
            raise DecisionError(f"a text has at most {LONGEST:,} characters; give the passage only")
        if regex.fullmatch(r"[a-z]+:\S+", text):
            return self._at_address(text)
        if same := self._by_text.get(sha256_hex(squeezed(text))):
            return self._published(Verified(Provenance.PUBLISHED, text, tuple(same)))
        bare, named = _bare(text, self._sources.values())
        if len(words(bare)) < FEWEST_WORDS:
            return Verified(Provenance.NOWHERE, text, details=("too short to tell",))
        # Paragraphs stay what they are; lines that a program broke are one.
        quotes = self._proofs(bare) or self._proofs(squeezed(bare))
        if not quotes:
            return self._not_exact(text, squeezed(bare))
        if of_named := [quote for quote in quotes if not named or quote.source in named]:
            return self._quoted(text, of_named)
        why = f"the words are of {quotes[0].source!r}; the attribution is of {named[0]!r}"
        return Verified(Provenance.ALTERED, text, sources=(quotes[0].source,), details=(why,))

    def _proofs(self, text: str) -> list[Quote]:
        """Return how each source that has a text exactly has it."""
        has = (each for each in self._sources.values() if fragments_of(text, each)[0] in each.text)
        return [quote for source in has if (quote := prove(text, source).quote)]

    @cached_property
    def _by_text(self) -> Mapping[str, list[PublishedStatus]]:
        """Published statuses by the hash of their text, with its folded warning, or of a thread."""
        found: dict[str, list[PublishedStatus]] = defaultdict(list)
        threads: dict[str, list[PublishedStatus]] = defaultdict(list)
        for each in self.record.statuses:
            found[each.text_sha256].append(each)
            threads[each.publication].append(each)
            if each.status.warning:
                whole = f"{each.status.warning} {each.status.text}"
                found[sha256_hex(squeezed(whole))].append(each)
        for parts in threads.values():
            parts.sort(key=lambda each: each.part)
            whole = squeezed(" ".join(each.status.text for each in parts))
            found[sha256_hex(whole)] += parts if len(parts) > 1 and whole else ()
        return found

    def _at_address(self, text: str) -> Verified:
        at, known = _address(text), self.record.statuses
        found = tuple(each for each in known if each.url and _address(each.url) == at)
        if not found:
            why = "no status of ours is at this address"
            return Verified(Provenance.NOWHERE, text, details=(why,))
        right = "\n\n".join(filter(None, (each.status.text for each in found)))
        return self._published(Verified(Provenance.PUBLISHED, text, found, right=right))

    def _quoted(self, text: str, quotes: list[Quote]) -> Verified:
        known = self.record.statuses
        found = tuple(each for each in known if any(_covers(each, quote) for quote in quotes))
        sources = tuple(quote.source for quote in quotes)
        if not found:
            return Verified(Provenance.EXACT, text, sources=sources)
        return self._published(Verified(Provenance.PUBLISHED, text, found, sources))

    def _published(self, found: Verified) -> Verified:
        """Say so where what was published does not count any more."""
        posts = {each.post for each in found.statuses}
        about = tuple(each for each in self.record.corrections if each.post in posts)
        corrected = {each.post for each in about if each.kind == "correction"}
        live = {each.post for each in found.statuses if each.is_live}
        now = Provenance.CORRECTED if live <= corrected else found.answer
        return replace(found, answer=now if live else Provenance.RETRACTED, corrections=about)

    def _not_exact(self, text: str, bare: str) -> Verified:
        outer = [each for each in _outer(text) if len(words(each.text)) >= FEWEST_WORDS]
        proofs = {each.text: self._proofs(each.text) for each in outer}
        wrong = [quoted for quoted, found in proofs.items() if not found]
        if wrong:
            return self._nearest(text, wrong[0], None)
        published = self._nearest_published(text)
        found = self._nearest(text, bare, published)
        if outer and not self._is_ours_around(text, [*proofs], found.right):
            quotes = [quote for found in proofs.values() for quote in found]
            sources = tuple(dict.fromkeys(quote.source for quote in quotes))
            return Verified(Provenance.AMONG_OTHERS, text, sources=sources, details=tuple(proofs))
        return found

    def _is_ours_around(self, text: str, quoted: list[str], right: str) -> bool:
        """Return whether most words around exact quotations are, or were, ours too."""
        attributions = [squeezed(each.attribution) for each in self._sources.values()]
        around, ours = squeezed(text), squeezed(right)
        for known in (*attributions, *map(squeezed, quoted)):
            if known in around:
                around, ours = around.replace(known, " "), ours.replace(known, " ")
        ours = " ".join((ours, *(each for each in attributions if each not in text)))
        counts = Counter(words(around))
        return (counts & Counter(words(ours))).total() * 2 >= counts.total()

    def _nearest(self, text: str, part: str, published: Near | None) -> Verified:
        """Say what the part of a text that is in no source was made from."""
        found = locate(part, self._sources.values())
        for each in found.exact:  # torn, or no text of the source's own
            return Verified(
                Provenance.ALTERED, text, sources=(each.source,), details=(each.problem,)
            )
        for source in self._sources.values():
            if span := look_alike(part, source):
                right = source.text[slice(*span)]
                return _altered(text, Near(source.id, *span, right, 1.0), part)
        best = found.nearest[0] if found.nearest else None
        if published and (best is None or published.ratio > best.ratio):
            return _altered(text, published)
        return _altered(text, best, part) if best else Verified(Provenance.NOWHERE, text)

    def _nearest_published(self, text: str) -> Near | None:
        """Return the published text that is most like one, if any is."""
        asked = set(words(text))
        shares = [(len(asked & known), number) for number, (known, _) in enumerate(self._texts)]
        likely = sorted(shares, reverse=True)[:_COMPARED]
        near = (nearest(text, self._texts[number][1]) for share, number in likely if share)
        return max(filter(None, near), key=lambda each: each.ratio, default=None)

    @cached_property
    def _texts(self) -> list[tuple[set[str], Source]]:
        texts = {each.status.text: each for each in self.record.statuses if each.status.text}
        return [
            (set(words(text)), Source("", "", "", "", date.min, (), id=each.post, text=text))
            for text, each in texts.items()
        ]


def _altered(text: str, near: Near, part: str = "") -> Verified:
    compared = part or text
    details: Iterable[str] = ()
    if fold(compared).text == fold(near.text).text:
        details = map(str, list(differences(compared, near.text))[:_SHOWN])
    marked = marked_differences(compared, near.text)
    return Verified(
        Provenance.ALTERED, text, compared=compared, right=near.text, right_from=near.source,
        marked=marked, details=tuple(details),
    )  # fmt: skip


def _covers(published: PublishedStatus, quote: Quote) -> bool:
    """Return whether a status quotes all of a quotation, with no other omission."""
    spans = [
        (span.start, span.end) for span in published.status.spans
        if (span.source, span.source_sha256) == (quote.source, quote.source_sha256)
    ]  # fmt: skip
    if len(quote.fragments) > 1:  # what is left out between them is part of it
        return {*quote.fragments} <= {*spans}
    return any(a <= start and end <= b for start, end in quote.fragments for a, b in spans)


def _outer(text: str) -> Iterator[Marked]:
    """Yield the stretches between quotation marks that are in no other one."""
    end = 0
    for each in marked_spans(text)[0]:
        if each.start >= end:
            yield each
            end = each.end


def _bare(text: str, sources: Iterable[Source]) -> tuple[str, list[str]]:
    """Return a quotation without its attribution, link and marks; and whose attribution that was.

    Several sources may have the same one.
    """
    named: list[str] = []
    sources = tuple(sources)
    # Our own lines are isolated as wholes; within a line, isolates change what people see.
    bare = _ISOLATED.sub(r"\1", text.replace("\r\n", "\n")).strip()
    for source in sources:
        if source.address:
            bare = regex.sub(rf"\s+{regex.escape(source.address)}(?:(?:#|:~:)\S*)?$", "", bare)
    if found := next((each.attribution for each in sources if bare.endswith(each.attribution)), ""):
        bare = bare.removesuffix(found).rstrip()
        named = [each.id for each in sources if each.attribution == found]
    marked = _MARKED.fullmatch(bare)
    return next(filter(None, marked.groups())) if marked else bare, named


def _address(url: str) -> str:
    """Return an address without what does not name the status: query, fragment, letter case."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    return f"{parts.netloc.lower().removeprefix('www.')}{parts.path.rstrip('/')}"
