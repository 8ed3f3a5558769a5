"""The static site: sources, published posts, reading list, corrections, feed, record; no script.

Every link within it is relative, so it works from a plain folder and under any address.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib.resources import files
from types import MappingProxyType
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

from bot.content.model import Campaign, Investigation, Mode, Quote, Source, Stretch
from bot.content.quoting import OMISSION
from bot.delivery.links import LinkLook
from bot.errors import PictureError
from bot.platforms.spec import PlatformSpec
from bot.public.pages import anchor_of, environment, links_of, marked_paragraphs, merged
from bot.public.record import RECORD, PublicRecord, PublishedStatus
from bot.rendering.cards.card import CardText, card_alt, draw
from bot.rendering.layout import Passage, passage, with_text_fragment

STYLE = files("bot.public") / "templates" / "style.css"


@dataclass(frozen=True)  # no slots: what is computed once is kept
class PublishedPost:
    """A post with all of its statuses, oldest first."""

    id: str
    statuses: tuple[PublishedStatus, ...]
    source: Source | None
    #: What it quotes of the source; joined where a thread cut it.
    spans: tuple[Stretch, ...]

    @property
    def file(self) -> str:
        return f"post-{self.id}.html"

    @property
    def at(self) -> datetime:
        return self.statuses[0].at

    @property
    def lang(self) -> str:
        return self.statuses[0].status.lang

    @cached_property
    def quoted(self) -> Passage | None:
        """The quotation with its marks; None where it quotes nothing."""
        if self.source is None or not self.spans:
            return None
        text = f" {OMISSION} ".join(self.source.text[a:b] for a, b in self.spans)
        quote = Quote(self.source.id, text, source_sha256=self.source.sha256, fragments=self.spans)
        return passage(quote, self.source)

    @property
    def words(self) -> str:
        """What people call it by."""
        found = self.quoted.marked if self.quoted else self.statuses[0].status.text
        return found or "A post that was taken down"

    @property
    def text(self) -> str:
        """Its first status as a reader meets it, with a folded warning in front."""
        first = self.statuses[0].status
        return "\n\n".join(filter(None, (first.warning, first.text)))

    @property
    def warning(self) -> str:
        """What stands before its words wherever they are shown; empty for nothing."""
        shown = [each.status for each in self.statuses if each.status.sensitive]
        folded = (status.warning for status in shown if status.warning)
        # Where nothing folds it is the first block of the text.
        return next(folded, "") or next((each.text.partition("\n\n")[0] for each in shown), "")

    @cached_property
    def card(self) -> tuple[bytes, str] | None:
        """Its quote card with the alternative text; None where there is none."""
        if self.source is None or self.quoted is None:
            return None
        source, shown = self.source, self.quoted.marked
        try:
            drawn = draw(CardText(shown, source.attribution, source.title, source.lang))
        except PictureError:  # too long to be read on a card
            return None
        return drawn, card_alt(shown, source.attribution)


def posts_of(record: PublicRecord) -> list[PublishedPost]:
    """Return the published posts, newest first."""
    sources = {each.id: each.source for each in record.sources}
    groups: dict[str, list[PublishedStatus]] = defaultdict(list)
    for status in record.statuses:
        groups[status.post].append(status)
    posts = []
    for name, statuses in groups.items():
        shown = (each.status for each in statuses if each.status.text)  # none of a retracted one
        spans = [span for status in shown for span in status.spans]
        source = sources.get(spans[0].source) if spans else None
        quoted = (source.id, source.sha256) if source else None
        own = {
            (span.start, span.end) for span in spans if (span.source, span.source_sha256) == quoted
        }
        stretches = merged(source.text, own) if source else ()
        statuses.sort(key=lambda each: (each.at, each.platform, each.part))
        posts.append(PublishedPost(name, tuple(statuses), source, stretches))
    return sorted(posts, key=lambda post: (post.at, post.id), reverse=True)


def reading_list(record: PublicRecord, campaign: Campaign) -> list[Investigation]:
    """Return the investigations that a published post links to, or a public source names."""
    links = {address for each in record.statuses for address in links_of(each.status)}
    texts = [each.text for each in record.sources]
    return [
        each
        for each in campaign.investigations.values()
        if (each.address and each.address in links) or any(each.title in text for text in texts)
    ]


def site_files(
    record: PublicRecord,
    signed: bytes,
    key: str,
    campaign: Campaign,
    specs: Mapping[str, PlatformSpec],
    *,
    address: str = "",
    looks: Mapping[str, LinkLook] = MappingProxyType({}),
) -> dict[str, bytes]:
    """Return all files of the site by their names.

    Args:
        signed: The record, as the file `record.json`.
        key: The public key that signed it.
        campaign: For the reading list; nothing else of it is published.
        address: Where the site will stand, for previews on other sites; empty where not known.
    """
    posts = posts_of(record)
    cards = {f"card-{post.id}.png": post.card[0] for post in posts if post.card}
    pages = environment()
    pages.globals |= {
        "record": record, "posts": posts, "key": key, "cards": cards,
        "zone": ZoneInfo(record.timezone), "rehearsal": record.mode is Mode.REHEARSAL,
        "address": f"{address.rstrip('/')}/" if address else "",
        "label_of": lambda name: specs[name].label if name in specs else name,
        "title": record.sources[0].title if record.sources else record.campaign,
        "anchor_of": anchor_of,
        "urn": lambda name: uuid5(NAMESPACE_URL, f"verbatim:{record.campaign}:{name}").urn,
    }  # fmt: skip
    found: dict[str, str] = {}
    for name in ("index.html", "reading.html", "corrections.html", "check.html", "feed.xml"):
        values = {"investigations": reading_list(record, campaign), "page": name, "looks": looks}
        found[name] = pages.get_template(name).render(values)
    for each in record.sources:
        found[f"source-{each.id}.html"] = pages.get_template("source.html").render(
            _source_values(each.source, each.address, posts), page=f"source-{each.id}.html"
        )
    for post in posts:
        about = [each for each in record.corrections if each.post == post.id]
        found[post.file] = pages.get_template("post.html").render(
            _post_values(post, record), post=post, about=about, page=post.file
        )
    others = {RECORD: signed, "record.key": f"{key}\n".encode(), "style.css": STYLE.read_bytes()}
    return {name: text.encode() for name, text in found.items()} | cards | others


def _source_values(source: Source, address: str, posts: list[PublishedPost]) -> dict[str, object]:
    quoting = [post for post in posts if post.source and post.source.id == source.id]
    blocks = marked_paragraphs(source, [span for post in quoting for span in post.spans])
    begun = {number: {anchor for *_, anchor in pieces} for number, pieces in blocks}
    return {
        "source": source,
        "paragraphs": blocks,
        "published_at": address,
        #: Posts whose quotation begins in a paragraph, by its number.
        "quoting": {
            number: [post for post in quoting if anchor_of(post.spans[0]) in anchors]
            for number, anchors in begun.items()
        },
    }


def _post_values(post: PublishedPost, record: PublicRecord) -> dict[str, object]:
    if post.source is None:
        return {"paragraphs": [], "original": ""}
    address = next(each.address for each in record.sources if each.id == post.source.id)
    original = with_text_fragment(address, post.source.text, post.spans) if address else ""
    blocks = marked_paragraphs(post.source, post.spans, only_quoted=True)
    return {"paragraphs": blocks, "original": original}
