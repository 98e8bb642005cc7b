import math
from itertools import product

import numpy as np
import pytest
from scipy import stats
from support.numbers import INF, NAN

from benchmark.report.statistics.over_datasets import (
    PROFILE_SCORES,
    average_ranks,
    improvement,
    interquartile_mean,
    normalised,
    profile,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def scores(rng):
    """Of one method on three datasets, with unlike numbers of seeds."""
    return [rng.random(n) for n in (5, 8, 7)]


FIGURES = {
    "interquartile mean": interquartile_mean,
    "profile": profile,
    "improvement": lambda runs: improvement(runs, [x[::-1] ** 2 for x in runs]),
    "average ranks": lambda runs: average_ranks(
        [np.stack([x, x[::-1] ** 2, np.full(len(x), 0.3)], axis=1) for x in runs]
    ),
}


every_figure = pytest.mark.parametrize("figure", FIGURES.values(), ids=FIGURES)


@every_figure
def test_intervals_hold_the_figure_and_have_some_width(figure, scores):
    estimate = figure(scores)
    assert estimate.value.shape == estimate.low.shape == estimate.high.shape
    assert (estimate.low <= estimate.value).all()
    assert (estimate.value <= estimate.high).all()
    assert (estimate.low < estimate.high).any()


@every_figure
def test_figures_are_the_same_again(figure, scores):
    assert all(map(np.array_equal, figure(scores), figure(scores)))


@every_figure
def test_intervals_are_narrower_with_more_seeds(figure, rng):
    few = figure([rng.random(5), rng.random(5)])
    many = figure([rng.random(200), rng.random(200)])
    assert (many.high - many.low).sum() < (few.high - few.low).sum() / 3


@every_figure
def test_seeds_that_are_alike_show_no_spread_whatever_that_of_datasets(figure):
    estimate = figure([np.full(5, 0.25), np.full(4, 0.75)])
    assert estimate.low == pytest.approx(estimate.value)
    assert estimate.high == pytest.approx(estimate.value)


@every_figure
@pytest.mark.parametrize("runs", [[[0.5]], [[0.1, 0.9, 0.4], [0.5]]])
def test_a_single_run_leaves_intervals_unknown(figure, runs):
    estimate = figure([np.array(on_dataset) for on_dataset in runs])
    assert np.isfinite(estimate.value).all()
    assert np.isnan([estimate.low, estimate.high]).all()


@pytest.mark.parametrize(("of_a", "of_b"), [(1, 3), (3, 1)])
def test_an_improvement_takes_several_runs_of_both(rng, of_a, of_b):
    assert np.isnan(improvement([rng.random(of_a)], [rng.random(of_b)])[1:]).all()


@pytest.mark.parametrize(
    ("better", "best", "chance", "expected"),
    [
        ("higher", 8, 0, [0.25, 1, 1, 0, 0, 0]),
        ("lower", 1, 5, [0.75, 0, 0, 1, 0, 0]),
        ("one", 1, 5, [0.75, 0, 0, 0.5, 0, 0]),
        ("one", 1, 0, [0, 0, 0, 0, 0, 0]),
    ],
)
def test_the_scale_runs_from_chance_to_the_best(better, best, chance, expected):
    assert normalised([2, 8, 9, -1, NAN, INF], better, best, chance).tolist() == expected


@pytest.mark.parametrize(
    ("better", "best", "chance"),
    [
        ("higher", 1, 1),
        ("one", 0.5, 1.5),
        ("higher", 0.9, 1),
        ("lower", 2, 1),
        ("higher", NAN, 0),
        ("lower", 1, INF),
    ],
)
def test_without_a_best_above_chance_there_is_no_scale(better, best, chance):
    assert np.isnan(normalised([0.5, -INF, NAN], better, best, chance)).all()


def test_the_interquartile_mean_by_hand():
    assert interquartile_mean(
        [np.array([0.0, 0.9, 0.3, 1.0]), np.array([0.2, 0.4, 0.1, 0.5])]
    ).value == pytest.approx((0.2 + 0.3 + 0.4 + 0.5) / 4)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 20])
def test_the_interquartile_mean_is_a_trimmed_mean_over_all_runs(rng, n):
    x, y = rng.random((2, n))
    assert interquartile_mean([x, y]).value == stats.trim_mean([*x, *y], 0.25)
    assert interquartile_mean([x]).value == interquartile_mean([x[::-1]]).value == stats.trim_mean(x, 0.25)


def test_bootstrap_intervals_cover_at_about_their_rate(rng):
    covered = []
    for _ in range(300):
        estimate = interquartile_mean(list(rng.normal(0.5, 0.1, size=(4, 10))))
        covered.append(estimate.low <= 0.5 <= estimate.high)
    assert 0.9 <= np.mean(covered) <= 0.985


def test_bootstrap_intervals_of_a_share_are_binomial():
    share = profile([np.repeat([0.0, 1.0], [350, 50])])
    assert share.low[-1] == pytest.approx(stats.binom.ppf(0.025, 400, 1 / 8) / 400, abs=0.003)
    assert share.high[-1] == pytest.approx(stats.binom.ppf(0.975, 400, 1 / 8) / 400, abs=0.003)


def test_a_profile_falls_from_one(scores):
    for curve in profile(scores):
        assert curve[0] == 1
        assert (np.diff(curve) <= 0).all()
    assert profile([np.ones(3), np.ones(2)]).value.tolist() == [1] * len(PROFILE_SCORES)
    assert profile([np.zeros(3)]).value.tolist() == [1] + [0] * (len(PROFILE_SCORES) - 1)


def test_a_profile_counts_datasets_alike():
    shares = profile([np.array([0.1, 0.9]), np.array([0.9, 0.9, 0.9, 0.1])]).value
    assert shares[PROFILE_SCORES == 0.5] == pytest.approx((1 / 2 + 3 / 4) / 2)


@pytest.mark.parametrize("of", [5, 8, 10, 20, 40])
def test_a_score_passes_its_own_threshold(of):
    for i in range(of + 1):
        share = profile([normalised([i, i], "higher", of, 0)]).value
        assert (share == (np.arange(41) * of <= 40 * i)).all()


def test_improvement_by_pairs(rng):
    a = [rng.integers(4, size=n).astype(float) for n in (5, 3)]
    b = [rng.integers(4, size=n).astype(float) for n in (4, 6)]
    shares = []
    for x, y in zip(a, b, strict=True):
        wins = [(i > j) + (i == j) / 2 for i, j in product(x, y)]
        shares.append(np.mean(wins))
    assert improvement(a, b).value == pytest.approx(np.mean(shares))
    assert improvement(a, b).value + improvement(b, a).value == pytest.approx(1)
    u = [stats.mannwhitneyu(x, y).statistic / (len(x) * len(y)) for x, y in zip(a, b, strict=True)]
    assert improvement(a, b).value == pytest.approx(np.mean(u))


@pytest.mark.parametrize(
    ("a", "b", "probability"),
    [
        ([1, 1, 1], [1, 1], 0.5),
        ([2, 3], [0, 1, 1], 1),
        ([0, 1], [2, 3], 0),
        ([-INF, 1], [-INF, -INF], 0.75),
        ([-INF, -INF], [-INF, -INF], 0.5),
    ],
)
def test_improvement_by_hand(a, b, probability):
    estimate = improvement([np.array(a, dtype=float)], [np.array(b, dtype=float)])
    assert estimate.value == probability
    assert estimate.low <= probability <= estimate.high


def width(estimate):
    """The width of its interval."""
    return estimate.high - estimate.low


def test_the_interval_of_an_improvement_draws_both_methods(rng):
    x, y = rng.random((2, 200))
    fixed = np.array([0.5, 0.5])
    # Against a fixed value the share is binomial.
    binomial = pytest.approx(2 * 1.96 * math.sqrt(1 / 4 / 200), rel=0.12)
    assert width(improvement([x], [fixed])) == binomial
    assert width(improvement([fixed], [y])) == binomial
    # Of two draws, the variance is the sum of those of the projections, 1/12 per run each.
    assert width(improvement([x], [y])) == pytest.approx(2 * 1.96 * math.sqrt(2 / 12 / 200), rel=0.12)


def test_ranks_by_hand():
    # The best has rank 1, ties share theirs, and what has no value is last.
    first = np.array([[3, 2, 1], [3, 3, 1], [1, -INF, -INF]], dtype=float)
    second = np.array([[1, 2, 3]], dtype=float)
    on_first = np.array([1 + 1.5 + 1, 2 + 1.5 + 2.5, 3 + 3 + 2.5]) / 3
    assert average_ranks([first]).value == pytest.approx(on_first)
    assert average_ranks([first, second]).value == pytest.approx((on_first + np.array([3, 2, 1])) / 2)


@pytest.mark.parametrize("methods", [1, 2, 5])
def test_ranks_have_the_sum_that_they_must(rng, methods):
    ranks = average_ranks([rng.integers(3, size=(n, methods)).astype(float) for n in (4, 6)])
    assert ranks.value.sum() == pytest.approx(methods * (methods + 1) / 2)
    assert (ranks.low >= 1).all()
    assert (ranks.high <= methods).all()


def test_seeds_are_drawn_for_all_methods_together(rng):
    ranks = average_ranks([rng.random((n, 2)) for n in (7, 11)])
    assert ranks.low + ranks.high[::-1] == pytest.approx([3, 3])
