"""Templates into pages: escaped everywhere, times with their zone, texts as pages show them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from difflib import SequenceMatcher
from hashlib import sha256
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PackageLoader, StrictUndefined
from markupsafe import Markup

from bot import PROGRAM, visible
from bot.authority.users import Right
from bot.content.model import Account, Campaign, Mode, Post
from bot.content.passages import paragraphs
from bot.content.zones import brief, shown
from bot.delivery.model import Delivery, State
from bot.engagement.presenter import FOLDER
from bot.platforms.spec import PlatformSpec
from bot.platforms.status import FacetKind, Status
from bot.rendering.layout import first_words, marks_for, own_marks, short_link
from bot.rendering.rendered import RenderedCampaign
from bot.web.request import Page, RequestContext

#: A status of a delivery or draft, for people: its name and its sign (never colour alone).
KINDS = {
    "forecast": ("forecast", "◌"),  # planned further ahead; may still move
    "unapproved": ("needs approval", "○"),
    "asked": ("change asked for", "?"),
    "paused": ("paused", "‖"),  # nothing goes out then, as things are
    "approved": ("approved", "✓"),
    "sending": ("on its way", "→"),  # being sent, or read back
    "sent": ("sent", "●"),
    "held": ("held", "!"),
    "failed": ("failed", "×"),  # the platform refused it
    "draft": ("draft", "✎"),
    "gone": ("taken down", "–"),  # retracted, or deleted elsewhere
    "cancelled": ("cancelled", "–"),
}
#: Of a state that people know by another name.
KIND_OF = {State.READY: "approved", State.UNKNOWN: "sending", State.RETRACTED: "gone"}
_WORDS = re.compile(r"\s+|[^\s]+")
#: Where an address stands whole in a text, readers see this much of it.
_SHOWN_OF_LINK = 30


def words_of(post: Post) -> str:
    """Return what a post says, by which people call it; its id is for files and addresses."""
    quoted = post.quote.text if post.quote else ""
    marked = quoted.join(marks_for(quoted, own_marks(post.lang, quoted))) if quoted else ""
    return f"{post.text} {marked}".strip() or post.id


def titles(campaign: Campaign) -> dict[str, tuple[str, str]]:
    """Return by id what posts say, and in which language."""
    return {post.id: (words_of(post), post.lang) for post in campaign.posts}


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a status as a reader sees it."""

    text: str
    #: ``link``, ``tag``, ``mention`` or empty.
    kind: str = ""
    #: Where a link leads; only http(s).
    address: str = ""


def pieces(status: Status) -> tuple[Piece, ...]:
    """Cut a status at its links, tags and mentions."""
    raw, at = status.text.encode(), 0
    found: list[Piece] = []
    for facet in sorted(status.facets, key=lambda facet: facet.start):
        if facet.start < at:
            continue
        found.append(Piece(raw[at : facet.start].decode(errors="replace")))
        text = raw[facet.start : facet.end].decode(errors="replace")
        address = facet.value if facet.kind is FacetKind.LINK else ""
        if text == address:
            text = short_link(text, _SHOWN_OF_LINK)
        # Only an address of the web is one that a page may link to.
        is_web = urlsplit(address).scheme in {"http", "https"}
        found.append(Piece(text, facet.kind.value, address if is_web else ""))
        at = facet.end
    found.append(Piece(raw[at:].decode(errors="replace")))
    return tuple(piece for piece in found if piece.text)


def host_of(address: str) -> str:
    """Name whose page an address is, as link cards do."""
    return (urlsplit(address).hostname or "").removeprefix("www.")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph of a source, its quoted stretches marked."""

    #: (text, is quoted), in order.
    pieces: tuple[tuple[str, bool], ...]
    has_quote: bool


def passage_in(text: str, spans: Sequence[tuple[int, int]]) -> list[Paragraph]:
    """Return a source from the paragraph before what is quoted to the one after it."""
    found = [pieces_between(text, block, spans) for block in paragraphs(text)]
    quoted = [number for number, paragraph in enumerate(found) if paragraph.has_quote]
    return found[max(0, quoted[0] - 1) : quoted[-1] + 2] if quoted else []


def pieces_between(
    text: str, block: tuple[int, int], spans: Iterable[tuple[int, int]]
) -> Paragraph:
    """Return a stretch of a source with what is quoted of it marked."""
    start, end = block
    found: list[tuple[str, bool]] = []
    at = start
    for a, b in spans:
        low, high = max(a, start), min(b, end)
        if low >= high:
            continue
        found += [(text[at:low], False), (text[low:high], True)]
        at = high
    found.append((text[at:end], False))
    kept = tuple(piece for piece in found if piece[0])
    return Paragraph(kept, any(is_quoted for _text, is_quoted in kept))


def difference(before: str, after: str) -> tuple[tuple[str, str], ...]:
    """Compare two texts word by word: (``same``, ``gone`` or ``new``, words)."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    found: list[tuple[str, str]] = []
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            found.append(("same", "".join(old[a:b])))
            continue
        found += [("gone", "".join(old[a:b]))] if b > a else []
        found += [("new", "".join(new[c:d]))] if d > c else []
    return tuple(found)


def by_account(rows: Iterable[Delivery]) -> dict[str, list[Delivery]]:
    """Return what deliveries of a post show; of one that comes several times, the first time."""
    groups: dict[str, list[Delivery]] = {}
    for row in rows:
        group = groups.setdefault(row.account, [])
        if not group or row.publication.id == group[0].publication.id:
            group.append(row)
    return groups


@dataclass(frozen=True, slots=True)
class AccountView:
    """What one account shows."""

    account: Account
    #: With their lengths, as the platform counts.
    statuses: tuple[tuple[Status, int], ...]
    max_length: int
    #: Why it shows nothing.
    skipped: str = ""
    cost: float = 0.0


def looks_of(whole: RenderedCampaign, post: Post) -> list[AccountView]:
    """Lay a post out as each of its accounts shows it."""
    return [
        AccountView(
            text.account,
            tuple(zip(text.statuses, text.lengths, strict=False)),
            text.max_length,
            text.why_not,
            whole.cost_of_all(text),
        )
        for text in whole.texts_of(post)
    ]


def looks_of_rows(whole: RenderedCampaign, rows: Iterable[Delivery]) -> list[AccountView]:
    """Show what deliveries froze: of corrections, and of posts that no file has any more."""
    accounts, looks = whole.campaign.schedule.accounts, []
    for name, group in by_account(rows).items():
        if name not in accounts:
            continue
        spec, limits = whole.spec_of(name), whole.limits_of(name)
        statuses = tuple((row.status, spec.length_of(row.status, limits)) for row in group)
        most = accounts[name].max_length or limits.max_length
        looks.append(AccountView(accounts[name], statuses, most))
    return looks


STATIC = files("bot.web") / "static"
#: What a platform adds to the style, in light and in dark.
_LOOK = """\
.net-{name}, .status-{name} {{ --net: {look.color}; }}
.status-{name} {{ border-radius: {look.corner}; }}
@media (prefers-color-scheme: dark) {{
  .net-{name}, .status-{name} {{ --net: {look.color_on_dark}; }}
}}
"""

_UNITS = ((timedelta(days=1), "day"), (timedelta(hours=1), "hour"))


def rendered(templates: Environment, request: RequestContext, page: Page) -> str:
    """Return a page with what all pages show."""
    context, campaign = request.context, request.context.campaign
    common: dict[str, Any] = {
        "request": request,
        "has_script": page.has_script,
        "campaign": campaign.schedule.campaign,
        "schedule": campaign.schedule,
        "zone": campaign.zone,
        "zone_name": campaign.schedule.timezone,
        "rehearsal": campaign.schedule.mode is Mode.REHEARSAL,
        "now": context.clock.now(),
        "rehearsed": context.days,
    }
    if request.person is not None:
        common |= {
            "status": context.status(),
            "broken": context.broken(),
            "pauses": context.store.pauses.lasting(),
        }
    return templates.get_template(page.template).render({**common, **page.values})


def stylesheet(specs: Mapping[str, PlatformSpec]) -> bytes:
    """Return the style of all pages, with how each platform looks."""
    looks = [_LOOK.format(name=spec.name, look=spec.look) for spec in specs.values()]
    report = (FOLDER / "monthly.css").read_bytes()
    return (STATIC / "style.css").read_bytes() + report + "".join(looks).encode()


def environment(specs: Mapping[str, PlatformSpec]) -> Environment:
    made = Environment(
        # A page's own template is beside its module; the others are what pages share.
        loader=ChoiceLoader(
            [PackageLoader("bot.web", "pages"), PackageLoader("bot.web"), FileSystemLoader(FOLDER)]
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=visible.shown,
    )
    made.filters |= {
        "when": when, "full": full, "written": written, "clock": clock, "ago": ago,
        "words": first_words, "pieces": pieces, "host": host_of, "usd": "${:,.2f}".format,
    }  # fmt: skip
    made.globals |= {
        # Stands in the address, so that a new style is never the old one from a cache.
        "style_version": sha256(stylesheet(specs)).hexdigest()[:12],
        "script_version": sha256((STATIC / "passkey.js").read_bytes()).hexdigest()[:12],
        "KINDS": KINDS,
        "SPECS": specs,
        # A platform that is no longer there may still have sent something.
        "label_of": lambda name: specs[name].label if name in specs else name,
        "icon_of": lambda name: specs[name].look.icon if name in specs else name[:1].upper(),
        "Right": Right,
        "program": PROGRAM,
        "zip": zip,
    }
    return made


def when(instant: datetime, zone: ZoneInfo) -> Markup:
    """Write an instant in local time, whose zone the page tells once, and in UTC for programs."""
    return _time(instant, brief(instant, zone))


def full(instant: datetime, zone: ZoneInfo) -> Markup:
    return _time(instant, shown(instant, zone))


def clock(instant: datetime, zone: ZoneInfo) -> Markup:
    return _time(instant, instant.astimezone(zone).strftime("%H:%M"))


def _time(instant: datetime, text: str) -> Markup:
    machine = instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Markup('<time datetime="{}">{}</time>').format(machine, text)


def ago(instant: datetime, now: datetime) -> str:
    """Return how far off an instant is, roughly."""
    gap = abs(instant - now)
    length, name = next((unit for unit in _UNITS if gap >= unit[0]), (timedelta(minutes=1), "min"))
    count = max(1, round(gap / length))
    text = f"{count} {name}{'s' if count > 1 and name != 'min' else ''}"
    return f"in {text}" if instant > now else f"{text} ago"


def written(day: date) -> str:
    return f"{day:%A}, {day.day} {day:%B %Y}"
