"""Rank tests that hold for all pairs of several groups at once."""

import math
from itertools import combinations, product

import numpy as np
import pytest
from scipy import stats

from benchmark.report.statistics.over_seeds import LEVEL
from benchmark.report.statistics.rank_tests import (
    CHI_SQUARE_SIZE,
    MOST_GROUPS_IN_SETS,
    PERMUTATIONS,
    compare_ranks,
    least_p,
    seeds_for_a_test,
    superiority,
)

INF = math.inf


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def error_of_drawing(p):
    """Four standard errors of a share of random permutations."""
    return 4 * math.sqrt(p * (1 - p) / PERMUTATIONS) + 2 / PERMUTATIONS


def separated(sizes):
    """Groups of which none has a value among those of another, the best first."""
    return [np.arange(n) - 1000.0 * i for i, n in enumerate(sizes)]


def random_groups(rng, sizes, shift=0.7):
    """Groups whose mean ranks differ from each other."""
    while True:
        groups = [rng.normal(shift * i, size=n) for i, n in enumerate(sizes)]
        if len(set(compare_ranks(groups).mean_ranks)) == len(sizes):
            return groups


def by_hand(groups):
    """The p of every two large groups: the largest adjusted one of scipy's tests of sets with both."""
    k = len(groups)
    p = np.ones((k, k))
    for a, b in combinations(range(k), 2):
        others = [i for i in range(k) if i not in (a, b)]
        p[a, b] = p[b, a] = 0
        for more in range(k - 1):
            for members in combinations(others, more):
                of_set = adjusted_by_hand([groups[i] for i in (a, b, *members)], k)
                p[a, b] = p[b, a] = max(p[a, b], of_set)
    return p


def adjusted_by_hand(groups, k):
    """The p of a set of k groups by scipy's Kruskal-Wallis test, adjusted."""
    p = stats.kruskal(*groups).pvalue
    if len(groups) >= k - 1:
        return p
    return 1 - (1 - p) ** (k / len(groups))


@pytest.mark.parametrize("sizes", [(3, 3), (2, 7), (4, 6), (5, 5), (9, 7), (9, 30)])
def test_two_groups_have_the_p_of_mann_and_whitney(rng, sizes):
    for shift in (0, 0.5, 1.5):
        a, b = rng.normal(size=sizes[0]), rng.normal(shift, size=sizes[1])
        exact = stats.mannwhitneyu(a, b, method="exact").pvalue
        assert compare_ranks([a, b]).p[0, 1] == pytest.approx(exact, abs=error_of_drawing(exact))


def test_chi_square_takes_over_from_drawing_with_much_the_same_p(rng):
    for shift in (0, 0.2, 0.4):
        groups = [rng.normal(shift * i, size=CHI_SQUARE_SIZE) for i in range(3)]
        fewer = [
            groups[0][: CHI_SQUARE_SIZE - 1],
            groups[1][: CHI_SQUARE_SIZE - 1],
            groups[2][: CHI_SQUARE_SIZE - 1],
        ]
        assert compare_ranks(groups).p == pytest.approx(by_hand(groups), abs=1e-6)
        assert compare_ranks(fewer).p == pytest.approx(by_hand(fewer), abs=0.02)


@pytest.mark.parametrize("sizes", [(20, 20), (20, 25, 22), (20, 21, 22, 23), (21,) * 6])
def test_p_is_the_largest_adjusted_one_of_all_sets_that_hold_both(rng, sizes):
    for shift in (0.1, 0.4, 1):
        groups = random_groups(rng, sizes, shift)
        p = compare_ranks(groups).p
        assert p == pytest.approx(by_hand(groups), rel=1e-9)
        assert np.array_equal(p, p.T)
        assert (np.diag(p) == 1).all()


def test_more_groups_than_can_be_tested_in_sets_are_tested_in_pairs_by_holm(rng):
    groups = [rng.normal(0.3 * i, size=7) for i in range(MOST_GROUPS_IN_SETS + 1)]
    p = compare_ranks(groups).p
    pairs = list(combinations(groups, 2))
    raw = np.array([stats.mannwhitneyu(a, b, method="exact").pvalue for a, b in pairs])
    order = raw.argsort()
    expected = np.empty(len(pairs))
    expected[order] = np.minimum(1, np.maximum.accumulate(raw[order] * np.arange(len(pairs), 0, -1)))
    assert p[np.triu_indices(len(groups), 1)] == pytest.approx(expected)
    assert (np.diag(p) == 1).all()
    assert compare_ranks(separated([7] * (MOST_GROUPS_IN_SETS + 1))).p[0, 1] == pytest.approx(
        least_p(7, 7, MOST_GROUPS_IN_SETS + 1)
    )


def test_mean_ranks_are_those_among_all_values_and_the_best_has_one():
    compared = compare_ranks([[1.0, 2.0], [9.0], [2.0, -INF, 5.0]])
    assert compared.mean_ranks.tolist() == [(5 + 3.5) / 2, 1, (3.5 + 6 + 2) / 3]


@pytest.mark.parametrize("sizes", [(5, 5, 5, 5), (3, 6, 9), (10, 12, 11)])
@pytest.mark.parametrize("transform", [np.exp, np.cbrt, lambda x: 1e-9 * x - 7, lambda x: x**3])
def test_only_the_order_of_values_counts(rng, sizes, transform):
    groups = random_groups(rng, sizes)
    plain, changed = compare_ranks(groups), compare_ranks([transform(x) for x in groups])
    assert all(map(np.array_equal, plain, changed))


@pytest.mark.parametrize("sizes", [(5, 5, 5, 5), (3, 6, 9, 1), (10, 12, 11)])
def test_the_order_of_groups_and_of_their_values_does_not_count(rng, sizes):
    groups = random_groups(rng, sizes)
    plain = compare_ranks(groups)
    for _ in range(5):
        order = rng.permutation(len(sizes))
        shuffled = compare_ranks([rng.permutation(groups[i]) for i in order])
        assert shuffled.p == pytest.approx(plain.p[np.ix_(order, order)], rel=1e-9)
        assert shuffled.mean_ranks == pytest.approx(plain.mean_ranks[order])


def test_the_better_and_the_worse_end_are_alike(rng):
    for sizes in ((5, 5, 5), (3, 7, 4)):
        groups = random_groups(rng, sizes)
        assert compare_ranks([-x for x in groups]).p == pytest.approx(compare_ranks(groups).p)


def test_a_trial_without_a_value_is_the_worst(rng):
    groups = random_groups(rng, (6, 6, 6))
    lowest = min(x.min() for x in groups)
    without = [np.where(x == lowest, -INF, x) for x in groups]
    assert all(map(np.array_equal, compare_ranks(groups), compare_ranks(without)))
    compared = compare_ranks([[-INF] * 5, rng.normal(-1e9, size=5), [-INF] * 5])
    assert compared.mean_ranks.tolist() == [10.5, 3, 10.5]
    assert compared.p[0, 1] <= LEVEL
    assert compared.p[0, 2] == 1


@pytest.mark.parametrize("sizes", [(5, 5), (3, 4, 6), (12, 10, 11, 10)])
def test_groups_without_any_difference_have_a_p_of_one(sizes):
    for value in (0.0, 8.0, -INF):
        assert compare_ranks([np.full(n, value) for n in sizes]).p == pytest.approx(1)


@pytest.mark.parametrize("n", [3, 4, 5, 6, 8, 9])
@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_ties_do_not_make_two_groups_differ_too_often(n, share):
    """Of values that are 0 or 1 the error is summed up over all counts, not drawn."""
    chances = stats.binom.pmf(np.arange(n + 1), n, share)
    wrong = 0.0
    for i, j in product(range(n + 1), repeat=2):
        groups = [np.arange(n) < ones for ones in (i, j)]
        wrong += chances[i] * chances[j] * (compare_ranks(groups).p[0, 1] <= LEVEL)
    assert wrong <= LEVEL + error_of_drawing(LEVEL)


@pytest.mark.parametrize("n", [5, 12])
def test_a_tie_between_groups_makes_p_larger(rng, n):
    a, b = np.arange(n, 2.0 * n), np.arange(0.0, n)
    tied = compare_ranks([np.r_[a[1:], 0.5], np.r_[b[:-1], 0.5]]).p[0, 1]
    assert (
        compare_ranks([a, b]).p[0, 1] < tied < compare_ranks([np.r_[a[1:], -1], np.r_[b[:-1], 2 * n]]).p[0, 1]
    )


def test_no_group_and_a_single_one_have_nothing_to_compare():
    nothing = compare_ranks([])
    assert (nothing.mean_ranks.shape, nothing.p.shape) == ((0,), (0, 0))
    alone = compare_ranks([[3.0, 1.0, 2.0]])
    assert (alone.mean_ranks.tolist(), alone.p.tolist()) == ([2], [[1]])


def test_single_values_are_never_told_apart():
    compared = compare_ranks([[3.0], [1.0], [2.0]])
    assert compared.mean_ranks.tolist() == [1, 3, 2]
    assert compared.p == pytest.approx(1)
    assert least_p(1, 1, 2) == compare_ranks([[3.0], [1.0]]).p[0, 1] == 1


@pytest.mark.parametrize("sizes", [(3, 3), (4, 4), (2, 6), (5,) * 3, (5,) * 7, (3, 5, 8, 4), (6,) * 10])
def test_the_least_p_is_that_of_separated_groups(sizes):
    p = compare_ranks(separated(sizes)).p
    for i, j in combinations(range(len(sizes)), 2):
        assert p[i, j] == pytest.approx(least_p(sizes[i], sizes[j], len(sizes)))


@pytest.mark.parametrize("sizes", [(5, 5), (4, 6), (3, 9)])
def test_two_separated_groups_have_the_least_p_by_counting(sizes):
    assert least_p(*sizes, 2) == pytest.approx(2 / math.comb(sum(sizes), sizes[0]))


def test_no_order_of_values_has_less_than_the_least_p(rng):
    for sizes in ((4, 4), (4, 4, 4), (3, 6)):
        for _ in range(50):
            compared = compare_ranks([rng.normal(rng.choice([0, 5]), size=n) for n in sizes])
            i, j = compared.mean_ranks.argmin(), compared.mean_ranks.argmax()
            assert compared.p[i, j] >= least_p(sizes[i], sizes[j], len(sizes)) - 1e-12


def test_five_separated_seeds_of_seven_methods_are_all_told_apart():
    compared = compare_ranks(separated([5] * 7))
    assert compared.p[~np.eye(7, dtype=bool)].max() <= LEVEL
    mixed = separated([5] * 7)
    mixed[3][0] = mixed[4][0] + 0.5  # a single seed of one among those of the next
    assert compare_ranks(mixed).p[3, 4] > LEVEL


@pytest.mark.parametrize(("groups", "seeds"), [(1, 4), (2, 4), (3, 4), (4, 5), (7, 5), (12, 5), (14, 8)])
def test_the_seeds_for_a_test_are_the_fewest_that_can_succeed(groups, seeds):
    assert seeds_for_a_test(groups) == seeds
    if groups > 1:
        assert compare_ranks(separated([seeds] * groups)).p[0, 1] <= LEVEL
        assert compare_ranks(separated([seeds - 1] * groups)).p[0, 1] > LEVEL


DISTRIBUTIONS = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "heavy tails": lambda rng, shape: rng.lognormal(sigma=3, size=shape),
    "discrete": lambda rng, shape: rng.integers(3, size=shape).astype(float),
    "diverging": lambda rng, shape: np.where(rng.random(shape) < 0.4, -INF, rng.normal(size=shape)),
}


def false_differences(runs, alike):
    """The share of runs, shape (runs, k, n), in which two groups of a set in `alike` are told apart."""
    pairs = np.zeros((runs.shape[1], runs.shape[1]), dtype=bool)
    for members in alike:
        pairs[np.ix_(members, members)] = True
    # The p of a group and itself is 1.
    return np.mean([compare_ranks(run).p[pairs].min() <= LEVEL for run in runs])


def at_most_the_level(share, runs):
    return share <= LEVEL + 3 * math.sqrt(LEVEL * (1 - LEVEL) / runs)


@pytest.mark.parametrize("n", [3, 5, 10])
@pytest.mark.parametrize("kind", DISTRIBUTIONS)
def test_among_methods_that_are_all_alike_any_two_differ_at_most_at_the_level(rng, kind, n):
    runs = DISTRIBUTIONS[kind](rng, (500, 4, n))
    assert at_most_the_level(false_differences(runs, [range(4)]), 500)


@pytest.mark.parametrize("kind", ["normal", "heavy tails"])
def test_beside_methods_that_differ_those_alike_differ_at_most_at_the_level(rng, kind):
    runs = DISTRIBUTIONS[kind](rng, (1500, 4, 10))
    runs[:, 2:] += 1e9
    share = false_differences(runs, [(0, 1), (2, 3)])
    assert at_most_the_level(share, 1500)
    assert share > 0.02  # and not for want of trying
    assert false_differences(runs[:100], [(1, 2)]) == 1


def test_single_seeds_are_not_told_apart_for_what_lies_between_them():
    assert compare_ranks([[0.0], np.arange(1.0, 21), np.arange(21.0, 41), [41.0]]).p[0, 3] > LEVEL


@pytest.mark.parametrize("n", [5, 10])
def test_two_alike_that_sometimes_fail_differ_at_most_at_the_level_around_others_that_differ(rng, n):
    ends = np.where(rng.random((300, 2, n)) < 0.5, -9.0, 9.0) + 0.1 * rng.normal(size=(300, 2, n))
    between = np.arange(5)[:, None] - 2 + 0.01 * rng.normal(size=(300, 5, n))
    assert at_most_the_level(false_differences(np.concatenate([ends, between], axis=1), [(0, 1)]), 300)


def test_methods_that_differ_are_told_apart(rng):
    runs = rng.normal(size=(50, 3, 10)) + 2 * np.arange(3)[:, None]
    assert np.mean([compare_ranks(run).p[0, 1] <= LEVEL for run in runs]) > 0.9


@pytest.mark.parametrize(
    ("a", "b", "share"),
    [
        ([1, 2, 3], [0, 0], 1),
        ([0], [1, 2], 0),
        ([1, 1], [1], 0.5),
        ([1, 3], [2, 3], 3 / 8),
        ([-INF, 1], [-INF], 0.75),
    ],
)
def test_superiority_is_the_share_of_pairs_and_a_tie_counts_half(a, b, share):
    assert superiority(a, b) == share
    assert superiority(b, a) == 1 - share


def test_superiority_is_the_statistic_of_mann_and_whitney(rng):
    a, b = rng.integers(5, size=8), rng.integers(5, size=5)
    assert superiority(a, b) == pytest.approx(stats.mannwhitneyu(a, b).statistic / 40)
