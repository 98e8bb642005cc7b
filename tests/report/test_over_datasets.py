import math
from itertools import product

import numpy as np
import pytest
from scipy import stats

from benchmark.report.statistics.over_datasets import (
    PROFILE_SCORES,
    average_ranks,
    improvement,
    interquartile_mean,
    normalised,
    profile,
)

INF, NAN = math.inf, math.nan


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
    found = figure(scores)
    assert found.value.shape == found.low.shape == found.high.shape
    assert (found.low <= found.value).all()
    assert (found.value <= found.high).all()
    assert (found.low < found.high).any()


@every_figure
def test_figures_are_the_same_again(figure, scores):
    assert all(
        np.array_equal(first, second) for first, second in zip(figure(scores), figure(scores), strict=True)
    )


@every_figure
def test_intervals_are_narrower_with_more_seeds(figure, rng):
    few, many = (figure([rng.random(n), rng.random(n)]) for n in (5, 200))
    assert (many.high - many.low).sum() < (few.high - few.low).sum() / 3


@every_figure
def test_seeds_that_are_alike_show_no_spread_whatever_that_of_datasets(figure):
    found = figure([np.full(5, 0.25), np.full(4, 0.75)])
    assert found.low == pytest.approx(found.value)
    assert found.high == pytest.approx(found.value)


@every_figure
@pytest.mark.parametrize("others", [[], [0.1, 0.9, 0.4]])
def test_a_single_run_leaves_intervals_unknown(figure, others):
    found = figure([np.array(runs) for runs in (others, [0.5]) if runs])
    assert np.isfinite(found.value).all()
    assert np.isnan([found.low, found.high]).all()


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
    covered = [
        (found := interquartile_mean(list(rng.normal(0.5, 0.1, size=(4, 10))))).low <= 0.5 <= found.high
        for _ in range(300)
    ]
    assert 0.9 <= np.mean(covered) <= 0.985


def test_bootstrap_intervals_of_a_share_are_binomial():
    found = profile([np.repeat([0.0, 1.0], [350, 50])])
    assert found.low[-1] == pytest.approx(stats.binom.ppf(0.025, 400, 1 / 8) / 400, abs=0.003)
    assert found.high[-1] == pytest.approx(stats.binom.ppf(0.975, 400, 1 / 8) / 400, abs=0.003)


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
    a, b = ([rng.integers(4, size=n).astype(float) for n in sizes] for sizes in ((5, 3), (4, 6)))
    shares = [
        np.mean([1 if x > y else 0.5 if x == y else 0 for x, y in product(*runs)])
        for runs in zip(a, b, strict=True)
    ]
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
    found = improvement([np.array(a, dtype=float)], [np.array(b, dtype=float)])
    assert found.value == probability
    assert found.low <= probability <= found.high


def test_the_interval_of_an_improvement_draws_both_methods(rng):
    x, y = rng.random((2, 200))
    fixed = np.array([0.5, 0.5])
    widths = [
        found.high - found.low
        for found in (improvement([x], [fixed]), improvement([fixed], [y]), improvement([x], [y]))
    ]
    # Against a fixed value the share is binomial; variances of two draws are those of the projections, 1/12 per run each.
    assert widths[:2] == pytest.approx([2 * 1.96 * math.sqrt(1 / 4 / 200)] * 2, rel=0.12)
    assert widths[2] == pytest.approx(2 * 1.96 * math.sqrt(2 / 12 / 200), rel=0.12)


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
