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

#: What posts are grouped by, and whether groups of it are judged against each other.
GROUPINGS = ("post", "excerpt", "theme", "lang", "form", "slot", "platform", "account")
JUDGED_BY = GROUPINGS[:6]
#: Hours of a part of the day. More and smaller parts only show more luck: with no effect at all,
#: the best of 24 hourly slots looks three times the average (docs/engagement.md).
_PART_HOURS = 3

_GROUP: Mapping[str, Callable[[Reading], str]] = {
    "post": lambda one: one.post_id,
    "excerpt": lambda one: one.publication.excerpt,
    "theme": lambda one: one.publication.theme,
    "lang": lambda one: one.publication.lang or one.lang,
    "form": lambda one: one.publication.form,
    "slot": lambda one: one.publication.slot or "fixed time",
}


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
class DayParts:
    """Times of day, which are mixed up with what was posted then."""

    lines: tuple[Line, ...]
    #: Two parts differ by more than chance explains; not that the time is the reason.
    differs: bool


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
    accounts: tuple[Typical, ...]
    platforms: tuple[Typical, ...]
    day_parts: DayParts
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
        observed, lacking = observe(sample for one in everything if (sample := one.sample))
        chosen = tuple(
            one
            for one in everything
            if (since is None or one.sent_at >= since) and post in (None, one.post_id)
        )
        schedule = self.campaign.schedule
        judged = {one.platform for one in everything if one.id in observed}
        unjudged = sorted({one.platform for one in schedule.accounts.values()} - judged)
        tables = _Tables(self.campaign, everything, chosen, observed)
        return Report(
            campaign=schedule.campaign,
            timezone=schedule.timezone,
            at=self.clock.now(),
            since=since,
            readings=chosen,
            lines={by: tables.lines(by) for by in JUDGED_BY},
            own={one.name: one for one in estimate({id_: [one] for id_, one in observed.items()})},
            accounts=_typical(chosen, lambda one: one.account),
            platforms=_typical(chosen, lambda one: one.platform),
            day_parts=tables.day_parts(),
            lacking={name: lacking.get(name, ENOUGH) for name in unjudged},
            blanks=tuple(_blanks(chosen)),
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
        judged = [self._line(by, one.name, members.pop(one.name), one) for one in estimates]
        rest = [self._line(by, name, group, None) for name, group in sorted(members.items())]
        return (*judged, *rest)

    def day_parts(self) -> DayParts:
        def part_of(one: Reading) -> str:
            start = one.sent_at.astimezone(self.campaign.zone).hour // _PART_HOURS * _PART_HOURS
            return f"{start:02}:00–{(start + _PART_HOURS) % 24:02}:00"

        members = _grouped(self.chosen, part_of)
        estimates = self._of_groups(members)
        lines = [self._line("day part", one.name, members[one.name], one) for one in estimates]
        return DayParts(tuple(sorted(lines, key=lambda one: one.name)), differ(estimates))

    def _of_groups(self, members: Mapping[str, Sequence[Reading]]) -> tuple[Estimate, ...]:
        return estimate_groups(
            {name: self._seen(_grouped(group, _GROUP["post"])) for name, group in members.items()}
        )

    def _seen(self, members: Mapping[str, Sequence[Reading]]) -> Mapping[str, Sequence[Observed]]:
        known = self.observed
        return {name: [known[one.id] for one in group if one.id in known]
                for name, group in members.items()}  # fmt: skip

    def _line(self, by: str, name: str, group: Sequence[Reading], known: Estimate | None) -> Line:
        low, high = known.known.interval() if known else (None, None)
        words, lang = self._words(by, name, group)
        return Line(
            name=name,
            words=words,
            lang=lang,
            n=len(group) if by == "post" else len({one.post_id for one in group}),
            ratio=known.known.mean if known else None,
            low=low,
            high=high,
            growth=_growth(group),
            as_of=_as_of(group),
        )

    def _words(self, by: str, name: str, group: Sequence[Reading]) -> tuple[str, str]:
        if by == "post":
            return first_words(group[0].text), group[0].lang
        source, _, stretch = name.rpartition(":")
        known = self.campaign.sources.get(source)
        if by != "excerpt" or known is None:
            return "", ""
        start, _, end = stretch.partition("-")
        return first_words(known.text[int(start) : int(end)]), known.lang


def _grouped(
    every: Iterable[Reading], name_of: Callable[[Reading], str]
) -> dict[str, list[Reading]]:
    groups: dict[str, list[Reading]] = defaultdict(list)
    for one in every:
        groups[name_of(one)].append(one)
    return groups


def _growth(group: Iterable[Reading]) -> tuple[float | None, ...]:
    """Return the mean engagements of a post at each age; only of posts that were read then."""
    every = list(group)
    known = ([n for one in every if (n := one.count(age)) is not None] for age in AGES)
    return tuple(fmean(counts) if counts else None for counts in known)


def _as_of(group: Iterable[Reading]) -> datetime | None:
    return max((one.as_of for one in group if one.as_of), default=None)


def _typical(chosen: Sequence[Reading], name_of: Callable[[Reading], str]) -> tuple[Typical, ...]:
    return tuple(_usual(name, group) for name, group in sorted(_grouped(chosen, name_of).items()))


def _usual(name: str, group: Sequence[Reading]) -> Typical:
    """Take the oldest age at which enough posts have numbers, or else most have."""
    having = {age: [one for one in group if one.count(age) is not None] for age in JUDGED_AGES}
    enough = [age for age in JUDGED_AGES if len(having[age]) >= ENOUGH_FOR_MEDIAN]
    age = enough[-1] if enough else max(JUDGED_AGES, key=lambda one: len(having[one]))
    known = having[age]
    counts = [one.count(age) or 0 for one in known]
    shown = [one.numbers[age].impressions for one in known]
    day = max(group, key=lambda one: one.sent_at)
    return Typical(
        name=name,
        platform=group[0].platform,
        n=len(known),
        age=age if known else "",
        median=median(counts) if counts else None,
        per_1000_followers=_median_rate(counts, [one.followers for one in known]),
        per_1000_impressions=_median_rate(counts, shown),
        followers=day.followers,
        growth=_growth(group),
        as_of=_as_of(group),
    )


def _median_rate(counts: Sequence[int], exposures: Sequence[int | None]) -> float | None:
    rates = [
        rate
        for count, exposure in zip(counts, exposures, strict=True)
        if (rate := per_thousand(count, exposure)) is not None
    ]
    return median(rates) if rates else None


def _blanks(chosen: Iterable[Reading]) -> Iterable[Blank]:
    for one in chosen:
        for age, (outcome, reason) in one.blanks.items():
            if outcome is not SnapshotState.DUE or reason:
                yield Blank(one.post_id, one.account, age, outcome, reason)
