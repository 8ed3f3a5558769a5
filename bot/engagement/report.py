"""What worked, as numbers: posts, groups of posts, accounts, and the reads that brought nothing.

A report keeps no reading: it asks the database for sums, and judges by one line of numbers for each
reading; whole readings go by page by page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain
from statistics import median
from typing import TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement

from bot.clock import Clock
from bot.content.model import Campaign
from bot.content.zones import offsets
from bot.db.lazy import ReadOnce
from bot.engagement.ages import AGES, JUDGED_AGES, per_thousand
from bot.engagement.costs import Forecast, forecasts
from bot.engagement.estimate import ENOUGH, ENOUGH_FOR_MEDIAN, Estimate, differ
from bot.engagement.judged import JUDGED_BY, Judged, judge
from bot.engagement.kept import Kept
from bot.engagement.readings import NAMES, Chosen, GroupSum, Reading, hour_of
from bot.engagement.report_rows import Blank, Line, Typical, blanks_of, line_of, no_words
from bot.engagement.store import EngagementStore
from bot.platforms.spec import PlatformSpec
from bot.rendering.layout import first_words

#: Hours of a part of the day. More and smaller parts only show more luck: with no effect at all,
#: the best of 24 hourly slots looks three times the average (docs/engagement.md).
_PART_HOURS = 3

_Made = TypeVar("_Made")


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
    def timezone(self) -> str:
        return self.of.schedule.timezone

    @property
    def zone(self) -> ZoneInfo:
        return self.of.zone

    @property
    def since(self) -> datetime | None:
        return self.chosen.since

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
        lines = [line_of("time", named[known.name], known) for known in estimates]
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

    @property
    def engagements(self) -> int:
        """All of them, of each reading at the age at which it is judged."""
        return sum(found.judged for found in self.posts.values())

    @ReadOnce
    def costs(self) -> tuple[Forecast, ...]:
        return forecasts(self.store, self.of, self.clock, self.specs)

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
        words = self._words(by, sums)
        best = [line_of(by, sums.pop(known.name), known, words) for known in estimates]
        return (*best, *(line_of(by, sums[name], None, words) for name in sorted(sums)))

    def _words(self, by: str, names: Iterable[str]) -> Callable[[str], tuple[str, str]]:
        """Return what gives first words, and their language, for people."""
        if by == "post":
            first: dict[str, str] = {}
            for id_, of, _part in self._judged.of(self.chosen):
                first.setdefault(of[0], id_)
            texts = self.store.readings.texts(list(first.values()))
            shown = {post: texts[id_] for post, id_ in first.items()}
        elif by == "excerpt":
            shown = {name: self._passage(name) for name in names}
        else:
            return no_words

        def words_of(name: str) -> tuple[str, str]:
            text, lang = shown.get(name, ("", ""))  # it may have come after what was judged
            return first_words(text), lang

        return words_of

    def _passage(self, name: str) -> tuple[str, str]:
        source_id, _, stretch = name.rpartition(":")
        source, (start, _, end) = self.of.sources.get(source_id), stretch.partition("-")
        return (source.text[int(start) : int(end)], source.lang) if source else ("", "")

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
            followers=last.followers,
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
