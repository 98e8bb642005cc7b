"""Which of several methods differ, from a few independent seeds of each: rank tests that hold for all pairs at once."""

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from benchmark.report.statistics.over_seeds import LEVEL

__all__ = ["RankComparison", "compare_ranks", "least_p", "mean_ranks", "seeds_for_a_test", "superiority"]

Array = NDArray[np.float64]

MOST = 12
"""Groups up to which all sets of them are tested."""

COUNTED = 200_000
"""Ways to part the values of two groups that are counted out: up to ten values each."""

DRAWS = 20_000
"""Random permutations that stand for all of them where these are more."""

LARGE = 20
"""Values of every group from which on the statistic is taken for chi-square distributed."""


class RankComparison(NamedTuple):
    """How some groups compare.

    Attributes:
        mean_ranks: The mean rank of each group's values among all values, 1 for the best, shape (k,).
        p: The p value of every two groups, adjusted for all pairs, shape (k, k).
    """

    mean_ranks: Array
    p: Array


def compare_ranks(groups: Sequence[ArrayLike]) -> RankComparison:
    """Compares independent groups of qualities, pair by pair, so that all tests hold at once.

    Two groups differ if every set of groups that holds both does, be it only the two. A set is tested for equal distributions by
    Kruskal and Wallis. Of k groups, a set of s has its p adjusted to 1 - (1 - p)^(k / s), or not at all if s is k - 1 or k; the p of
    a pair is the largest of all these. Beyond `MOST` groups, the tests of the pairs alone are adjusted by Holm's method.

    Seeds are taken to be independent, and groups that do not differ to have one distribution, of whatever form. Then the
    probability of any false difference is at most `LEVEL`; docs/report.md has simulations. Minus infinity, for a trial without a
    value, is worse than any number. Values that are equal share the mean of their ranks; with many of them and unequal numbers of
    seeds the probability may be slightly more.

    References:
        A Study of the Powers of Several Methods of Multiple Comparisons (Einot & Gabriel, 1975).
        Nonparametric Stepwise Multiple Comparison Procedures (Campbell & Skillings, 1985), with rank tests.
        Use of Ranks in One-Criterion Variance Analysis (Kruskal & Wallis, 1952).

    Arguments:
        groups: Qualities of each group, at least one value each, where higher is better.
    """
    values = [np.asarray(group, dtype=float) for group in groups]
    p = _all_sets(values) if len(values) <= MOST else _holm(values)
    np.fill_diagonal(p, 1.0)
    return RankComparison(mean_ranks(values), p)


def mean_ranks(groups: Sequence[ArrayLike]) -> Array:
    """The mean rank of each group's qualities among all, 1 for the highest, equal ones sharing the mean of theirs, shape (k,)."""
    values = [np.asarray(group, dtype=float) for group in groups]
    if not values:
        return np.empty(0)
    ranks = stats.rankdata(-np.concatenate(values))
    ends = np.cumsum([len(group) for group in values])
    return np.array([part.mean() for part in np.split(ranks, ends[:-1])])


def _all_sets(values: Sequence[Array]) -> Array:
    """The largest adjusted p of the sets that hold two groups, shape (k, k)."""
    k = len(values)
    p = np.zeros((k, k))
    for size in range(2, k + 1):
        for members in combinations(range(k), size):
            adjusted = _adjusted(_kruskal_wallis([values[i] for i in members]), size, k)
            inside = np.ix_(members, members)
            p[inside] = np.maximum(p[inside], adjusted)
    return p


def _holm(values: Sequence[Array]) -> Array:
    """The p of every two groups, shape (k, k), adjusted one after another from the least up.

    References:
        A Simple Sequentially Rejective Multiple Test Procedure (Holm, 1979).
    """
    pairs = list(combinations(range(len(values)), 2))
    raw = {(i, j): _kruskal_wallis([values[i], values[j]]) for i, j in pairs}
    p = np.zeros((len(values), len(values)))
    largest = 0.0
    for done, (i, j) in enumerate(sorted(pairs, key=raw.__getitem__)):
        largest = max(largest, min(1.0, raw[i, j] * (len(pairs) - done)))
        p[i, j] = p[j, i] = largest
    return p


def least_p(a: int, b: int, groups: int) -> float:
    """The least adjusted p that two of some groups, of `a` and `b` values, can have: no value of one lies among those of the other."""
    p = min(1.0, 2 / math.comb(a + b, a))
    return _adjusted(p, 2, groups) if groups <= MOST else min(1.0, p * math.comb(groups, 2))


def seeds_for_a_test(groups: int) -> int:
    """The least number of seeds of each of some groups with which two of them can be told apart."""
    seeds = 2
    while least_p(seeds, seeds, groups) > LEVEL:
        seeds += 1
    return seeds


def superiority(a: ArrayLike, b: ArrayLike) -> float:
    """The share of pairs of a value of `a` and one of `b` in which that of `a` is higher, a tie counting half."""
    x, y = np.asarray(a, dtype=float)[:, None], np.asarray(b, dtype=float)
    return float(np.mean((x > y) + 0.5 * (x == y)))


def _adjusted(p: float, size: int, groups: int) -> float:
    if size >= groups - 1:
        return p
    return 1 - (1 - p) ** (groups / size)


def _kruskal_wallis(groups: Sequence[Array]) -> float:
    """P of the hypothesis that all groups have one distribution."""
    ordered = sorted(groups, key=len)
    sizes = tuple(map(len, ordered))
    h = float(_statistic(stats.rankdata(np.concatenate(ordered)), sizes))
    if sizes[0] >= LARGE:
        return float(stats.chi2.sf(h, len(sizes) - 1))
    counted = _counted(sizes)
    null = _all_ways(sizes) if counted else _permuted(sizes)
    # Equal statistics differ by rounding.
    as_large = len(null) - int(np.searchsorted(null, h - 1e-9))
    return as_large / len(null) if counted else (as_large + 1) / (len(null) + 1)


def _counted(sizes: tuple[int, ...]) -> bool:
    return len(sizes) == 2 and math.comb(sum(sizes), sizes[0]) <= COUNTED


def _statistic(ranks: Array, sizes: tuple[int, ...]) -> Array:
    """Kruskal and Wallis' H of ranks (*, N), the groups one after another. Ties are not corrected for, which makes it smaller."""
    n, lengths = sum(sizes), np.array(sizes)
    starts = np.cumsum(lengths) - lengths
    excess = np.add.reduceat(ranks, starts, axis=-1) - lengths * (n + 1) / 2
    return 12 / (n * (n + 1)) * (excess**2 / lengths).sum(axis=-1)


@lru_cache(maxsize=256)
def _permuted(sizes: tuple[int, ...]) -> Array:
    """The statistic of random permutations of ranks without ties, sorted."""
    ranks = np.tile(np.arange(1.0, sum(sizes) + 1), (DRAWS, 1))
    shuffled = np.random.default_rng(0).permuted(ranks, axis=1)
    return np.sort(_statistic(shuffled, sizes))


@lru_cache(maxsize=64)
def _all_ways(sizes: tuple[int, ...]) -> Array:
    """The statistic of two groups for all ways to part the ranks between them, without ties, sorted."""
    first, second = sizes
    n = first + second
    sums = np.fromiter(map(sum, combinations(range(1, n + 1), first)), dtype=float)
    excess = sums - first * (n + 1) / 2
    return np.sort(12 / (n * (n + 1)) * excess**2 * (1 / first + 1 / second))
