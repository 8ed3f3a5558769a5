"""What worked: each post against what is usual for its own account, and groups of posts.

Raw counts compare audiences, and rates per follower mislead most (docs/engagement.md has the
simulation). So a post is held against the median of its own account at the same age; where a
platform tells impressions, against what is usual for as many impressions. That ratio is pulled
towards the platform's others as far as chance could explain it.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean, median

from bot.core.intervals import Count, Gamma, pooled, prior, spread

#: Posts with numbers that a platform needs before anything of it is ranked.
ENOUGH = 8
#: Posts at one age that an account needs before its median means anything.
ENOUGH_FOR_MEDIAN = 4


@dataclass(frozen=True, slots=True)
class Sample:
    """What one post brought on one account, at one age."""

    id: str
    platform: str
    account: str
    #: Hours and days since it went out, such as ``24h``; only the same ages are compared.
    age: str
    #: Likes + reposts + quotes + replies.
    engagements: int
    #: Times shown; None where the platform does not tell.
    impressions: int | None = None


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual on one account at one age."""

    #: Engagements, or engagements an impression where the platform tells impressions.
    rate: float
    per_impression: bool
    #: Posts that it comes from.
    n: int

    def of(self, sample: Sample) -> float:
        """Give the engagements that would be usual for this sample."""
        return self.rate * (sample.impressions or 0) if self.per_impression else self.rate


@dataclass(frozen=True, slots=True)
class Judged:
    """One sample against what is usual, before and after chance is allowed for."""

    sample: Sample
    count: Count
    #: Where its true ratio lies.
    ratio: Gamma
    #: Relative variance that comes from the median being an estimate itself.
    unsure: float
    #: Mean ratio, and variance of the true ratios, of its platform.
    mean: float
    spread: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """All that could be judged, and what could not for lack of numbers."""

    judged: tuple[Judged, ...]
    #: Platform -> posts that are missing until it can be judged.
    lacking: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a group of samples did, such as all quotations of one excerpt."""

    name: str
    #: Samples it comes from.
    n: int
    ratio: Gamma


def judge(samples: Iterable[Sample]) -> Judgement:
    """Judge each sample against its own account, shrunk towards its own platform."""
    by_platform: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        by_platform[sample.platform].append(sample)
    judged: list[Judged] = []
    lacking: dict[str, int] = {}
    for platform, ours in sorted(by_platform.items()):
        counts = _against_usual(ours)
        if len(counts) < ENOUGH:
            lacking[platform] = ENOUGH - len(counts)
        else:
            judged += _shrunk(counts)
    return Judgement(tuple(judged), lacking)


def usual(samples: Sequence[Sample]) -> Usual | None:
    """Give the median of one account's samples at one age; None where they are too few or all 0.

    Where half of them have nothing, the median says nothing and the mean takes its place.
    """
    if len(samples) < ENOUGH_FOR_MEDIAN:
        return None
    told = [one.impressions for one in samples if one.impressions]
    if len(told) == len(samples):
        rates = [one.engagements / shown for one, shown in zip(samples, told, strict=True)]
        rate = median(rates) or sum(one.engagements for one in samples) / sum(told)
        return Usual(rate, True, len(samples)) if rate else None
    counts = [one.engagements for one in samples]
    middle = median(counts)
    rate = middle if middle >= 1 else fmean(counts)
    return Usual(rate, False, len(samples)) if rate else None


def _against_usual(samples: Iterable[Sample]) -> list[tuple[Sample, Count, int]]:
    alike: dict[tuple[str, str], list[Sample]] = defaultdict(list)
    for sample in samples:
        alike[sample.account, sample.age].append(sample)
    found = []
    for group in alike.values():
        known = usual(group)
        if known is not None:
            found += [(one, Count(one.engagements, known.of(one)), known.n) for one in group]
    return found


def _shrunk(counts: Sequence[tuple[Sample, Count, int]]) -> list[Judged]:
    """Pull ratios towards the platform's mean: the gamma-Poisson model.

    The posterior mean is ``(events + a) / (usual + b)``: Clayton & Kaldor (1987), "Empirical Bayes
    estimates of age-standardized relative risks", Biometrics 43:671.
    """
    plain = [count for _sample, count, _n in counts]
    mean, variance = pooled(plain), spread(plain)
    start = prior(mean, variance)
    noise = median(1 / count.usual for count in plain)
    judged = []
    for sample, count, n in counts:
        unsure = median_noise(noise, variance / mean**2, n)
        ratio = widened(start.after(count.events, count.usual), unsure)
        judged.append(Judged(sample, count, ratio, unsure, mean, variance))
    return judged


def median_noise(noise: float, variance: float, n: int) -> float:
    """Estimate the relative variance of a median of n counts around that of their true rates.

    A median of n normal values has variance pi/2 sd^2/n (Kendall & Stuart, "The Advanced Theory of
    Statistics" I, 10.10). Only the Poisson part ``noise`` is an error here; the true rates differ
    by ``variance`` besides. Counts swap places across the median where they lie within one
    Poisson deviation of it, which gives sqrt(2) sd_noise sd_total / n for noise << variance; the
    form below is exact for variance 0 and within 11 % at that other end.
    """
    return math.pi / 2 * math.sqrt(noise * (noise + variance)) / n


def widened(ratio: Gamma, unsure: float) -> Gamma:
    """Add a relative variance and keep the mean (a gamma matched by its first two moments)."""
    shape = 1 / (1 / ratio.a + unsure)
    return Gamma(shape, shape / ratio.mean)


@dataclass(frozen=True, slots=True)
class _Piece:
    """Something whose ratio was seen, with what is between it and the truth; all relative."""

    #: Of what is usual: 0.5 is half as much again.
    deviation: float
    #: Variance that is chance.
    noise: float
    #: Variance of the true ratios of its kind.
    spread: float
    #: Part in each account's median, and that median's own variance.
    medians: Mapping[tuple[str, str], tuple[float, float]]
    n: int = 1


def judge_posts(judged: Sequence[Judged], post_of: Callable[[Sample], str]) -> tuple[Verdict, ...]:
    """Judge posts over all their accounts, best first; a ratio of 1 is the accounts' median."""
    if not judged:
        return ()
    centre = fmean(one.mean for one in judged)
    return _verdicts(_combined(_pieces(judged, post_of)), centre, unsure=0.0)


def judge_groups(
    judged: Sequence[Judged], post_of: Callable[[Sample], str], group_of: Callable[[Sample], str]
) -> tuple[Verdict, ...]:
    """Judge groups of posts, best first; a ratio of 1 is the average of all that was judged.

    A post belongs to one group; one whose group is ``""`` is left out. A post's numbers on three
    networks are three looks at one post, and a group is known only as well as its posts are many.
    """
    group_of_post = {post_of(one.sample): group_of(one.sample) for one in judged}
    posts = _combined(_pieces(judged, post_of))
    groups: dict[str, list[_Piece]] = defaultdict(list)
    for name, piece in posts.items():
        if group := group_of_post[name]:
            groups[group].append(piece)
    counted = Counter(group for group in group_of_post.values() if group)
    pieces = _combined(groups)
    verdicts = _verdicts(pieces, 1.0, unsure=_average_noise(pieces, counted))
    return tuple(Verdict(one.name, counted[one.name], one.ratio) for one in verdicts)


def _average_noise(pieces: Mapping[str, _Piece], counted: Mapping[str, int]) -> float:
    """Give the variance of the average that groups are held against: it has luck in it as well."""
    total = sum(counted.values())
    return sum(one.noise * counted[name] ** 2 for name, one in pieces.items()) / max(1, total) ** 2


def _pieces(
    judged: Iterable[Judged], name_of: Callable[[Sample], str]
) -> Mapping[str, list[_Piece]]:
    pieces: dict[str, list[_Piece]] = defaultdict(list)
    for one in judged:
        place = one.sample.account, one.sample.age
        pieces[name_of(one.sample)].append(
            _Piece(
                deviation=one.count.ratio / one.mean - 1,
                noise=1 / (one.count.usual * one.mean),
                spread=one.spread / one.mean**2,
                medians={place: (1.0, one.unsure)},
            )
        )
    return pieces


def _combined(groups: Mapping[str, Sequence[_Piece]]) -> Mapping[str, _Piece]:
    """Make one piece of each group's pieces.

    Pieces of a group share its effect, but each has its own luck as well. How much is shared is
    the mean product of the deviations of all pairs within groups (the intraclass covariance:
    Fisher, "Statistical Methods for Research Workers", chapter VII); what is left of the pieces'
    spread is luck, and limits what each tells of its group.
    """
    shared = _shared(groups.values())
    return {name: _merged(group, shared) for name, group in groups.items() if group}


def _shared(groups: Iterable[Sequence[_Piece]]) -> float:
    """Estimate the variance between groups; all there is where no group has two pieces."""
    products = weights = 0.0
    everyone: list[_Piece] = []
    for group in groups:
        everyone += group
        for one, other in combinations(group, 2):
            weight = 1 / ((one.noise + one.spread) * (other.noise + other.spread))
            products += weight * one.deviation * other.deviation
            weights += weight
    if not weights:
        return fmean(one.spread for one in everyone) if everyone else 0.0
    return max(0.0, products / weights)


def _merged(group: Sequence[_Piece], shared: float) -> _Piece:
    weights = [1 / (one.noise + max(0.0, one.spread - shared)) for one in group]
    total = sum(weights)
    medians: dict[tuple[str, str], tuple[float, float]] = {}
    for one, weight in zip(group, weights, strict=True):
        for place, (part, unsure) in one.medians.items():
            before = medians.get(place, (0.0, unsure))[0]
            medians[place] = before + part * weight / total, unsure
    return _Piece(
        deviation=sum(w * one.deviation for w, one in zip(weights, group, strict=True)) / total,
        noise=1 / total,
        spread=shared,
        medians=medians,
        n=sum(one.n for one in group),
    )


def _verdicts(pieces: Mapping[str, _Piece], centre: float, *, unsure: float) -> tuple[Verdict, ...]:
    verdicts = [
        Verdict(name, one.n, widened(_true_ratio(one, centre), unsure))
        for name, one in pieces.items()
    ]
    return tuple(sorted(verdicts, key=lambda one: (-one.ratio.mean, one.name)))


def _true_ratio(piece: _Piece, centre: float) -> Gamma:
    """Learn as from a Poisson count that would have just as much noise.

    Luck multiplies: what is twice as good varies twice as much. So the count is sized in a second
    step, by the ratio that comes out of the first.
    """
    start = prior(centre, piece.spread * centre**2)
    usual_events = 1 / (piece.noise * centre)
    seen = centre * (1 + piece.deviation)
    first = start.after(seen * usual_events, usual_events)
    usual_events *= centre / first.mean
    known = start.after(seen * usual_events, usual_events)
    unsure = sum(part**2 * variance for part, variance in piece.medians.values())
    return widened(known, unsure)
