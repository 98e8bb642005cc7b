"""Scores over several datasets: interquartile means, ranks, performance profiles, probabilities of improvement.

Runs of one method are a list with one array of values per dataset. Intervals are percentile intervals of a stratified bootstrap:
seeds are drawn again within each dataset, and datasets stay as they are. Ends are NaN if a dataset has a single run, which shows no
spread.

References:
    Deep Reinforcement Learning at the Edge of the Statistical Precipice (Agarwal et al., 2021), arXiv:2108.13264.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from benchmark.report.statistics.over_seeds import LEVEL, quality

__all__ = ["TAUS", "Estimate", "average_ranks", "improvement", "interquartile_mean", "normalised", "profile"]

Array = NDArray[np.float64]

RESAMPLES = 2000

TAUS = np.arange(41) / 40
"""Thresholds of a performance profile. Not of `linspace`, whose 0.6 is above the score of 3 in 5."""


class Estimate(NamedTuple):
    """A figure and the ends of its interval; arrays where there are several."""

    value: Array
    low: Array
    high: Array


def normalised(values: ArrayLike, better: str, best: float, chance: float) -> Array:
    """Values on a scale on which a perfect generator has 1 and one that has learnt nothing 0, cut off at both; 0 without a value.

    NaN where the one is no better than the other.
    """
    top, bottom = quality([best, chance], better)
    if not np.isfinite([top, bottom]).all() or top <= bottom:
        return np.full(np.shape(values), np.nan)
    return np.clip((quality(values, better) - bottom) / (top - bottom), 0, 1)


def interquartile_mean(scores: Sequence[Array]) -> Estimate:
    """The mean of the middle half of all normalised scores."""
    rng = np.random.default_rng(0)
    drawn = np.concatenate([x[rng.integers(len(x), size=(RESAMPLES, len(x)))] for x in scores], axis=1)
    return _estimate(
        np.asarray(stats.trim_mean(np.concatenate(scores), 0.25)),
        stats.trim_mean(drawn, 0.25, axis=1),
        scores,
    )


def profile(scores: Sequence[Array]) -> Estimate:
    """The share of runs whose normalised score is at least each of `TAUS`; datasets count alike."""
    passed = [(x[:, None] >= TAUS).astype(float) for x in scores]
    drawn = np.mean([_weights(i, len(above)) @ above for i, above in enumerate(passed)], axis=0)
    return _estimate(np.mean([above.mean(axis=0) for above in passed], axis=0), drawn, scores)


def improvement(a: Sequence[Array], b: Sequence[Array]) -> Estimate:
    """The probability that a run of `a` is better than one of `b`, a tie counting half, averaged over datasets.

    Arguments:
        a: Qualities, one array per dataset.
        b: Qualities on the same datasets.
    """
    shares, drawn = [], np.zeros(RESAMPLES)
    for i, (x, y) in enumerate(zip(a, b, strict=True)):
        wins = (x[:, None] > y) + 0.5 * (x[:, None] == y)
        shares.append(wins.mean())
        drawn += np.einsum(
            "ri,ij,rj->r", _weights(2 * i, len(x)), wins, _weights(2 * i + 1, len(y)), optimize=True
        ) / len(a)
    return _estimate(np.mean(shares), drawn, [*a, *b])


def average_ranks(qualities: Sequence[Array]) -> Estimate:
    """Ranks of methods, 1 for the best and shared by ties, averaged over seeds and then over datasets.

    Arguments:
        qualities: One array of shape (seeds, methods) per dataset.
    """
    ranks = [stats.rankdata(-x, axis=1) for x in qualities]
    drawn = np.mean([_weights(i, len(x)) @ x for i, x in enumerate(ranks)], axis=0)
    return _estimate(np.mean([x.mean(axis=0) for x in ranks], axis=0), drawn, ranks)


@lru_cache(maxsize=8)
def _weights(stream: int, n: int) -> Array:
    """How often each of n runs is drawn, as a share, in each resample, shape (resamples, n).

    The same for every figure, so that a report repeats; those of different streams are independent.
    """
    return np.random.default_rng([stream, n]).multinomial(n, np.full(n, 1 / n), size=RESAMPLES) / n


def _estimate(value: ArrayLike, drawn: Array, runs: Sequence[Array]) -> Estimate:
    ends = np.quantile(drawn, [LEVEL / 2, 1 - LEVEL / 2], axis=0)
    if min(map(len, runs)) == 1:
        ends = np.full_like(ends, np.nan)
    return Estimate(np.asarray(value), *ends)
