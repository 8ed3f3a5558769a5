"""What one account says of a post: its variants laid over its own words, and where it is cut.

A post that is too long becomes a thread, of which each part repeats what it must.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from bot.content.model import Account, Campaign, MediaFile, Place, Post, Quote, Source
from bot.errors import Problem, Severity
from bot.platforms.spec import EVERYONE
from bot.rendering.fitting import ThreadError, find_parts
from bot.rendering.layout import Passage, passage

#: Keys of a post, a variant and an account that limit who may answer a post.
_CONTROLS = ("replies", "quotes")


@dataclass(frozen=True, slots=True)
class Version:
    """A post as one account says it, before it is laid out."""

    post: Post
    account: Account
    text: str
    quote: Quote | None
    #: The quoted source; None where nothing is quoted, or it is not known.
    source: Source | None
    #: Id of what is linked to; empty for none.
    link: str
    warning: str
    media: tuple[MediaFile, ...]
    card: bool
    thread: bool
    #: Who may reply to it and quote it.
    replies: str
    quotes: str

    @property
    def links_to_its_source(self) -> bool:
        return self.quote is not None and self.link == self.quote.source

    def problem(
        self, name: str, message: str, rule: str, severity: Severity = Severity.ERROR
    ) -> Problem:
        """Say what is wrong with a key, such as ``media[0].alt``, at the place that decides it.

        That is the account's variant's, its platform's or the post's.
        """
        owners = (
            f"variants.{owner}."
            for owner in (self.account.name, self.account.platform)
            if getattr(self.post.variants.get(owner), name.partition("[")[0], None) is not None
        )
        return problem_at(self.post, f"{next(owners, '')}{name}", message, rule, severity)


def version_of(post: Post, account: Account, campaign: Campaign) -> Version:
    """Lay the platform's variant over the post, and the account's over both, field by field.

    The quotation is the post's own: a variant may change what stands around it, never its words.
    """
    names = ("text", "link", "warning", "media", "card", "thread", *_CONTROLS)
    shown = {name: getattr(post, name) for name in names}
    for owner in dict.fromkeys((account.platform, account.name)):  # the later one wins
        if variant := post.variants.get(owner):
            own = {name: getattr(variant, name, None) for name in names}
            shown |= {name: value for name, value in own.items() if value is not None}
    source = campaign.sources.get(post.quote.source) if post.quote else None
    shown |= {"text": shown["text"].strip(), "warning": (shown["warning"] or "").strip()}
    shown |= {name: shown[name] or getattr(account, name) or EVERYONE for name in _CONTROLS}
    return Version(post=post, account=account, quote=post.quote, source=source, **shown)


def place_of(post: Post, key: str) -> Place:
    """Return where a key is written, or else the key around it, or else the post."""
    while key:
        if key in post.places:
            return post.places[key]
        key = key.rpartition(".")[0]
    return post.place


def address_of(link: str, campaign: Campaign) -> str:
    """Return the address of an investigation or a source by its id; empty where there is none."""
    known = campaign.investigations.get(link) or campaign.sources.get(link)
    return known.address if known else ""


def problem_at(
    post: Post, key: str, message: str, rule: str, severity: Severity = Severity.ERROR
) -> Problem:
    """Say what is wrong with a key of a post, at the place where it is written."""
    place, where = place_of(post, key), f"{post.id}.{key}" if key else post.id
    return Problem(place.file, place.line, place.column, where, message, severity, rule)


@dataclass(frozen=True, slots=True)
class ThreadPart:
    """Own words, a passage or both, that stand in one status of a thread."""

    text: str
    quoted: Passage | None = None
    is_first: bool = False
    is_last: bool = False


#: Tells whether a part fits, laid out with its warning, attribution and link.
Fits = Callable[[ThreadPart], bool]


def parts_of(version: Version, fits: Fits) -> tuple[ThreadPart, ...]:
    """Cut a post into parts that fit; nothing is lost and quoted words stay as they are.

    Own words come first; each part that quotes stands in marks of its own. Own words stand beside
    a quotation only where a whole sentence of it follows. The last part is measured with its link.

    Raises:
        ThreadError: a word is too long for a part.
    """
    parts = list(_own_parts(version.text, fits, version.post.lang))
    if version.quote and version.source:
        lead = parts.pop().text if parts else ""
        parts += _quoted_parts(lead, version.quote, version.source, fits)
    elif parts and not fits(replace(parts[-1], is_last=True)):
        parts += _linked_parts(parts.pop().text, fits, version.post.lang)
    if len(parts) == 1:
        # It fits only without what the first part carries: pictures, so no card for the link.
        parts.append(ThreadPart(""))
    return tuple(
        replace(part, is_first=at == 0, is_last=at == len(parts) - 1)
        for at, part in enumerate(parts)
    )


def _own_parts(text: str, fits: Fits, lang: str) -> Iterator[ThreadPart]:
    """Cut own words; the parts of one text are measured alike."""
    spans = find_parts(text, lambda words: fits(ThreadPart(words)), lang)
    return (ThreadPart(text[start:end]) for start, end in spans)


def _linked_parts(text: str, fits: Fits, lang: str) -> Iterator[ThreadPart]:
    """Cut own words so that the link fits beside the last of them."""
    *_, last = _own_parts(text, lambda part: fits(replace(part, is_last=True)), lang)
    yield from _own_parts(text[: len(text) - len(last.text)], fits, lang)
    yield last


def _quoted_parts(lead: str, quote: Quote, source: Source, fits: Fits) -> Iterator[ThreadPart]:
    """Cut a quotation; ``lead`` are own words that stand before its first part."""
    at = 0
    while True:  # what is left grows shorter, and the last of it fits
        whole = ThreadPart(lead, passage(quote, source, at), is_last=True)
        if fits(whole):
            yield whole
            return
        linked = fits(replace(whole, is_last=False))
        try:
            part, end = _next_part(lead, (quote, source, at), linked, fits)
        except ThreadError:
            if not linked:
                raise
            part = whole
        if linked and part.quoted and (part is whole or part.quoted.cut_after):
            # Only the link is too much: better a part of its own than a torn sentence.
            yield replace(whole, is_last=False)
            yield ThreadPart("", is_last=True)
            return
        yield part
        lead, at = "", end


def _next_part(
    lead: str, rest: tuple[Quote, Source, int], linked: bool, fits: Fits
) -> tuple[ThreadPart, int]:
    """Take the next words of a quotation; own words alone where no whole sentence fits beside."""
    quote, source, at = rest
    words = quote.text[at:]

    def part(length: int) -> ThreadPart:
        return ThreadPart(lead, passage(quote, source, at, at + length), is_last=linked)

    try:
        spans = find_parts(words, lambda words: fits(part(len(words))), source.lang)
    except ThreadError:
        if not lead:
            raise
        return ThreadPart(lead), at
    found = replace(part(spans[0][1]), is_last=False)
    if lead and found.quoted and found.quoted.cut_after:
        return ThreadPart(lead), at
    following = (*spans, (len(words), len(words)))[1]
    return found, at + following[0]
