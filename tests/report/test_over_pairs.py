"""Intervals over seeds and pairs."""

import math

import numpy as np
import pytest
from scipy import stats

from benchmark.report.statistics.over_pairs import crossed_interval


def test_of_a_single_seed_it_is_students_interval_over_pairs():
    x = [1.0, 2.0, 4.0, 8.0]
    interval = crossed_interval([x])
    low, high = stats.t.interval(0.95, 3, np.mean(x), stats.sem(x))
    assert interval == (4, pytest.approx(3.75), pytest.approx(low), pytest.approx(high))
    assert crossed_interval(np.transpose([x])) == interval


def test_of_a_single_value_there_is_no_interval():
    n, mean, low, high = crossed_interval([[3.0]])
    assert (n, mean) == (1, 3)
    assert math.isnan(low)
    assert math.isnan(high)


def test_without_values_there_is_none():
    assert math.isnan(crossed_interval([[math.nan, math.nan]]).mean)


def test_values_that_are_missing_do_not_count():
    nan = math.nan
    interval = crossed_interval([[1.0, nan, 3.0], [nan, nan, nan]])
    assert interval.n == 2
    assert interval.mean == 2
    assert crossed_interval([[1.0, 3.0]]) == interval


def test_equal_values_have_an_interval_of_no_width():
    assert crossed_interval(np.ones((3, 4))) == (12, 1, 1, 1)


def test_it_covers_the_mean_of_crossed_effects():
    """With effects of seeds and of pairs and noise, 93 to 98 % of intervals hold the mean."""
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(2000):
        seeds, pairs, noise = rng.normal(size=(5, 1)), rng.normal(size=(1, 6)), rng.normal(size=(5, 6))
        _, _, low, high = crossed_interval(seeds + pairs + noise)
        covered += low <= 0 <= high
    assert 0.93 < covered / 2000 < 0.98


def test_an_interval_over_values_as_if_they_were_independent_would_not():
    """What the test above would see."""
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(2000):
        values = (rng.normal(size=(5, 1)) + rng.normal(size=(1, 6)) + rng.normal(size=(5, 6))).ravel()
        low, high = stats.t.interval(0.95, len(values) - 1, values.mean(), stats.sem(values))
        covered += low <= 0 <= high
    assert covered / 2000 < 0.75
