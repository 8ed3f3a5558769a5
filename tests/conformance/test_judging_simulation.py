"""The judging against campaigns whose truth is known; docs/engagement.md shows the figures.

Assumptions, which are ours: log-normal quality of posts, log-normal reach of each status, Poisson
counts, impressions told by X only.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

import pytest
from scipy.stats import spearmanr

from bot.core.judging import Sample, Verdict, judge, judge_groups, judge_posts
from bot.services.reporter import differ
from tests.fakes.engaged import poisson

#: Followers, engagements for each time shown, whether impressions are told, posts.
PLATFORMS = {"x": (5000, 0.010, True, 20), "mastodon": (1500, 0.020, False, 12),
             "bluesky": (2500, 0.015, False, 12)}  # fmt: skip
RUNS = 300


@dataclass(frozen=True, slots=True)
class Planted:
    """One status with the truth about it."""

    sample: Sample
    quality: float
    #: Its true rate: for each impression where these are told, else of all.
    rate: float
    followers: int


def drawing(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - a simulation


def campaign(draw: random.Random, *, quality: float = 0.5, reach: float = 0.8) -> list[Planted]:
    planted = []
    for platform, (followers, rate, tells, posts) in PLATFORMS.items():
        for number in range(posts):
            good = math.exp(draw.gauss(0, quality))
            seen = followers * 0.3 * math.exp(draw.gauss(0, reach))
            count = poisson(draw, seen * rate * good)
            sample = Sample(f"{platform}/{number}", platform, platform, "7d", count,
                            round(seen) if tells else None)  # fmt: skip
            true = rate * good if tells else seen * rate * good
            planted.append(Planted(sample, good, true, followers))
    return planted


def correlation(scores: Sequence[float], truth: Sequence[float]) -> float:
    return float(spearmanr(scores, truth).statistic)


def top(scores: Sequence[float], truth: Sequence[float], many: int = 5) -> float:
    best = [set(sorted(range(len(one)), key=lambda at: -one[at])[:many]) for one in (scores, truth)]
    return len(best[0] & best[1]) / many


def test_the_planted_order_comes_out_better_than_by_counts_or_follower_rates() -> None:
    draw = drawing(1)
    scores: dict[str, list[tuple[float, float]]] = {"count": [], "per follower": [], "ours": []}

    for _ in range(RUNS):
        planted = campaign(draw)
        ours = {one.sample.id: one.ratio.mean for one in judge(p.sample for p in planted).judged}
        truth = [one.quality for one in planted]
        by = {
            "count": [float(one.sample.engagements) for one in planted],
            "per follower": [one.sample.engagements / one.followers for one in planted],
            "ours": [ours[one.sample.id] for one in planted],
        }
        for name, found in by.items():
            scores[name].append((correlation(found, truth), top(found, truth)))

    figures = {
        name: (fmean(one[0] for one in found), fmean(one[1] for one in found))
        for name, found in scores.items()
    }
    for name, (rank, best) in figures.items():
        print(f"{name:<13} Spearman {rank:.2f}, top 5 found {best:.2f}")  # noqa: T201 - for the docs
    assert figures["ours"][0] > max(figures["count"][0], figures["per follower"][0]) + 0.05
    assert figures["ours"][1] > max(figures["count"][1], figures["per follower"][1])


@pytest.mark.parametrize(("quality", "reach"), [(0.5, 0.3), (0.5, 0.8), (0.3, 0.5), (0.8, 0.5)])
def test_intervals_of_posts_hold_the_truth_as_often_as_they_say(
    quality: float, reach: float
) -> None:
    draw, held = drawing(2), list[bool]()

    for _ in range(RUNS // 2):
        planted = campaign(draw, quality=quality, reach=reach)
        usual = {
            name: median(one.rate for one in planted if one.sample.platform == name)
            for name in PLATFORMS
        }
        true = {one.sample.id: one.rate / usual[one.sample.platform] for one in planted}
        for judged in judge(one.sample for one in planted).judged:
            low, high = judged.ratio.interval()
            held.append(low <= true[judged.sample.id] <= high)

    print(f"quality {quality}, reach {reach}: 80 % intervals held {fmean(held):.3f}")  # noqa: T201 - for the docs
    assert 0.78 <= fmean(held) <= 0.90


@dataclass
class Themes:
    """Posts in groups, each post on all three platforms."""

    samples: list[Sample]
    effect: dict[str, float]

    @classmethod
    def planted(cls, draw: random.Random, *, groups: int, spread: float, posts: int = 24) -> Themes:
        effect = {f"g{n}": math.exp(draw.gauss(0, spread)) for n in range(groups)}
        samples = []
        for number in range(posts):
            group = f"g{number % groups}"
            good = effect[group] * math.exp(draw.gauss(0, 0.4))
            for platform, (followers, rate, tells, _) in PLATFORMS.items():
                seen = followers * 0.3 * math.exp(draw.gauss(0, 0.6))
                samples.append(
                    Sample(f"{number}/{group}/{platform}", platform, platform, "7d",
                           poisson(draw, seen * rate * good), round(seen) if tells else None)
                )  # fmt: skip
        return cls(samples, effect)

    def verdicts(self) -> tuple[Verdict, ...]:
        judged = judge(self.samples).judged
        return judge_groups(
            judged, lambda one: one.id.split("/")[0], lambda one: one.id.split("/")[1]
        )


@pytest.mark.parametrize(("groups", "spread"), [(3, 0.3), (4, 0.4), (6, 0.4), (4, 0.0)])
def test_intervals_of_groups_hold_the_truth_as_often_as_they_say(
    groups: int, spread: float
) -> None:
    draw, held = drawing(3), list[bool]()

    for _ in range(RUNS // 2):
        themes = Themes.planted(draw, groups=groups, spread=spread)
        average = fmean(themes.effect.values())
        for verdict in themes.verdicts():
            low, high = verdict.ratio.interval()
            held.append(low <= themes.effect[verdict.name] / average <= high)

    print(f"{groups} groups, spread {spread}: 80 % intervals held {fmean(held):.3f}")  # noqa: T201 - for the docs
    assert fmean(held) >= 0.75


def test_better_posts_come_first_over_all_platforms() -> None:
    draw, found, raw = drawing(4), list[float](), list[float]()

    for _ in range(RUNS // 3):
        themes = Themes.planted(draw, groups=24, spread=0.5)
        judged = judge(themes.samples).judged
        verdicts = judge_posts(judged, lambda one: one.id.split("/")[1])
        truth = [themes.effect[one.name] for one in verdicts]
        counts = dict.fromkeys(themes.effect, 0)
        for sample in themes.samples:
            counts[sample.id.split("/")[1]] += sample.engagements
        found.append(correlation([one.ratio.mean for one in verdicts], truth))
        raw.append(correlation([float(counts[one.name]) for one in verdicts], truth))

    print(f"posts on three platforms: ours {fmean(found):.2f}, raw counts {fmean(raw):.2f}")  # noqa: T201 - for the docs
    assert fmean(found) > fmean(raw) + 0.03


def test_hours_without_any_effect_are_hardly_ever_said_to_differ() -> None:
    """Eight parts of the day, no effect of time at all."""
    draw, alarms = drawing(5), 0

    for _ in range(RUNS // 3):
        themes = Themes.planted(draw, groups=8, spread=0.0, posts=80)
        alarms += differ(themes.verdicts())

    print(f"false alarms about the time of day: {alarms} of {RUNS // 3}")  # noqa: T201 - for the docs
    assert alarms <= RUNS // 3 * 0.05


def test_hours_with_a_large_effect_are_said_to_differ() -> None:
    draw = drawing(6)
    seen = [Themes.planted(draw, groups=4, spread=1.0, posts=80) for _ in range(30)]

    assert sum(differ(one.verdicts()) for one in seen) >= 20


# -- what is not judged


def of(engagements: int, *, id_: str, account: str = "a", age: str = "7d") -> Sample:
    return Sample(id_, "bluesky", account, age, engagements)


def test_nothing_is_ranked_below_eight_posts_a_platform() -> None:
    few = judge([of(n, id_=str(n)) for n in range(7)])

    assert (few.judged, few.lacking) == ((), {"bluesky": 1})


def test_an_age_that_has_too_few_posts_has_no_median() -> None:
    old = [of(20, id_=f"old{n}") for n in range(8)]
    young = [of(2, id_=f"young{n}", age="1h") for n in range(3)]

    judged = judge([*old, *young])

    assert {one.sample.age for one in judged.judged} == {"7d"}


def test_only_the_same_age_is_compared() -> None:
    old = [of(20, id_=f"old{n}") for n in range(8)]
    young = [of(2, id_=f"young{n}", age="1h") for n in range(8)]

    ratios = {one.ratio.mean for one in judge([*old, *young]).judged}

    assert all(0.95 < ratio < 1.05 for ratio in ratios)


def test_an_account_that_nobody_answers_has_no_ratio() -> None:
    assert judge([of(0, id_=str(n)) for n in range(12)]).lacking == {"bluesky": 8}


def test_where_most_have_nothing_the_mean_takes_the_medians_place() -> None:
    judged = judge([of(n // 8, id_=str(n)) for n in range(12)]).judged

    assert {one.count.usual for one in judged} == {4 / 12}


def test_a_lucky_post_with_few_looks_does_not_come_out_on_top() -> None:
    posts = [Sample(str(n), "x", "a", "7d", 30 + n, 3000) for n in range(10)]
    lucky = Sample("lucky", "x", "a", "7d", 3, 60)  # 50 for each 1,000; the others 10 to 13

    judged = {one.sample.id: one for one in judge([*posts, lucky]).judged}

    assert judged["lucky"].count.ratio > 4
    assert judged["lucky"].ratio.mean < 3
    low, high = judged["lucky"].ratio.interval()
    assert high - low > 1.3 * (judged["5"].ratio.interval()[1] - judged["5"].ratio.interval()[0])


def test_no_posts_are_no_verdicts() -> None:
    assert judge([]).judged == ()
    assert judge_posts([], lambda one: one.id) == ()
    assert judge_groups([], lambda one: one.id, lambda one: one.age) == ()
