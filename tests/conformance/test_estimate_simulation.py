"""The estimates against campaigns whose truth is known; docs/engagement.md shows the figures.

Assumptions, which are ours: log-normal quality of posts, log-normal reach of each status, Poisson
counts, impressions told by X only.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median

import pytest

from bot.engagement.estimate import (
    Estimate,
    Observed,
    Sample,
    differ,
    estimate,
    estimate_groups,
    learn,
    observe,
)
from tests.fakes.engaged import poisson

#: Followers, engagements for each time shown, whether impressions are told, posts.
PLATFORMS = {"x": (5000, 0.010, True, 20), "mastodon": (1500, 0.020, False, 12),
             "bluesky": (2500, 0.015, False, 12)}  # fmt: skip
RUNS = 300


def drawing(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - a simulation


def say(line: str) -> None:
    """Print a figure for the docs: ``pytest -n 0 -s`` shows it."""
    print(line)  # noqa: T201 - shown with -s


@dataclass
class Tally:
    """How often intervals held the truth, and what was said to be above the usual."""

    held: list[bool] = field(default_factory=list)
    #: Of what is not above the usual: said to be.
    false: list[bool] = field(default_factory=list)
    #: Of what is above the usual: said to be.
    found: list[bool] = field(default_factory=list)

    def add(self, one: Estimate, truth: float) -> None:
        low, high = one.known.interval()
        self.held.append(low <= truth <= high)
        (self.found if truth > 1 else self.false).append(low > 1)

    def say(self, what: str) -> None:
        found = f"{fmean(self.found):.2f}" if self.found else "–"
        say(f"{what}: held {fmean(self.held):.2f}, falsely above {fmean(self.false):.3f}, "
            f"rightly above {found}")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Planted:
    """One status with the truth about it."""

    sample: Sample
    quality: float
    #: Its true rate: for each impression where these are told, else of all.
    rate: float


def status(draw: random.Random, id_: str, platform: str, quality: float, reach: float) -> Planted:
    followers, rate, tells, _posts = PLATFORMS[platform]
    seen = followers * 0.3 * math.exp(draw.gauss(0, reach))
    count = poisson(draw, seen * rate * quality)
    sample = Sample(id_, platform, platform, "7d", count, round(seen) if tells else None)
    return Planted(sample, quality, rate * quality if tells else seen * rate * quality)


def campaign(draw: random.Random, *, quality: float = 0.5, reach: float = 0.8) -> list[Planted]:
    return [
        status(draw, f"{name}/{number}", name, math.exp(draw.gauss(0, quality)), reach)
        for name, (*_, posts) in PLATFORMS.items()
        for number in range(posts)
    ]


def of_statuses(samples: Sequence[Sample]) -> Mapping[str, Estimate]:
    observed, _lacking = observe(samples)
    return {one.name: one for one in estimate({id_: [one] for id_, one in observed.items()})}


def correlation(scores: Sequence[float], truth: Sequence[float]) -> float:
    from scipy.stats import spearmanr  # takes longer than the tests, wherever they are collected

    return float(spearmanr(scores, truth).statistic)


def top(scores: Sequence[float], truth: Sequence[float], many: int = 5) -> float:
    best = [set(sorted(range(len(one)), key=lambda at: -one[at])[:many]) for one in (scores, truth)]
    return len(best[0] & best[1]) / many


def test_the_planted_order_comes_out_better_than_by_counts_or_follower_rates() -> None:
    draw = drawing(1)
    scores: dict[str, list[tuple[float, float]]] = {"count": [], "per follower": [], "ours": []}

    for _ in range(RUNS):
        planted = campaign(draw)
        ours = of_statuses([one.sample for one in planted])
        truth = [one.quality for one in planted]
        by = {
            "count": [float(one.sample.engagements) for one in planted],
            "per follower": [
                one.sample.engagements / PLATFORMS[one.sample.platform][0] for one in planted
            ],
            "ours": [ours[one.sample.id].known.mean for one in planted],
        }
        for name, found in by.items():
            scores[name].append((correlation(found, truth), top(found, truth)))

    figures = {name: [fmean(column) for column in zip(*found, strict=True)]
               for name, found in scores.items()}  # fmt: skip
    for name, (rank, best) in figures.items():
        say(f"{name}: Spearman {rank:.2f}, top 5 found {best:.2f}")
    assert figures["ours"][0] > max(figures["count"][0], figures["per follower"][0]) + 0.05
    assert figures["ours"][1] > max(figures["count"][1], figures["per follower"][1])


@pytest.mark.parametrize(("quality", "reach"), [(0.5, 0.3), (0.5, 0.8), (0.3, 0.5), (0.8, 0.5)])
def test_intervals_of_statuses_hold_the_truth_as_often_as_they_say(
    quality: float, reach: float
) -> None:
    draw, tally = drawing(2), Tally()

    for _ in range(RUNS // 2):
        planted = campaign(draw, quality=quality, reach=reach)
        usual = {
            name: median(one.rate for one in planted if one.sample.platform == name)
            for name in PLATFORMS
        }
        ours = of_statuses([one.sample for one in planted])
        for one in planted:
            tally.add(ours[one.sample.id], one.rate / usual[one.sample.platform])

    tally.say(f"statuses, quality {quality}, reach {reach}")
    assert 0.78 <= fmean(tally.held) <= 0.90
    assert fmean(tally.false) <= 0.02


@dataclass
class Themes:
    """Posts in groups, each post on all three platforms."""

    effect: dict[str, float]
    quality: dict[str, float] = field(default_factory=dict)
    #: By group and post.
    samples: dict[str, dict[str, list[Sample]]] = field(default_factory=lambda: defaultdict(dict))

    @classmethod
    def planted(cls, draw: random.Random, *, groups: int, spread: float, posts: int = 24,
                luck: float = 0.4) -> Themes:  # fmt: skip
        made = cls({f"g{n}": math.exp(draw.gauss(0, spread)) for n in range(groups)})
        for number in range(posts):
            group, post = f"g{number % groups}", str(number)
            good = made.quality[post] = made.effect[group] * math.exp(draw.gauss(0, luck))
            made.samples[group][post] = [
                status(draw, f"{post}/{name}", name, good, 0.6).sample for name in PLATFORMS
            ]
        return made

    def observed(self) -> Mapping[str, Mapping[str, Sequence[Observed]]]:
        known, _lacking = observe(
            one for posts in self.samples.values() for of in posts.values() for one in of
        )
        return {
            group: {post: [known[one.id] for one in of if one.id in known]
                    for post, of in posts.items()}
            for group, posts in self.samples.items()
        }  # fmt: skip

    def groups(self) -> tuple[Estimate, ...]:
        return estimate_groups(self.observed())


@pytest.mark.parametrize(("groups", "spread"), [(3, 0.3), (4, 0.4), (6, 0.4), (4, 0.0)])
def test_intervals_of_groups_hold_the_truth_as_often_as_they_say(
    groups: int, spread: float
) -> None:
    draw, tally = drawing(3), Tally()

    for _ in range(RUNS // 2):
        themes = Themes.planted(draw, groups=groups, spread=spread)
        average = fmean(themes.effect.values())
        for one in themes.groups():
            tally.add(one, themes.effect[one.name] / average)

    tally.say(f"{groups} groups, spread {spread}")
    assert fmean(tally.held) >= 0.77
    assert fmean(tally.false) <= 0.03


def test_intervals_of_posts_on_three_platforms_hold_the_truth() -> None:
    draw, tally, found, raw = drawing(4), Tally(), list[float](), list[float]()

    for _ in range(RUNS // 2):
        themes = Themes.planted(draw, groups=1, spread=0.0, luck=0.5)
        middle = median(themes.quality.values())
        estimates = estimate(themes.observed()["g0"])
        for one in estimates:
            tally.add(one, themes.quality[one.name] / middle)
        truth = [themes.quality[one.name] for one in estimates]
        counts = {post: sum(one.engagements for one in of)
                  for post, of in themes.samples["g0"].items()}  # fmt: skip
        found.append(correlation([one.known.mean for one in estimates], truth))
        raw.append(correlation([float(counts[one.name]) for one in estimates], truth))

    tally.say("posts on three platforms")
    say(f"posts on three platforms: Spearman {fmean(found):.2f}, raw counts {fmean(raw):.2f}")
    assert fmean(tally.held) >= 0.77
    assert fmean(tally.false) <= 0.02
    assert fmean(found) > fmean(raw) + 0.02


def test_hours_without_any_effect_are_hardly_ever_said_to_differ() -> None:
    """Eight parts of the day, no effect of time at all."""
    draw, tally, alarms = drawing(5), Tally(), 0

    for _ in range(RUNS // 3):
        groups = Themes.planted(draw, groups=8, spread=0.0, posts=80).groups()
        alarms += differ(groups)
        for one in groups:
            tally.add(one, 1.0)

    tally.say("8 groups of 10 posts that do not differ")
    say(f"false alarms about the time of day: {alarms} of {RUNS // 3}")
    assert alarms <= RUNS // 3 * 0.05
    assert fmean(tally.false) <= 0.10


def test_hours_with_a_large_effect_are_said_to_differ() -> None:
    draw = drawing(6)
    seen = [Themes.planted(draw, groups=4, spread=1.0, posts=80).groups() for _ in range(30)]

    assert sum(differ(one) for one in seen) >= 20


# -- looked at again each week


@dataclass
class Weekly:
    """Half a year of a campaign, looked at each week: what was said at any of the looks."""

    #: Of groups that are not above the average, and of those that are: ever said to be.
    false: list[bool] = field(default_factory=list)
    found: list[bool] = field(default_factory=list)
    #: The same by the interval of each look alone.
    false_alone: list[bool] = field(default_factory=list)
    found_alone: list[bool] = field(default_factory=list)
    #: Of posts that are not above the usual: ever said to be.
    false_posts: list[bool] = field(default_factory=list)
    #: Parts of the day were ever said to differ.
    hours: list[bool] = field(default_factory=list)

    def run(self, draw: random.Random, *, groups: int, spread: float, posts: bool = False) -> None:
        themes = Themes({f"g{n}": math.exp(draw.gauss(0, spread)) for n in range(groups)})
        ever, alone, ever_posts, hours = set[str](), set[str](), set[str](), False
        for number in range(26 * 3):
            group, post = f"g{draw.randrange(groups)}", str(number)
            good = themes.quality[post] = themes.effect[group] * math.exp(draw.gauss(0, 0.4))
            themes.samples[group][post] = [
                status(draw, f"{post}/{name}", name, good, 0.6).sample for name in PLATFORMS
            ]
            if number % 3 != 2:
                continue
            observed = themes.observed()
            estimates = estimate_groups(observed)
            lines = {one.name: (one.known.interval()[0], one.sequence[0]) for one in estimates}
            ever |= {name for name, lows in lines.items() if min(lows) > 1}
            alone |= {name for name, (low, _) in lines.items() if low > 1}
            hours = hours or differ(estimates)
            if posts:
                of_posts = estimate({post: seen for of in observed.values()
                                     for post, seen in of.items()})  # fmt: skip
                ever_posts |= {one.name for one in of_posts if one.known.interval()[0] > 1}
        average = fmean(themes.effect.values())
        for name, effect in themes.effect.items():
            is_above = effect / average > 1 + 1e-9
            (self.found if is_above else self.false).append(name in ever)
            (self.found_alone if is_above else self.false_alone).append(name in alone)
        usual = median(themes.quality.values())
        self.false_posts += [
            post in ever_posts for post, good in themes.quality.items() if good <= usual
        ]
        self.hours.append(hours)

    def say(self, what: str) -> None:
        for name in ("false", "false_alone", "found", "found_alone", "hours", "false_posts"):
            seen = getattr(self, name)
            if seen:
                say(f"weekly for half a year, {what}: {name} {fmean(seen):.3f}")


def weekly(seed: int, runs: int, *, groups: int, spread: float, posts: bool = False) -> Weekly:
    draw, tally = drawing(seed), Weekly()
    for _ in range(runs):
        tally.run(draw, groups=groups, spread=spread, posts=posts)
    tally.say(f"{groups} groups, spread {spread}")
    return tally


def test_weekly_looks_find_groups_above_the_usual_no_more_often_than_one_look_may() -> None:
    tally = weekly(9, 20, groups=8, spread=0.0)

    assert fmean(tally.false) <= 0.10
    assert fmean(tally.false_alone) > fmean(tally.false), "by the interval of each look alone"
    assert fmean(tally.hours) <= 0.05


@pytest.mark.deep
@pytest.mark.parametrize(("groups", "spread"), [(4, 0.0), (8, 0.0), (4, 0.4), (6, 0.4)])
def test_weekly_looks_over_many_half_years(groups: int, spread: float) -> None:
    tally = weekly(10, 120, groups=groups, spread=spread, posts=True)

    assert fmean(tally.false) <= 0.10
    assert fmean(tally.false_posts) <= 0.10
    assert spread or fmean(tally.hours) <= 0.05
    assert not tally.found or fmean(tally.found) >= 0.45


# -- what is not judged


def of(engagements: int, *, id_: str, account: str = "a", age: str = "7d") -> Sample:
    return Sample(id_, "bluesky", account, age, engagements)


def test_nothing_is_ranked_below_eight_posts_a_platform_that_anybody_answered() -> None:
    assert observe([of(n, id_=str(n)) for n in range(7)]) == ({}, {"bluesky": 1})
    assert observe([of(0, id_=str(n)) for n in range(12)]) == ({}, {"bluesky": 8})
    assert observe([]) == ({}, {})
    assert estimate({"a post": []}) == ()
    assert estimate_groups({"a theme": {"a post": []}}) == ()


def test_an_age_that_has_too_few_posts_has_no_median() -> None:
    old = [of(20, id_=f"old{n}") for n in range(8)]
    young = [of(2, id_=f"young{n}", age="1h") for n in range(3)]

    observed, _lacking = observe([*old, *young])

    assert observed.keys() == {one.id for one in old}


def test_only_the_same_age_is_compared() -> None:
    old = [of(20, id_=f"old{n}") for n in range(8)]
    young = [of(2, id_=f"young{n}", age="1h") for n in range(8)]

    assert all(0.95 < one.known.mean < 1.05 for one in of_statuses([*old, *young]).values())


def test_where_most_have_nothing_the_mean_takes_the_medians_place() -> None:
    observed, _lacking = observe([of(n // 8, id_=str(n)) for n in range(12)])

    assert {round(one.ratio, 9) for one in observed.values()} == {0, 3}


def test_a_lucky_post_with_few_looks_does_not_come_out_on_top() -> None:
    posts = [Sample(str(n), "x", "a", "7d", 30 + n, 3000) for n in range(10)]
    lucky = Sample("lucky", "x", "a", "7d", 3, 60)  # 50 for each 1,000; the others 10 to 13

    found = of_statuses([*posts, lucky])
    widths = {name: high - low for name, one in found.items()
              for low, high in [one.known.interval()]}  # fmt: skip

    assert observe([*posts, lucky])[0]["lucky"].ratio > 4
    assert found["lucky"].known.mean < 3
    assert widths["lucky"] > 1.3 * widths["5"]


def test_a_post_is_estimated_the_same_alone_as_among_the_others() -> None:
    draw = drawing(8)
    looks = {str(n): [Observed(math.exp(draw.gauss(0, 0.5)), 0.05)] * 2 for n in range(12)}

    (alone,) = estimate({"3": looks["3"]}, learn(looks))

    assert alone in estimate(looks)
