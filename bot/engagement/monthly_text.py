"""The report of a month as people read it: every label, number and sentence, ready to be laid out.

The page, the PDF, the workbook, the desk and the terminal read one `PresentedMonth`.
"""

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from bot.canonical import canonical_json, sha256_hex
from bot.content.report_words import ReportLanguage, english
from bot.engagement.ages import AGES
from bot.engagement.monthly import FeaturedPost, MonthlyFigures, Period
from bot.engagement.presenter import Grid
from bot.engagement.report_text import number, ratio
from bot.platforms.status import Status
from bot.rendering.layout import first_words, html_direction

#: Rows of a list that is printed; the workbook has all.
MOST_LISTED = 12
#: Where a picture is, by its hash; None where it is no longer kept.
PictureOf = Callable[[str], bytes | None]


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
class FeaturedRow:
    """One of the best posts, as its readers saw it, and why its number can be trusted."""

    id: str
    words: str
    #: The day on which it first went out.
    sent: str
    #: The first of its statuses.
    status: Status
    #: Data address and alt text.
    pictures: tuple[tuple[str, str], ...]
    #: Site of what it links to; empty without a preview.
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
    words: ReportLanguage = field(default_factory=english)

    @property
    def zone(self) -> ZoneInfo:
        return self.figures.campaign.zone

    @property
    def campaign(self) -> str:
        return self.figures.campaign.schedule.campaign

    @property
    def title(self) -> str:
        return self._name(self.figures.period)

    def _name(self, period: Period) -> str:
        words = self.words
        if period.is_month:
            return words.month(period.first)
        return words("days", first=words.day(period.first), last=words.day(period.last))

    @property
    def direction(self) -> str:
        return html_direction(self.words.language)

    @property
    def as_of(self) -> str:
        moment = self.words.moment(self.figures.at, self.zone)
        return self.words("as-of", moment=moment, zone=self.zone.key)

    @property
    def is_over(self) -> bool:
        return self.figures.period.bounds(self.zone)[1] <= self.figures.at

    @property
    def tiles(self) -> Iterator[tuple[str, str, str]]:
        """Name, number, and what is said of the period before."""
        now, before, words = self.figures.now, self.figures.before, self.words
        told = ", ".join(each.name for each in now.accounts if each.impressions is not None)
        names = {name: words(f"tile-{name}")
                 for name in ("engagements", "impressions", "followers", "gained")}  # fmt: skip
        if told:
            names["impressions"] = words("tile-impressions-of", accounts=told)
        yield self._tile(words("tile-posts"), now.posts, before.posts)
        for what, name in ({"posts": words("tile-deliveries")} | names).items():
            yield self._tile(name, now.total(what), before.total(what))
        if now.cost or before.cost:
            yield self._tile(words("tile-cost"), now.cost, before.cost, 2)

    def _tile(
        self, name: str, value: float | None, then: float | None, digits: int = 0
    ) -> tuple[str, str, str]:
        """Return a number, with that of the period before and what is more or less now."""
        shown = {"period": self._name(self.figures.before.period), "n": self._number(None)}
        key = "before"
        if self.figures.before.posts > 0 and then is not None:
            shown["n"] = self._number(then, digits)
            if value is not None:
                change = round(value - then, digits)
                shown["change"] = self._number(abs(change), digits)
                key = f"before-{'more' if change > 0 else 'less' if change < 0 else 'same'}"
        return name, self._number(value, digits), self.words(key, **shown)

    def _number(self, value: float | None, digits: int = 0) -> str:
        return self.words.localized(number(value, digits))

    @property
    def accounts(self) -> Grid:
        earlier = {each.name: each for each in self.figures.before.accounts}
        rows = []
        for each in self.figures.now.accounts:
            then = earlier.get(each.name)
            pairs = [
                f"{self._number(getattr(each, name))} ({self._number(getattr(then, name, None))})"
                for name in ("posts", "engagements", "impressions", "gained")
            ]
            rows.append((each.name, *pairs[:3], self._number(each.followers), pairs[3]))
        words = self.words
        return Grid(
            words("accounts-note", period=self._name(self.figures.before.period)),
            (words("of-account"),),
            tuple(words(f"of-{what}") for what in
                  ("posts", "engagements", "impressions", "followers", "gained")),
            tuple(rows),
        )  # fmt: skip

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
            sent=self.words.day(first.sent_at.astimezone(self.zone).date()),
            status=status,
            pictures=pictures,
            link_site=urlsplit(status.card.url).hostname or "" if status.card else "",
            links=tuple((each.account, _web(each.url)) for each in post.readings),
            engagements=self._number(post.engagements),
            reason=self._reason(post),
            ratio=self.words.localized(ratio((known.mean, *known.interval()) if known else None)),
        )

    def _reason(self, post: FeaturedPost) -> str:
        """Say in a sentence why the number of a post can be trusted, or how far."""
        counted = [each for each in post.readings if each.engagements is not None]
        ages = sorted({each.age for each in counted}, key=list(AGES).index)
        after = ", ".join(self.words(f"age-{age}") for age in ages)
        basis = self.words("counted", n=len(counted), ages=after)
        if post.known is None:
            return f"{basis} {self.words('too-few')}"
        mean, (low, high) = post.known.known.mean, post.known.known.interval()
        key = "surely-more" if low > 1 else "surely-less" if high < 1 else "perhaps-luck"
        values = {"mean": self._number(mean, 1), "low": self._number(low, 1)}
        return f"{basis} {self.words(key, **values)}"

    @property
    def costs(self) -> Grid:
        rows = [
            (each.name, action.replace("_", " "), self._number(cost, 3))
            for each in self.figures.now.accounts
            for action, cost in each.cost.items()
        ]
        words = self.words
        names = words("of-account"), words("of-purpose")
        return Grid(words("cost-note"), names, (words("of-dollars"),), tuple(rows))

    @property
    def missing(self) -> Iterator[str]:
        """What the numbers lack, and why, a sentence each."""
        gaps, words, accounts = self.figures.gaps, self.words, self.figures.now.accounts
        if not self.is_over:
            yield words("not-over")
        if gaps.young:
            yield words("young", n=gaps.young)
        if names := [each.name for each in accounts if each.counted and each.impressions is None]:
            yield words("no-impressions", accounts=", ".join(names))
        yield from (
            words("some-impressions", account=each.name, n=each.shown, all=each.posts)
            for each in accounts if 0 < each.shown < each.posts
        )  # fmt: skip
        if names := [each.name for each in accounts if each.posts and each.gained is None]:
            yield words("no-followers", accounts=", ".join(names))
        for (account, outcome, why), n in sorted(gaps.reads.items()):
            blank, key = words(f"blank-{outcome.lower()}"), "reads-why" if why else "reads"
            yield words(key, account=account, n=n, blank=blank, why=why)
        if gaps.gone:
            named = ", ".join(f"{post} ({account})" for post, account in gaps.gone[:MOST_LISTED])
            more = len(gaps.gone) - MOST_LISTED
            yield words("gone-more" if more > 0 else "gone", posts=named, n=more)
        yield from (words("link", title=title, found=found) for title, found in gaps.links)
        if gaps.unknown_links:
            yield words("unknown-links", n=gaps.unknown_links)

    @property
    def sha256(self) -> str:
        """Return what a person signs: the hash of all that the report says, but for its time.

        It is of the English report, whatever language it is read in.
        """
        ours = replace(self, words=english())
        said: Any = [
            ours.title,
            [*ours.tiles],
            [*ours.accounts.rows, *ours.costs.rows],
            [
                [row.id, row.status.text, row.engagements, row.ratio, row.reason]
                for row in ours.featured
            ],
            [[each.id, each.n] for each in (*self.figures.passages, *self.figures.investigations)],
            [[each.kind, each.post, each.why, each.text] for each in self.corrections],
            list(ours.missing),
        ]
        return sha256_hex(canonical_json(said))

    @property
    def signature(self) -> str:
        """Who answers for it, in a sentence."""
        if self.signed is None:
            return self.words("unsigned")
        key = "signed" if self.signed.sha256 == self.sha256 else "signed-before"
        moment = self.words.moment(self.signed.at, self.zone)
        return self.words(key, name=self.signed.by, moment=moment)

    @property
    def about_words(self) -> Iterator[str]:
        """Who answers for the words of another language, and how many of them there are not."""
        if self.words.by:
            yield self.words("words-by", name=self.words.by)
        if lacking := len(self.words.lacking):
            every = len(english().sentences)
            yield self.words("words-missing", n=lacking, all=every, language=english().language)


def _web(url: str) -> str:
    return url if urlsplit(url).scheme in {"https", "http"} else ""


def monthly_lines(month: PresentedMonth) -> Iterator[str]:
    """Yield the report as lines of a terminal."""
    words, figures = month.words, month.figures
    yield f"{month.campaign}, {month.title}. {month.as_of}"
    yield from (f"  {name}: {value}   ({before})" for name, value, before in month.tiles)
    chapters: Mapping[str, Iterable[str]] = {
        "best": (
            f"{row.words}: {row.engagements}. {row.reason} {row.ratio}" for row in month.featured
        ),
        "passages": (f"{first_words(each.text)} ({each.n}×)" for each in figures.passages),
        "investigations": (
            f"{each.text}, {each.by} ({each.n}×)" for each in figures.investigations
        ),
        "corrections": (f"{words(each.kind, post=each.post)} {each.why}"
                        for each in month.corrections),
        "cost": (f"{account}: {what} ${usd}" for account, what, usd in month.costs.rows),
        "missing": month.missing,
    }  # fmt: skip
    for key, entries in chapters.items():
        yield from ("", words(key))
        yield from (f"- {entry}" for entry in list(entries) or [words("none")])
    yield from ("", month.signature, *month.about_words)
