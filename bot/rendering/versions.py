"""What one account says of a post: its variants laid over the post's own words."""

from __future__ import annotations

from dataclasses import dataclass

from bot.content.model import Account, Campaign, MediaFile, Place, Post, Quote, Source
from bot.errors import Problem, Severity


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

    @property
    def links_to_its_source(self) -> bool:
        return self.quote is not None and self.link == self.quote.source

    @property
    def words(self) -> str:
        """Own words and quoted ones, as likeness compares them: no attribution, warning, link."""
        return "\n\n".join(filter(None, (self.text, self.quote.text if self.quote else "")))

    def key_of(self, name: str) -> str:
        """Name the key that decides: the account's variant's, its platform's or the post's."""
        for owner in (self.account.name, self.account.platform):
            if getattr(self.post.variants.get(owner), name, None) is not None:
                return f"variants.{owner}.{name}"
        return name


def version_of(post: Post, account: Account, campaign: Campaign) -> Version:
    """Lay the platform's variant over the post, and the account's over both, field by field.

    The quotation is the post's own: a variant may change what stands around it, never its words.
    """
    names = ("text", "link", "warning", "media", "card", "thread")
    shown = {name: getattr(post, name) for name in names}
    for owner in dict.fromkeys((account.platform, account.name)):  # the later one wins
        variant = post.variants.get(owner)
        own = {name: getattr(variant, name, None) for name in names}
        shown |= {name: value for name, value in own.items() if value is not None}
    source = campaign.sources.get(post.quote.source) if post.quote else None
    words = {"text": shown["text"].strip(), "warning": (shown["warning"] or "").strip()}
    return Version(
        post=post, account=account, quote=post.quote, source=source, **{**shown, **words}
    )


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
    post: Post, key: str, message: str, rule: str, *, severity: Severity = Severity.ERROR
) -> Problem:
    """Say what is wrong with a key of a post, at the place where it is written."""
    place, where = place_of(post, key), f"{post.id}.{key}" if key else post.id
    return Problem(place.file, place.line, place.column, where, message, severity, rule)
