"""Means of values that vary over seeds and over pairs."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from benchmark.report.statistics.over_seeds import LEVEL, Interval

__all__ = ["crossed_interval"]


def crossed_interval(values: ArrayLike) -> Interval:
    """The mean of the finite values of a table of seeds and pairs, with an interval for new seeds and pairs.

    The variance of the mean is taken as that of the seeds' means plus that of the pairs' means, each over
    their number. What neither explains is counted twice, so the interval is rather too wide than too narrow.
    The degrees of freedom of Student's t are Satterthwaite's. Of a single seed, the interval is over pairs
    alone, and of a single pair over seeds alone.

    References:
        The pigeonhole bootstrap (Owen, 2007), section 3, for the variance;
        An approximate distribution of estimates of variance components (Satterthwaite, 1946).

    Arguments:
        values: Shape (S, P).

    Returns:
        `n` is the number of finite values.
    """
    x = np.asarray(values, dtype=float)
    finite = np.isfinite(x)
    n = int(finite.sum())
    if n == 0:
        return Interval(0, math.nan, math.nan, math.nan)
    mean = float(x[finite].mean())
    parts = []
    for along in (0, 1):
        means = _means(x, finite, along)
        if len(means) > 1:
            parts.append(_Part(float(means.var(ddof=1)) / len(means), len(means) - 1))
    half = _half_width(parts)
    return Interval(n, mean, mean - half, mean + half)


class _Part(NamedTuple):
    """A part of the variance of a mean, and its degrees of freedom."""

    variance: float
    freedom: int


def _half_width(parts: Sequence[_Part]) -> float:
    """Half of the interval of a mean whose variance is the sum of some parts; NaN for no parts."""
    if not parts:
        return math.nan
    variance = sum(part.variance for part in parts)
    if variance == 0:
        return 0.0
    freedom = variance**2 / sum(part.variance**2 / part.freedom for part in parts)
    return float(stdtrit(freedom, 1 - LEVEL / 2)) * math.sqrt(variance)


def _means(x: np.ndarray, finite: np.ndarray, along: int) -> np.ndarray:
    """The means along an axis, of those rows or columns that have a finite value."""
    counts = finite.sum(axis=along)
    sums = np.where(finite, x, 0.0).sum(axis=along)
    return sums[counts > 0] / counts[counts > 0]
