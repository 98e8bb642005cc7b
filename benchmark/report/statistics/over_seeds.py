"""Statistics of a metric over a few seeds: summaries, intervals, changes, the best of some runs.

Throughout, `better` is `higher`, `lower` or `one` (the closer to 1), and a trial without a value, because it
diverged or because the metric is not defined there, is worse than any that has one.
"""

import math
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.special import stdtrit

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
"""One minus the confidence level of every interval, and the level of every test."""

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
    """A median and an interval between two of the values; infinite where a trial without a value stands.

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
    """The score of the best of some runs: its expectation, and the ends of the range of 95 % of outcomes."""

    expected: float
    low: float
    high: float


def quality(values: ArrayLike, better: str) -> Array:
    """Values such that higher is better, shape kept; minus infinity for those that are not finite."""
    x = np.asarray(values, dtype=float)
    oriented = x
    if better == "lower":
        oriented = -x
    elif better == "one":
        oriented = -np.abs(x - 1)
    return np.where(np.isfinite(x), oriented, -np.inf)


def filled(values: ArrayLike, better: str, among: ArrayLike) -> Array:
    """The values, with the worst of `among` in place of those that are not finite, where a number is needed.

    NaN in their place if none of `among` is finite.
    """
    x, others = np.asarray(values, dtype=float), _finite(among)
    worst = others[quality(others, better).argmin()] if len(others) else np.nan
    return np.where(np.isfinite(x), x, worst)


def mean_interval(values: ArrayLike, level: float = LEVEL) -> Interval:
    """The mean of the finite values with its Student-t interval of confidence `1 - level`."""
    x = _finite(values)
    n, mean = len(x), _mean(x)
    if n < 2:
        return Interval(n, mean, math.nan, math.nan)
    half = half_width(_standard_deviation(x) / n**0.5, n, level)
    return Interval(n, mean, mean - half, mean + half)


def half_width(error: float, n: int, level: float = LEVEL) -> float:
    """Half of the Student-t interval of a mean of `n` values; NaN for less than two.

    Arguments:
        error: The standard error of the mean.
        n: The number of values.
        level: One minus the confidence of the interval.
    """
    if n < 2:
        return math.nan
    return _student(n - 1, level) * error


def change(before: ArrayLike, after: ArrayLike, level: float = LEVEL) -> Interval:
    """The mean of the finite values after, less that before, of independent runs, with Welch's interval.

    Its confidence is `1 - level`; `n` is the smaller number of values.

    References:
        The Generalization of "Student's" Problem when Several Different Population Variances are Involved
        (Welch, 1947).
    """
    x, y = _finite(before), _finite(after)
    n = min(len(x), len(y))
    difference = _mean(y) - _mean(x)
    if n < 2:
        return Interval(n, difference, math.nan, math.nan)
    of_x, of_y = _variance(x) / len(x), _variance(y) / len(y)
    variance = of_x + of_y
    if variance == 0:
        return Interval(n, difference, difference, difference)
    freedom = 1 / ((of_x / variance) ** 2 / (len(x) - 1) + (of_y / variance) ** 2 / (len(y) - 1))
    half = _student(freedom, level) * math.sqrt(variance)
    return Interval(n, difference, difference - half, difference + half)


def summarise(values: Iterable[float | None], better: str) -> Summary:
    """Summarises the finite ones of the values of a metric."""
    x = _finite(np.array(list(values), dtype=float))
    n, mean, low, high = mean_interval(x)
    if n == 0:
        return Summary(0, *[math.nan] * 6)
    std = _standard_deviation(x) if n > 1 else math.nan
    qualities = quality(x, better)
    return Summary(n, mean, std, low, high, float(x[qualities.argmax()]), float(x[qualities.argmin()]))


def _finite(values: ArrayLike) -> Array:
    x = np.asarray(values, dtype=float)
    return x[np.isfinite(x)]


def _alike(x: Array) -> bool:
    """Whether numbers are all equal.

    Then their computed mean may differ from them in the last digit, and their computed deviation from 0.
    """
    return bool(np.ptp(x) == 0)


def _mean(x: Array) -> float:
    if len(x) == 0:
        return math.nan
    mean = x[0] if _alike(x) else x.mean()
    return float(mean) + 0.0  # -0.0 becomes 0


def _standard_deviation(x: Array) -> float:
    """With n - 1 degrees of freedom, as the variance."""
    if _alike(x):
        return 0.0
    return float(x.std(ddof=1))


def _variance(x: Array) -> float:
    if _alike(x):
        return 0.0
    return float(x.var(ddof=1))


def _student(freedom: float, level: float) -> float:
    """What a Student-t variable exceeds in absolute size with probability `level`."""
    return float(stdtrit(freedom, 1 - level / 2))


def unanimous(d: ArrayLike, level: float = LEVEL) -> int:
    """The sign that all differences have, if there are enough of them for a sign test of that level; else 0.

    Six are enough for 5 %. A sign test finds what a Student-t interval misses where differences spread over
    orders of magnitude.
    """
    signs = set(np.sign(np.asarray(d, dtype=float)))
    if len(signs) == 1 and 2.0 ** (1 - np.size(d)) <= level:
        return int(signs.pop())
    return 0


def median_interval(values: ArrayLike, better: str) -> MedianInterval:
    """The median over trials, and the narrowest interval of 95 % confidence between two of them.

    The two values are the same number of places from either end. With fewer than six trials no such interval
    has 95 %; it is then their whole range, and `confidence` is that of the range. A trial without a value
    lies beyond all others, above where lower is better and below where higher is; where 1 is best there is no
    such end, and then no median.
    """
    x = np.asarray(values, dtype=float)
    n = len(x)
    if n == 0:
        return MedianInterval(*[math.nan] * 4)
    cut, confidence = _cut(n)
    if better == "one" and not np.isfinite(x).all():
        return MedianInterval(math.nan, math.nan, math.nan, confidence)
    worst = np.inf if better == "lower" else -np.inf
    x = np.sort(np.where(np.isfinite(x), x, worst))
    median = (x[(n - 1) // 2] + x[n // 2]) / 2
    return MedianInterval(float(median), float(x[cut]), float(x[n - 1 - cut]), confidence)


@cache
def _cut(n: int) -> tuple[int, float]:
    """How many of n values to leave out at either end, and the confidence of the interval between the others.

    That is the probability that a distribution's median lies between them.
    """
    cuts = np.arange((n + 1) // 2)
    confidence = 1 - 2 * stats.binom.cdf(cuts, n, 0.5)
    cut = int(max(cuts[confidence >= 1 - LEVEL], default=0))
    return cut, float(confidence[cut])


def best_of(values: ArrayLike, k: int, better: str) -> BestOf:
    """The score of the best of `k` runs when they are drawn with replacement from these.

    In closed form: the limit of infinitely many bootstrap resamples.

    References:
        Are GANs Created Equal? A Large-Scale Study (Lucic et al., 2018), arXiv:1711.10337, figure 3.
    """
    x = np.asarray(values, dtype=float)
    x = x[np.argsort(quality(x, better), kind="stable")]
    places = _best_places(len(x), k)
    # Summed by parts, so that equal numbers have exactly that expectation.
    expected = x[0] + places.beyond @ (x[1:] - x[:-1])
    likely = x[places.low : places.high + 1]
    return BestOf(float(expected), float(likely.min()), float(likely.max()))


class _BestPlaces(NamedTuple):
    """The place of the best of some draws among ordered values, the worst first.

    Attributes:
        beyond: The probability that it is not among the first 1, 2, ..., n - 1 values.
        low: The first place of the range that it is in with 95 % probability, counted from 0.
        high: The last place of that range.
    """

    beyond: Array
    low: int
    high: int


@cache
def _best_places(n: int, k: int) -> _BestPlaces:
    """The place of the best of k draws among n values: it is at most the i-th if all draws are."""
    among_first = (np.arange(1, n + 1) / n) ** k
    low, high = np.searchsorted(among_first, [LEVEL / 2, 1 - LEVEL / 2])
    return _BestPlaces(1 - among_first[:-1], int(low), int(high))
