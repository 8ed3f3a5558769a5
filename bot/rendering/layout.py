"""How the blocks of a status stand together; and links that open a page at the quoted words."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote as percent_encoded

import regex

from bot.content.model import Quote, Source, Stretch
from bot.content.passages import goes_on_after, goes_on_before, paragraph_at, section
from bot.content.quoting import OMISSION
from bot.platforms.status import Span

#: Browsers match whole words, so a directive begins and ends at one and needs no punctuation.
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}_]+(?:[’'\u200c-][\p{L}\p{M}\p{N}_]+)*")
#: Up to this many words are named whole; longer passages by their first and last words.
_WHOLE = 6


def with_text_fragment(address: str, source: str, spans: Iterable[Stretch]) -> str:
    """Return a link that scrolls to, and marks, the quoted stretches of a source's page.

    A stretch that the source's words cannot name without doubt is left out; with none left, the
    address stays as it is. A fragment that the address already has is kept.
    """
    directives = [found for span in spans if (found := directive(source, span))]
    if not directives:
        return address
    joint = ":~:" if "#" in address else "#:~:"
    return address + joint + "&".join(f"text={found}" for found in directives)


@lru_cache(maxsize=4096)
def directive(source: str, span: Stretch) -> str:
    """Name one stretch by the fewest words that occur once in the source; empty where none do.

    Case and the width of white space are ignored, as browsers do.
    """
    words = [match.span() for match in _WORD.finditer(source, *span)]
    if not words:
        return ""
    known = _known(source)
    for start, *end in _ranges(source, words):
        texts = [source[slice(*term)] for term in (start, *end)]
        if all(_is_unique(text, known) for text in texts):
            return ",".join(_encoded(text) for text in texts)
    return _with_context(source, words, known)


def _ranges(source: str, words: list[Stretch]) -> Iterator[tuple[Stretch, ...]]:
    """List candidates from the shortest: the whole stretch, or its first and last words.

    A directive's term may not run over the end of a paragraph, but a range may.
    """
    whole = (words[0][0], words[-1][1])
    blocks = [paragraph_at(source, start) for start, _ in words]
    if blocks[0] == blocks[-1] and len(words) <= _WHOLE:
        yield (whole,)
    first = [word for word, block in zip(words, blocks, strict=True) if block == blocks[0]]
    last = [word for word, block in zip(words, blocks, strict=True) if block == blocks[-1]]
    for count in range(2, len(words) // 2 + 1):
        start = (words[0][0], first[min(count, len(first)) - 1][1])
        end = (last[-min(count, len(last))][0], words[-1][1])
        yield start, end
    if blocks[0] == blocks[-1]:
        yield (whole,)


def _with_context(source: str, words: list[Stretch], known: str) -> str:
    """Name a short stretch that occurs more often by the words before or after it as well."""
    start, end = words[0][0], words[-1][1]
    first, last = paragraph_at(source, start)
    if end > last:
        return ""
    text = source[start:end]
    for other in reversed([m.start() for m in _WORD.finditer(source, first, start)]):
        if _is_unique(source[other:end], known):
            return f"{_encoded(source[other:start].rstrip())}-,{_encoded(text)}"
    for other in [m.end() for m in _WORD.finditer(source, end, last)]:
        if _is_unique(source[start:other], known):
            return f"{_encoded(text)},-{_encoded(source[end:other].lstrip())}"
    return ""


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


_known = lru_cache(maxsize=8)(_plain)


def _is_unique(text: str, known: str) -> bool:
    """Return whether a text occurs once; a place inside other words counts too, to be safe."""
    plain = _plain(text)
    at = known.find(plain)
    return at >= 0 and known.find(plain, at + 1) < 0


def _encoded(text: str) -> str:
    """Percent-encode as the specification asks: comma, ampersand and hyphen have a meaning."""
    return percent_encoded(" ".join(text.split()), safe="").replace("-", "%2D")


#: First strong isolate, and its end: they stand outside of quoted words, never inside.
ISOLATE, END_ISOLATE = "\u2068", "\u2069"
_PAIRS = (("“", "”"), ("‘", "’"), ("«", "»"), ("‹", "›"), ("「", "」"))
#: First marks of languages whose own are not “…” (CLDR, and newspapers for Arabic and Uyghur).
_OWN_PAIRS = {
    ("«", "»"): "ar az be ckb el es fa hy kk ky nb nn no ps ru ug uk ur",
    ("„", "“"): "bg cs da de et hr is ka lt lv mk sk sl sr",
    ("„", "”"): "hu pl ro",
    ("「", "」"): "ja zh-Hant zh-HK zh-TW yue",
}
_PAIR_OF = {lang: pair for pair, langs in _OWN_PAIRS.items() for lang in langs.split()}
#: What stands between double marks, without others in it.
_MARKED = regex.compile("“[^“”«»„「」]*”|«[^“”«»„「」]*»|„[^“”«»„「」]*[“”]|「[^“”«»„「」]*」")
_OMISSION = regex.compile(r" ?\[…\] ?")
_LONE_SINGLE = regex.compile(r"‘|(?<!\p{L})’|’(?!\p{L})")


def marks_for(text: str, own: tuple[str, str] = _PAIRS[0]) -> tuple[str, str]:
    """Choose marks that do not occur in what they stand around.

    The source's ``own`` first, else “…”, ‘…’, «…».
    """
    for opening, closing in (own, *_PAIRS):
        is_single = opening == "‘"
        if not (_LONE_SINGLE.search(text) if is_single else {opening, closing} & set(text)):
            return opening, closing
    return "“", "”"


@lru_cache(maxsize=64)
def own_marks(lang: str, text: str) -> tuple[str, str]:
    """Return the double marks that a source has most often; of its language where it has none."""
    usual = _PAIR_OF.get(lang) or _PAIR_OF.get(lang.partition("-")[0], _PAIRS[0])
    counts = Counter(match[0][:: len(match[0]) - 1] for match in _MARKED.finditer(text))
    pairs = dict.fromkeys((usual, _PAIRS[0], *_OWN_PAIRS))
    return max(pairs, key=lambda pair: counts["".join(pair)])


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a quotation that stands in one status, exactly as in its source."""

    #: Between the marks; the source's own characters, and ``[…]`` for an omission.
    text: str
    opening: str
    closing: str
    cut_before: bool
    cut_after: bool
    spans: tuple[Span, ...]
    attribution: str

    @property
    def marked(self) -> str:
        """The passage in its marks; the ellipsis of a cut sentence stands outside of them."""
        before, after = "…" * self.cut_before, "…" * self.cut_after
        return f"{before}{self.opening}{self.text}{self.closing}{after}"


def passage(quote: Quote, source: Source, start: int = 0, end: int | None = None) -> Passage:
    """Take a stretch of a quotation; ``start`` and ``end`` are offsets in its written text.

    An omission at an end of the stretch is shown like a cut sentence.
    """
    end = len(quote.text) if end is None else end
    text = quote.text[start:end]
    bare = text.strip()
    opens, closes = bare.startswith(OMISSION), bare.endswith(OMISSION)
    bare = bare.removeprefix(OMISSION).removesuffix(OMISSION).strip()
    start = quote.text.index(bare, start)
    end = start + len(bare)
    opens = opens or quote.text[:start].rstrip().endswith(OMISSION)
    closes = closes or quote.text[end:].lstrip().startswith(OMISSION)
    fragments = tuple(_fragments(quote, start, end))
    spans = [
        Span(source.id, quote.source_sha256, a, b, section(source.text, a, source.never_spans))
        for a, b in fragments
    ]
    if quote.translates:  # where the words stand that the translation translates
        original = quote.translates
        spans += [
            Span(original.source, original.source_sha256, a, b) for a, b in original.fragments
        ]
    opening, closing = marks_for(bare, own_marks(source.lang, source.text))
    return Passage(
        text=bare,
        opening=opening,
        closing=closing,
        cut_before=opens or goes_on_before(source.text, fragments[0][0]),
        cut_after=closes or goes_on_after(source.text, fragments[-1][1], fragments[-1][0]),
        spans=tuple(spans),
        attribution=source.attribution,
    )


def _fragments(quote: Quote, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Return the stretches of the source that ``quote.text[start:end]`` quotes."""
    at = 0
    for a, b in quote.fragments:
        length = b - a
        low, high = max(at, start), min(at + length, end)
        if low < high:
            yield a + low - at, a + high - at
        at += length
        # Between two fragments stands an omission.
        omission = _OMISSION.match(quote.text, at)
        at = omission.end() if omission else at


def direction(text: str) -> str:
    """Return ``R`` or ``L`` by the first strong character; empty where there is none."""
    kinds = (kind for kind in map(unicodedata.bidirectional, text) if kind in {"L", "R", "AL"})
    return next(kinds, "").replace("AL", "R")


def html_direction(text: str) -> str:
    """Return what HTML calls the direction of a text."""
    return "rtl" if direction(text) == "R" else "ltr"


def lay_out(*, warning: str, text: str, quoted: Passage | None, link: str) -> str:
    """Join the blocks of a status: a blank line between them, the link on the line after.

    Where right-to-left and left-to-right lines meet, the quotation with its marks and the
    attribution are each isolated if they run against the status's own direction; the isolates
    stand outside of the marks.
    """
    lines = (quoted.marked, quoted.attribution) if quoted else ()
    base = direction(" ".join([warning, text, *lines]))
    quotation = "\n".join(
        line if direction(line) in {"", base} else f"{ISOLATE}{line}{END_ISOLATE}"
        for line in lines
        if line
    )
    body = "\n\n".join(block for block in (warning, text, quotation) if block)
    return "\n".join(block for block in (body, link) if block)


def short_link(address: str, most: int = 40) -> str:
    """Show an address as a reader wants it: host and path, cut with an ellipsis."""
    shown = address.split("#", 1)[0].split("?", 1)[0].split("://", 1)[-1].removeprefix("www.")
    shown = shown.rstrip("/")
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def first_words(text: str, most: int = 90) -> str:
    """Return the first words of a text for a list, cut between words."""
    plain = " ".join(text.split())
    return plain if len(plain) <= most else plain[:most].rsplit(" ", 1)[0] + " …"
