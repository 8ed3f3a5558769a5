"""The report of a month as people read it: every label, number and sentence, ready to be laid out.

The page, the PDF, the workbook, the desk and the terminal read one `PresentedMonth`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from bot.canonical import canonical_json, sha256_hex
from bot.content.zones import shown
from bot.engagement.ages import AGES
from bot.engagement.monthly import USUAL_DAYS, FeaturedPost, Mentioned, MonthlyFigures
from bot.engagement.presenter import Grid
from bot.engagement.report_text import BLANKS, UNTOLD, number, ratio
from bot.rendering.layout import first_words

#: Rows of a list that is printed; the workbook has all.
MOST_LISTED = 12
#: Where a picture is, by its hash; None where it is no longer kept.
PictureOf = Callable[[str], bytes | None]

HOW_TO_READ = (
    "“2.4× (1.6–3.3)” says that a post brought 2.4 times what is usual for its own account at the "
    "same age, and that the true figure lies between 1.6 and 3.3 four times in five; where these "
    "two lie on both sides of 1, it may be an ordinary post with luck."
)
WHAT_IS_USUAL = (
    f"Usual is the middle of what the account's posts brought in this period and the {USUAL_DAYS} "
    "days before it, so that no later post changes this report. Engagements are likes, reposts, "
    "quotes and replies, up to 7 days after a post went out. “–” is a number that the platform "
    "does not tell, or that was not read; it is never 0."
)


@dataclass(frozen=True, slots=True)
class CorrectedPost:
    """A correction or retraction of the period; it names no person."""

    at: datetime
    #: ``correction`` or ``retraction``.
    kind: str
    post: str
    why: str
    text: str


@dataclass(frozen=True, slots=True)
class SignOff:
    """Who answers for a report."""

    by: str
    at: datetime
    #: Hash of what it said then.
    sha256: str


@dataclass(frozen=True, slots=True)
class Tile:
    """A number, and the same of the period before."""

    name: str
    value: str
    before: str


@dataclass(frozen=True, slots=True)
class FeaturedRow:
    """One of the best posts, as its readers saw it, and why its number can be trusted."""

    id: str
    words: str
    #: The day on which it first went out.
    sent: str
    text: str
    lang: str
    warning: str
    #: Data address and alt text.
    pictures: tuple[tuple[str, str], ...]
    #: Title and site of what it links to; empty without a preview.
    link_title: str
    link_site: str
    #: Account, address; an address may be empty.
    links: tuple[tuple[str, str], ...]
    engagements: str
    reason: str
    ratio: str


@dataclass(frozen=True)
class PresentedMonth:
    """A period as people read it."""

    figures: MonthlyFigures
    corrections: Sequence[CorrectedPost]
    signed: SignOff | None
    picture_of: PictureOf

    @property
    def zone(self) -> ZoneInfo:
        return self.figures.campaign.zone

    @property
    def campaign(self) -> str:
        return self.figures.campaign.schedule.campaign

    @property
    def title(self) -> str:
        return self.figures.period.name

    @property
    def as_of(self) -> str:
        return f"As of {shown(self.figures.at, self.zone)}. Times are {self.zone.key}."

    @property
    def is_over(self) -> bool:
        return self.figures.period.bounds(self.zone)[1] <= self.figures.at

    @property
    def tiles(self) -> tuple[Tile, ...]:
        now, before = self.figures.now, self.figures.before
        told = [each for each in now.accounts if each.impressions is not None]
        where = f"impressions ({', '.join(each.name for each in told)} only)"
        names = {"posts": "posts on all accounts", "engagements": "engagements",
                 "impressions": where if told else "impressions", "followers": "followers",
                 "gained": "followers gained"}  # fmt: skip
        had = before.posts > 0
        tiles = [Tile("posts", number(now.posts), self._change(now.posts, before.posts, had))]
        for what, name in names.items():
            value, then = now.total(what), before.total(what) if had else None
            tiles.append(Tile(name, number(value), self._change(value, then, had)))
        if now.cost or before.cost:
            change = self._change(now.cost, before.cost, had, 2)
            tiles.append(Tile("US dollars", number(now.cost, 2), change))
        return tuple(tiles)

    def _change(self, value: float | None, then: float | None, had: bool, digits: int = 0) -> str:
        """Return a number of the period before, and what is more or less now."""
        name = self.figures.before.period.name
        if not had or then is None:
            return f"{name}: {UNTOLD}"
        change = "" if value is None else f"{value - then:+,.{digits}f}"
        change = "the same" if change and not float(change.replace(",", "")) else change
        return f"{name}: {number(then, digits)}" + (f" ({change})" if change else "")

    @property
    def accounts(self) -> Grid:
        earlier = {each.name: each for each in self.figures.before.accounts}
        rows = []
        for each in self.figures.now.accounts:
            then = earlier.get(each.name)
            rows.append((
                each.name,
                _pair(each.posts, then.posts if then else None),
                _pair(each.engagements, then.engagements if then else None),
                _pair(each.impressions, then.impressions if then else None),
                number(each.followers),
                _pair(each.gained, then.gained if then else None),
            ))  # fmt: skip
        return Grid(
            f"In brackets: {self.figures.before.period.name}. An account is compared with itself "
            "only: audiences differ.",
            ("Account",),
            ("Posts", "Engagements", "Impressions", "Followers", "Gained"),
            tuple(rows),
        )

    @property
    def featured(self) -> tuple[FeaturedRow, ...]:
        return tuple(self._featured(post) for post in self.figures.featured)

    def _featured(self, post: FeaturedPost) -> FeaturedRow:
        first = post.readings[0]
        status = first.status
        pictures = tuple(
            (f"data:{each.mime};base64,{base64.b64encode(content).decode()}", each.alt)
            for each in status.pictures
            if not status.sensitive and (content := self.picture_of(each.sha256))
        )
        known = post.known.known if post.known else None
        return FeaturedRow(
            id=post.id,
            words=first_words(status.text),
            sent=_day(first.sent_at.astimezone(self.zone)),
            text=status.text,
            lang=status.lang,
            warning=status.warning or "",
            pictures=pictures,
            link_title=status.card.title if status.card else "",
            link_site=urlsplit(status.card.url).hostname or "" if status.card else "",
            links=tuple((each.account, _web(each.url)) for each in post.readings),
            engagements=number(post.engagements),
            reason=_reason(post),
            ratio=ratio((known.mean, *known.interval()) if known else None),
        )

    @property
    def passages(self) -> Sequence[Mentioned]:
        return self.figures.passages

    @property
    def investigations(self) -> Sequence[Mentioned]:
        return self.figures.investigations

    @property
    def costs(self) -> Grid:
        rows = [
            (each.name, action.replace("_", " "), f"{cost:.3f}")
            for each in self.figures.now.accounts
            for action, cost in each.cost.items()
        ]
        return Grid(
            "US dollars that platforms charge, by UTC day, booked before each call. People's work "
            "and servers are not in it.",
            ("Account", "For"),
            ("USD",),
            tuple(rows),
        )

    @property
    def missing(self) -> Iterator[str]:
        """What the numbers lack, and why, a sentence each."""
        gaps = self.figures.gaps
        if not self.is_over:
            yield "The period is not over: all of its numbers still grow."
        if gaps.young:
            yield (f"{_many(gaps.young, 'post')} on an account {_are(gaps.young)} younger than "
                   "7 days; their numbers still grow.")  # fmt: skip
        if gaps.no_impressions:
            yield f"Impressions are not told by: {', '.join(gaps.no_impressions)}. None is guessed."
        yield from (
            f"{each.name}: impressions are of {each.shown} of {_many(each.posts, 'post')}."
            for each in self.figures.now.accounts if 0 < each.shown < each.posts
        )  # fmt: skip
        if gaps.no_followers:
            yield (f"Followers were not read at the beginning or the end: "
                   f"{', '.join(gaps.no_followers)}.")  # fmt: skip
        for (account, outcome, why), n in sorted(gaps.reads.items()):
            what = BLANKS[outcome] + (f" ({why})" if why else "")
            yield f"{account}: {_many(n, 'read')} of numbers: {what}."
        if gaps.gone:
            named = [f"{post} on {account}" for post, account in gaps.gone]
            more = f", and {len(named) - MOST_LISTED} more" if len(named) > MOST_LISTED else ""
            yield f"No longer out: {', '.join(named[:MOST_LISTED])}{more}."
        yield from (f"The link to “{title}”: {found}." for title, found in gaps.links)
        if gaps.unknown_links:
            yield (f"{_many(gaps.unknown_links, 'post')} {_are(gaps.unknown_links)} no longer in "
                   "the files; what they linked to is not listed.")  # fmt: skip

    @property
    def sha256(self) -> str:
        """Return what a person signs: the hash of all that the report says, but for its time."""
        said: Any = [
            self.title,
            [[tile.name, tile.value, tile.before] for tile in self.tiles],
            [list(row) for grid in (self.accounts, self.costs) for row in grid.rows],
            [[row.id, row.text, row.engagements, row.ratio, row.reason] for row in self.featured],
            [[each.id, each.n] for each in (*self.passages, *self.investigations)],
            [[each.kind, each.post, each.why, each.text] for each in self.corrections],
            list(self.missing),
        ]
        return sha256_hex(canonical_json(said))

    @property
    def signature(self) -> str:
        """Who answers for it, in a sentence."""
        if self.signed is None:
            return "Nobody has signed this report off yet."
        text = f"Signed off by {self.signed.by}, {shown(self.signed.at, self.zone)}"
        is_same = self.signed.sha256 == self.sha256
        return f"{text}." if is_same else f"{text}; its numbers have changed since then."


def _day(at: datetime) -> str:
    return f"{at.day} {at:%B %Y}"


def _pair(now: int | None, then: int | None) -> str:
    return f"{number(now)} ({number(then)})"


def _many(n: int, what: str) -> str:
    return f"{n} {what}{'s' if n != 1 else ''}"


def _are(n: int) -> str:
    return "are" if n != 1 else "is"


def _web(url: str) -> str:
    return url if urlsplit(url).scheme in {"https", "http"} else ""


def _reason(post: FeaturedPost) -> str:
    """Say in a sentence why the number of a post can be trusted, or how far."""
    counted = [each for each in post.readings if each.engagements is not None]
    ages = sorted({each.age for each in counted}, key=list(AGES).index)
    after = " and ".join(age.replace("h", " hours").replace("d", " days") for age in ages)
    basis = f"Counted on {_many(len(counted), 'account')}, {after} after it went out."
    if post.known is None:
        return f"{basis} There are not enough posts yet to say what is usual."
    mean, (low, high) = post.known.known.mean, post.known.known.interval()
    if low > 1:
        return (f"{basis} About {mean:.1f} times the usual; even at the careful end of what the "
                f"numbers allow, {low:.1f} times.")  # fmt: skip
    if high < 1:
        return f"{basis} Less than usual: {mean:.1f} times."
    return f"{basis} About {mean:.1f} times the usual, which may be luck."


def monthly_lines(month: PresentedMonth) -> Iterator[str]:
    """Yield the report as lines of a terminal."""
    yield f"{month.campaign}, {month.title}. {month.as_of}"
    yield from (f"  {tile.name}: {tile.value}   ({tile.before})" for tile in month.tiles)
    chapters: Mapping[str, Iterable[str]] = {
        "Posts that did best": (
            f"{row.words}: {row.engagements}. {row.reason} {row.ratio}" for row in month.featured
        ),
        "Passages": (f"{first_words(each.text)} ({each.n}×)" for each in month.passages),
        "Investigations": (f"{each.text}, {each.by} ({each.n}×)" for each in month.investigations),
        "Corrections": (f"{each.kind} of {each.post}: {each.why}" for each in month.corrections),
        "Cost": (f"{account}: {what} ${usd}" for account, what, usd in month.costs.rows),
        "Missing": month.missing,
    }
    for title, entries in chapters.items():
        yield from ("", title)
        yield from (f"- {entry}" for entry in list(entries) or ["nothing"])
    yield from ("", month.signature)
