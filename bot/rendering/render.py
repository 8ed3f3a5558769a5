"""From a post and an account to the statuses that go out: variants, blocks, threads, cards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.content.model import Account, Campaign, Post
from bot.errors import PictureError, Problem
from bot.platforms.spec import EVERYONE, Limits, PlatformSpec
from bot.platforms.status import Facet, FacetKind, LinkCard, Picture, Status
from bot.rendering.facets import detect, find_links
from bot.rendering.fitting import ThreadError
from bot.rendering.layout import lay_out, passage, short_link, with_text_fragment
from bot.rendering.versions import (
    ThreadPart,
    Version,
    address_of,
    parts_of,
    problem_at,
    version_of,
)

if TYPE_CHECKING:  # Pillow, 0.1 s, is not needed to lay a text out
    from bot.rendering.cards.pictures import PreparedPictures

#: Rules that a picture breaks which cannot be made ready for an account.
PICTURE, CARD = "picture", "card"
#: Rules that a post breaks because it does not fit an account.
MISFITS = frozenset({"too-long", "picture-count", "alt", "control-unsupported"})


@dataclass(frozen=True, slots=True)
class RenderedText:
    """What an account shows of a post: statuses, or why it is left out, or what is wrong."""

    version: Version
    statuses: tuple[Status, ...] = ()
    #: The post does not go to this account, and that is no mistake.
    skipped: str = ""
    problems: tuple[Problem, ...] = ()
    #: Of each status, as the platform counts it; also of what does not fit.
    lengths: tuple[int, ...] = ()
    #: What fits.
    max_length: int = 0

    @property
    def post(self) -> Post:
        return self.version.post

    @property
    def account(self) -> Account:
        return self.version.account

    @property
    def words(self) -> str:
        """Own words and quoted ones, as texts are compared: no attribution, warning, link."""
        own, quote = self.version.text, self.version.quote
        return "\n\n".join(filter(None, (own, quote.text if quote else "")))

    @property
    def why_not(self) -> str:
        """Why the account gets nothing; empty where it does."""
        return self.skipped or "; ".join(problem.message for problem in self.problems)


@dataclass(frozen=True, slots=True)
class _Context:
    """What one rendering needs to know."""

    version: Version
    campaign: Campaign
    spec: PlatformSpec
    limits: Limits
    pictures: tuple[Picture, ...] = ()
    #: What is linked to; empty for nothing.
    address: str = ""


def render(
    post: Post,
    account: Account,
    *,
    campaign: Campaign,
    spec: PlatformSpec,
    limits: Limits,
    pictures: PreparedPictures | None = None,
) -> RenderedText:
    """Lay a post out for an account, as ready statuses: the parts of a thread in their order.

    Quoted words go from the source into the text untouched. An account's own ``max_length`` wins
    over ``limits``. Without a source of pictures they are as their files are, and no card is drawn.
    """
    limits = limits.for_account(account)
    version, skipped = _link_allowed(version_of(post, account, campaign))
    if skipped:
        return RenderedText(version, skipped=skipped, max_length=limits.max_length)
    context = _Context(version, campaign, spec, limits)
    problems = list(_problems(context))
    if not problems:
        ready, address = _pictures(context, pictures, problems), _address(context)
        if ready or address:
            context = replace(context, pictures=ready, address=address)
    if problems:
        return RenderedText(version, problems=tuple(problems), max_length=limits.max_length)
    return _statuses(context)


def _link_allowed(version: Version) -> tuple[Version, str]:
    """Take the link of the quoted source away where an account has none; else say why to skip."""
    if version.account.links != "never":
        return version, ""
    if version.links_to_its_source:
        version = replace(version, link="")
    name = version.account.name
    if version.link:
        return version, (
            f"{name} has `links: never` and this post links to {version.link!r}; to send it there "
            f"without the link, write `variants: {{{name}: {{link: none}}}}`"
        )
    quoted = version.quote.text if version.quote else ""
    if any(find_links(text) for text in (version.text, version.warning, quoted)):
        return version, f"{name} has `links: never` and this post has a link in its text"
    return version, ""


def _problems(context: _Context) -> Iterator[Problem]:
    version, post = context.version, context.version.post
    if version.quote is not None and version.source is None:
        message = f"no such source {version.quote.source!r}"
        yield problem_at(post, "quote.source", message, "unknown-name")
    if not version.text and version.quote is None:
        message = "nothing to say; give it a text or a quotation"
        yield problem_at(post, "text", message, "nothing-to-say")
    if version.link and not address_of(version.link, context.campaign):
        message = f"{version.link!r} has no known address, so it cannot be posted"
        yield version.problem("link", message, "link-address")
    yield from _media_problems(context)
    yield from _control_problems(context)


def _control_problems(context: _Context) -> Iterator[Problem]:
    """Yield who may reply or quote, where the account's platform or server cannot limit that."""
    version, name, spec = context.version, context.version.account.name, context.spec
    for key, verb in (("replies", "reply to it"), ("quotes", "quote it")):
        wanted, usual = getattr(version, key), (EVERYONE, *getattr(spec.limits, key))
        # What is wrong with the account's own line is told there.
        is_told = wanted not in usual and wanted == getattr(version.account, key)
        if wanted in (EVERYONE, *getattr(context.limits, key)) or is_told:
            continue
        who = f"{name} ({spec.label})" if wanted not in usual else f"{name}'s server"
        message = (
            f"{who} cannot let {wanted} only {verb}; write `variants: {{{name}: {{{key}: "
            f"{EVERYONE}}}}}`, or leave {name} out of `accounts:`"
        ).replace("nobody only", "nobody")
        yield version.problem(key, message, "control-unsupported")


def _media_problems(context: _Context) -> Iterator[Problem]:
    version, limits = context.version, context.limits
    where = f"on {version.account.name} ({context.spec.label})"
    count = len(version.media) + version.card
    if count > limits.max_pictures:
        message = f"{count} of {limits.max_pictures} pictures {where}; take some away"
        yield version.problem("media", message, "picture-count")
    for number, file in enumerate(version.media):
        message = ""
        if not file.alt.strip():
            message = "missing; describe the picture for people who cannot see it"
        elif len(file.alt) > limits.max_alt:
            message = f"{len(file.alt)} of {limits.max_alt} characters {where}; shorten it"
        if message:
            yield version.problem(f"media[{number}].alt", message, "alt")


def _pictures(
    context: _Context, source: PreparedPictures | None, problems: list[Problem]
) -> tuple[Picture, ...]:
    """Make all pictures ready, the card first; what keeps one from it is added to ``problems``."""
    version, found = context.version, []
    if version.card and source:
        try:
            found.append(source.card(version))
        except PictureError as error:
            problems.append(version.problem("card", str(error), CARD))
    for number, file in enumerate(version.media):
        try:
            usual = Picture(file.sha256, file.mime, file.alt, file.width, file.height, file.size)
            found.append(source.fitted(file, context.limits) if source else usual)
        except PictureError as error:
            problems.append(version.problem(f"media[{number}].file", str(error), PICTURE))
    return tuple(found)


def _address(context: _Context) -> str:
    """Return the address to link to; of the quoted source it opens at the quoted words."""
    version = context.version
    address = address_of(version.link, context.campaign) if version.link else ""
    if address and version.links_to_its_source and version.quote and version.source:
        return with_text_fragment(address, version.source.text, version.quote.fragments)
    return address


def _statuses(context: _Context) -> RenderedText:
    version, spec = context.version, context.spec
    quoted = passage(version.quote, version.source) if version.quote and version.source else None
    whole = ThreadPart(version.text, quoted, is_first=True, is_last=True)
    judged = _judged(context, (_status(context, whole),))
    if not judged.problems or not (version.thread and spec.may_thread(version.account)):
        return judged
    try:
        parts = parts_of(
            version, lambda part: not spec.misfit(_status(context, part), context.limits)
        )
    except ThreadError as e:
        problem = version.problem(_longest_key(version), str(e), "too-long")
        return replace(judged, problems=(problem,))
    return _judged(context, tuple(_status(context, part) for part in parts))


def _judged(context: _Context, statuses: tuple[Status, ...]) -> RenderedText:
    """Return the statuses with their facets if all of them fit, or else the problem."""
    version, spec, limits = context.version, context.spec, context.limits
    lengths = tuple(spec.length_of(status, limits) for status in statuses)
    measured = zip(statuses, lengths, strict=True)
    counts = [count for each, length in measured if (count := spec.misfit(each, limits, length))]
    return RenderedText(
        version,
        statuses=() if counts else tuple(_marked(context, status) for status in statuses),
        problems=(_too_long(version, counts[0], spec),) if counts else (),
        lengths=lengths,
        max_length=limits.max_length,
    )


def _too_long(version: Version, count: str, spec: PlatformSpec) -> Problem:
    name, key = version.account.name, spec.thread_key
    own = f"say less in `variants: {{{name}: {{text: …}}}}`, or leave {name} out of `accounts:`"
    if version.thread:
        advice = f"give {name} `{key}: true` in schedule.yaml"
    elif spec.may_thread(version.account):
        advice = "add `thread: true`"
    else:
        advice = f"add `thread: true` here and `{key}: true` to {name} in schedule.yaml"
    message = f"{count} on {name} ({spec.label}); shorten it, {advice}, {own}"
    return version.problem(_longest_key(version), message, "too-long")


def _longest_key(version: Version) -> str:
    is_quoted = version.quote is not None and len(version.quote.text) >= len(version.text)
    return "quote.text" if is_quoted else "text"


def _status(context: _Context, part: ThreadPart) -> Status:
    """Lay one part out, without facets; pictures stand on the first, the link on the last."""
    version, folds = context.version, context.spec.folds_warning
    has_picture = part.is_first and bool(context.pictures or version.card)
    has_link = part.is_last and bool(context.address)
    has_card = has_link and context.spec.has_link_cards and not has_picture
    text = lay_out(
        warning="" if folds else version.warning,
        text=part.text,
        quoted=part.quoted,
        link=_shown_link(context) if has_link and not has_card else "",
    )
    return Status(
        text=text,
        lang=version.post.lang,
        warning=version.warning if folds and version.warning else None,
        sensitive=bool(version.warning),
        pictures=context.pictures if part.is_first else (),
        card=_link_card(context) if has_card else None,
        spans=part.quoted.spans if part.quoted else (),
        # A conversation is its first status's.
        replies=version.replies if part.is_first and version.replies != EVERYONE else "",
        quotes=version.quotes if version.quotes != EVERYONE else "",
    )


def _shown_link(context: _Context) -> str:
    """Return a link as it stands in the text: short where the platform links words itself."""
    address = context.address
    return short_link(address) if context.spec.has_link_cards else address


def _marked(context: _Context, status: Status) -> Status:
    """Mark links, tags and mentions in the final text; a shortened link leads to the whole."""
    short, text = _shown_link(context), status.text
    is_short = short != context.address and text.endswith(f"\n{short}")
    body = text.removesuffix(short) if is_short else text
    facets = detect(body, coalition=context.campaign.schedule.coalition)
    if is_short:
        start, end = len(body.encode()), len(text.encode())
        facets += (Facet(FacetKind.LINK, start, end, context.address),)
    return replace(status, facets=facets) if facets else status


def _link_card(context: _Context) -> LinkCard:
    link = context.version.link
    known = context.campaign.investigations.get(link) or context.campaign.sources[link]
    shown = known.card or known
    description = known.card.description if known.card else ""
    return LinkCard(context.address, shown.title, description or getattr(known, "about", ""))
