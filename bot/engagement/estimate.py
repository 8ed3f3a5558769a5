"""Estimates of what worked: ratios to what is usual, shrunk by one prior, each with an interval.

Raw counts compare audiences, and rates per follower mislead most (docs/engagement.md has the
simulation). So a post is held against the median of its own account at the same age; where a
platform tells impressions, against what is usual for as many impressions. Each ratio is pulled
towards the others of its table as far as chance could explain it: the gamma-Poisson model.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, median
from typing import NamedTuple

#: Posts with numbers that a platform needs before anything of it is ranked.
ENOUGH = 8
#: Posts at one age that an account needs before its median means anything.
ENOUGH_FOR_MEDIAN = 4
#: The nominal share of intervals that hold the truth.
LEVEL = 0.80
#: Least relative variance between things of one table. A moment estimate from a dozen posts is
#: often 0 by chance, and would claim that all are alike for certain.
LEAST_SPREAD = 0.09
#: Precision of the mixture behind `boundary`: its range is narrowest for a group of some 15 posts.
MIXTURE = 10.0


@dataclass(frozen=True, slots=True)
class Gamma:
    """A gamma distribution: shape ``a``, rate ``b``."""

    a: float
    b: float

    @property
    def mean(self) -> float:
        return self.a / self.b

    def quantile(self, share: float) -> float:
        """Return the value below which ``share`` of it lies.

        Wilson & Hilferty (1931), "The distribution of chi-square", PNAS 17:684: the cube root of
        a gamma variable of shape k is nearly normal. Within 7 % of the exact value at k = 1 and
        2 % at k = 2 for 80 % intervals; it never goes below 0.
        """
        z, k = NormalDist().inv_cdf(share), self.a
        root = 1 - 1 / (9 * k) + z / (3 * math.sqrt(k))
        return max(0.0, k * root**3) / self.b

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Return the values between which ``level`` of it lies, the same share on either side."""
        outside = (1 - level) / 2
        return self.quantile(outside), self.quantile(1 - outside)

    def after(self, count: float, exposure: float) -> "Gamma":
        """Return the posterior of a Poisson rate after events in an exposure (conjugate)."""
        return Gamma(self.a + count, self.b + exposure)

    def widened(self, variance: float) -> "Gamma":
        """Return it with a relative variance added and the same mean (matched moments)."""
        shape = 1 / (1 / self.a + variance)
        return Gamma(shape, shape / self.mean)


class Observed(NamedTuple):  # made for each of 100,000 readings
    """A ratio to what is usual, as it was seen; all variances are relative."""

    ratio: float
    #: Variance that is chance; 1 / events that would be usual, where it is a Poisson count's.
    noise: float
    #: Variance of the account's median, which is an estimate as well.
    unsure: float = 0.0
    #: How much it counts beside others of the same post or group.
    weight: float = 1.0


def pooled(seen: Sequence[Observed]) -> float:
    """Return the ratio of all together."""
    return sum(look.ratio / look.noise for look in seen) / sum(1 / look.noise for look in seen)


def spread(seen: Sequence[Observed]) -> float:
    """Estimate the variance of the true ratios, beyond what Poisson noise explains; at least 0.

    By moments, weighted by exposure: Marshall (1991), "Mapping disease and mortality rates using
    empirical Bayes estimators", Applied Statistics 40:283, after Clayton & Kaldor (1987).
    """
    total = sum(1 / look.noise for look in seen)
    room = total - sum(1 / look.noise**2 for look in seen) / total
    if len(seen) < 2 or room <= 0:
        return 0.0
    mean = pooled(seen)
    squares = sum((look.ratio - mean) ** 2 / look.noise for look in seen)
    return max(0.0, (squares - (len(seen) - 1) * mean) / room)


def prior(seen: Sequence[Observed]) -> Gamma:
    """Return the distribution of the true ratios: moments of what was seen, never too narrow."""
    mean = pooled(seen) or 1.0
    shape = 1 / max(spread(seen) / mean**2, LEAST_SPREAD)
    return Gamma(shape, shape / mean)


class Sample(NamedTuple):
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
class Estimate:
    """Where the true ratio of a status, a post or a group of posts lies."""

    name: str
    #: Statuses of the post, or posts of the group, that it comes from.
    n: int
    known: Gamma
    #: All looks at it together, before they are pulled towards the others.
    seen: Observed

    @property
    def sequence(self) -> tuple[float, float]:
        """Return a confidence sequence: it holds 1, where that is the truth, at every look.

        At all looks together it does so with the probability `LEVEL`, however often people look
        while posts are added; `Gamma.interval` holds at one look only.
        """
        variance = self.seen.noise + self.seen.unsure
        reach = variance * boundary(1 / variance)
        return self.seen.ratio - reach, self.seen.ratio + reach


def boundary(v: float, level: float = LEVEL, mixture: float = MIXTURE) -> float:
    """Return what a sum of independent errors of variance ``v`` never leaves, whenever looked at.

    Robbins' normal mixture: Robbins (1970), "Statistical methods related to the law of the
    iterated logarithm", Annals of Mathematical Statistics 41:1397; Howard et al. (2021),
    "Time-uniform, nonparametric, nonasymptotic confidence sequences", Annals of Statistics 49:1055.
    """
    total = v + mixture
    return math.sqrt(total * math.log(total / (mixture * (1 - level) ** 2)))


#: Name -> what was seen of it.
Groups = Mapping[str, Sequence[Observed]]


def observe(samples: Iterable[Sample]) -> tuple[Mapping[str, Observed], Mapping[str, int]]:
    """Return each sample as a ratio to what is usual on its own account.

    Returns:
        What was observed, by the sample's id; and by platform how many posts are missing until
        it can be judged.
    """
    by_platform: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        by_platform[sample.platform].append(sample)
    observed: dict[str, Observed] = {}
    lacking: dict[str, int] = {}
    for platform, ours in by_platform.items():
        seen = _against_usual(ours)
        if len(seen) < ENOUGH:
            lacking[platform] = ENOUGH - len(seen)
            continue
        # How far each may be off, and so how much it counts, follows from its platform's others.
        plain = [look for look, _n in seen.values()]
        variance, mean = spread(plain), pooled(plain)
        noise = median(look.noise for look in plain)
        for id_, (look, n) in seen.items():
            unsure = median_noise(noise, variance / mean**2, n)
            weight = 1 / (look.noise + max(variance, LEAST_SPREAD))
            observed[id_] = Observed(look.ratio, look.noise, unsure, weight)
    return observed, lacking


def _against_usual(samples: Iterable[Sample]) -> Mapping[str, tuple[Observed, int]]:
    """Return what was observed, by id, and how many posts its median comes from."""
    alike: dict[tuple[str, str], list[Sample]] = defaultdict(list)
    for sample in samples:
        alike[sample.account, sample.age].append(sample)
    return {
        sample.id: (Observed(sample.engagements / usual, noise=1 / usual), len(group))
        for group in alike.values()
        for sample, usual in zip(group, usual_counts(group), strict=True)
        if usual
    }


def usual_counts(samples: Sequence[Sample]) -> Sequence[float]:
    """Return what would be usual for each: the median of these posts of one account at one age.

    Where half of them have nothing, the median says nothing and the mean takes its place. All are
    0 where the posts are too few, or none brought anything.
    """
    if len(samples) < ENOUGH_FOR_MEDIAN:
        return [0.0] * len(samples)
    counts = [sample.engagements for sample in samples]
    shown = [sample.impressions for sample in samples if sample.impressions]
    if len(shown) == len(samples):
        rates = [count / times for count, times in zip(counts, shown, strict=True)]
        rate = median(rates) or sum(counts) / sum(shown)
        return [rate * times for times in shown]
    middle = median(counts)
    return [float(middle if middle >= 1 else fmean(counts))] * len(samples)


def median_noise(noise: float, variance: float, n: int) -> float:
    """Estimate the relative variance of a median of n counts around that of their true rates.

    A median of n normal values has variance pi/2 sd^2/n (Kendall & Stuart, "The Advanced Theory of
    Statistics" I, 10.10). Only the Poisson part ``noise`` is an error here; the true rates differ
    by ``variance`` besides. Counts swap places across the median where they lie within one
    Poisson deviation of it, which gives sqrt(2) sd_noise sd_total / n for noise << variance; the
    form below is exact for variance 0 and within 11 % at that other end.
    """
    return math.pi / 2 * math.sqrt(noise * (noise + variance)) / n


#: What a whole table says of each thing in it: the relative variance of one look of weight 1 (0
#: where nothing has two looks), and the distribution of the true ratios.
Learnt = tuple[float, Gamma]


def learn(among: Groups) -> Learnt | None:
    """Return what can be learnt from a table; None where nothing was seen."""
    every = [seen for seen in among.values() if seen]
    if not every:
        return None
    chance = _chance(every)
    return chance, prior([_combined(seen, chance) for seen in every])


def estimate(groups: Groups, learnt: Learnt | None = None) -> tuple[Estimate, ...]:
    """Estimate each ratio, best first, with one prior for all of the table.

    The posterior mean is ``(events + a) / (usual + b)``: Clayton & Kaldor (1987), "Empirical Bayes
    estimates of age-standardized relative risks", Biometrics 43:671.

    Args:
        groups: What was seen of each; a name without anything is left out.
        learnt: From a larger table, where these are only some of it.
    """
    learnt = learnt or learn(groups)
    if learnt is None:
        return ()
    (chance, start), estimates = learnt, []
    for name, seen in groups.items():
        if not seen:
            continue
        look = _combined(seen, chance)
        # Learnt as from the Poisson count that would have just as much noise.
        known = start.after(look.ratio / look.noise, 1 / look.noise)
        if chance:
            # Luck multiplies: what is twice as good varies twice as much. So the count is sized
            # in a second step, by the ratio that comes out of the first.
            exposure = start.mean / known.mean / look.noise
            known = start.after(look.ratio * exposure, exposure)
        estimates.append(Estimate(name, len(seen), known.widened(look.unsure), look))
    return tuple(sorted(estimates, key=lambda found: (-found.known.mean, found.name)))


def estimate_groups(groups: Mapping[str, Groups]) -> tuple[Estimate, ...]:
    """Estimate groups of posts, best first; a ratio of 1 is the average of all posts.

    A post's numbers on three networks are three looks at one post, and a group is known only as
    well as its posts are many.

    Args:
        groups: By group and post what was seen; posts of the group ``""`` are part of the average.
    """
    posts = [(name, seen) for name, of in groups.items() for seen in of.values() if seen]
    if not posts:
        return ()
    chance = _chance([seen for _name, seen in posts])
    whole = [(name, _combined(seen, chance)) for name, seen in posts]
    average = fmean(look.ratio for _name, look in whole) or 1.0
    table: dict[str, list[Observed]] = defaultdict(list)
    for name, look in whole:
        if name:
            table[name].append(Observed(look.ratio / average, look.noise))
    return estimate(table)


def _mean(seen: Sequence[Observed]) -> float:
    if len(seen) == 1:  # most are, and there are many
        return seen[0].ratio
    return sum(look.weight * look.ratio for look in seen) / sum(look.weight for look in seen)


def _combined(seen: Sequence[Observed], chance: float) -> Observed:
    """Return what all looks at one thing say together, as unsure as chance makes it."""
    total = exposure = unsure = 0.0
    for _ratio, noise, own, weight in seen:
        total += weight
        exposure += 1 / noise
        unsure += weight * weight * own
    return Observed(_mean(seen), max(chance / total, 1 / exposure), unsure / total**2)


def _chance(groups: Sequence[Sequence[Observed]]) -> float:
    """Estimate the relative variance of one look of weight 1, from looks at the same thing (ANOVA).

    It holds the luck of a single look as well as Poisson noise; 0 where nothing has two looks.
    """
    free = sum(map(len, groups)) - len(groups)
    if not free:
        return 0.0
    means = [_mean(seen) for seen in groups]
    squares = sum(look.weight * (look.ratio - mean) ** 2
                  for seen, mean in zip(groups, means, strict=True) for look in seen)  # fmt: skip
    return squares / free / fmean(means) ** 2 if any(means) else 0.0


def differ(estimates: Sequence[Estimate]) -> bool:
    """Return whether two of them differ by more than chance.

    Both must have enough posts, and intervals that stay apart though they are made wider for each
    of the comparisons (Bonferroni: together they are wrong one time in 20).
    """
    full = [found for found in estimates if found.n >= ENOUGH]
    pairs = max(1, len(full) * (len(full) - 1) // 2)
    bounds = [found.known.interval(1 - 0.05 / pairs) for found in full]
    return bool(bounds) and max(low for low, _ in bounds) > min(high for _, high in bounds)
