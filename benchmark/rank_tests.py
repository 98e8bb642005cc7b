"""Which of several methods differ, from a few independent seeds of each: rank tests that hold for all pairs at once."""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from benchmark.statistics import LEVEL

__all__ = ["RankComparison", "compare_ranks", "seeds_for_a_test", "superiority"]

Array = NDArray[np.float64]

DRAWS = 20_000
"""Random permutations that stand for all of them."""

LARGE = 10
"""Seeds of every group from which on the statistic is taken for chi-square distributed, which errs on the safe side there."""


class RankComparison(NamedTuple):
    """How some groups compare.

    Attributes:
        mean_ranks: The mean rank of each group's values among all values, 1 for the best, shape (k,).
        p: The p value of every two groups, adjusted for all pairs, shape (k, k).
        least: The least p that groups of these sizes and in this order could have had, shape (k, k).
    """

    mean_ranks: Array
    p: Array
    least: Array


def compare_ranks(groups: Sequence[ArrayLike]) -> RankComparison:
    """Compares independent groups of qualities, pair by pair, so that all tests hold at once.

    Groups are put in the order of their mean ranks. Every range of neighbours in that order is tested for equal distributions
    (Kruskal and Wallis, exact but for the drawing of permutations). Of k groups, a range of s has its p adjusted to
    1 - (1 - p)^(k / s), and not at all if s is k - 1 or k. Two groups differ if all ranges that hold both do, so their p is
    the largest of these.

    Seeds are taken to be independent, and groups that do not differ to have one distribution, of whatever form. Then the
    probability of any false difference is at most `LEVEL`; docs/report.md has simulations. Ties make it smaller.
    Minus infinity, for a trial without a value, is worse than any number.

    References:
        Nonparametric Stepwise Multiple Comparison Procedures (Campbell & Skillings, 1985).
        A Study of the Powers of Several Methods of Multiple Comparisons (Einot & Gabriel, 1975), for the adjustment.
        Use of Ranks in One-Criterion Variance Analysis (Kruskal & Wallis, 1952).

    Arguments:
        groups: Qualities of each group, where higher is better.
    """
    values = [np.asarray(group, dtype=float) for group in groups]
    k = len(values)
    ranks = stats.rankdata(-np.concatenate(values)) if k else np.empty(0)
    mean_ranks = np.array([part.mean() for part in _split(ranks, values)])
    order = np.argsort(mean_ranks, kind="stable")
    p, least = np.ones((2, k, k))
    # From the widest range down, so that each finds the larger of the two around it.
    around = np.zeros((k + 2, k + 2))
    for size in range(k, 1, -1):
        for first in range(k - size + 1):
            last = first + size - 1
            members = [values[i] for i in order[first : last + 1]]
            own = _adjusted(_kruskal_wallis(members), size, k)
            largest = max(own, around[first, last + 1], around[first + 1, last + 2])
            around[first + 1, last + 1] = largest
            ends = ([order[first], order[last]], [order[last], order[first]])
            p[ends] = largest
            least[ends] = _adjusted(_least(list(map(len, members))), size, k)
    return RankComparison(mean_ranks, p, least)


def seeds_for_a_test(groups: int) -> int:
    """The least number of seeds of each of some groups with which two neighbours in their order can be told apart."""
    seeds = 2
    while _adjusted(_least([seeds, seeds]), 2, groups) > LEVEL:
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


def _least(sizes: Sequence[int]) -> float:
    """The probability, where all groups have one distribution, that no value of one lies among those of another."""
    arrangements = math.factorial(sum(sizes)) // math.prod(map(math.factorial, sizes))
    return min(1.0, math.factorial(len(sizes)) / arrangements)


def _kruskal_wallis(groups: Sequence[Array]) -> float:
    """P of the hypothesis that all groups have one distribution."""
    sizes = tuple(sorted(map(len, groups)))
    ordered = sorted(groups, key=len)
    h = float(_statistic(stats.rankdata(np.concatenate(ordered)), sizes))
    if sizes[0] >= LARGE:
        return float(stats.chi2.sf(h, len(sizes) - 1))
    drawn = _permuted(sizes)
    # Equal statistics differ by rounding.
    as_large = len(drawn) - int(np.searchsorted(drawn, h - 1e-9))
    return (as_large + 1) / (len(drawn) + 1)


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


def _split(ranks: Array, groups: Sequence[Array]) -> list[Array]:
    return np.split(ranks, np.cumsum([len(group) for group in groups])[:-1]) if groups else []
