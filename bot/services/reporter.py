"""What worked, as one value that the terminal, the page, the files and the digest all show."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean, median
from zoneinfo import ZoneInfo

from bot.clock import Clock
from bot.core.campaign import Account, Campaign
from bot.core.engagement import AGES, per_thousand
from bot.core.judging import (
    ENOUGH,
    ENOUGH_FOR_MEDIAN,
    Judged,
    Judgement,
    Verdict,
    judge,
    judge_groups,
    judge_posts,
)
from bot.core.model import State, Traits
from bot.services.costs import Forecast, forecasts
from bot.services.readings import JUDGED_AGES, Reading, readings
from bot.store import Outcome, Store

#: What posts are grouped by, and whether groups of it are judged against each other.
GROUPINGS = ("post", "excerpt", "theme", "lang", "form", "slot", "platform", "account")
JUDGED_BY = GROUPINGS[:6]
#: Hours of a part of the day. More and smaller parts only show more luck: with no effect at all,
#: the best of 24 hourly slots looks three times the average (docs/engagement.md).
_PART_HOURS = 3
_AT_A_FIXED_TIME = "fixed time"


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
    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is told of engagement, at one moment."""

    campaign: str
    timezone: str
    at: datetime
    since: datetime | None
    readings: tuple[Reading, ...]
    #: Grouping -> lines, best first.
    lines: Mapping[str, tuple[Line, ...]]
    #: Reading's id -> its own line.
    own: Mapping[str, Line]
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

    @property
    def counts(self) -> Mapping[State, int]:
        return {state: sum(one.state is state for one in self.readings) for state in State}


@dataclass(frozen=True, slots=True)
class Reporter:
    """Makes reports out of the database; asks no server and spends nothing."""

    store: Store
    clock: Clock
    campaign: Campaign
    traits: Mapping[str, Traits]

    def report(self, *, since: datetime | None = None, post: str | None = None) -> Report:
        """Report on what went out since then; what is usual comes from everything."""
        everything = readings(self.store)
        known = judge([sample for one in everything if (sample := one.sample)])
        chosen = tuple(
            one
            for one in everything
            if (since is None or one.sent_at >= since) and post in (None, one.post_id)
        )
        schedule = self.campaign.schedule
        told = _Told(chosen, known, self.campaign)
        return Report(
            campaign=schedule.campaign,
            timezone=schedule.timezone,
            at=self.clock.now(),
            since=since,
            readings=chosen,
            lines={by: told.lines(by) for by in JUDGED_BY},
            own=told.own(),
            accounts=_typical(chosen, lambda one: one.account),
            platforms=_typical(chosen, lambda one: one.platform),
            day_parts=told.day_parts(),
            lacking=_lacking(known, schedule.accounts.values()),
            blanks=tuple(_blanks(chosen)),
            costs=forecasts(self.store, self.campaign, self.clock, self.traits),
            followers={name: self.store.followers.of(name) for name in schedule.accounts},
        )


def _lacking(known: Judgement, accounts: Iterable[Account]) -> Mapping[str, int]:
    """Say what each platform lacks; one of which nothing was read lacks everything."""
    judged = {one.sample.platform for one in known.judged}
    platforms = sorted({one.platform for one in accounts} - judged)
    return {name: known.lacking.get(name, ENOUGH) for name in platforms}


class _Told:
    """Lines out of readings and what is known of them."""

    def __init__(self, chosen: Sequence[Reading], known: Judgement, campaign: Campaign) -> None:
        self._chosen, self._campaign = chosen, campaign
        self._by_id = {one.id: one for one in chosen}
        self._judged = [one for one in known.judged if one.sample.id in self._by_id]

    def lines(self, by: str) -> tuple[Line, ...]:
        group_of = _GROUP[by]
        verdicts = self._verdicts(group_of, is_post=by == "post")
        members: dict[str, list[Reading]] = defaultdict(list)
        for one in self._chosen:
            if name := group_of(one):
                members[name].append(one)
        judged = [self._line(by, one.name, members.pop(one.name), one) for one in verdicts]
        rest = [self._line(by, name, group, None) for name, group in sorted(members.items())]
        return (*judged, *rest)

    def _verdicts(
        self, group_of: Callable[[Reading], str], *, is_post: bool
    ) -> tuple[Verdict, ...]:
        judged, by_id = self._judged, self._by_id
        if is_post:
            return judge_posts(judged, lambda one: by_id[one.id].post_id)
        return judge_groups(
            judged, lambda one: by_id[one.id].post_id, lambda one: group_of(by_id[one.id])
        )

    def _line(self, by: str, name: str, group: Sequence[Reading], verdict: Verdict | None) -> Line:
        low, high = verdict.ratio.interval() if verdict else (None, None)
        words, lang = self._words(by, name, group)
        return Line(
            name=name,
            words=words,
            lang=lang,
            n=len({one.post_id for one in group}) if by != "post" else len(group),
            ratio=verdict.ratio.mean if verdict else None,
            low=low,
            high=high,
            growth=growth(group),
            as_of=_as_of(group),
        )

    def _words(self, by: str, name: str, group: Sequence[Reading]) -> tuple[str, str]:
        if by == "post":
            return _short(group[0].text), group[0].lang
        source, _, stretch = name.rpartition(":")
        known = self._campaign.sources.get(source)
        if by != "excerpt" or known is None:
            return "", ""
        start, _, end = stretch.partition("-")
        return _short(known.text[int(start) : int(end)]), known.lang

    def own(self) -> Mapping[str, Line]:
        """Give each reading its own line, where it can be judged."""
        found = {}
        for one in self._judged:
            reading = self._by_id[one.sample.id]
            found[reading.id] = self._line("post", reading.post_id, [reading], _own(one))
        return found

    def day_parts(self) -> DayParts:
        zone = self._campaign.zone

        def part_of(one: Reading) -> str:
            start = one.sent_at.astimezone(zone).hour // _PART_HOURS * _PART_HOURS
            return f"{start:02}:00–{(start + _PART_HOURS) % 24:02}:00"

        verdicts = self._verdicts(part_of, is_post=False)
        members: dict[str, list[Reading]] = defaultdict(list)
        for one in self._chosen:
            members[part_of(one)].append(one)
        lines = [self._line("day part", one.name, members[one.name], one) for one in verdicts]
        return DayParts(tuple(sorted(lines, key=lambda one: one.name)), differ(verdicts))


def differ(verdicts: Sequence[Verdict]) -> bool:
    """Tell whether two parts of the day differ by more than chance.

    Both must have enough posts, and intervals that stay apart though they are made wider for each
    of the comparisons (Bonferroni: together they are wrong one time in 20).
    """
    full = [one for one in verdicts if one.n >= ENOUGH]
    pairs = max(1, len(full) * (len(full) - 1) // 2)
    bounds = [one.ratio.interval(1 - 0.05 / pairs) for one in full]
    return bool(bounds) and max(low for low, _ in bounds) > min(high for _, high in bounds)


def _own(judged: Judged) -> Verdict:
    return Verdict(judged.sample.id, 1, judged.ratio)


_GROUP: Mapping[str, Callable[[Reading], str]] = {
    "post": lambda one: one.post_id,
    "excerpt": lambda one: one.publication.excerpt,
    "theme": lambda one: one.publication.theme,
    "lang": lambda one: one.publication.lang or one.lang,
    "form": lambda one: one.publication.form,
    "slot": lambda one: one.publication.slot or _AT_A_FIXED_TIME,
}


def growth(group: Iterable[Reading]) -> tuple[float | None, ...]:
    """Give the mean engagements of a post at each age; only of posts that were read then."""
    every = list(group)
    known = ([n for one in every if (n := one.count(age)) is not None] for age in AGES)
    return tuple(fmean(counts) if counts else None for counts in known)


def _as_of(group: Iterable[Reading]) -> datetime | None:
    return max((one.as_of for one in group if one.as_of), default=None)


def _short(text: str, most: int = 90) -> str:
    words = " ".join(text.split())
    return words if len(words) <= most else f"{words[:most].rsplit(' ', 1)[0]} …"


def _typical(chosen: Sequence[Reading], name_of: Callable[[Reading], str]) -> tuple[Typical, ...]:
    groups: dict[str, list[Reading]] = defaultdict(list)
    for one in chosen:
        groups[name_of(one)].append(one)
    return tuple(_usual(name, group) for name, group in sorted(groups.items()))


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
        growth=growth(group),
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
            if outcome is not Outcome.DUE or reason:
                yield Blank(one.post_id, one.account, age, outcome, reason)
