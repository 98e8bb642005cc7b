"""The tables that compare methods along the budget and over several datasets."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from benchmark.records.results import Results
from benchmark.records.schema import CALIBRATION_ROWS, LARGE, MetricFacts
from benchmark.report.headline import ScoresByMethod, chance, covering, scores_of
from benchmark.report.statistics.over_datasets import (
    TAUS,
    average_ranks,
    improvement,
    interquartile_mean,
    normalised,
    profile,
)
from benchmark.report.statistics.over_seeds import quality
from benchmark.report.tables.pairs import ranked_columns

__all__ = ["aggregate_table", "improvement_table", "profile_table"]


def aggregate_table(trials: pd.DataFrame, results: Results) -> pd.DataFrame:
    """Interquartile means of normalised scores and average ranks over datasets, with intervals."""
    rows = []
    methods = _methods(trials)
    for metric, found in _over_datasets(trials, results).items():
        scaled, ranked = _normalised(trials, metric, found), _ranked(methods, found)
        ranks = average_ranks(ranked) if ranked else None
        for i, method in enumerate(methods):
            row: dict[str, Any] = {}
            if runs := scaled.get(method):
                iqm = interquartile_mean(runs)
                row |= {
                    "datasets": len(runs),
                    "runs": sum(map(len, runs)),
                    "iqm": float(iqm.value),
                    "iqm_low": iqm.low,
                    "iqm_high": iqm.high,
                }
            if ranks is not None:
                row |= {
                    "rank_datasets": len(ranked),
                    "rank": ranks.value[i],
                    "rank_low": ranks.low[i],
                    "rank_high": ranks.high[i],
                }
            if row:
                rows.append({"metric": metric, "method": method, **row})
    columns = [
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
    return pd.DataFrame(rows, columns=columns).astype(
        {"datasets": "Int64", "runs": "Int64", "rank_datasets": "Int64"}
    )


def improvement_table(trials: pd.DataFrame, results: Results) -> pd.DataFrame:
    """The probability that a run of `a` scores better than one of `b`, over the datasets that both have, a tie counting half."""
    rows = []
    for metric, found in _over_datasets(trials, results).items():
        for a, b in combinations(_methods(trials), 2):
            shared = [part for part in found if a in part.scores and b in part.scores]
            if shared:
                value, low, high = improvement(
                    [part.qualities(a) for part in shared], [part.qualities(b) for part in shared]
                )
                rows.append(
                    {
                        "metric": metric,
                        "a": a,
                        "b": b,
                        "datasets": len(shared),
                        "probability": float(value),
                        "low": low,
                        "high": high,
                    }
                )
    return pd.DataFrame(rows, columns=["metric", "a", "b", "datasets", "probability", "low", "high"])


def profile_table(trials: pd.DataFrame, results: Results) -> pd.DataFrame:
    """The share of runs whose normalised score is at least `score`, over datasets."""
    rows = []
    for metric, found in _over_datasets(trials, results).items():
        for method, runs in _normalised(trials, metric, found).items():
            for score, share, low, high in zip(TAUS, *profile(runs), strict=True):
                rows.append(
                    {
                        "metric": metric,
                        "method": method,
                        "datasets": len(runs),
                        "score": score,
                        "share": share,
                        "low": low,
                        "high": high,
                    }
                )
    return pd.DataFrame(rows, columns=["metric", "method", "datasets", "score", "share", "low", "high"])


@dataclass(frozen=True)
class _Part:
    """A metric on one dataset."""

    dataset: str
    facts: MetricFacts
    scores: ScoresByMethod

    def qualities(self, method: str) -> np.ndarray:
        return quality(self.scores[method].to_numpy(), self.facts["better"])


def _methods(trials: pd.DataFrame) -> list[str]:
    """Those that have a trial that did not fail, in the run's order."""
    return [
        method
        for method in trials.loc[trials["status"] != "failed", "method"].unique()
        if method not in CALIBRATION_ROWS
    ]


def _over_datasets(trials: pd.DataFrame, results: Results) -> dict[str, list[_Part]]:
    """The metrics and what there is of them, sorted by metric; those on larger samples left out.

    A dataset on which no method is better than the dummies tells methods apart by chance alone, and is left out.
    """
    found: dict[str, list[_Part]] = {}
    telling = [dataset for dataset in results.datasets if covering(trials, results, dataset)]
    for dataset, metric, facts in ranked_columns(trials, results):
        if dataset not in telling or metric.endswith(LARGE):
            continue
        scores = scores_of(trials, dataset, metric)
        if scores:
            found.setdefault(metric, []).append(_Part(dataset, facts, scores))
    return found


def _normalised(trials: pd.DataFrame, metric: str, found: list[_Part]) -> dict[str, list[np.ndarray]]:
    """By method, one array per dataset on which the scale is known."""
    scaled: dict[str, list[np.ndarray]] = {}
    for part in found:
        best, floor = _best(trials, part, metric), chance(trials, part.facts, part.dataset, metric)
        for method, values in part.scores.items():
            x = normalised(values.to_numpy(), part.facts["better"], best, floor)
            if np.isfinite(x).all():
                scaled.setdefault(method, []).append(x)
    return scaled


def _ranked(methods: Sequence[str], found: list[_Part]) -> list[np.ndarray]:
    """Qualities, shape (seeds, methods), of each dataset on which some seeds have been run with all methods."""
    ranked = []
    for part in found:
        if set(part.scores) == set(methods):
            shared = sorted(set.intersection(*(set(values.index) for values in part.scores.values())))
            if shared:
                ranked.append(
                    np.stack(
                        [
                            quality(part.scores[method].loc[shared].to_numpy(), part.facts["better"])
                            for method in methods
                        ],
                        axis=1,
                    )
                )
    return ranked


def _best(trials: pd.DataFrame, part: _Part, metric: str) -> float:
    """The score of a perfect generator: declared, or that of the `real-data` row."""
    if part.facts["best"] is not None:
        return part.facts["best"]
    row = (trials["dataset"] == part.dataset) & (trials["method"] == "real-data")
    return float(trials.loc[row, metric].astype(float).mean())
