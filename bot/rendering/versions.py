"""What one account says of a post: its variants laid over the post's own words."""

from __future__ import annotations

from dataclasses import dataclass

from bot.content.model import Account, Campaign, MediaFile, Place, Post, Quote, Source, Variant
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
        return "\n\n".join(one for one in (self.text, self.quote.text if self.quote else "") if one)


def version_of(post: Post, account: Account, campaign: Campaign) -> Version:
    """Lay the platform's variant over the post, and the account's over both, field by field.

    The quotation is the post's own: a variant may change what stands around it, never its words.
    """
    text, link, warning = post.text, post.link, post.warning or ""
    media, card, thread = post.media, post.card, post.thread
    for variant in variants_of(post, account):
        text = text if variant.text is None else variant.text
        link = link if variant.link is None else variant.link
        warning = warning if variant.warning is None else variant.warning
        media = media if variant.media is None else variant.media
        card = card if variant.card is None else variant.card
        thread = thread if variant.thread is None else variant.thread
    return Version(
        post=post,
        account=account,
        text=text.strip(),
        quote=post.quote,
        source=campaign.sources.get(post.quote.source) if post.quote else None,
        link=link,
        warning=warning.strip(),
        media=media,
        card=card,
        thread=thread,
    )


def variants_of(post: Post, account: Account) -> tuple[Variant, ...]:
    """Return the variants that speak for an account; the later one wins."""
    names = (account.platform, account.name)
    return tuple(post.variants[name] for name in dict.fromkeys(names) if name in post.variants)


def key_of(post: Post, account: Account | None, name: str) -> str:
    """Name the key that decides for an account: its variant's, its platform's or the post's."""
    for owner in (account.name, account.platform) if account else ():
        variant = post.variants.get(owner)
        if variant is not None and getattr(variant, name, None) is not None:
            return f"variants.{owner}.{name}"
    return name


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
