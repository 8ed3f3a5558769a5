"""From a post and an account to the statuses that go out: variants, blocks, threads, cards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from bot.core.campaign import Account, Campaign, MediaFile, Post
from bot.core.facets import detect, find_links
from bot.core.layout import Passage, lay_out, passage, short_link
from bot.core.model import (
    Facet,
    FacetKind,
    Limits,
    LinkCard,
    Picture,
    Status,
    Traits,
)
from bot.core.textfragment import with_text_fragment
from bot.core.threads import Part, ThreadError, parts_of
from bot.core.versions import Version, address_of, key_of, problem_at, version_of
from bot.errors import Problem

#: Draws the quote card of a post for an account; None where there is none yet.
CardPicture = Callable[[Post, Account], Picture | None]


@dataclass(frozen=True, slots=True)
class Rendered:
    """What an account shows of a post: statuses, or why it is left out, or what is wrong."""

    statuses: tuple[Status, ...] = ()
    #: The post does not go to this account, and that is no mistake.
    skipped: str = ""
    problems: tuple[Problem, ...] = ()
    #: Of the longest status, as the platform counts it, and what fits; also where it does not fit.
    length: int = 0
    max_length: int = 0


@dataclass(frozen=True, slots=True)
class _Room:
    """What one rendering needs to know of its place."""

    version: Version
    campaign: Campaign
    traits: Traits
    limits: Limits

    @property
    def mentions(self) -> tuple[str, ...]:
        return self.campaign.schedule.coalition


def render(
    post: Post,
    account: Account,
    *,
    campaign: Campaign,
    traits: Traits,
    limits: Limits,
    card_picture: CardPicture | None = None,
) -> Rendered:
    """Lay a post out for an account, as ready statuses: the parts of a thread in their order.

    Quoted words go from the source into the text untouched. An account's own ``max_length`` wins
    over ``limits``. Without ``card_picture`` a drawn card takes its place but has no picture yet.
    """
    if account.max_length is not None:
        limits = replace(limits, max_length=account.max_length)
    room = _Room(version_of(post, account, campaign), campaign, traits, limits)
    version, skipped = _link_allowed(room)
    if skipped:
        return Rendered(skipped=skipped, max_length=limits.max_length)
    room = replace(room, version=version)
    problems = tuple(_problems(room))
    if problems:
        return Rendered(problems=problems, max_length=limits.max_length)
    return _statuses(room, _pictures(room, card_picture))


def length_of(status: Status, traits: Traits, limits: Limits) -> int:
    """Count a status as its platform does, with the folded warning."""
    return traits.measure(status.text, limits) + (
        traits.measure(status.warning, limits) if status.warning else 0
    )


def fits(status: Status, traits: Traits, limits: Limits) -> bool:
    """Tell whether a platform takes a status for its length."""
    size = len(status.text.encode())
    return length_of(status, traits, limits) <= limits.max_length and (
        limits.max_bytes is None or size <= limits.max_bytes
    )


def _link_allowed(room: _Room) -> tuple[Version, str]:
    """Take the link of the quoted source away where an account has none; else say why to skip."""
    version = room.version
    if version.account.links != "never":
        return version, ""
    if version.links_to_its_source:
        version = replace(version, link="")
    name = version.account.name
    if version.link:
        return version, (
            f"{name} has `links: never` and this post links to {version.link!r}; "
            f"a variant without the link (`link: none`) would go there"
        )
    quoted = version.quote.text if version.quote else ""
    if any(find_links(one) for one in (version.text, version.warning, quoted)):
        return version, f"{name} has `links: never` and this post has a link in its text"
    return version, ""


def _problems(room: _Room) -> Iterator[Problem]:
    version, post = room.version, room.version.post
    if version.quote is not None and version.source is None:
        yield problem_at(post, "quote.source", f"no such source {version.quote.source!r}")
    if not version.text and version.quote is None:
        yield problem_at(post, "text", "nothing to say; give it a text or a quotation")
    if version.link and not address_of(version.link, room.campaign):
        yield problem_at(
            post,
            key_of(post, version.account, "link"),
            f"{version.link!r} has no known address, so it cannot be posted",
        )
    yield from _media_problems(room)


def _media_problems(room: _Room) -> Iterator[Problem]:
    version, post, limits = room.version, room.version.post, room.limits
    key = key_of(post, version.account, "media")
    count = len(version.media) + version.card
    if count > limits.max_pictures:
        yield problem_at(post, key, f"{count} of {limits.max_pictures} pictures; take some away")
    for number, file in enumerate(version.media):
        for name, message in _picture_flaws(file, limits):
            yield problem_at(post, f"{key}[{number}].{name}", message)


def _picture_flaws(file: MediaFile, limits: Limits) -> Iterator[tuple[str, str]]:
    if not file.alt.strip():
        yield "alt", "missing; describe the picture for people who cannot see it"
    elif len(file.alt) > limits.max_alt:
        yield "alt", f"{len(file.alt)} of {limits.max_alt} characters; shorten it"
    if file.mime not in limits.picture_mimes:
        yield "file", f"{file.mime} is not taken; use {' or '.join(limits.picture_mimes)}"
    if file.size > limits.max_picture_bytes:
        yield "file", f"{file.size} of {limits.max_picture_bytes} bytes; make it smaller"
    if limits.max_pixels is not None and file.width * file.height > limits.max_pixels:
        pixels = file.width * file.height
        yield "file", f"{pixels} of {limits.max_pixels} pixels; make it smaller"


def _pictures(room: _Room, card_picture: CardPicture | None) -> tuple[Picture, ...]:
    version = room.version
    drawn = card_picture(version.post, version.account) if version.card and card_picture else None
    files = (
        Picture(one.sha256, one.mime, one.alt, one.width, one.height, one.size)
        for one in version.media
    )
    return (*([drawn] if drawn else []), *files)


def _address(room: _Room) -> str:
    """Give the address to link to; of the quoted source it opens at the quoted words."""
    version = room.version
    address = address_of(version.link, room.campaign) if version.link else ""
    if address and version.links_to_its_source and version.quote and version.source:
        return with_text_fragment(address, version.source.text, version.quote.fragments)
    return address


def _statuses(room: _Room, pictures: tuple[Picture, ...]) -> Rendered:
    address = _address(room)
    whole = Part(room.version.text, _whole(room.version), is_first=True, is_last=True)
    status = _status(room, whole, address, pictures)
    judged = _judged(room, (status,), address)
    if not judged.problems or not _may_thread(room):
        return judged
    try:
        parts = parts_of(
            room.version,
            lambda part: fits(_status(room, part, address, pictures), room.traits, room.limits),
        )
    except ThreadError as e:
        problem = problem_at(room.version.post, _longest_key(room.version), str(e))
        return replace(judged, problems=(problem,))
    return _judged(room, tuple(_status(room, part, address, pictures) for part in parts), address)


def _judged(room: _Room, statuses: tuple[Status, ...], address: str) -> Rendered:
    """Give the statuses with their facets if all of them fit, or else the problem."""
    lengths = [length_of(one, room.traits, room.limits) for one in statuses]
    most, most_bytes = room.limits.max_length, room.limits.max_bytes
    for status, length in zip(statuses, lengths, strict=True):
        size = len(status.text.encode())
        count = f"{length} of {most} characters" if length > most else ""
        count = f"{size} of {most_bytes} bytes" if most_bytes and size > most_bytes else count
        if count:
            problem = _too_long(room.version, count, room.traits)
            return Rendered(problems=(problem,), length=length, max_length=most)
    marked = tuple(_marked(room, one, address) for one in statuses)
    return Rendered(marked, length=max(lengths), max_length=most)


def _whole(version: Version) -> Passage | None:
    return passage(version.quote, version.source) if version.quote and version.source else None


def _may_thread(room: _Room) -> bool:
    return room.version.thread and room.traits.may_thread(room.version.account)


def _too_long(version: Version, count: str, traits: Traits) -> Problem:
    name, key = version.account.name, traits.thread_key
    if version.thread:
        advice = f"shorten it or give {name} `{key}: true`"
    elif traits.may_thread(version.account):
        advice = "shorten it or add `thread: true`"
    else:
        advice = f"shorten it (a thread needs `{key}: true` on {name} too)"
    return problem_at(version.post, _longest_key(version), f"{count} on {name}; {advice}")


def _longest_key(version: Version) -> str:
    if version.quote is not None and len(version.quote.text) >= len(version.text):
        return "quote.text"
    return key_of(version.post, version.account, "text")


def _status(room: _Room, part: Part, address: str, pictures: tuple[Picture, ...]) -> Status:
    """Lay one part out, without facets; pictures stand on the first, the link on the last."""
    version, folds = room.version, room.traits.folds_warning
    shown = part.is_first and bool(pictures or version.card)
    address = address if part.is_last else ""
    carded = bool(address) and room.traits.has_link_cards and not shown
    text = lay_out(
        warning="" if folds else version.warning,
        text=part.text,
        quoted=part.quoted,
        link="" if carded else _shown_link(room, address),
    )
    return Status(
        text=text,
        lang=version.post.lang,
        warning=version.warning if folds and version.warning else None,
        sensitive=bool(version.warning),
        pictures=pictures if part.is_first else (),
        card=_link_card(room, address) if carded else None,
        spans=part.quoted.spans if part.quoted else (),
    )


def _shown_link(room: _Room, address: str) -> str:
    """Give a link as it stands in the text: short where the platform links words itself."""
    return short_link(address) if address and room.traits.has_link_cards else address


def _marked(room: _Room, status: Status, address: str) -> Status:
    """Mark links, tags and mentions in the final text; a shortened link leads to the whole."""
    short, text = _shown_link(room, address), status.text
    if short == address or not text.endswith(f"\n{short}"):
        return replace(status, facets=detect(text, coalition=room.mentions))
    body = text[: len(text) - len(short)]
    start = len(body.encode())
    whole = Facet(FacetKind.LINK, start, start + len(short.encode()), address)
    return replace(status, facets=(*detect(body, coalition=room.mentions), whole))


def _link_card(room: _Room, address: str) -> LinkCard:
    link = room.version.link
    known = room.campaign.investigations.get(link) or room.campaign.sources[link]
    if known.card:
        title, description = known.card.title, known.card.description
    else:
        title, description = known.title, ""
    return LinkCard(address, title, description or getattr(known, "about", ""))
