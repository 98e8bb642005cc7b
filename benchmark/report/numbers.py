"""Numbers as people read them. Files have all digits."""

import math
from collections.abc import Mapping
from typing import Any

from benchmark.records.schema import MetricFacts

__all__ = ["NO_NUMBER", "estimate", "gap", "number", "p_value", "spread"]

LARGEST_PLAIN, SMALLEST_PLAIN = 1e6, 1e-4
"""Numbers beyond these are written with a power of ten."""

LARGEST_EXPONENT = 700.0
"""The largest exponent of e whose power is safely a finite number."""

ROUNDING = 1e-6
"""A half-width up to this share of the mean is rounding, in single precision, too, and is shown as 0."""

NO_NUMBER = "–"
"""Stands where there is no number."""


def number(x: float, digits: int = 4) -> str:
    """A number with that many significant digits; whole numbers in full."""
    if not math.isfinite(x):
        return NO_NUMBER
    if x == 0:
        return _fixed(x, 0)
    if not SMALLEST_PLAIN <= abs(x) < LARGEST_PLAIN:
        return _true_minus(f"{x:.{digits - 1}e}")
    if float(x).is_integer():
        return _fixed(x, 0)
    return _fixed(x, max(0, digits - 1 - math.floor(math.log10(abs(x)))))


def spread(mean: float, low: float, high: float) -> str:
    """A mean and half the width of its interval, to the digits that this width leaves meaningful."""
    half = (high - low) / 2
    if not math.isfinite(half):
        return number(mean)
    if half <= ROUNDING * abs(mean):
        return f"{number(mean)} ± 0"
    if max(abs(mean), half) >= LARGEST_PLAIN or half < SMALLEST_PLAIN:
        return _true_minus(f"{mean:.3e} ± {half:.1e}")
    decimals = _decimals(half)
    return f"{_fixed(mean, decimals)} ± {_fixed(half, decimals)}"


def estimate(x: float, low: float, high: float) -> str:
    """A number and the ends of its interval, to digits that fit the width of the interval."""
    width = high - low
    if not math.isfinite(width):
        return number(x)
    # An end close to 0 must not be rounded to 0.
    nearest_to_0 = min(abs(low), abs(high)) if low > 0 or high < 0 else width
    if min(width, nearest_to_0) < SMALLEST_PLAIN or max(abs(low), abs(high)) >= LARGEST_PLAIN:
        return f"{number(x)} [{number(low)}, {number(high)}]"
    decimals = max(_decimals(width), -math.floor(math.log10(nearest_to_0)))
    return f"{_fixed(x, decimals)} [{_fixed(low, decimals)}, {_fixed(high, decimals)}]"


def gap(pair: Mapping[Any, Any], facts: MetricFacts, turned: bool = False) -> str:
    """The difference between two methods with its interval; on a logarithmic scale, the quotient.

    Arguments:
        pair: A row of `pairwise.csv`, of a method a and a method b.
        facts: How to read its metric.
        turned: Whether to compare b with a instead of a with b.
    """
    difference, low, high = pair["difference"], pair["ci_low"], pair["ci_high"]
    if turned:
        difference, low, high = -difference, -high, -low
    if facts["scale"] == "log" and math.isfinite(difference):
        return f"× {estimate(_power_of_e(difference), _power_of_e(low), _power_of_e(high))}"
    return estimate(difference, low, high)


def p_value(p: float) -> str:
    """A p value, to two digits."""
    if not math.isfinite(p):
        return NO_NUMBER
    if p < SMALLEST_PLAIN:
        return "< 0.0001"
    return f"{p:.2g}"


def _power_of_e(exponent: float) -> float:
    return math.exp(min(exponent, LARGEST_EXPONENT))


def _decimals(width: float) -> int:
    """The number of decimals that show two digits of a width."""
    return max(0, 1 - math.floor(math.log10(width)))


def _fixed(x: float, decimals: int) -> str:
    """A number with that many decimals, without a minus sign before a zero."""
    text = f"{x:.{decimals}f}"
    if float(text) == 0:
        text = text.removeprefix("-")
    return _true_minus(text)


def _true_minus(text: str) -> str:
    """Replaces hyphens by minus signs."""
    return text.replace("-", "−")
