"""The one metric that answers the question on a dataset, and who is better than the dummies by it."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from benchmark.records.results import Results
from benchmark.records.schema import CALIBRATION_ROWS, DUMMY_ROWS, MetricFacts
from benchmark.report.statistics.over_seeds import filled, quality

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

HEADLINES = ("overlap", "coverage", "fid")
"""The metrics that answer it, most telling first. Those behind the first are for data whose modes are not known."""

ScoresByMethod = dict[str, pd.Series]
"""Values by method and seed; NaN for a trial that has none."""


def headline(metrics: Sequence[str]) -> str | None:
    """That metric among those of a dataset; the first of them if none tells coverage, and `None` if there is none."""
    return next((name for name in (*HEADLINES, *metrics) if name in metrics), None)


def headline_first(metrics: Sequence[str]) -> list[str]:
    """The metrics in the order in which people read them: the headline, then the others in their own order."""
    first = headline(metrics)
    return sorted(metrics, key=lambda name: name != first)


def scored_metrics(trials: pd.DataFrame, results: Results, dataset: str) -> list[str]:
    """The metrics that have a value on a dataset, in the suite's order."""
    finished = trials[(trials["dataset"] == dataset) & (trials["status"] == "ok")]
    return [name for name in results.metrics(dataset) if name in finished and finished[name].notna().any()]


def scores_of(trials: pd.DataFrame, dataset: str, metric: str) -> ScoresByMethod:
    """The values of a metric on a dataset, without calibration rows; empty if no trial has any."""
    here = trials[
        (trials["dataset"] == dataset)
        & trials["status"].isin(["ok", "diverged"])
        & ~trials["method"].isin(CALIBRATION_ROWS)
    ]
    values = here[metric].where(here["status"] == "ok").astype(float).set_axis(here["seed"])
    if not np.isfinite(values).any():
        return {}
    return {method: values[(here["method"] == method).to_numpy()] for method in here["method"].unique()}


def dummies(trials: pd.DataFrame, dataset: str, metric: str) -> dict[str, float]:
    """The mean score of each row that has learnt nothing, where there is one."""
    here = trials[trials["dataset"] == dataset]
    means = {
        name: float(here.loc[here["method"] == name, metric].astype(float).mean()) for name in DUMMY_ROWS
    }
    return {name: mean for name, mean in means.items() if np.isfinite(mean)}


def chance(trials: pd.DataFrame, facts: MetricFacts, dataset: str, metric: str) -> float:
    """The score of a generator that has learnt nothing: that of the better of the dummies; NaN if there is none."""
    means = np.array(list(dummies(trials, dataset, metric).values()))
    return float(means[quality(means, facts["better"]).argmax()]) if len(means) else np.nan


def covering(trials: pd.DataFrame, results: Results, dataset: str) -> list[str]:
    """The methods that are better than both dummies by the mean of the headline score, where a trial without a value counts as the
    worst that there is. All methods that have a score, where there are no dummies.
    """
    metric = headline(scored_metrics(trials, results, dataset))
    if metric is None:
        return []
    facts = results.facts(dataset, metric)
    floor = chance(trials, facts, dataset, metric)
    scores = scores_of(trials, dataset, metric)
    known = [*scores.values(), list(dummies(trials, dataset, metric).values())]
    among = np.concatenate([np.asarray(values, dtype=float) for values in known])
    better = []
    for method, values in scores.items():
        mean = filled(values, facts["better"], among).mean()
        if values.notna().any() and (
            np.isnan(floor) or quality(mean, facts["better"]) > quality(floor, facts["better"])
        ):
            better.append(method)
    return better
