"""What worked, as numbers: posts, groups of posts, accounts, and the reads that brought nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean, median
from zoneinfo import ZoneInfo

from bot.clock import Clock
from bot.content.model import Campaign
from bot.engagement.ages import AGES, per_thousand
from bot.engagement.costs import Forecast, forecasts
from bot.engagement.estimate import (
    ENOUGH,
    ENOUGH_FOR_MEDIAN,
    Estimate,
    Observed,
    differ,
    estimate,
    estimate_groups,
    observe,
)
from bot.engagement.readings import JUDGED_AGES, Reading, readings
from bot.engagement.snapshots import SnapshotState
from bot.engagement.store import EngagementStore
from bot.platforms.spec import PlatformSpec
from bot.rendering.layout import first_words

#: Hours of a part of the day. More and smaller parts only show more luck: with no effect at all,
#: the best of 24 hourly slots looks three times the average (docs/engagement.md).
_PART_HOURS = 3

_GROUP: Mapping[str, Callable[[Reading], str]] = {
    "post": lambda reading: reading.post_id,
    "excerpt": lambda reading: reading.publication.excerpt,
    "theme": lambda reading: reading.publication.theme,
    "lang": lambda reading: reading.publication.lang or reading.lang,
    "form": lambda reading: reading.publication.form,
    "slot": lambda reading: reading.publication.slot or "fixed time",
    "platform": lambda reading: reading.platform,
    "account": lambda reading: reading.account,
}
#: What posts are grouped by, and what of it is judged against each other.
GROUPINGS = tuple(_GROUP)
JUDGED_BY, NOT_JUDGED_BY = GROUPINGS[:6], GROUPINGS[6:]


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


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is known of engagement, at one moment."""

    campaign: str
    timezone: str
    at: datetime
    since: datetime | None
    readings: tuple[Reading, ...]
    #: Grouping -> lines, best first.
    lines: Mapping[str, tuple[Line, ...]]
    #: Reading's id -> its own ratio, where it can be judged.
    own: Mapping[str, Estimate]
    #: ``platform`` and ``account`` -> what is usual on each.
    usual: Mapping[str, tuple[Typical, ...]]
    #: Times of day, which are mixed up with what was posted then.
    day_parts: tuple[Line, ...]
    #: Two of them differ by more than chance explains; not that the time is the reason.
    day_parts_differ: bool
    #: Platform -> posts that are missing until it can be judged.
    lacking: Mapping[str, int]
    blanks: tuple[Blank, ...]
    costs: tuple[Forecast, ...]
    #: Account -> followers by UTC day.
    followers: Mapping[str, Mapping[str, int]]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


@dataclass(frozen=True, slots=True)
class Reporter:
    """Makes reports out of the database; asks no server and spends nothing."""

    store: EngagementStore
    clock: Clock
    campaign: Campaign
    specs: Mapping[str, PlatformSpec]

    def report(self, *, since: datetime | None = None, post: str | None = None) -> Report:
        """Report on what went out since then; what is usual comes from everything."""
        everything = readings(self.store)
        observed, lacking = observe(sample for reading in everything if (sample := reading.sample))
        chosen = tuple(
            reading
            for reading in everything
            if (since is None or reading.sent_at >= since) and post in (None, reading.post_id)
        )
        schedule = self.campaign.schedule
        judged = {reading.platform for reading in everything if reading.id in observed}
        unjudged = sorted({account.platform for account in schedule.accounts.values()} - judged)
        own = estimate({id_: [ratio] for id_, ratio in observed.items()})
        tables = _Tables(self.campaign, everything, chosen, observed)
        day_parts, they_differ = tables.day_parts()
        return Report(
            campaign=schedule.campaign,
            timezone=schedule.timezone,
            at=self.clock.now(),
            since=since,
            readings=chosen,
            lines={by: tables.lines(by) for by in JUDGED_BY},
            own={known.name: known for known in own},
            usual={
                by: tuple(_usual(*group) for group in sorted(_grouped(chosen, _GROUP[by]).items()))
                for by in NOT_JUDGED_BY
            },
            day_parts=day_parts,
            day_parts_differ=they_differ,
            lacking={name: lacking.get(name, ENOUGH) for name in unjudged},
            blanks=tuple(
                Blank(reading.post_id, reading.account, age, outcome, reason)
                for reading in chosen
                for age, (outcome, reason) in reading.blanks.items()
                if outcome is not SnapshotState.DUE or reason
            ),
            costs=forecasts(self.store, self.campaign, self.clock, self.specs),
            followers={name: self.store.followers.of(name) for name in schedule.accounts},
        )


@dataclass(frozen=True, slots=True)
class _Tables:
    """Lines of the chosen readings; the prior of posts is learnt from all of them."""

    campaign: Campaign
    everything: Sequence[Reading]
    chosen: Sequence[Reading]
    observed: Mapping[str, Observed]

    def lines(self, by: str) -> tuple[Line, ...]:
        members = _grouped(self.chosen, _GROUP[by])
        if by == "post":
            among = self._seen(_grouped(self.everything, _GROUP[by]))
            estimates = estimate(self._seen(members), among)
        else:
            estimates = self._of_groups(members)
        members.pop("", None)
        judged = [self._line(by, known.name, members.pop(known.name), known) for known in estimates]
        rest = [self._line(by, name, group, None) for name, group in sorted(members.items())]
        return (*judged, *rest)

    def day_parts(self) -> tuple[tuple[Line, ...], bool]:
        """Return the times of day in their order, and whether two of them differ."""

        def part_of(reading: Reading) -> str:
            hour = reading.sent_at.astimezone(self.campaign.zone).hour
            start = hour // _PART_HOURS * _PART_HOURS
            return f"{start:02}:00–{(start + _PART_HOURS) % 24:02}:00"

        members = _grouped(self.chosen, part_of)
        estimates = self._of_groups(members)
        lines = [self._line("time", known.name, members[known.name], known) for known in estimates]
        return tuple(sorted(lines, key=lambda line: line.name)), differ(estimates)

    def _of_groups(self, members: Mapping[str, Sequence[Reading]]) -> tuple[Estimate, ...]:
        return estimate_groups(
            {name: self._seen(_grouped(group, _GROUP["post"])) for name, group in members.items()}
        )

    def _seen(self, members: Mapping[str, Sequence[Reading]]) -> Mapping[str, Sequence[Observed]]:
        known = self.observed
        return {name: [known[reading.id] for reading in group if reading.id in known]
                for name, group in members.items()}  # fmt: skip

    def _line(self, by: str, name: str, group: Sequence[Reading], known: Estimate | None) -> Line:
        words = lang = ""
        source_id, _, stretch = name.rpartition(":")
        if by == "post":
            words, lang = first_words(group[0].text), group[0].lang
        elif by == "excerpt" and (source := self.campaign.sources.get(source_id)):
            start, _, end = stretch.partition("-")
            words, lang = first_words(source.text[int(start) : int(end)]), source.lang
        low, high = known.known.interval() if known else (None, None)
        return Line(
            name=name,
            words=words,
            lang=lang,
            n=len(group) if by == "post" else len({reading.post_id for reading in group}),
            ratio=known.known.mean if known else None,
            low=low,
            high=high,
            growth=_growth(group),
            as_of=_as_of(group),
        )


def _grouped(
    readings: Iterable[Reading], name_of: Callable[[Reading], str]
) -> dict[str, list[Reading]]:
    groups: dict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        groups[name_of(reading)].append(reading)
    return groups


def _growth(group: Sequence[Reading]) -> tuple[float | None, ...]:
    """Return the mean engagements of a post at each age; only of posts that were read then."""
    known = ([n for reading in group if (n := reading.count(age)) is not None] for age in AGES)
    return tuple(fmean(counts) if counts else None for counts in known)


def _as_of(group: Iterable[Reading]) -> datetime | None:
    return max((reading.as_of for reading in group if reading.as_of), default=None)


def _usual(name: str, group: Sequence[Reading]) -> Typical:
    """Return what is usual at the oldest age at which enough posts have numbers, or else most."""
    having = {age: [post for post in group if post.count(age) is not None] for age in JUDGED_AGES}
    enough = [age for age in JUDGED_AGES if len(having[age]) >= ENOUGH_FOR_MEDIAN]
    age = enough[-1] if enough else max(JUDGED_AGES, key=lambda age: len(having[age]))
    known = having[age]
    counts = [reading.count(age) or 0 for reading in known]

    def median_rate(exposures: Iterable[int | None]) -> float | None:
        rates = map(per_thousand, counts, exposures)
        known_rates = [rate for rate in rates if rate is not None]
        return median(known_rates) if known_rates else None

    return Typical(
        name=name,
        platform=group[0].platform,
        n=len(known),
        age=age if known else "",
        median=median(counts) if counts else None,
        per_1000_followers=median_rate(reading.followers for reading in known),
        per_1000_impressions=median_rate(reading.numbers[age].impressions for reading in known),
        followers=max(group, key=lambda reading: reading.sent_at).followers,
        growth=_growth(group),
        as_of=_as_of(group),
    )
