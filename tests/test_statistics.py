import math

import numpy as np
import pytest

from benchmark.statistics import summarise


def test_figures_are_those_of_student():
    s = summarise([1.0, 2.0, 3.0, 4.0], "higher")
    assert (s.n, s.mean, s.best, s.worst) == (4, 2.5, 4, 1)
    assert s.std == pytest.approx(math.sqrt(5 / 3))
    assert s.ci_high - s.mean == pytest.approx(3.182446 * s.std / 2, rel=1e-6)


def test_directions():
    assert summarise([1.0, 2.0], "lower")[5:] == (1, 2)
    assert summarise([0.5, 1.2], "one")[5:] == (1.2, 0.5)


def test_ties_give_an_interval_of_no_width():
    s = summarise([8.0] * 5, "higher")
    assert (s.std, s.ci_low, s.ci_high) == (0, 8, 8)


def test_one_value_has_no_interval_and_none_has_nothing():
    s = summarise([3.0, float("nan"), None], "higher")
    assert s.n == 1
    assert s.mean == 3
    assert math.isnan(s.std)
    assert math.isnan(s.ci_low)
    assert summarise([], "higher").n == 0
    assert math.isnan(summarise([], "higher").mean)


def test_intervals_cover_at_their_rate():
    rng = np.random.default_rng(0)
    hits = [(s := summarise(rng.normal(size=5), "higher")).ci_low <= 0 <= s.ci_high for _ in range(4000)]
    assert 0.93 <= np.mean(hits) <= 0.97
