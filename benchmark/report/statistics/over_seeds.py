"""What a few seeds say of a metric: summaries, intervals, changes, budget curves. Plain functions of arrays.

Throughout, `better` is `higher`, `lower` or `one` (the closer to 1), and a trial without a value, because it diverged or
because the metric is not defined there, is worse than any that has one.
"""

import math
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

__all__ = [
    "LEVEL",
    "BestOf",
    "Interval",
    "MedianInterval",
    "Summary",
    "best_of",
    "change",
    "filled",
    "half_width",
    "mean_interval",
    "median_interval",
    "quality",
    "summarise",
    "unanimous",
]

LEVEL = 0.05
"""One less the confidence of every interval, and the level of every test."""

Array = NDArray[np.float64]


class Interval(NamedTuple):
    """A mean and its interval; NaN where they are not defined.

    Attributes:
        n: The number of values.
        mean: Their mean.
        low: Lower end of the Student-t interval of the mean.
        high: Its upper end.
    """

    n: int
    mean: float
    low: float
    high: float


class Summary(NamedTuple):
    """Figures of one metric over seeds; NaN where they are not defined.

    Attributes:
        n: The number of values.
        mean: Their mean.
        std: Their standard deviation, with n - 1 degrees of freedom.
        ci_low: Lower end of the 95 % Student-t interval of the mean.
        ci_high: Its upper end.
        best: The best value.
        worst: The worst value.
    """

    n: int
    mean: float
    std: float
    ci_low: float
    ci_high: float
    best: float
    worst: float


class MedianInterval(NamedTuple):
    """A median and an interval between two of the values; infinite where a trial without a value stands there.

    Attributes:
        median: The median.
        low: The lower of the two values.
        high: The higher.
        confidence: The probability with which such an interval holds the median, whatever the distribution.
    """

    median: float
    low: float
    high: float
    confidence: float


class BestOf(NamedTuple):
    """What the best of some runs scores: its expectation, and the ends of the range that holds 95 % of the outcomes."""

    expected: float
    low: float
    high: float


def quality(values: ArrayLike, better: str) -> Array:
    """Values such that higher is better, shape kept; minus infinity for those that are not finite."""
    x = np.asarray(values, dtype=float)
    oriented = {"higher": x, "lower": -x, "one": -np.abs(x - 1)}[better]
    return np.where(np.isfinite(x), oriented, -np.inf)


def filled(values: ArrayLike, better: str, among: ArrayLike) -> Array:
    """The values, with the worst of `among` in place of those that are not finite, where a number is needed."""
    x, others = np.asarray(values, dtype=float), np.asarray(among, dtype=float)
    others = others[np.isfinite(others)]
    worst = others[quality(others, better).argmin()] if len(others) else np.nan
    return np.where(np.isfinite(x), x, worst)


def mean_interval(values: ArrayLike, level: float = LEVEL) -> Interval:
    """The mean of the finite values with its Student-t interval of confidence `1 - level`."""
    x = np.asarray(values, dtype=float)
    x = x[np.isfinite(x)] + 0.0  # -0.0 becomes 0
    if len(x) < 2:
        return Interval(len(x), float(x[0]) if len(x) else math.nan, math.nan, math.nan)
    # The mean of equal numbers may differ from them in the last digit, and their deviation from 0.
    mean, error = (float(x[0]), 0.0) if np.ptp(x) == 0 else (float(x.mean()), float(stats.sem(x)))
    half = half_width(error, len(x), level)
    return Interval(len(x), mean, mean - half, mean + half)


def half_width(error: float, n: int, level: float = LEVEL) -> float:
    """Half of the Student-t interval of a mean of `n` values that has that standard error; NaN for less than two."""
    return float(stats.t.ppf(1 - level / 2, n - 1)) * error if n > 1 else math.nan


def change(before: ArrayLike, after: ArrayLike, level: float = LEVEL) -> Interval:
    """The mean of the finite values after, less that before, of independent runs, with Welch's interval of confidence `1 - level`.

    `n` is the smaller number of values.

    References:
        The Generalization of "Student's" Problem when Several Different Population Variances are Involved (Welch, 1947).
    """
    x, y = (
        values[np.isfinite(values)]
        for values in (np.asarray(before, dtype=float), np.asarray(after, dtype=float))
    )
    n = min(len(x), len(y))
    difference = mean_interval(y).mean - mean_interval(x).mean
    if n < 2:
        return Interval(n, difference, math.nan, math.nan)
    shares = [0.0 if np.ptp(z) == 0 else float(z.var(ddof=1)) / len(z) for z in (x, y)]
    variance = sum(shares)
    if variance == 0:
        return Interval(n, difference, difference, difference)
    freedom = 1 / sum((share / variance) ** 2 / (len(z) - 1) for share, z in zip(shares, (x, y), strict=True))
    half = float(stats.t.ppf(1 - level / 2, freedom)) * math.sqrt(variance)
    return Interval(n, difference, difference - half, difference + half)


def summarise(values: Iterable[float | None], better: str) -> Summary:
    """Summarises the finite ones of the values of a metric."""
    x = np.asarray([math.nan if value is None else value for value in values], dtype=float)
    x = x[np.isfinite(x)]
    n, mean, low, high = mean_interval(x)
    if n == 0:
        return Summary(0, *[math.nan] * 6)
    rank = quality(x, better)
    std = math.nan if n == 1 else 0.0 if np.ptp(x) == 0 else float(x.std(ddof=1))
    return Summary(n, mean, std, low, high, float(x[rank.argmax()]), float(x[rank.argmin()]))


def unanimous(d: ArrayLike, level: float = LEVEL) -> int:
    """The sign that all differences have, if there are enough of them for a sign test of that level (six for 5 %); else 0.

    It tells what a Student-t interval misses where differences spread over orders of magnitude.
    """
    signs = set(np.sign(np.asarray(d, dtype=float)))
    return int(signs.pop()) if len(signs) == 1 and 2.0 ** (1 - np.size(d)) <= level else 0


def median_interval(values: ArrayLike, better: str) -> MedianInterval:
    """The median over trials, and the narrowest interval between two of them, the same number from either end, of 95 % confidence.

    With fewer than six trials no such interval has 95 %; it is then their whole range, and `confidence` says what that has.
    A trial without a value lies beyond all others, above where lower is better and below where higher is; where 1 is best there is no such
    end, and then no median.
    """
    x = np.asarray(values, dtype=float)
    n = len(x)
    if n == 0:
        return MedianInterval(*[math.nan] * 4)
    cut, confidence = _cut(n)
    if better == "one" and not np.isfinite(x).all():
        return MedianInterval(math.nan, math.nan, math.nan, confidence)
    x = np.sort(np.where(np.isfinite(x), x, np.inf if better == "lower" else -np.inf))
    median = (x[(n - 1) // 2] + x[n // 2]) / 2
    return MedianInterval(float(median), float(x[cut]), float(x[n - 1 - cut]), confidence)


@cache
def _cut(n: int) -> tuple[int, float]:
    """How many of n values to leave out at either end, and the probability that a distribution's median lies between the others."""
    cuts = np.arange((n + 1) // 2)
    confidence = 1 - 2 * stats.binom.cdf(cuts, n, 0.5)
    cut = int(max(cuts[confidence >= 1 - LEVEL], default=0))
    return cut, float(confidence[cut])


def best_of(values: ArrayLike, k: int, better: str) -> BestOf:
    """What the best of `k` runs scores when they are drawn with replacement from these, in closed form: the limit of infinitely
    many bootstrap resamples.

    References:
        Are GANs Created Equal? A Large-Scale Study (Lucic et al., 2018), arXiv:1711.10337, figure 3.
    """
    x = np.asarray(values, dtype=float)
    x = x[np.argsort(quality(x, better), kind="stable")]
    n = len(x)
    # The best is at most the i-th of n if all k draws are.
    below = (np.arange(n + 1) / n) ** k
    first, last = np.searchsorted(below[1:], [LEVEL / 2, 1 - LEVEL / 2])
    held = x[first : last + 1]
    # Summed by parts, so that equal numbers have exactly that expectation.
    return BestOf(float(x[0] + (1 - below[1:-1]) @ np.diff(x)), float(held.min()), float(held.max()))
