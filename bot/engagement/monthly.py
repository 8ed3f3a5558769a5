"""A month, or other days, as numbers: what went out, what it brought and cost, what is missing.

It reads the days of the report, those before it, and the posts of a quarter that they are judged
against; never the whole history.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Self
from zoneinfo import ZoneInfo

from sqlalchemy import literal

from bot.clock import Clock
from bot.content.model import Campaign
from bot.content.zones import resolve
from bot.delivery.links import looks
from bot.delivery.model import State
from bot.engagement.ages import AGES, JUDGED_UP_TO, total
from bot.engagement.estimate import Estimate
from bot.engagement.judged import judge
from bot.engagement.readings import NAMES, Chosen, GroupSum, Reading
from bot.engagement.report import blanks_of
from bot.engagement.snapshots import SnapshotState
from bot.engagement.store import EngagementStore

#: Posts that are shown whole.
FEATURED = 5
#: What is usual comes from the days of the report and so many days before them: a later post
#: changes no report, and the cost of one does not grow with the campaign.
USUAL_DAYS = 90
_USUAL = timedelta(days=USUAL_DAYS)
#: A count of followers so many days old still stands for a day.
_FRESH = timedelta(days=3)
_DAY = timedelta(days=1)
_EARLIEST, _LATEST = date(2000, 1, 31), date(2100, 1, 1)


@dataclass(frozen=True, slots=True)
class Period:
    """Local days, both included."""

    first: date
    last: date

    @classmethod
    def of_month(cls, text: str) -> Self:
        """Read a month such as 2026-12; ValueError where it is none, or far off."""
        first = date.fromisoformat(f"{text}-01")
        if not _EARLIEST < first < _LATEST:
            raise ValueError(f"{text} is far off")
        return cls(first, (first + timedelta(days=32)).replace(day=1) - _DAY)

    @property
    def is_month(self) -> bool:
        next_month = (self.first + timedelta(days=32)).replace(day=1)
        return self.first.day == 1 and self.last == next_month - _DAY

    @classmethod
    def read(cls, month: str, first: str, last: str, today: date) -> Self:
        """Read a month or two days, or else last month; ValueError, for people, if it is none."""
        if bool(first) != bool(last) or (month and first):
            raise ValueError("give a month, or both days, from and to")
        try:
            if first:
                period = cls(date.fromisoformat(first), date.fromisoformat(last))
            else:
                period = cls.of_month(month or f"{today.replace(day=1) - _DAY:%Y-%m}")
        except ValueError:
            raise ValueError("a month is written 2026-12, a day 2026-12-09") from None
        if not _EARLIEST < period.first <= period.last < _LATEST:
            raise ValueError("the last day is before the first, or they are far off")
        return period

    @property
    def before(self) -> Self:
        """The month before; of other days, as many before them."""
        last, more = self.first - _DAY, self.last - self.first
        return type(self)(last.replace(day=1) if self.is_month else last - more, last)

    def bounds(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Return when it begins, and when the day after it does."""
        begin, end = (
            resolve(datetime(day.year, day.month, day.day), zone).utc  # noqa: DTZ001 - local
            for day in (self.first, self.last + _DAY)
        )
        return begin, end

    @property
    def name(self) -> str:
        if self.is_month:
            return f"{self.first:%B %Y}"
        return f"{self.first.day} {self.first:%B %Y} to {self.last.day} {self.last:%B %Y}"

    @property
    def key(self) -> str:
        return f"{self.first:%Y-%m}" if self.is_month else f"{self.first}..{self.last}"


@dataclass(frozen=True, slots=True)
class AccountFigures:
    """What an account did in a period; None is a number that nobody knows."""

    name: str
    #: Posts, and those of them that have numbers.
    posts: int
    counted: int
    engagements: int | None
    impressions: int | None
    #: Posts whose impressions are told.
    shown: int
    #: At the end, and what came since its beginning.
    followers: int | None
    gained: int | None
    #: US dollars by what was paid for; empty where nothing was.
    cost: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Figures:
    """What a period came to."""

    period: Period
    #: Posts, however many accounts each went to.
    posts: int
    accounts: tuple[AccountFigures, ...]

    def total(self, what: str) -> int | None:
        """Add up what is known of the accounts; None where nothing is.

        Followers are only added up where all are known: else two months count other accounts.
        """
        values = [getattr(each, what) for each in self.accounts]
        if what not in {"followers", "gained"}:
            values = [value for value in values if value is not None]
        return total(values)

    @property
    def cost(self) -> float:
        return sum(sum(each.cost.values()) for each in self.accounts)


@dataclass(frozen=True, slots=True)
class FeaturedPost:
    """One of the posts that did best, on all of its accounts."""

    id: str
    readings: tuple[Reading, ...]
    #: Against what is usual; None where there is not enough to tell.
    known: Estimate | None

    @property
    def engagements(self) -> int:
        return sum(each.engagements or 0 for each in self.readings)


@dataclass(frozen=True, slots=True)
class Mentioned:
    """A passage or an investigation that went out."""

    id: str
    text: str
    lang: str
    #: Who published it; the source of a passage.
    by: str
    url: str
    #: Times that it went out, each account by itself.
    n: int


@dataclass(frozen=True, slots=True)
class Gaps:
    """What a period lacks."""

    #: Account, what came of reads, why -> how many.
    reads: Mapping[tuple[str, SnapshotState, str], int]
    #: Posts that still grow: too young for their last read that counts.
    young: int
    #: Post and account of what is no longer out.
    gone: tuple[tuple[str, str], ...]
    #: Posts that are no longer in the files: which investigation they linked to is not known.
    unknown_links: int
    #: Titles of investigations whose pages are not what they were, with what the last look found.
    links: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class MonthlyFigures:
    """All that the report of a period says, but for what people decided."""

    campaign: Campaign
    at: datetime
    now: Figures
    before: Figures
    featured: tuple[FeaturedPost, ...]
    passages: tuple[Mentioned, ...]
    investigations: tuple[Mentioned, ...]
    gaps: Gaps

    @property
    def period(self) -> Period:
        return self.now.period


@dataclass(frozen=True, slots=True)
class MonthlyReporter:
    """Makes them out of the database; asks no server and spends nothing."""

    store: EngagementStore
    clock: Clock
    campaign: Campaign

    def figures(self, period: Period) -> MonthlyFigures:
        self.store.snapshots.catch_up()
        chosen = self._chosen(period)
        posts = self.store.readings.sums(NAMES["post"], chosen)
        now = self._figures(period, len(posts))
        before = period.before
        earlier = len(self.store.readings.sums(NAMES["post"], self._chosen(before)))
        links, unknown = self._investigations(posts)
        return MonthlyFigures(
            campaign=self.campaign,
            at=self.clock.now(),
            now=now,
            before=self._figures(before, earlier),
            featured=tuple(islice(self._featured(period, posts), FEATURED)),
            passages=tuple(self._passages(chosen)),
            investigations=links,
            gaps=self._gaps(period, unknown),
        )

    def _chosen(self, period: Period) -> Chosen:
        begin, end = period.bounds(self.campaign.zone)
        return Chosen(begin, None, end)

    def _figures(self, period: Period, posts: int) -> Figures:
        sums = self.store.readings.sums(NAMES["account"], self._chosen(period))
        names = dict.fromkeys([*self.campaign.schedule.accounts, *sorted(sums)])
        found = (self._account(name, sums.get(name), period) for name in names)
        return Figures(period, posts, tuple(found))

    def _account(self, name: str, group: GroupSum | None, period: Period) -> AccountFigures:
        today = self.clock.now().astimezone(self.campaign.zone).date()
        # Of days that are not over, as of now; of those to come nothing is known.
        is_begun = period.first <= today
        end = self._followers(name, min(period.last, today)) if is_begun else None
        start = self._followers(name, period.first - _DAY)
        return AccountFigures(
            name=name,
            posts=group.n if group else 0,
            counted=group.counted if group else 0,
            engagements=group.judged if group and group.counted else None,
            impressions=group.shown if group and group.with_shown else None,
            shown=group.with_shown if group else 0,
            followers=end,
            gained=None if end is None or start is None else end - start,
            cost=self.store.ledger.spent_between(name, period.first, period.last),
        )

    def _followers(self, name: str, day: date) -> int | None:
        return self.store.followers.last(name, day - _FRESH, day)

    def _featured(self, period: Period, posts: Mapping[str, GroupSum]) -> Iterator[FeaturedPost]:
        """Yield the best by their ratio; where too few can be judged, by plain counts.

        What was retracted is not shown once more.
        """
        begin, end = period.bounds(self.campaign.zone)
        chosen, usual = Chosen(begin, None, end), Chosen(begin - _USUAL, None, end)
        judged = judge(self.store.readings, literal(0), usual).posts(chosen)
        known = {each.name: each for each in judged}
        counted = sorted(posts, key=lambda name: (-posts[name].judged, name))
        rest = [name for name in counted if name not in known and posts[name].judged]
        for name in [*known, *rest]:
            each = tuple(self.store.readings.each(Chosen(begin, name, end)))
            if all(reading.state is not State.RETRACTED for reading in each):
                yield FeaturedPost(name, each, known.get(name))

    def _passages(self, chosen: Chosen) -> Iterator[Mentioned]:
        """Yield quoted passages in the order in which they stand in their sources."""
        found = []
        for name, group in self.store.readings.sums(NAMES["excerpt"], chosen).items():
            source_id, _, stretch = name.rpartition(":")
            start, _, end = stretch.partition("-")
            source = self.campaign.sources.get(source_id)
            if name:
                text = source.text[int(start) : int(end)] if source else name
                lang, by = (source.lang, source.attribution) if source else ("en", source_id)
                place = source_id, int(start or 0)
                found.append((place, Mentioned(name, text, lang, by, "", group.n)))
        return (passage for _place, passage in sorted(found, key=lambda each: each[0]))

    def _investigations(self, posts: Mapping[str, GroupSum]) -> tuple[tuple[Mentioned, ...], int]:
        """Return those that posts linked to, and how many posts the files no longer have."""
        written = {post.id: post for post in self.campaign.posts}
        counts, unknown = Counter[str](), 0
        for name, group in posts.items():
            # What goes out again, or is corrected, is called after its post.
            post = written.get(name) or written.get(name.rpartition("-of-")[2])
            unknown += post is None
            if post is not None and post.link:
                counts[post.link] += group.n
        pieces = self.campaign.investigations
        found = tuple(
            Mentioned(id_, pieces[id_].title, "en", pieces[id_].outlet, pieces[id_].address, n)
            for id_, n in sorted(counts.items())
            if id_ in pieces
        )
        return found, unknown

    def _gaps(self, period: Period, unknown_links: int) -> Gaps:
        chosen = self._chosen(period)
        seen = looks(self.store, until=chosen.until)
        reads = Counter[tuple[str, SnapshotState, str]]()
        young, gone, at = 0, [], self.clock.now()
        for reading in self.store.readings.each(chosen):
            young += reading.sent_at + AGES[JUDGED_UP_TO] > at
            is_gone = reading.state is not State.SENT
            for blank in blanks_of(reading):
                if blank.outcome is SnapshotState.GONE:
                    is_gone = True
                else:
                    reads[blank.account, blank.outcome, blank.reason] += 1
            if is_gone:
                gone.append((reading.post_id, reading.account))
        links = tuple(
            (each.title, str(look))
            for each in self.campaign.investigations.values()
            if (look := seen.get(each.address)) and not look.is_there
        )
        return Gaps(reads, young, tuple(gone), unknown_links, links)
