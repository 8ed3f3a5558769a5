"""Rates that are shrunk towards their own kind, each with an interval; closed forms only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

#: The nominal share of intervals that hold the truth.
LEVEL = 0.80
#: Least relative variance between things of one kind. A moment estimate from a dozen posts is often
#: 0 by chance, and would claim that all are alike for certain.
LEAST_SPREAD = 0.04


@dataclass(frozen=True, slots=True)
class Gamma:
    """A gamma distribution: shape ``a``, rate ``b``."""

    a: float
    b: float

    @property
    def mean(self) -> float:
        return self.a / self.b

    @property
    def variance(self) -> float:
        return self.a / self.b**2

    def quantile(self, share: float) -> float:
        """Give the value below which ``share`` of it lies.

        Wilson & Hilferty (1931), "The distribution of chi-square", PNAS 17:684: the cube root of
        a gamma variable of shape k is nearly normal. Within 7 % of the exact value at k = 1 and
        2 % at k = 2 for 80 % intervals; it never goes below 0.
        """
        z, k = NormalDist().inv_cdf(share), self.a
        root = 1 - 1 / (9 * k) + z / (3 * math.sqrt(k))
        return max(0.0, k * root**3) / self.b

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Give the two values between which ``level`` of it lies, the same share on either side."""
        outside = (1 - level) / 2
        return self.quantile(outside), self.quantile(1 - outside)

    def after(self, count: float, exposure: float) -> Gamma:
        """Learn from events in an exposure: the conjugate posterior of a Poisson rate."""
        return Gamma(self.a + count, self.b + exposure)


@dataclass(frozen=True, slots=True)
class Count:
    """Events, and how many of them would be usual."""

    events: float
    usual: float

    @property
    def ratio(self) -> float:
        return self.events / self.usual


def pooled(counts: Sequence[Count]) -> float:
    """Give the rate of all together."""
    return sum(one.events for one in counts) / sum(one.usual for one in counts)


def spread(counts: Sequence[Count]) -> float:
    """Estimate the variance of the true rates, beyond what Poisson noise explains; at least 0.

    By moments, weighted by exposure: Marshall (1991), "Mapping disease and mortality rates using
    empirical Bayes estimators", Applied Statistics 40:283, after Clayton & Kaldor (1987).
    """
    total = sum(one.usual for one in counts)
    room = total - sum(one.usual**2 for one in counts) / total
    if len(counts) < 2 or room <= 0:
        return 0.0
    mean = pooled(counts)
    seen = sum(one.usual * (one.ratio - mean) ** 2 for one in counts)
    return max(0.0, (seen - (len(counts) - 1) * mean) / room)


def prior(mean: float, variance: float) -> Gamma:
    """Give the gamma distribution of that mean, and of that variance or the least one."""
    held = max(variance, LEAST_SPREAD * mean**2)
    return Gamma(mean**2 / held, mean / held)
