"""The values over which settings are searched."""

import numpy as np
import pytest

from benchmark.method import Choice, LogUniform, Uniform


def test_a_share_of_a_range_lies_below_its_value():
    assert Uniform(-1, 3).at(0.25) == 0
    assert LogUniform(1e-4, 1e-2).at(0.5) == pytest.approx(1e-3)
    assert [Choice("a", "b", "c", "d").at(share) for share in (0.0, 0.24, 0.25, 0.5, 0.999)] == list("aabcd")


def test_all_values_of_a_choice_are_equally_likely():
    shares = np.linspace(0, 1, 3000, endpoint=False)
    values, counts = np.unique([Choice(0.0, 0.5, 0.9).at(share) for share in shares], return_counts=True)
    assert values.tolist() == [0.0, 0.5, 0.9]
    assert counts.tolist() == [1000, 1000, 1000]


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: Uniform(2, 1), "from a lower to a higher finite number, not from 2 to 1"),
        (lambda: LogUniform(1e-2, 1e-5), "from a lower to a higher finite number, not from 0.01 to 1e-05"),
        (lambda: LogUniform(1, 1), "from a lower to a higher finite number"),
        (lambda: Uniform(0, float("nan")), "from a lower to a higher finite number"),
        (lambda: LogUniform(0, 1), "must begin above 0"),
        (lambda: Uniform(0, float("inf")), "from a lower to a higher finite number, not from 0 to inf"),
        (lambda: Uniform("a", "b"), "from a lower to a higher finite number, not from 'a' to 'b'"),
        (lambda: Uniform(None, 2), "from a lower to a higher finite number, not from None to 2"),
        (lambda: Choice("a"), "two different values or more"),
        (lambda: Choice("a", "b", "a"), "two different values or more"),
        (lambda: Choice(None, 1), "none of them None"),
    ],
)
def test_ranges_that_are_none_are_refused(make, problem):
    with pytest.raises(ValueError, match=problem):
        make()
