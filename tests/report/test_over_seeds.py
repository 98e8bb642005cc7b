import math
from itertools import product

import numpy as np
import pytest
from scipy import stats
from support.numbers import INF, NAN

from benchmark.report.statistics.over_seeds import (
    LEVEL,
    best_of,
    change,
    filled,
    mean_interval,
    median_interval,
    quality,
    summarise,
    unanimous,
)

DIRECTIONS = ["higher", "lower", "one"]
BEST = {"higher": max, "lower": min, "one": lambda values: min(values, key=lambda x: abs(x - 1))}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_figures_are_those_of_student():
    s = summarise([1.0, 2.0, 3.0, 4.0], "higher")
    assert (s.n, s.mean, s.best, s.worst) == (4, 2.5, 4, 1)
    assert s.std == pytest.approx(math.sqrt(5 / 3))
    assert s.ci_high - s.mean == pytest.approx(3.182446 * s.std / 2, rel=1e-6)
    assert s.mean - s.ci_low == pytest.approx(3.182446 * s.std / 2, rel=1e-6)
    assert mean_interval([1.0, 2.0, 3.0, 4.0]) == (s.n, s.mean, s.ci_low, s.ci_high)
    assert mean_interval([1.0, 3.0]) == pytest.approx((2, 2, 2 - 12.706205, 2 + 12.706205))


def test_directions():
    assert summarise([1.0, 2.0], "lower")[5:] == (1, 2)
    assert summarise([0.5, 1.2], "one")[5:] == (1.2, 0.5)


@pytest.mark.parametrize("value", [8.0, 0.1, -0.0])
@pytest.mark.parametrize("n", [2, 3, 5, 10, 1000])
def test_ties_give_an_interval_of_no_width(value, n):
    s = summarise([value] * n, "higher")
    assert s == (n, value, 0, value, value, value, value)
    assert not any(math.copysign(1, x) < 0 for x in (s.mean, s.std, s.ci_low, s.ci_high))


def test_one_value_has_no_interval_and_none_has_nothing():
    s = summarise([3.0, NAN, None, INF, -INF], "higher")
    assert (s.n, s.mean, s.best, s.worst) == (1, 3, 3, 3)
    assert np.isnan([s.std, s.ci_low, s.ci_high]).all()
    for nothing in ([], [None], [NAN, INF]):
        assert summarise(nothing, "higher").n == 0
        assert np.isnan(summarise(nothing, "higher")[1:]).all()


def test_intervals_cover_at_their_rate(rng):
    hits = []
    for _ in range(4000):
        summary = summarise(rng.normal(size=5), "higher")
        hits.append(summary.ci_low <= 0 <= summary.ci_high)
    assert 0.93 <= np.mean(hits) <= 0.97


@pytest.mark.parametrize(("before", "after"), [(2, 2), (3, 8), (10, 4)])
@pytest.mark.parametrize("scale", [1, 1e-90])
def test_a_change_has_the_interval_of_welch(rng, before, after, scale):
    x, y = rng.normal(size=before), rng.normal(1, 3, size=after)
    n, *interval = change([*(scale * x), NAN, INF], [-INF, *(scale * y)])
    expected = stats.ttest_ind(y, x, equal_var=False).confidence_interval()
    assert n == min(before, after)
    assert np.divide(interval, scale) == pytest.approx([y.mean() - x.mean(), *expected])


def test_a_change_between_alike_or_few_values():
    assert change([0.1] * 3, [0.4] * 3) == (3, *[0.4 - 0.1] * 3)
    assert change([0.1] * 3, [1.0, 3.0])[2:] == pytest.approx((1.9 - 12.706205, 1.9 + 12.706205))
    assert change([1.0], [2.0, 4.0, 6.0])[:2] == (1, 3)
    assert np.isnan(change([1.0], [2.0, 4.0, 6.0])[2:]).all()
    assert change([NAN], [2.0]).n == 0
    assert np.isnan(change([NAN], [2.0])[1:]).all()


@pytest.mark.parametrize(("better", "expected"), [("higher", [0, 3]), ("lower", [0, -3]), ("one", [-1, -2])])
def test_without_a_value_quality_is_least(better, expected):
    assert quality([0, 3, NAN, INF, -INF], better).tolist() == [*expected, -INF, -INF, -INF]
    assert quality(np.zeros((2, 3)), better).shape == (2, 3)


@pytest.mark.parametrize(("better", "worst"), [("higher", -1), ("lower", 5), ("one", 5)])
def test_the_worst_of_others_stands_in(better, worst):
    assert filled([2, NAN, INF], better, [NAN, 5, -1, INF]).tolist() == [2, worst, worst]
    assert np.isnan(filled([NAN], better, [NAN])).all()


@pytest.mark.parametrize(
    ("n", "cut", "confidence"),
    [
        (1, 0, 0),
        (2, 0, 1 / 2),
        (5, 0, 1 - 2 / 32),
        (6, 0, 1 - 2 / 64),
        (8, 0, 1 - 2 / 256),
        (9, 1, 1 - 2 * (1 + 9) / 512),
        (10, 1, 1 - 2 * (1 + 10) / 1024),
        (20, 5, 1 - 2 * (1 + 20 + 190 + 1140 + 4845 + 15504) / 2**20),
    ],
)
def test_the_interval_of_a_median_is_between_two_values(rng, n, cut, confidence):
    values = rng.permutation(np.arange(1.0, n + 1))
    assert median_interval(values, "higher") == pytest.approx(((n + 1) / 2, 1 + cut, n - cut, confidence))


def share_that_cover_one(samples):
    """The share of samples (rows) whose median interval covers 1."""
    intervals = [median_interval(x, "higher") for x in samples]
    return np.mean([interval.low <= 1 <= interval.high for interval in intervals])


@pytest.mark.parametrize("n", [6, 10, 20])
def test_intervals_of_medians_cover_at_their_rate(rng, n):
    confidence = median_interval(np.arange(n), "higher").confidence
    assert confidence >= 1 - LEVEL
    covered = share_that_cover_one(rng.lognormal(size=(3000, n)))
    assert covered == pytest.approx(confidence, abs=4 * math.sqrt(0.05 * 0.95 / 3000))
    assert share_that_cover_one(rng.integers(3, size=(500, n))) >= 1 - LEVEL


@pytest.mark.parametrize(
    ("differences", "sign"),
    [
        ([1.0] * 6, 1),
        ([-1e9, -1e-9, -3, -INF, -2, -5], -1),
        ([1.0] * 5, 0),
        ([1.0] * 5 + [0.0], 0),
        ([1.0] * 20 + [-1.0], 0),
        ([], 0),
    ],
)
def test_enough_seeds_that_agree_are_unanimous(differences, sign):
    assert unanimous(differences) == sign
    assert unanimous(differences, 1e-9) == 0


def test_a_trial_without_a_value_lies_at_the_worse_end():
    values = [1.0, 2.0, NAN, 4.0, 5.0]
    assert median_interval(values, "lower")[:3] == (4, 1, INF)
    assert median_interval(values, "higher")[:3] == (2, -INF, 5)
    assert np.isnan(median_interval(values, "one")[:3]).all()
    assert median_interval([INF, -INF, NAN, 4.0], "lower")[:3] == (INF, 4, INF)
    assert median_interval([NAN, 4.0], "higher")[:3] == (-INF, -INF, 4)


def test_a_median_of_nothing():
    assert np.isnan(median_interval([], "higher")).all()


@pytest.mark.parametrize("better", DIRECTIONS)
@pytest.mark.parametrize(
    "values", [[0.3], [0.2, 2.0], [0.9, 0.1, 1.3], [1.0, 1.0, 0.5, 3.0], [0.95, 1.9, 0.2, 1.01]]
)
@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_the_best_of_runs_by_enumeration(values, k, better):
    outcomes = np.array([BEST[better](runs) for runs in product(values, repeat=k)])
    best = best_of(values, k, better)
    assert best.expected == pytest.approx(outcomes.mean())
    assert np.mean((best.low <= outcomes) & (outcomes <= best.high)) >= 1 - LEVEL
    if better != "one":
        ends = np.quantile(outcomes, [LEVEL / 2, 1 - LEVEL / 2], method="inverted_cdf")
        assert (best.low, best.high) == tuple(ends)


@pytest.mark.parametrize("better", DIRECTIONS)
def test_the_best_of_runs_by_bootstrap(rng, better):
    values = rng.normal(1, size=30)
    runs = rng.choice(values, size=(20000, 5))
    outcomes = {
        "higher": runs.max(axis=1),
        "lower": runs.min(axis=1),
        "one": runs[np.arange(20000), np.abs(runs - 1).argmin(axis=1)],
    }[better]
    best = best_of(values, 5, better)
    assert best.expected == pytest.approx(outcomes.mean(), abs=4 * outcomes.std() / math.sqrt(20000))
    assert np.mean((best.low <= outcomes) & (outcomes <= best.high)) >= 0.945


def test_more_runs_have_a_better_best(rng):
    values = rng.normal(size=20)
    for better, sign in (("higher", 1), ("lower", -1)):
        expected = [sign * best_of(values, k, better).expected for k in range(1, 100)]
        assert expected[0] == pytest.approx(sign * values.mean())
        assert (np.diff(expected) > 0).all()
        assert max(sign * values) == pytest.approx(expected[-1], abs=0.05)


@pytest.mark.parametrize("better", DIRECTIONS)
@pytest.mark.parametrize("n", [1, 2, 3, 7, 10])
def test_the_best_of_ties_is_exact(n, better):
    assert {best_of([0.1] * n, k, better) for k in (1, 2, 5, 100)} == {(0.1, 0.1, 0.1)}


def test_very_many_values(rng):
    values = rng.normal(size=100_000)
    assert mean_interval(values).mean == pytest.approx(0, abs=0.02)
    m = median_interval(values, "higher")
    assert m.low < 0.01
    assert m.high > -0.01
    assert m.high - m.low < 0.02
    assert 0.95 <= m.confidence < 0.951
    assert best_of(values, 100, "higher").expected == pytest.approx(2.508, abs=0.05)
