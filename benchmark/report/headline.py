"""The one metric that answers the question on a dataset, and who is better than the dummies by it."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from benchmark.records.results import Results
from benchmark.records.schema import DUMMY_ROWS, MetricFacts
from benchmark.report.statistics.over_seeds import filled, quality
from benchmark.report.tables.rows import rows_of, trained_rows
from benchmark.suites.headline import headline

__all__ = [
    "ScoresByMethod",
    "chance",
    "covering",
    "dummies",
    "headline",
    "headline_first",
    "scored_metrics",
    "scores_of",
]

ScoresByMethod = dict[str, pd.Series]
"""Values by method and seed; NaN for a trial that has none."""


def headline_first(metrics: Sequence[str]) -> list[str]:
    """The metrics in the order in which people read them: the headline, then the others as they are."""
    first = headline(metrics)
    return sorted(metrics, key=lambda name: name != first)


def scored_metrics(trials: pd.DataFrame, results: Results, dataset: str) -> list[str]:
    """The metrics that have a value on a dataset, in the suite's order."""
    finished = rows_of(trials, dataset=dataset, status="ok")
    return [name for name in results.metrics(dataset) if name in finished and finished[name].notna().any()]


def scores_of(trials: pd.DataFrame, results: Results, dataset: str, metric: str) -> ScoresByMethod:
    """The values of a metric on a dataset; empty if no trial has any.

    Calibration rows are left out, and so are methods to which the metric does not apply.
    """
    rows = trials[["dataset", "method", "seed", "status", metric]]
    rows = trained_rows(rows_of(rows, dataset=dataset))
    rows = rows[~rows["method"].isin(results.without(dataset, metric))]
    values = rows[metric].where(rows["status"] == "ok").astype(float)
    if not np.isfinite(values).any():
        return {}
    by_method = values.set_axis(rows["seed"]).groupby(rows["method"].to_numpy(), sort=False)
    return {str(method): of_method for method, of_method in by_method}


def dummies(trials: pd.DataFrame, dataset: str, metric: str) -> dict[str, float]:
    """The mean score of each row that has learnt nothing, where there is one."""
    means = {}
    for name in DUMMY_ROWS:
        mean = float(rows_of(trials, dataset=dataset, method=name)[metric].astype(float).mean())
        if np.isfinite(mean):
            means[name] = mean
    return means


def chance(trials: pd.DataFrame, facts: MetricFacts, dataset: str, metric: str) -> float:
    """The score of a generator that has learnt nothing: that of the better dummy; NaN if there is none."""
    means = list(dummies(trials, dataset, metric).values())
    if not means:
        return np.nan
    return means[quality(means, facts["better"]).argmax()]


def covering(trials: pd.DataFrame, results: Results, dataset: str) -> list[str]:
    """The methods that are better than both dummies by the mean of the headline score, in the run's order.

    A trial without a value counts as the worst that there is. Where there are no dummies, all methods that
    have a score cover.
    """
    metric = headline(scored_metrics(trials, results, dataset))
    if metric is None:
        return []
    facts = results.facts(dataset, metric)
    # Minus infinity where there is no dummy.
    floor = quality(chance(trials, facts, dataset, metric), facts["better"])
    scores = scores_of(trials, results, dataset, metric)
    of_dummies = list(dummies(trials, dataset, metric).values())
    among = np.concatenate([*scores.values(), np.array(of_dummies)])
    methods = []
    for method, values in scores.items():
        mean = filled(values, facts["better"], among).mean()
        if values.notna().any() and quality(mean, facts["better"]) > floor:
            methods.append(method)
    return methods
