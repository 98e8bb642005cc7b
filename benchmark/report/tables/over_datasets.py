"""The tables that compare methods over several datasets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from benchmark.records.results import Results
from benchmark.records.schema import LARGE, REAL_DATA, MetricFacts
from benchmark.report.headline import ScoresByMethod, chance, covering, scores_of
from benchmark.report.statistics.over_datasets import (
    PROFILE_SCORES,
    average_ranks,
    improvement,
    interquartile_mean,
    normalised,
    profile,
)
from benchmark.report.statistics.over_seeds import quality
from benchmark.report.tables.pairs import ranked_metrics
from benchmark.report.tables.rows import rows_of, trained_rows

__all__ = [
    "ScoresOverDatasets",
    "aggregate_table",
    "improvement_table",
    "profile_table",
    "scores_over_datasets",
]

AGGREGATE_COLUMNS = [
    "metric",
    "method",
    "datasets",
    "runs",
    "iqm",
    "iqm_low",
    "iqm_high",
    "rank_datasets",
    "rank",
    "rank_low",
    "rank_high",
]
IMPROVEMENT_COLUMNS = ["metric", "a", "b", "datasets", "probability", "low", "high"]
PROFILE_COLUMNS = ["metric", "method", "datasets", "score", "share", "low", "high"]


@dataclass(frozen=True)
class MetricOnDataset:
    """A metric on one dataset.

    Attributes:
        better: Which values are.
        best: The score of a perfect generator; NaN if it is not known.
        chance: The score of a generator that has learnt nothing, likewise.
        scores: The scores of the methods.
    """

    better: str
    best: float
    chance: float
    scores: ScoresByMethod

    def qualities(self, method: str) -> np.ndarray:
        """The scores of a method such that higher is better, one per seed."""
        return quality(self.scores[method].to_numpy(), self.better)

    def normalised(self, method: str) -> np.ndarray:
        """The scores of a method from 0 for chance to 1 for the best, one per seed; NaN without a scale."""
        return normalised(self.scores[method].to_numpy(), self.better, self.best, self.chance)


@dataclass(frozen=True)
class ScoresOverDatasets:
    """What is compared over datasets.

    Attributes:
        methods: The methods that have a trial that did not fail, in the run's order.
        metrics: What there is of each metric, one entry per dataset, by metric in the order of the datasets'
            own. Those on larger samples are left out.
    """

    methods: Sequence[str]
    metrics: Mapping[str, Sequence[MetricOnDataset]]


def scores_over_datasets(trials: pd.DataFrame, results: Results) -> ScoresOverDatasets:
    """What there is to compare over datasets.

    Datasets on which no method is better than the dummies are left out: methods differ there by chance alone.
    """
    covered = [dataset for dataset in results.datasets if covering(trials, results, dataset)]
    metrics: dict[str, list[MetricOnDataset]] = {}
    for dataset, metric, facts in ranked_metrics(trials, results):
        if dataset not in covered or metric.endswith(LARGE):
            continue
        scores = scores_of(trials, results, dataset, metric)
        if scores:
            best = _best(trials, facts, dataset, metric)
            floor = chance(trials, facts, dataset, metric)
            entry = MetricOnDataset(facts["better"], best, floor, scores)
            metrics.setdefault(metric, []).append(entry)
    return ScoresOverDatasets(list(trained_rows(trials)["method"].unique()), metrics)


def aggregate_table(scores: ScoresOverDatasets) -> pd.DataFrame:
    """Interquartile means of normalised scores and average ranks over datasets, with intervals."""
    rows = []
    for metric, entries in scores.metrics.items():
        means, ranks = _interquartile_means(entries), _ranks(scores.methods, entries)
        for method in scores.methods:
            figures = {**means.get(method, {}), **ranks.get(method, {})}
            if figures:
                rows.append({"metric": metric, "method": method, **figures})
    counts = ["datasets", "runs", "rank_datasets"]
    return pd.DataFrame(rows, columns=AGGREGATE_COLUMNS).astype(dict.fromkeys(counts, "Int64"))


def improvement_table(scores: ScoresOverDatasets) -> pd.DataFrame:
    """The probability that a run of `a` scores better than one of `b`, over the datasets that both have.

    A tie counts half.
    """
    rows = []
    for metric, entries in scores.metrics.items():
        for a, b in combinations(scores.methods, 2):
            shared = [entry for entry in entries if a in entry.scores and b in entry.scores]
            if shared:
                of_a = [entry.qualities(a) for entry in shared]
                of_b = [entry.qualities(b) for entry in shared]
                value, low, high = improvement(of_a, of_b)
                rows.append((metric, a, b, len(shared), float(value), low, high))
    return pd.DataFrame(rows, columns=IMPROVEMENT_COLUMNS)


def profile_table(scores: ScoresOverDatasets) -> pd.DataFrame:
    """The share of runs whose normalised score is at least `score`, over datasets."""
    rows = []
    for metric, entries in scores.metrics.items():
        for method, runs in _normalised(entries).items():
            for score, share, low, high in zip(PROFILE_SCORES, *profile(runs), strict=True):
                rows.append((metric, method, len(runs), score, share, low, high))
    return pd.DataFrame(rows, columns=PROFILE_COLUMNS)


def _normalised(entries: Sequence[MetricOnDataset]) -> dict[str, list[np.ndarray]]:
    """The normalised scores of a metric by method, one array per dataset on which there is such a scale."""
    runs_by_method: dict[str, list[np.ndarray]] = {}
    for entry in entries:
        for method in entry.scores:
            x = entry.normalised(method)
            if np.isfinite(x).all():
                runs_by_method.setdefault(method, []).append(x)
    return runs_by_method


def _interquartile_means(entries: Sequence[MetricOnDataset]) -> dict[str, dict[str, Any]]:
    """The columns of the interquartile mean, by method; nothing of methods without a normalised score."""
    columns = {}
    for method, runs in _normalised(entries).items():
        iqm = interquartile_mean(runs)
        columns[method] = {
            "datasets": len(runs),
            "runs": sum(map(len, runs)),
            "iqm": float(iqm.value),
            "iqm_low": iqm.low,
            "iqm_high": iqm.high,
        }
    return columns


def _ranks(methods: Sequence[str], entries: Sequence[MetricOnDataset]) -> dict[str, dict[str, Any]]:
    """The columns of the average rank, by method; nothing if no dataset has a seed that all methods have."""
    qualities = []
    for entry in entries:
        if set(entry.scores) == set(methods):
            of_shared_seeds = _qualities_of_shared_seeds(methods, entry)
            if len(of_shared_seeds):
                qualities.append(of_shared_seeds)
    if not qualities:
        return {}
    columns = {}
    for method, rank, low, high in zip(methods, *average_ranks(qualities), strict=True):
        columns[method] = {
            "rank_datasets": len(qualities),
            "rank": rank,
            "rank_low": low,
            "rank_high": high,
        }
    return columns


def _qualities_of_shared_seeds(methods: Sequence[str], entry: MetricOnDataset) -> np.ndarray:
    """The qualities of the seeds that have been run with all methods, shape (seeds, methods)."""
    seeds = set(entry.scores[methods[0]].index)
    for values in entry.scores.values():
        seeds &= set(values.index)
    shared = sorted(seeds)
    columns = [quality(entry.scores[method].loc[shared].to_numpy(), entry.better) for method in methods]
    return np.stack(columns, axis=1)


def _best(trials: pd.DataFrame, facts: MetricFacts, dataset: str, metric: str) -> float:
    """The score of a perfect generator: declared, or that of the row of real data."""
    if facts["best"] is not None:
        return facts["best"]
    return float(rows_of(trials, dataset=dataset, method=REAL_DATA)[metric].astype(float).mean())
