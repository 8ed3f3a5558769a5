"""A passage by its first and last words, and the lines of YAML that quote it."""

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

import regex

from bot.content.identifiers import id_fault, skeleton
from bot.content.model import Source
from bot.content.quoting import Found, Located, found_at, locate, occurrences, overlaps, shortened
from bot.content.values import written

#: What stands for the words between; an omission within brackets is part of a quotation.
_BETWEEN = regex.compile(r"(?<!\[)\s*(?:…|\.\.\.)\s*(?!\])")
_NO_SIGN = regex.compile(r"[^\p{L}\p{M}\p{Nd}]+")
_ACCENTS = regex.compile(r"(?<=\p{Latin}\p{M}*)\p{M}")
#: Where words may be cut, so that the work for one question is bounded.
_MOST = 20
#: Places of the same words that are shown; characters shown before and after one.
_PLACES, _AROUND = 5, 60
_WORDS_OF_ID, _LONGEST_ID, _LONGEST_WORD, _SHORTEST_ID = 5, 48, 24, 4


def find_passage(words: str, sources: Iterable[Source]) -> Located:
    """Find a passage by its exact words, or by ``first words … last words``.

    Each place that the words may mean is in the answer. Where there is none, what looks like the
    words that are nowhere, or is nearest to them.
    """
    sources, words = tuple(sources), words.strip()
    located = locate(words, sources)
    first, *rest = _BETWEEN.split(words)
    if located.exact or len(rest) != 1 or not (first and rest[0]):
        return located
    found = tuple(each for source in sources for each in _between(first, rest[0], source))
    if found:
        return Located(found)
    parts = (locate(part, sources) for part in (first, rest[0]))
    return next((part for part in parts if not part.exact), located)


def _between(first: str, last: str, source: Source) -> Iterator[Found]:
    for start, end in islice(occurrences(source.text, first), _MOST):
        for _, stop in islice(occurrences(source.text, last, end), _MOST):
            # What reaches into a list of titles or signatures is not what anybody means.
            if not overlaps((start, stop), source.never_spans):
                yield found_at(source, start, stop)


def chosen(located: Located) -> Found | None:
    """Return the one place that words mean; None where there is none, or more than one."""
    usable = [each for each in located.exact if not each.problem]
    return usable[0] if len(usable) == 1 else None


def unclear_lines(located: Located, sources: Mapping[str, Source]) -> Iterator[str]:
    """Say why words mean no passage, or each that they may mean, by how it begins and ends."""
    usable = [each for each in located.exact if not each.problem]
    if not usable:
        yield from [f"{each.source}: {each.problem}" for each in located.exact[:_PLACES]] or (
            located_lines(located, sources)
        )
        return
    yield f"{len(usable)} places have these words; write more of them:"
    for each in usable[:_PLACES]:
        text = sources[each.source].text
        first, last = text[each.start : each.end][:40], text[max(each.start, each.end - 40) :][:80]
        yield f"{each.source}: characters {each.start} to {each.end}, {each.section}"
        yield f"  begins {shortened(first)}, ends and goes on {shortened(last)}"


def located_lines(located: Located, sources: Mapping[str, Source]) -> Iterator[str]:
    """Say where a text stands, or what is wrong with it, or what is near."""
    for found in located.exact:
        source = sources[found.source]
        before = source.text[max(0, found.start - _AROUND) : found.start].replace("\n", " ")
        after = source.text[found.end : found.end + _AROUND].replace("\n", " ")
        section = f", {found.section}" if found.section else ""
        yield f"{found.source}: characters {found.start} to {found.end}{section}"
        yield f"  {before}⟦{source.text[found.start : found.end]}⟧{after}"
        yield f"  {source.attribution}"
    for name, message in located.look_alikes:
        yield f"{name}: not these characters: {message}"
    for near in located.nearest:
        yield f"{near.source}: nowhere; nearest ({near.ratio:.0%} alike): {near.text}"
    if not (located.exact or located.look_alikes or located.nearest):
        yield "nowhere, and nothing is near"


def propose_id(text: str, source: str, taken: Collection[str]) -> str:
    """Return an id of a passage's first words that no other post has."""
    plain = unicodedata.normalize("NFKD", text).replace("’", "").lower()
    words = _NO_SIGN.split(unicodedata.normalize("NFKC", _ACCENTS.sub("", plain)))
    # What is written without spaces is one long word.
    kept = [word[:_LONGEST_WORD] for word in words if word][:_WORDS_OF_ID]
    while kept and (len("-".join(kept)) > _LONGEST_ID or id_fault("-".join(kept))):
        kept.pop()
    own = "-".join(kept)
    # A number, or a word or two, says nothing of a passage.
    stem = source[:_LONGEST_ID] if len(own) < _SHORTEST_ID or own.isdecimal() else own
    numbers, known = (f"{stem}-{number}" for number in range(2, len(taken) + 3)), set(taken)
    known |= set(map(skeleton, taken))
    return next(name for name in (stem, *numbers) if known.isdisjoint({name, skeleton(name)}))


@dataclass(frozen=True, slots=True)
class QuotingPost:
    """A post that quotes a passage, before it stands in a file."""

    id: str
    source: str
    #: The exact words.
    text: str
    #: ``queue`` or ``at``, and its value.
    when: tuple[str, str]
    author: str
    #: Of a translation: the words that it translates.
    original: str = ""
    link: str = ""
    #: Empty for all.
    accounts: tuple[str, ...] = ()
    thread: bool = False
    warning: str = ""
    #: Other warnings by account or platform.
    warnings: Mapping[str, str] = field(default_factory=dict)
    status: str = "ready"

    def lines(self) -> Iterator[str]:
        """Write its entry in a list of posts; read again, each text is the same to the byte."""
        yield f"  - id: {self.id}"
        yield "    quote:"
        yield f"      source: {self.source}"
        yield f"      text: {written(self.text)}"
        if self.original:
            yield f"      original: {written(self.original)}"
        yield f"    {self.when[0]}: {self.when[1]}"
        if self.link:
            yield f"    link: {self.link}"
        if self.accounts:
            yield f"    accounts: [{', '.join(self.accounts)}]"
        if self.thread:
            yield "    thread: true"
        if self.warning:
            yield f"    warning: {written(self.warning)}"
        if self.warnings:
            yield "    variants:"
        for name, warning in self.warnings.items():
            yield f"      {name}: {{warning: {written(warning)}}}"
        yield f"    author: {written(self.author)}"
        yield f"    status: {self.status}"


def file_of(posts: Iterable[QuotingPost]) -> str:
    """Write a whole file of posts."""
    posts = tuple(posts)
    if not posts:
        return "posts: []\n"
    return "\n".join(["posts:", *(line for post in posts for line in ("", *post.lines()))]) + "\n"
