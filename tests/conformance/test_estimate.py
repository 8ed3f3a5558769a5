"""Our closed forms against scipy and ville, which the program itself does not need."""

from typing import Any

import numpy
import pytest

from bot.engagement.estimate import (
    LEVEL,
    MIXTURE,
    Estimate,
    Gamma,
    Observed,
    boundary,
    median_noise,
    pooled,
    prior,
    spread,
)
from bot.engagement.report import Line


@pytest.fixture(scope="module")
def stats() -> Any:
    from scipy import stats  # takes longer than the tests, in each worker that collects them

    return stats


@pytest.mark.parametrize(
    ("shape", "within"), [(1, 0.075), (2, 0.02), (5, 0.004), (20, 0.001), (400, 0.0001)]
)
def test_gamma_quantiles_are_close_to_scipys(stats: Any, shape: float, within: float) -> None:
    for share in (0.1, 0.5, 0.9):
        exact = stats.gamma(shape, scale=1 / 3).ppf(share)

        ours = Gamma(shape, 3).quantile(share)

        assert abs(ours / exact - 1) < within, (shape, share)


def test_an_interval_holds_its_share_of_the_distribution(stats: Any) -> None:
    low, high = Gamma(6, 2).interval(0.8)

    exact = stats.gamma(6, scale=1 / 2)
    assert exact.cdf(high) - exact.cdf(low) == pytest.approx(0.8, abs=0.002)


def test_a_shapeless_gamma_starts_at_nothing() -> None:
    assert Gamma(0.05, 1).quantile(0.1) == 0.0


def test_the_posterior_is_scipys(stats: Any) -> None:
    """The density of the conjugate posterior against prior times Poisson likelihood, normalised."""
    start, count, exposure = Gamma(3, 2), 7, 4.0
    grid = numpy.linspace(0.001, 12, 20_000)
    product = stats.gamma(3, scale=1 / 2).pdf(grid) * stats.poisson(grid * exposure).pmf(count)
    mean = float((grid * product).sum() / product.sum())

    after = start.after(count, exposure)

    assert after.mean == pytest.approx(mean, rel=1e-4)
    assert after.a / after.b**2 == pytest.approx(
        float(((grid - mean) ** 2 * product).sum() / product.sum()), rel=1e-3
    )


def test_the_spread_comes_out_of_many_counts() -> None:
    draw = numpy.random.default_rng(1)
    usual = draw.uniform(2, 60, 4000)
    rates = draw.gamma(1 / 0.3, 0.3, 4000)  # mean 1, variance 0.3
    counts = [
        Observed(float(n / e), float(1 / e))
        for n, e in zip(draw.poisson(rates * usual), usual, strict=True)
    ]

    assert pooled(counts) == pytest.approx(1, abs=0.04)
    assert spread(counts) == pytest.approx(0.3, abs=0.04)


def test_counts_that_differ_by_chance_alone_have_no_spread() -> None:
    draw = numpy.random.default_rng(2)
    counts = [Observed(n / 25, 1 / 25) for n in draw.poisson(25, 4000).tolist()]

    assert spread(counts) < 0.003
    start = prior(counts)
    assert (start.mean, 1 / start.a) == pytest.approx((pooled(counts), 0.09)), "never quite alike"


@pytest.mark.parametrize("sd_true", [0.0, 0.5, 2.0])
def test_the_noise_of_a_median_is_about_what_we_say(sd_true: float) -> None:
    draw = numpy.random.default_rng(3)
    n, sd_noise = 15, 0.3
    truth = draw.normal(0, sd_true, (4000, n))
    seen = truth + draw.normal(0, sd_noise, (4000, n))
    error = numpy.median(seen, axis=1) - numpy.median(truth, axis=1)

    ours = median_noise(sd_noise**2, sd_true**2, n)

    assert ours == pytest.approx(float(error.var()), rel=0.35)


def test_widening_keeps_the_mean_and_adds_the_variance() -> None:
    before = Gamma(8, 4)

    after = before.widened(0.1)

    assert after.mean == pytest.approx(before.mean)
    assert 1 / after.a == pytest.approx(1 / 8 + 0.1)


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_the_confidence_sequence_is_villes(level: float) -> None:
    from ville import GaussianMixtureCS

    noise = numpy.random.default_rng(3).normal(1, 0.6, 200)
    theirs = GaussianMixtureCS(sigma=0.6, alpha=1 - level, intersect=False)
    theirs.rho_ = MIXTURE
    theirs.update(noise)

    ours = [2 * boundary(n * 0.36, level) / n for n in range(1, 201)]

    assert theirs.upper_ - theirs.lower_ == pytest.approx(ours)


def test_a_sequence_is_wider_than_what_one_look_allows_and_shrinks_with_what_is_seen(
    stats: Any,
) -> None:
    def reach(noise: float) -> float:
        low, high = Estimate("a", 9, Gamma(1, 1), Observed(1.3, noise)).sequence
        assert low + high == pytest.approx(2.6)
        return (high - low) / 2

    alone = stats.norm.ppf((1 + LEVEL) / 2)
    assert all(reach(noise) > 1.5 * alone * noise**0.5 for noise in (0.005, 0.02, 0.1))
    assert reach(0.005) < reach(0.02) < reach(0.1)


@pytest.mark.parametrize(("sequence", "trend"), [(None, "up"), ((1.01, 2), "up"),
                                                 ((0.98, 2), "even")])  # fmt: skip
def test_a_group_is_above_usual_only_where_all_looks_say_so(
    sequence: tuple[float, float] | None, trend: str
) -> None:
    line = Line("families", "", "", 20, 1.4, 1.1, 1.7, (), None, sequence)

    assert line.trend == trend
