"""Rank tests that hold for all pairs of several methods at once, from a few independent seeds of each."""

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc
from scipy.stats import rankdata

from benchmark.report.statistics.over_seeds import LEVEL

__all__ = ["RankComparison", "compare_ranks", "least_p", "mean_ranks", "seeds_for_a_test", "superiority"]

Array = NDArray[np.float64]

MOST_GROUPS_IN_SETS = 12
"""The most groups of which all sets are tested."""

MOST_ENUMERATED = 200_000
"""The most ways to part the values of two groups that are all enumerated: up to ten values each."""

PERMUTATIONS = 20_000
"""Random permutations that stand for all of them where these are more."""

CHI_SQUARE_SIZE = 20
"""From so many values in every group on, the statistic is taken for chi-square distributed."""


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

    Two groups differ if every set of groups that contains both does, and so does the pair alone. A set is
    tested for equal distributions by Kruskal and Wallis. Of k groups, a set of s has its p adjusted to
    1 - (1 - p)^(k / s), or not at all if s is k - 1 or k; the p of a pair is the largest of all these. Beyond
    `MOST_GROUPS_IN_SETS` groups, the tests of the pairs alone are adjusted by Holm's method.

    Seeds are taken to be independent, and groups that do not differ to have one distribution, of whatever
    form. Then the probability of any false difference is at most `LEVEL`; docs/report.md has simulations.
    Minus infinity, for a trial without a value, is worse than any number. Values that are equal share the
    mean of their ranks; with many of them and unequal numbers of seeds the probability may be slightly more.

    References:
        A Study of the Powers of Several Methods of Multiple Comparisons (Einot & Gabriel, 1975).
        Nonparametric Stepwise Multiple Comparison Procedures (Campbell & Skillings, 1985), with rank tests.
        Use of Ranks in One-Criterion Variance Analysis (Kruskal & Wallis, 1952).

    Arguments:
        groups: Qualities of each group, at least one value each, where higher is better.
    """
    values = [np.asarray(group, dtype=float) for group in groups]
    p = _all_sets(values) if len(values) <= MOST_GROUPS_IN_SETS else _holm(values)
    np.fill_diagonal(p, 1.0)
    return RankComparison(mean_ranks(values), p)


def mean_ranks(groups: Sequence[ArrayLike]) -> Array:
    """The mean rank of each group's qualities among all, shape (k,).

    The highest quality has rank 1; equal ones share the mean of their ranks.
    """
    values = [np.asarray(group, dtype=float) for group in groups]
    if not values:
        return np.empty(0)
    ranks = rankdata(-np.concatenate(values))
    ends = np.cumsum(list(map(len, values)))
    return np.array([part.mean() for part in np.split(ranks, ends[:-1])])


def _all_sets(values: Sequence[Array]) -> Array:
    """The largest adjusted p of the sets that contain two groups, shape (k, k)."""
    k = len(values)
    wins, sizes = _wins(values), list(map(len, values))
    p = np.zeros((k, k))
    for size in range(2, k + 1):
        for members in combinations(range(k), size):
            adjusted = _adjusted(_kruskal_wallis(members, wins, sizes), size, k)
            pairs = np.ix_(members, members)
            p[pairs] = np.maximum(p[pairs], adjusted)
    return p


def _holm(values: Sequence[Array]) -> Array:
    """The p of every two groups, shape (k, k), adjusted one after another from the least up.

    References:
        A Simple Sequentially Rejective Multiple Test Procedure (Holm, 1979).
    """
    k = len(values)
    wins, sizes = _wins(values), list(map(len, values))
    unadjusted = {pair: _kruskal_wallis(pair, wins, sizes) for pair in combinations(range(k), 2)}
    p = np.zeros((k, k))
    largest = 0.0
    for done, (i, j) in enumerate(sorted(unadjusted, key=unadjusted.__getitem__)):
        largest = max(largest, min(1.0, unadjusted[i, j] * (len(unadjusted) - done)))
        p[i, j] = p[j, i] = largest
    return p


def _wins(values: Sequence[Array]) -> Array:
    """In how many pairs of a value of group i and one of group j the first is higher, shape (k, k).

    A tie counts half. From these follow the rank sums of any set of groups, without ranking the values of
    each set anew.
    """
    wins = np.empty((len(values), len(values)))
    for j, others in enumerate(values):
        ordered = np.sort(others)
        for i, group in enumerate(values):
            below, up_to = np.searchsorted(ordered, group, "left"), np.searchsorted(ordered, group, "right")
            wins[i, j] = (below + up_to).sum() / 2
    return wins


def least_p(a: int, b: int, groups: int) -> float:
    """The least adjusted p that two of some groups, of `a` and `b` values, can have.

    They have it if no value of one lies among those of the other.
    """
    p = min(1.0, 2 / math.comb(a + b, a))
    if groups <= MOST_GROUPS_IN_SETS:
        return _adjusted(p, 2, groups)
    return min(1.0, p * math.comb(groups, 2))


def seeds_for_a_test(groups: int) -> int:
    """The least number of seeds of each of some groups with which a test of two of them can succeed."""
    seeds = 2
    while least_p(seeds, seeds, groups) > LEVEL:
        seeds += 1
    return seeds


def superiority(a: ArrayLike, b: ArrayLike) -> float:
    """The share of pairs of a value of `a` and one of `b` in which the first is higher; a tie counts half."""
    x, y = np.asarray(a, dtype=float)[:, None], np.asarray(b, dtype=float)
    return float(np.mean((x > y) + 0.5 * (x == y)))


def _adjusted(p: float, size: int, groups: int) -> float:
    if size >= groups - 1:
        return p
    return 1 - (1 - p) ** (groups / size)


def _kruskal_wallis(members: Sequence[int], wins: Array, sizes: Sequence[int]) -> float:
    """P of the hypothesis that a set of groups has one distribution.

    Arguments:
        members: The groups of the set.
        wins: Of all groups, see `_wins`.
        sizes: The number of values of every group.
    """
    ordered = sorted(members, key=sizes.__getitem__)
    sizes_of_set = tuple(sizes[i] for i in ordered)
    # The rank of a value is 1/2 more than its wins against all values, itself among them.
    rank_sums = wins[np.ix_(ordered, ordered)].sum(axis=1) + np.array(sizes_of_set) / 2
    h = float(_statistic(rank_sums, sizes_of_set))
    if sizes_of_set[0] >= CHI_SQUARE_SIZE:
        return float(chdtrc(len(members) - 1, h))
    ways = math.comb(sum(sizes_of_set), sizes_of_set[0])
    enumerated = len(members) == 2 and ways <= MOST_ENUMERATED
    null = _all_ways(sizes_of_set) if enumerated else _permuted(sizes_of_set)
    # Equal statistics differ by rounding.
    as_large = len(null) - int(np.searchsorted(null, h - 1e-9))
    if enumerated:
        return as_large / len(null)
    return (as_large + 1) / (len(null) + 1)


def _statistic(rank_sums: Array, sizes: tuple[int, ...]) -> Array:
    """Kruskal and Wallis' H of the rank sums of groups, shape (*, k).

    Ties are not corrected for, which makes it smaller.
    """
    n, lengths = sum(sizes), np.array(sizes)
    excess = rank_sums - lengths * (n + 1) / 2
    return 12 / (n * (n + 1)) * (excess**2 / lengths).sum(axis=-1)


@lru_cache(maxsize=256)
def _permuted(sizes: tuple[int, ...]) -> Array:
    """The statistic of random permutations of ranks without ties, sorted."""
    ranks = np.tile(np.arange(1.0, sum(sizes) + 1), (PERMUTATIONS, 1))
    shuffled = np.random.default_rng(0).permuted(ranks, axis=1)
    starts = np.cumsum([0, *sizes[:-1]])
    return np.sort(_statistic(np.add.reduceat(shuffled, starts, axis=1), sizes))


@lru_cache(maxsize=64)
def _all_ways(sizes: tuple[int, ...]) -> Array:
    """The statistic of two groups for all ways to part the ranks between them, without ties, sorted."""
    first, second = sizes
    n = first + second
    sums = np.fromiter(map(sum, combinations(range(1, n + 1), first)), dtype=float)
    excess = sums - first * (n + 1) / 2
    return np.sort(12 / (n * (n + 1)) * excess**2 * (1 / first + 1 / second))
