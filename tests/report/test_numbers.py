"""Numbers for people."""

import math
import re

import pytest
from support.numbers import INF, NAN

from benchmark.report.numbers import estimate, gap, number, p_value, spread
from benchmark.report.statistics.over_seeds import mean_interval


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (8.0, "8"),
        (-25, "−25"),
        (123456, "123456"),
        (0.5, "0.5000"),
        (-1 / 3, "−0.3333"),
        (12.34567, "12.35"),
        (12345.67, "12346"),
        (999999.6, "1000000"),
        (1e6, "1.000e+06"),
        (-2.5e300, "−2.500e+300"),
        (0.0001, "0.0001000"),
        (0.00009999, "9.999e−05"),
        (-1e-9, "−1.000e−09"),
        (5e-324, "4.941e−324"),
        (NAN, "–"),
        (INF, "–"),
        (-INF, "–"),
    ],
)
def test_a_number_has_four_digits_and_whole_ones_all(x, text):
    assert number(x) == text


@pytest.mark.parametrize(
    ("x", "digits", "text"),
    [(0.1234, 1, "0.1"), (0.05, 1, "0.05"), (12.5, 1, "12"), (12.0, 1, "12"), (3e-7, 1, "3e−07")],
)
def test_a_number_has_as_many_digits_as_are_asked_for(x, digits, text):
    assert number(x, digits) == text


@pytest.mark.parametrize(
    ("mean", "half", "text"),
    [
        (0.51234, 0.0234, "0.512 ± 0.023"),
        (-0.51234, 0.234, "−0.51 ± 0.23"),
        (7.6, 12.0, "8 ± 12"),
        (-0.01, 1.5, "0.0 ± 1.5"),
        (123456.7, 2500.0, "123457 ± 2500"),
        (8, 0, "8 ± 0"),
        (0.5, 0, "0.5000 ± 0"),
        (0.0282, 3.1e-17, "0.02820 ± 0"),
        (3.92e-3, 3.8e-11, "0.003920 ± 0"),
        (0, 0.0001, "0.00000 ± 0.00010"),
        (-2e6, 3, "−2.000e+06 ± 3.0e+00"),
        (1e-7, 2e-9, "1.000e−07 ± 2.0e−09"),
        (1, 1e300, "1.000e+00 ± 1.0e+300"),
        (0.25, NAN, "0.2500"),
        (0.25, INF, "0.2500"),
        (NAN, NAN, "–"),
    ],
)
def test_a_mean_has_the_digits_that_its_interval_leaves_a_meaning(mean, half, text):
    assert spread(mean, mean - half, mean + half) == text


@pytest.mark.parametrize(
    ("x", "low", "high", "text"),
    [
        (0.05, 0.02, 0.08, "0.050 [0.020, 0.080]"),
        (-0.5, -1.25, 0.25, "−0.5 [−1.2, 0.2]"),
        (-0.001, -1.0, 0.998, "0.0 [−1.0, 1.0]"),
        (5, -7, 17, "5 [−7, 17]"),
        (0, 0, 0, "0 [0, 0]"),
        (-1, -1, -1, "−1 [−1, −1]"),
        (-2e6, -3e6, -1, "−2.000e+06 [−3.000e+06, −1]"),
        (2e6, 1e6, 3e6, "2.000e+06 [1.000e+06, 3.000e+06]"),
        (3e-7, 1e-7, 5e-7, "3.000e−07 [1.000e−07, 5.000e−07]"),
        (0.5, 0.003, 1.0, "0.500 [0.003, 1.000]"),
        (-0.5, -1.0, -0.003, "−0.500 [−1.000, −0.003]"),
        (0.5, 0.00003, 1.0, "0.5000 [3.000e−05, 1]"),
        (-0.5, -1.0, -1e-300, "−0.5000 [−1, −1.000e−300]"),
        (0.05, 5e-324, 0.1, "0.05000 [4.941e−324, 0.1000]"),
        (0.5, 0.0, 1.0, "0.5 [0.0, 1.0]"),
        (0.3, NAN, NAN, "0.3000"),
        (0.3, -INF, INF, "0.3000"),
        (0.0, -1e308, 1e308, "0"),
        (NAN, NAN, NAN, "–"),
    ],
)
def test_an_estimate_has_the_digits_that_fit_the_width_of_its_interval(x, low, high, text):
    assert estimate(x, low, high) == text


@pytest.mark.parametrize("scale", [1e-12, 1e-4, 0.03, 1, 77, 1e5, 1e7])
@pytest.mark.parametrize("low", [1e-9, 1e-3, 0.5, 0.999])
@pytest.mark.parametrize("sign", [1, -1])
def test_an_interval_without_0_never_shows_one(scale, low, sign):
    ends = sorted([sign * scale * low, sign * scale])
    text = estimate(sum(ends) / 2, *ends).replace("−", "-")
    rounded = [float(end) for end in re.fullmatch(r".+ \[(.+), (.+)\]", text).groups()]
    assert all(sign * end > 0 for end in rounded)
    assert rounded == pytest.approx(ends, rel=0.5)


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (1, "1"),
        (0.5, "0.5"),
        (0.03125, "0.031"),
        (0.0001, "0.0001"),
        (0.00009, "< 0.0001"),
        (0, "< 0.0001"),
        (NAN, "–"),
    ],
)
def test_a_p_value_has_two_digits(p, text):
    assert p_value(p) == text


def test_what_is_computed_fits():
    assert spread(*mean_interval([0.1, 0.2, 0.3])[1:]) == "0.20 ± 0.25"
    assert spread(*mean_interval([0.1])[1:]) == estimate(*mean_interval([0.1])[1:]) == "0.1000"
    assert spread(*mean_interval([])[1:]) == estimate(*mean_interval([])[1:]) == "–"


@pytest.mark.parametrize(
    ("scale", "ends", "text", "turned"),
    [
        ("linear", (0.3, 0.1, 0.5), "0.30 [0.10, 0.50]", "−0.30 [−0.50, −0.10]"),
        ("linear", (-2.0, -2.0, -2.0), "−2 [−2, −2]", "2 [2, 2]"),
        ("linear", (0.3, NAN, NAN), "0.3000", "−0.3000"),
        ("linear", (NAN, NAN, NAN), "–", "–"),
        ("log", (math.log(2), 0.0, math.log(4)), "× 2.0 [1.0, 4.0]", "× 0.50 [0.25, 1.00]"),
        ("log", (0.0, 0.0, 0.0), "× 1 [1, 1]", "× 1 [1, 1]"),
        ("log", (math.log(2.5), NAN, NAN), "× 2.500", "× 0.4000"),
        ("log", (NAN, NAN, NAN), "–", "–"),
    ],
)
def test_a_gap_is_a_difference_or_a_quotient_and_can_be_turned(scale, ends, text, turned):
    pair = dict(zip(("difference", "ci_low", "ci_high"), ends, strict=True))
    assert gap(pair, {"scale": scale}) == text
    assert gap(pair, {"scale": scale}, turned=True) == turned


@pytest.mark.parametrize("size", [1e3, 1e300])
def test_a_quotient_beyond_all_numbers_is_still_written(size):
    for sign in (1, -1):
        assert gap({"difference": sign * 3.0, "ci_low": -size, "ci_high": size}, {"scale": "log"}).startswith(
            "× "
        )
        assert gap(
            {"difference": sign * size, "ci_low": sign * size, "ci_high": sign * size}, {"scale": "log"}
        ).startswith("× ")
