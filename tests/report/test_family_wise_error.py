"""How often tests tell apart what is alike, and what they find, from resampled trials of our reference run.

`python tests/report/test_family_wise_error.py` prints the figures of docs/report.md.
"""

import sys
from math import comb, sqrt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark.records.schema import CALIBRATION_ROWS
from benchmark.registry import METRICS
from benchmark.report.statistics.over_seeds import LEVEL, quality
from benchmark.report.statistics.rank_tests import compare_ranks
from benchmark.suites import get_suite

TRIALS = Path(__file__).parents[2] / "results" / "reference" / "synthetic" / "trials.csv"
PARTLY = (0, 0, 0, 1, 1, 2, 2)
"""Which of three methods each of seven groups is drawn from."""


def reference():
    """The qualities of every method's seeds, arrays by method, by dataset and metric."""
    trials = pd.read_csv(TRIALS)
    trials = trials[~trials["method"].isin(CALIBRATION_ROWS)]
    qualities = {}
    for dataset, rows in trials.groupby("dataset", sort=False):
        for metric in rows.columns.intersection(get_suite("synthetic").metrics, sort=False):
            cls = METRICS.get(metric)
            values = rows[metric].where(rows["status"] == "ok").astype(float)
            if cls.ranked and values.notna().any():
                by_method = values.groupby(rows["method"], sort=False)
                qualities[dataset, metric] = {name: quality(x, cls.better) for name, x in by_method}
    return qualities


def resampled(sources, n, rng):
    """A group of `n` values of each source, drawn with replacement."""
    return [source[rng.integers(len(source), size=n)] for source in sources]


def false_finding(groups, origin):
    """Whether any two groups of one origin are told apart."""
    alike = np.equal.outer(origin, origin)
    # The p of a group and itself is 1.
    return compare_ranks(groups).p[alike].min() <= LEVEL


def family_wise_error(n, repetitions, partly):
    """The share of families of tests with a false finding, by dataset and metric, and the number of families.

    All groups are from one method or, if `partly`, from three.
    """
    rng = np.random.default_rng(0)
    rates = {}
    for key, methods in reference().items():
        sources = list(methods.values())
        outcomes = []
        for source in sources:
            for _ in range(repetitions):
                sources_of_groups = [source] * len(PARTLY)
                origin = [0] * len(PARTLY)
                if partly:
                    three = rng.permutation(len(sources))[:3]
                    origin = rng.permutation(PARTLY)
                    sources_of_groups = [sources[i] for i in three[origin]]
                outcomes.append(false_finding(resampled(sources_of_groups, n, rng), origin))
        rates[key] = np.mean(outcomes)
    return pd.Series(rates), repetitions * len(sources)


def power(n, repetitions):
    """The mean number of pairs that tests tell apart by `n` seeds each, and the number of all pairs.

    Pairs are counted over all datasets and metrics.
    """
    rng = np.random.default_rng(0)
    counts = []
    for _ in range(repetitions):
        confirmed = 0
        for methods in reference().values():
            groups = [rng.permutation(values)[:n] for values in methods.values()]
            p = compare_ranks(groups).p
            confirmed += int((np.triu(p <= LEVEL, 1)).sum())
        counts.append(confirmed)
    pairs = sum(comb(len(methods), 2) for methods in reference().values())
    return float(np.mean(counts)), pairs


@pytest.mark.parametrize("repetitions", [1, pytest.param(4, marks=pytest.mark.long)])
@pytest.mark.parametrize("partly", [False, True], ids=["all alike", "three methods"])
@pytest.mark.parametrize("n", [5, 10])
def test_methods_that_are_alike_are_hardly_ever_told_apart(n, partly, repetitions):
    rates, families = family_wise_error(n, repetitions, partly)
    assert rates.mean() <= LEVEL + 3 * sqrt(LEVEL / (families * len(rates)))


def test_five_seeds_are_enough_to_tell_methods_apart():
    confirmed, pairs = power(5, 2)
    assert confirmed > 0.25 * pairs
    assert power(4, 2)[0] < confirmed


if __name__ == "__main__":
    repetitions = int(sys.argv[1])
    for seeds in (3, 5, 10):
        for some in (False, True):
            rates, families = family_wise_error(seeds, repetitions, some)
            error = sqrt(rates.mean() * (1 - rates.mean()) / (families * len(rates)))
            sources = "three methods" if some else "all alike"
            print(
                f"{seeds} seeds, {sources}: {rates.mean():.4f} ± {error:.4f}, "
                f"at most {rates.max():.4f} ({families} families each)"
            )
        confirmed, pairs = power(seeds, 20 if seeds < 10 else 1)
        print(f"{seeds} seeds: {confirmed:.1f} of {pairs} pairs are told apart")
