"""The partner kit: released passages, ready to post elsewhere, and which partner posts which.

Only posts with `partners_from`, approved as they are now, are in it.
"""

import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote as percent_encoded

from bot.checks.rules import check
from bot.content.model import Account, Campaign, Mode, Post, Source, Variant
from bot.delivery.consent import Consents
from bot.delivery.store import DeliveryStore
from bot.errors import ContentError, DecisionError, PictureError, Severity
from bot.public.pages import environment, links_of
from bot.public.site import STYLE
from bot.rendering.cards.card import CARD_SIZE, CardText, card_alt, draw
from bot.rendering.layout import passage, short_link
from bot.rendering.render import RenderedText, render
from bot.rendering.rendered import RenderedCampaign, render_campaign
from bot.rendering.similarity import similar_pairs

#: Name and size in pixels of each card.
SHAPES = {"wide": CARD_SIZE, "square": (1080, 1080), "tall": (1080, 1920)}
NO_CHANGE = (
    "Do not change the words between the quotation marks, the marks, or the line that says whose "
    "words they are; keep the content warning where there is one. Your own words go before them."
)


@dataclass(frozen=True, slots=True)
class PartnerText:
    """What a partner posts on one platform."""

    platform: str
    label: str
    #: More than one for a thread.
    parts: tuple[str, ...]
    #: As the platform counts the longest part, and what fits.
    length: int
    max_length: int
    #: A page of the platform with the first part ready to post.
    share: str
    #: The platform's own folded warning; empty where it stands in the text.
    warning: str = ""


@dataclass(frozen=True, slots=True)
class KitPassage:
    """One released passage with all that belongs to it."""

    post: Post
    #: The quotation in its marks, or the post's own words.
    shown: str
    attribution: str
    texts: tuple[PartnerText, ...]
    #: What is compared with other passages, as `check` does: no attribution, warning, link.
    words: frozenset[str]
    #: Released translations of it, each with its source.
    translations: tuple[tuple[str, Source], ...]
    #: Opens the quoted words; empty for none.
    link: str
    #: What its cards say; None where it has none.
    card: CardText | None

    @property
    def alt(self) -> str:
        return card_alt(self.shown, self.attribution) if self.card else ""

    def cards(self) -> dict[str, bytes]:
        """Draw the cards, by shape; a shape that the passage is too long for is left out."""
        found: dict[str, bytes] = {}
        if self.card is None:
            return found
        for shape, size in SHAPES.items():
            with suppress(PictureError):
                found[shape] = draw(replace(self.card, size=size))
        return found


def released(whole: RenderedCampaign, store: DeliveryStore) -> tuple[Post, ...]:
    """Return what is released and was never taken back, for the accounts that it is approved for.

    It counts as approved only as it is now.
    """
    consents = Consents(store, whole.campaign.schedule)
    found = []
    for post in whole.campaign.posts:
        is_open = post.partners_from and post.ready
        if not is_open or store.audit.about(post.id, "retract", "correct"):
            continue
        approved = {
            row.account
            for row in store.outbox.find(post_id=post.id)
            if (post.id, row.account) in whole.texts
            and row.fingerprint == whole.fingerprint(post, row.account, row.due_at)
            and consents.of(row.publication).is_enough
        }
        accounts = tuple(name for name in post.accounts if name in approved)
        found += [replace(post, accounts=accounts)] if accounts else []
    return tuple(found)


def passages_of(
    whole: RenderedCampaign, posts: Sequence[Post], now: datetime
) -> tuple[KitPassage, ...]:
    """Return released posts as partners post them; what fits a platform nowhere is not for it.

    Raises:
        ContentError: one of them breaks a rule of the campaign.
    """
    # Our accounts as a partner's: what they say, and nothing else. People post by hand there:
    # what `live` asks of an account is not asked of theirs.
    accounts = {
        name: Account(platform=own.platform, name=name, server=own.server)
        for name, own in whole.campaign.schedule.accounts.items()
    }
    schedule = replace(whole.campaign.schedule, accounts=accounts, mode=Mode.REHEARSAL)
    campaign = replace(whole.campaign, schedule=schedule)
    prepared = (_for_partners(post, campaign, whole) for post in posts)
    campaign = replace(campaign, posts=tuple(post for post in prepared if post.accounts))
    partners = render_campaign(campaign, specs=whole.specs, limits={})
    found = (problem for problem in check(partners, now=now) if problem.severity is Severity.ERROR)
    if wrong := tuple(found):
        raise ContentError(wrong)
    return tuple(_passage(post, partners, whole, posts) for post in campaign.posts)


def _for_partners(post: Post, campaign: Campaign, whole: RenderedCampaign) -> Post:
    """Leave out pictures, and the link or the whole post where a platform has no room for it."""
    variants = {
        name: replace(variant, media=None, card=None) for name, variant in post.variants.items()
    }
    bare = replace(post, media=(), card=False, variants=variants)
    fitting: dict[str, str] = {}  # one account of a platform is enough
    for name in post.accounts:
        account, own = campaign.schedule.accounts[name], bare.variants.get(name, Variant())
        without_link = replace(bare, variants={**bare.variants, name: replace(own, link="")})
        for tried in (bare, without_link) if account.platform not in fitting else ():
            spec = whole.specs[account.platform]
            text = render(tried, account, campaign=campaign, spec=spec, limits=spec.limits)
            if text.statuses:
                bare, fitting[account.platform] = tried, name
                break
    return replace(bare, accounts=tuple(fitting.values()))


def _passage(
    post: Post, partners: RenderedCampaign, whole: RenderedCampaign, posts: Sequence[Post]
) -> KitPassage:
    rendered = partners.texts_of(post)
    source = whole.campaign.sources.get(post.quote.source) if post.quote else None
    shown, card = post.text, None
    if post.quote and source:
        shown = passage(post.quote, source).marked
        card = CardText(shown, source.attribution, source.title, source.lang)
    statuses = [status for text in rendered for status in text.statuses]
    links = [link for status in statuses for link in links_of(status)]
    return KitPassage(
        post=post,
        shown=shown,
        attribution=source.attribution if source else "",
        texts=tuple(_text(text, partners) for text in rendered),
        words=frozenset(text.words for text in rendered),
        translations=tuple(_translations(post, whole, posts)),
        link=max(links, key=len, default=""),  # the whole one, to the quoted words
        card=card,
    )


def _text(text: RenderedText, partners: RenderedCampaign) -> PartnerText:
    name = text.account.name
    spec, limits = partners.spec_of(name), partners.limits_of(name)
    parts, length = [status.text for status in text.statuses], max(text.lengths)
    if (card := text.statuses[-1].card) and len(parts) == 1:
        # Its page shortens the address by itself, and makes the preview.
        counted = spec.measure(f"{parts[0]}\n{short_link(card.url)}", limits)
        if counted <= text.max_length:
            parts, length = [f"{parts[0]}\n{card.url}"], counted
    share = spec.share.format(
        server=text.account.server, text=percent_encoded(parts[0], safe="")
    )  # fmt: skip
    return PartnerText(
        spec.name, spec.label, tuple(parts), length, text.max_length, share,
        text.statuses[0].warning or "",
    )  # fmt: skip


def _translations(
    post: Post, whole: RenderedCampaign, posts: Sequence[Post]
) -> Iterator[tuple[str, Source]]:
    """Yield the released translations of a part of what a post quotes."""
    own = post.quote
    for other in posts:
        original = other.quote.translates if other.quote else None
        if not (own and other.quote and original) or original.source != own.source:
            continue
        if any(a < y and x < b for a, b in own.fragments for x, y in original.fragments):
            source = whole.campaign.sources[other.quote.source]
            yield passage(other.quote, source).marked, source


def deal(
    passages: Sequence[KitPassage], partners: Sequence[str], similarity: float
) -> dict[str, list[KitPassage]]:
    """Give each partner passages of their own: what is alike goes to one partner.

    Raises:
        DecisionError: a name stands twice, or there are too few passages for so many.
    """
    if len({slug(name) for name in partners}) < len(partners) or not all(map(slug, partners)):
        raise DecisionError("each partner has a name of their own, with letters or digits in it")
    groups = _alike(passages, similarity)
    if len(groups) < len(partners):
        raise DecisionError(
            f"{len(partners)} partners, and {len(groups)} passages that are not alike: release "
            "more with `partners_from`, or name fewer partners"
        )
    dealt: dict[str, list[KitPassage]] = {name: [] for name in partners}
    for number, group in enumerate(groups):
        dealt[partners[number % len(partners)]] += group
    return dealt


def _alike(passages: Sequence[KitPassage], similarity: float) -> list[list[KitPassage]]:
    """Group what is alike on any platform, also by way of others; in their order."""
    texts = [(number, words) for number, each in enumerate(passages) for words in each.words]
    group = list(range(len(passages)))
    for first, second, _ in similar_pairs([text for _, text in texts], similarity):
        one, other = group[texts[first][0]], group[texts[second][0]]
        group = [min(one, other) if each in (one, other) else each for each in group]
    return [
        [each for each, of in zip(passages, group, strict=True) if of == number]
        for number in sorted(set(group))
    ]


def slug(name: str) -> str:
    """Return a partner's name as a file is called."""
    return re.sub(r"[\W_]+", "-", name.casefold()).strip("-")[:60]


def kit_files(dealt: Mapping[str, Sequence[KitPassage]], campaign: Campaign) -> dict[str, bytes]:
    """Return the files of all kits: a folder and a zip for each partner, and an overview.

    No partner's files name another partner.
    """
    pages = environment()
    pages.globals |= {"zone": campaign.zone, "no_change": NO_CHANGE, "slug": slug,
                      "campaign": campaign.schedule.campaign}  # fmt: skip
    found = {"style.css": STYLE.read_bytes()}
    for partner, passages in dealt.items():
        own = _files_of(partner, passages, pages.get_template("kit.html").render)
        found |= {f"{slug(partner)}/{name}": content for name, content in own.items()}
        found[f"{slug(partner)}.zip"] = zipped(own)
    overview = pages.get_template("kits.html").render(dealt=dealt)
    return {**found, "index.html": overview.encode()}


def partner_zip(partner: str, passages: Sequence[KitPassage], campaign: Campaign) -> bytes:
    """Return one partner's kit."""
    return kit_files({partner: passages}, campaign)[f"{slug(partner)}.zip"]


def _files_of(
    partner: str, passages: Sequence[KitPassage], written: Callable[..., str]
) -> dict[str, bytes]:
    import segno  # only kits need it

    found = {"style.css": STYLE.read_bytes(), "READ-ME.txt": f"{NO_CHANGE}\n".encode()}
    cards: dict[str, dict[str, bytes]] = {}
    for each in passages:
        name = each.post.id
        cards[name] = each.cards()
        for shape, picture in cards[name].items():
            found[f"{name}/card-{shape}.png"] = picture
        if each.alt:
            found[f"{name}/alt.txt"] = f"{each.alt}\n".encode()
        for text in each.texts:
            if text.warning:
                found[f"{name}/{text.platform}-warning.txt"] = f"{text.warning}\n".encode()
            for number, part in enumerate(text.parts, 1):
                of = f"-{number}" if len(text.parts) > 1 else ""
                found[f"{name}/{text.platform}{of}.txt"] = f"{part}\n".encode()
        if each.link:
            drawn = io.BytesIO()
            segno.make(each.link, error="m", micro=False).save(drawn, kind="svg", scale=4)
            found[f"{name}/qr.svg"] = drawn.getvalue()
    page = written(partner=partner, passages=passages, cards=cards)
    return {**found, "index.html": page.encode()}


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Return a zip; the same files give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name], zipfile.ZIP_DEFLATED)
    return out.getvalue()
