"""What worked, as numbers: posts, groups of posts, accounts, and the reads that brought nothing.

A report keeps no reading: it asks the database for sums, and judges by one line of numbers for each
reading; whole readings go by page by page.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain
from statistics import median
from threading import RLock
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement

from bot.clock import Clock
from bot.content.model import Campaign
from bot.content.zones import offsets
from bot.db.lazy import ReadOnce
from bot.engagement.ages import AGES, JUDGED_AGES, per_thousand, total
from bot.engagement.costs import Forecast, forecasts
from bot.engagement.estimate import ENOUGH, ENOUGH_FOR_MEDIAN, Estimate, differ
from bot.engagement.judged import JUDGED_BY, Judged, judge
from bot.engagement.readings import NAMES, Chosen, GroupSum, Reading, hour_of
from bot.engagement.snapshots import SnapshotState
from bot.engagement.store import EngagementStore
from bot.platforms.spec import PlatformSpec
from bot.rendering.layout import first_words

#: Hours of a part of the day. More and smaller parts only show more luck: with no effect at all,
#: the best of 24 hourly slots looks three times the average (docs/engagement.md).
_PART_HOURS = 3

_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table: a post, or a group of posts."""

    name: str
    #: First words, for people; empty where the name says it all.
    words: str
    lang: str
    #: Posts it comes from.
    n: int
    #: Against what is usual; None where there is not enough to tell.
    ratio: float | None
    low: float | None
    high: float | None
    #: Mean engagements of a post at each age; None where none was read.
    growth: tuple[float | None, ...]
    as_of: datetime | None
    #: Of a group, which people look at again while it grows: what holds at all looks together.
    sequence: tuple[float, float] | None = None

    @property
    def trend(self) -> str:
        """Return ``up`` or ``down`` where what is known is clear of the usual."""
        if self.low is None or self.high is None:
            return "unknown"
        least, most = self.sequence or (self.low, self.high)
        is_up, is_down = min(self.low, least) > 1, max(self.high, most) < 1
        return "up" if is_up else "down" if is_down else "even"


@dataclass(frozen=True, slots=True)
class Typical:
    """What is usual on one account; it is compared with no other, since audiences differ."""

    name: str
    platform: str
    n: int
    #: Age of the numbers below; empty where there are none.
    age: str
    median: float | None
    per_1000_followers: float | None
    per_1000_impressions: float | None
    followers: int | None
    growth: tuple[float | None, ...]
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class Blank:
    """A read without numbers, and why."""

    post_id: str
    account: str
    age: str
    outcome: SnapshotState
    reason: str


def blanks_of(reading: Reading) -> Iterator[Blank]:
    """Yield the reads of it without numbers; those that are only due yet are none."""
    for age, (outcome, reason) in reading.blanks.items():
        if outcome is not SnapshotState.DUE or reason:
            yield Blank(reading.post_id, reading.account, age, outcome, reason)


class Kept:
    """What reports worked out, for as long as nothing that it depends on changes."""

    def __init__(self) -> None:
        # Who asks for the same meanwhile waits for it: it takes seconds, and a lot of memory.
        self._turn = RLock()
        self._state: object = None
        self._made: dict[object, Any] = {}

    def get(self, state: object, key: object, make: Callable[[], _Made]) -> _Made:
        with self._turn:
            if state != self._state:
                self._state, self._made = state, {}
            if key not in self._made:
                self._made[key] = make()
            made: _Made = self._made[key]
            return made


class ByGrouping(dict[str, _Made]):
    """What a report has by grouping, each made when it is first asked for."""

    def __init__(self, make: Callable[[str], _Made]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, name: str) -> _Made:
        return self.setdefault(name, self._make(name))


@dataclass(frozen=True)
class Report:
    """Everything that is known of engagement; each part is read when it is first asked for."""

    store: EngagementStore
    clock: Clock
    of: Campaign
    specs: Mapping[str, PlatformSpec]
    chosen: Chosen
    at: datetime
    kept: Kept
    #: What all that is kept depends on.
    state: object

    @property
    def campaign(self) -> str:
        return self.of.schedule.campaign

    @property
    def zone(self) -> ZoneInfo:
        return self.of.zone

    @property
    def readings(self) -> Iterator[Reading]:
        """Yield what went out, oldest first; a page of it is in memory."""
        return self.store.readings.each(self.chosen)

    def newest(
        self, count: int, account: str = "", *, only_blank: bool = False
    ) -> Sequence[Reading]:
        """Return what went out last, or that of it of which a read is missing; oldest first."""
        return self.store.readings.newest(count, self.chosen, account, only_blank=only_blank)

    @property
    def blanks(self) -> Iterator[Blank]:
        readings = self.store.readings.each(self.chosen, only_blank=True)
        return chain.from_iterable(map(blanks_of, readings))

    @ReadOnce
    def lines(self) -> Mapping[str, tuple[Line, ...]]:
        """Grouping -> lines, best first."""
        return ByGrouping(lambda by: self._keep(by, lambda: self._lines(by)))

    @ReadOnce
    def usual(self) -> Mapping[str, tuple[Typical, ...]]:
        """``platform`` and ``account`` -> what is usual on each."""
        return ByGrouping(lambda by: self._keep(by, lambda: self._usual(by)))

    @ReadOnce
    def day_parts(self) -> tuple[Line, ...]:
        """Times of day, which are mixed up with what was posted then."""
        estimates = self._day_estimates
        sums = self.store.readings.sums(self._part, self.chosen)
        named = {name: replace(found, name=name) for part, found in sums.items()
                 if (name := _part_name(int(part)))}  # fmt: skip
        lines = [_line("time", named[known.name], known, {}) for known in estimates]
        return tuple(sorted(lines, key=lambda line: line.name))

    @property
    def day_parts_differ(self) -> bool:
        """Two of them differ by more than chance explains; not that the time is the reason."""
        return differ(self._day_estimates)

    @property
    def lacking(self) -> Mapping[str, int]:
        """Platform -> posts that are missing until it can be judged."""
        accounts = self.of.schedule.accounts.values()
        unjudged = sorted({account.platform for account in accounts} - self._judged.platforms)
        return {name: self._judged.lacking.get(name, ENOUGH) for name in unjudged}

    def own(self, ids: Iterable[str]) -> Mapping[str, Estimate]:
        """Return the own ratios of readings, by id, where they can be judged."""
        return {known.name: known for known in self._judged.own(ids)}

    @ReadOnce
    def posts(self) -> Mapping[str, GroupSum]:
        """Every post with the sum of its readings."""
        return self._keep("sums", lambda: self.store.readings.sums(NAMES["post"], self.chosen))

    @ReadOnce
    def costs(self) -> tuple[Forecast, ...]:
        return tuple(forecasts(self.store, self.of, self.clock, self.specs))

    @ReadOnce
    def followers(self) -> Mapping[str, Mapping[str, int]]:
        """Account -> followers by UTC day."""
        return {name: self.store.followers.of(name) for name in self.of.schedule.accounts}

    def _keep(self, what: str, make: Callable[[], _Made]) -> _Made:
        return self.kept.get(self.state, (what, self.chosen), make)

    @ReadOnce
    def _judged(self) -> Judged:
        return self.kept.get(
            self.state, Judged, lambda: judge(self.store.readings, self._part, Chosen())
        )

    @ReadOnce
    def _part(self) -> ColumnElement[int]:
        first, last = self.store.readings.span()
        return hour_of(offsets(self.zone, first or self.at, last or self.at)) // _PART_HOURS

    @ReadOnce
    def _day_estimates(self) -> tuple[Estimate, ...]:
        return self._judged.groups(self.chosen, lambda _names, part: _part_name(part))

    def _lines(self, by: str) -> tuple[Line, ...]:
        place, judged = JUDGED_BY.index(by), self._judged
        estimates = (
            judged.posts(self.chosen) if by == "post" else
            judged.groups(self.chosen, lambda names, _: names[place])
        )  # fmt: skip
        # Read after what was judged, so that nothing judged is missing.
        sums = dict(self.store.readings.sums(NAMES[by], self.chosen))
        sums.pop("", None)
        texts = self._texts(by, sums)
        best = [_line(by, sums.pop(known.name), known, texts) for known in estimates]
        return (*best, *(_line(by, sums[name], None, texts) for name in sorted(sums)))

    def _texts(self, by: str, names: Iterable[str]) -> Mapping[str, tuple[str, str]]:
        """Return text and language of posts, or of passages, for people."""
        if by == "excerpt":
            return {name: self._passage(name) for name in names}
        first: dict[str, str] = {}
        for id_, of, _part in self._judged.of(self.chosen) if by == "post" else ():
            first.setdefault(of[0], id_)
        texts = self.store.readings.texts(list(first.values()))
        return {post: texts[id_] for post, id_ in first.items()}

    def _passage(self, name: str) -> tuple[str, str]:
        source_id, _, stretch = name.rpartition(":")
        source, (start, _, end) = self.of.sources.get(source_id), stretch.partition("-")
        return (source.text[int(start) : int(end)], source.lang) if source else ("", "")

    def accounts_on(self, platform: str) -> tuple[Typical, ...]:
        """Return what is usual on each account of a platform."""
        return tuple(each for each in self.usual["account"] if each.platform == platform)

    def _usual(self, by: str) -> tuple[Typical, ...]:
        sums = self.store.readings.sums(NAMES[by], self.chosen)
        return tuple(self._typical(by, found) for _name, found in sorted(sums.items()))

    def _typical(self, by: str, group: GroupSum) -> Typical:
        """Return what is usual at the oldest age at which enough have numbers, or else most."""
        having = dict(zip(AGES, group.known, strict=True))
        enough = [age for age in JUDGED_AGES if having[age] >= ENOUGH_FOR_MEDIAN]
        age = enough[-1] if enough else max(JUDGED_AGES, key=having.__getitem__)
        known = self.store.readings.at_age(by, group.name, age, self.chosen)
        last = self.store.readings.last(by, group.name, self.chosen)
        ours = self.accounts_on(group.name) if by == "platform" else ()

        def median_rate(place: int) -> float | None:
            rates = [rate for row in known
                     if (rate := per_thousand(row[0], row[place])) is not None]  # fmt: skip
            return median(rates) if rates else None

        return Typical(
            name=group.name,
            platform=last.platform,
            n=len(known),
            age=age if known else "",
            median=median(row[0] for row in known) if known else None,
            per_1000_followers=median_rate(1),
            per_1000_impressions=median_rate(2),
            followers=total(each.followers for each in ours) if ours else last.followers,
            growth=group.growth,
            as_of=group.as_of,
        )


@dataclass(frozen=True, slots=True)
class Reporter:
    """Makes reports out of the database; asks no server and spends nothing."""

    store: EngagementStore
    clock: Clock
    campaign: Campaign
    specs: Mapping[str, PlatformSpec]
    kept: Kept = field(default_factory=Kept)

    def report(self, *, since: datetime | None = None, post: str | None = None) -> Report:
        """Report on what went out since then; what is usual comes from everything."""
        self.store.snapshots.catch_up()
        chosen, now = Chosen(since, post), self.clock.now()
        state = self.store.readings.state(), self.campaign.tree_sha256
        return Report(
            self.store, self.clock, self.campaign, self.specs, chosen, now, self.kept, state
        )


def _part_name(part: int) -> str:
    start = part * _PART_HOURS
    return f"{start:02}:00–{(start + _PART_HOURS) % 24:02}:00"


def _line(
    by: str, group: GroupSum, known: Estimate | None, texts: Mapping[str, tuple[str, str]]
) -> Line:
    low, high = known.known.interval() if known else (None, None)
    text, lang = texts.get(group.name, ("", ""))  # it may have come after what was judged
    return Line(
        name=group.name,
        words=first_words(text),
        lang=lang,
        n=group.n if by == "post" else group.posts,
        ratio=known.known.mean if known else None,
        low=low,
        high=high,
        growth=group.growth,
        as_of=group.as_of,
        sequence=known.sequence if known and by != "post" else None,
    )
