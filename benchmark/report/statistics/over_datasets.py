"""Statistics over several datasets: interquartile means, ranks, performance profiles, probabilities.

Runs of one method are a list with one array of values per dataset. Intervals are percentile intervals of a
stratified bootstrap: seeds are drawn again within each dataset, and datasets stay as they are. Ends are NaN
if a dataset has a single run, which shows no spread.

References:
    Deep Reinforcement Learning at the Edge of the Statistical Precipice (Agarwal et al., 2021),
    arXiv:2108.13264.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata, trim_mean

from benchmark.report.statistics.over_seeds import LEVEL, quality

__all__ = [
    "PROFILE_SCORES",
    "Estimate",
    "average_ranks",
    "improvement",
    "interquartile_mean",
    "normalised",
    "profile",
]

Array = NDArray[np.float64]

RESAMPLES = 2000

PROFILE_SCORES = np.arange(41) / 40
"""Normalised scores at which a performance profile is taken.

Not of `linspace`, whose 0.6 is above the score of 3 in 5.
"""


class Estimate(NamedTuple):
    """An estimate and the ends of its interval; arrays where there are several."""

    value: Array
    low: Array
    high: Array


def normalised(values: ArrayLike, better: str, best: float, chance: float) -> Array:
    """Values on a scale from 0 for a generator that has learnt nothing to 1 for a perfect one, cut off there.

    0 without a value. All are NaN where a perfect generator is no better than one that has learnt nothing.

    Arguments:
        values: Values of a metric.
        better: Which of them are.
        best: The score of a perfect generator.
        chance: The score of one that has learnt nothing.
    """
    top, bottom = quality([best, chance], better)
    if not np.isfinite([top, bottom]).all() or top <= bottom:
        return np.full(np.shape(values), np.nan)
    return np.clip((quality(values, better) - bottom) / (top - bottom), 0, 1)


def interquartile_mean(scores: Sequence[Array]) -> Estimate:
    """The mean of the middle half of all normalised scores."""
    rng = np.random.default_rng(0)
    resampled = [x[rng.integers(len(x), size=(RESAMPLES, len(x)))] for x in scores]
    means = trim_mean(np.concatenate(resampled, axis=1), 0.25, axis=1)
    return _estimate(np.asarray(trim_mean(np.concatenate(scores), 0.25)), means, scores)


def profile(scores: Sequence[Array]) -> Estimate:
    """The share of runs whose normalised score is at least each of `PROFILE_SCORES`; datasets count alike."""
    passed = [(x[:, None] >= PROFILE_SCORES).astype(float) for x in scores]
    return _estimate_means(passed)


def improvement(a: Sequence[Array], b: Sequence[Array]) -> Estimate:
    """The probability that a run of `a` is better than one of `b`, averaged over datasets.

    A tie counts half.

    Arguments:
        a: Qualities, one array per dataset.
        b: Qualities on the same datasets.
    """
    probabilities, resampled = [], np.zeros(RESAMPLES)
    for i, (x, y) in enumerate(zip(a, b, strict=True)):
        wins = (x[:, None] > y) + 0.5 * (x[:, None] == y)
        probabilities.append(wins.mean())
        weights_of_x, weights_of_y = _weights(2 * i, len(x)), _weights(2 * i + 1, len(y))
        resampled += np.einsum("ri,ij,rj->r", weights_of_x, wins, weights_of_y, optimize=True) / len(a)
    return _estimate(np.mean(probabilities), resampled, [*a, *b])


def average_ranks(qualities: Sequence[Array]) -> Estimate:
    """Ranks of methods, 1 for the best and shared by ties, averaged over seeds and then over datasets.

    Arguments:
        qualities: One array of shape (seeds, methods) per dataset.
    """
    return _estimate_means([rankdata(-x, axis=1) for x in qualities])


def _estimate_means(values: Sequence[Array]) -> Estimate:
    """The means over runs, then over datasets, of arrays of shape (runs, *), one per dataset."""
    means = np.mean([x.mean(axis=0) for x in values], axis=0)
    resampled = np.mean([_weights(i, len(x)) @ x for i, x in enumerate(values)], axis=0)
    return _estimate(means, resampled, values)


@lru_cache(maxsize=32)
def _weights(stream: int, n: int) -> Array:
    """How often each of n runs is drawn, as a share, in each resample, shape (resamples, n).

    The same for every estimate, so that a report repeats; those of different streams are independent.
    """
    return np.random.default_rng([stream, n]).multinomial(n, np.full(n, 1 / n), size=RESAMPLES) / n


def _estimate(value: ArrayLike, resampled: Array, runs: Sequence[Array]) -> Estimate:
    ends = np.quantile(resampled, [LEVEL / 2, 1 - LEVEL / 2], axis=0)
    if min(map(len, runs)) == 1:
        ends = np.full_like(ends, np.nan)
    low, high = ends
    return Estimate(np.asarray(value), low, high)
