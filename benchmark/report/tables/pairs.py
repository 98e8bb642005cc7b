"""The table of pairs: every two methods of a dataset, by every metric that ranks them."""

from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmark.records.results import Results
from benchmark.records.schema import LARGE, MetricFacts
from benchmark.report.headline import scores_of
from benchmark.report.statistics.over_seeds import LEVEL, Interval, change, quality
from benchmark.report.statistics.rank_tests import (
    compare_ranks,
    least_p,
    mean_ranks,
    seeds_for_a_test,
    superiority,
)

__all__ = [
    "ALIKE",
    "NO_TEST",
    "PAIRWISE_COLUMNS",
    "RankedMetric",
    "pairwise_table",
    "ranked_metrics",
    "ranking",
]

PAIRWISE_COLUMNS = [
    "dataset",
    "metric",
    "a",
    "b",
    "n_a",
    "n_b",
    "difference",
    "ci_low",
    "ci_high",
    "superiority",
    "p",
    "favours",
    "note",
]

ALIKE = "alike in all seeds"
"""The note of two methods whose seeds all score the same."""

NO_TEST = "no test can succeed"
"""Begins the note of two methods that no test can distinguish, whatever their scores."""


class RankedMetric(NamedTuple):
    """A metric on a dataset, on larger samples perhaps, and how to read it."""

    dataset: str
    metric: str
    facts: MetricFacts


def ranked_metrics(trials: pd.DataFrame, results: Results) -> list[RankedMetric]:
    """The metrics by which methods are compared, dataset by dataset, those on larger samples included."""
    ranked = []
    for dataset in results.datasets:
        for metric in results.metrics(dataset):
            facts = results.facts(dataset, metric)
            if facts["ranked"]:
                names = [metric, metric + LARGE]
                ranked += [RankedMetric(dataset, name, facts) for name in names if name in trials]
    return ranked


def ranking(trials: pd.DataFrame, results: Results, dataset: str, metric: str) -> dict[str, int]:
    """The place of each method by the mean rank of its trials among those of all methods.

    1 is the best; ties share the first of their places. A trial without a value is worse than any other.
    Empty for a metric by which methods are not compared.
    """
    facts = results.facts(dataset, metric)
    if not facts["ranked"]:
        return {}
    scores = scores_of(trials, results, dataset, metric)
    means = mean_ranks([quality(values.to_numpy(), facts["better"]) for values in scores.values()])
    return {method: 1 + int((means < mean).sum()) for method, mean in zip(scores, means, strict=True)}


def pairwise_table(trials: pd.DataFrame, results: Results) -> pd.DataFrame:
    """Every two methods, seeds taken as independent, columns `PAIRWISE_COLUMNS`.

    `difference` is the mean of `a` less that of `b`, with Welch's interval, over the `n_a` and `n_b` seeds
    that have a value; of a metric that is best at 1 that of the distances from 1, and of one on a logarithmic
    scale that of the natural logarithms (no figure where a value is 0). `superiority` is the probability that
    a seed of `a` is better than one of `b`, a tie counting half. `p` is that of `compare_ranks`, for all
    methods of that dataset and metric at once, a seed without a value being worse than any other, and
    `favours` names the better method where p is at most 0.05.
    """
    rows: list[dict[str, Any]] = []
    for ranked in ranked_metrics(trials, results):
        rows += _pairs(trials, results, ranked)
    return pd.DataFrame(rows, columns=PAIRWISE_COLUMNS)


def _pairs(trials: pd.DataFrame, results: Results, ranked: RankedMetric) -> list[dict[str, Any]]:
    """The rows of one metric on one dataset."""
    scores = scores_of(trials, results, ranked.dataset, ranked.metric)
    values = [series.to_numpy() for series in scores.values()]
    qualities = [quality(x, ranked.facts["better"]) for x in values]
    compared = compare_ranks(qualities)
    methods = list(scores)
    rows = []
    for i, j in combinations(range(len(methods)), 2):
        p = float(compared.p[i, j])
        better = methods[i] if compared.mean_ranks[i] < compared.mean_ranks[j] else methods[j]
        interval = _interval(values[i], values[j], ranked.facts)
        row = {
            "dataset": ranked.dataset,
            "metric": ranked.metric,
            "a": methods[i],
            "b": methods[j],
            "n_a": np.count_nonzero(~np.isnan(values[i])),
            "n_b": np.count_nonzero(~np.isnan(values[j])),
            "difference": interval.mean,
            "ci_low": interval.low,
            "ci_high": interval.high,
            "superiority": superiority(qualities[i], qualities[j]),
            "p": p,
            "favours": better if p <= LEVEL else "",
            "note": _note(qualities[i], qualities[j], len(methods)),
        }
        rows.append(row)
    return rows


def _interval(a: np.ndarray, b: np.ndarray, facts: MetricFacts) -> Interval:
    """The mean of `a` less that of `b`, on the metric's scale."""
    if facts["better"] == "one":
        a, b = np.abs(a - 1), np.abs(b - 1)
    if facts["scale"] == "log":
        if (a <= 0).any() or (b <= 0).any():
            return Interval(0, np.nan, np.nan, np.nan)
        a, b = np.log(a), np.log(b)
    return change(b, a)


def _note(a: np.ndarray, b: np.ndarray, methods: int) -> str:
    """Why no test can succeed, if that is so, of two methods' qualities among those of some methods."""
    if len(np.unique(np.concatenate([a, b]))) == 1:
        return ALIKE
    least = least_p(len(a), len(b), methods)
    if least <= LEVEL:
        return ""
    return (
        f"{NO_TEST}: with {len(a)} and {len(b)} seeds p is at least {least:.3g}; "
        f"it takes {seeds_for_a_test(methods)} seeds each"
    )
