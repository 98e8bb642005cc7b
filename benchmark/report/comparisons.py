"""The tables that compare methods along the budget and over several datasets."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import isfinite
from typing import Any

import numpy as np
import pandas as pd

from benchmark.aggregates import TAUS, average_ranks, improvement, interquartile_mean, normalised, profile
from benchmark.report.headline import Scores, chance, covering, scores_of
from benchmark.report.pairs import ranked_columns
from benchmark.report.results import Results
from benchmark.schema import CALIBRATIONS, DUMMIES, MetricFacts
from benchmark.statistics import best_of, filled, median_interval, quality
from benchmark.store import LARGE

__all__ = [
    "SPENT",
    "aggregate_table",
    "best_of_table",
    "budget_table",
    "evaluation_points",
    "improvement_table",
    "profile_table",
]

SPENT = ["flops", "generator_steps", "discriminator_steps", "samples_seen", "device_seconds"]

WHOLE = dict.fromkeys(SPENT[:-1], "int64")

RUNS = (1, 2, 3, 5, 10, 20, 50, 100)
"""Numbers of runs of which the best is taken, as far as there are so many seeds."""


@dataclass(frozen=True)
class Point:
    """A metric of a method at an evaluation point.

    Attributes:
        identity: Dataset, metric, method and the number of the evaluation.
        spent: What had been spent by then, the median over seeds.
        values: A value per seed; NaN where it has none, be it that it diverged before.
        better: Which values are.
    """

    identity: dict[str, Any]
    spent: dict[str, float]
    values: np.ndarray
    better: str


def evaluation_points(trials: pd.DataFrame, curves: pd.DataFrame, results: Results) -> list[Point]:
    """All evaluation points of all methods."""
    names = ["dataset", "metric", "method", "point"]
    finished = trials[trials["status"].isin(["ok", "diverged"])]
    seeds = Counter(zip(finished["dataset"], finished["method"], strict=True))
    groups = curves.drop_duplicates([*names, "seed"]).groupby(names, sort=False)
    points = []
    listed, spent = groups["value"].agg(list), groups[SPENT].median()
    for key, known, *amounts in zip(listed.index, listed, *(spent[name] for name in SPENT), strict=True):
        identity = dict(zip(names, key, strict=True))
        values = np.full(seeds[identity["dataset"], identity["method"]], np.nan)
        values[: len(known)] = known
        better = results.facts(identity["dataset"], identity["metric"])["better"]
        points.append(Point(identity, dict(zip(SPENT, amounts, strict=True)), values, better))
    return points


def budget_table(points: Sequence[Point]) -> pd.DataFrame:
    """The median over seeds at every evaluation point, and its interval; empty where a trial without a value stands there."""
    rows = []
    for point in points:
        figures = {key: value if isfinite(value) else None for key, value in median_interval(point.values, point.better)._asdict().items()}
        without = int((~np.isfinite(point.values)).sum())
        rows.append({**point.identity, **point.spent, "n": len(point.values), "without_value": without, **figures})
    columns = ["dataset", "metric", "method", "point", *SPENT, "n", "without_value", "median", "low", "high", "confidence"]
    return pd.DataFrame(rows, columns=columns).astype(WHOLE)


def best_of_table(points: Sequence[Point], trials: pd.DataFrame) -> pd.DataFrame:
    """What the best of k runs is expected to score at every evaluation point, and where 95 % of such sets of runs lie.

    A trial without a value counts as the worst that any has at any point of that dataset, the dummies' rows included.
    """
    dummies = trials[trials["method"].isin(DUMMIES)]
    seen: dict[tuple[str, str], list[np.ndarray]] = {}
    for point in points:
        where = (point.identity["dataset"], point.identity["metric"])
        if where not in seen:
            seen[where] = [dummies.loc[dummies["dataset"] == where[0], where[1]].to_numpy(float)]
        seen[where].append(point.values)
    worst = {where: np.concatenate(values) for where, values in seen.items()}
    rows = []
    for point in points:
        known = filled(point.values, point.better, worst[point.identity["dataset"], point.identity["metric"]])
        ks = [k for k in RUNS if k <= len(known)]
        rows += [{**point.identity, **point.spent, "k": k, **best_of(known, k, point.better)._asdict()} for k in ks]
    return pd.DataFrame(rows, columns=["dataset", "metric", "method", "point", *SPENT, "k", "expected", "low", "high"]).astype(WHOLE)


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
                row |= {"datasets": len(runs), "runs": sum(map(len, runs)), "iqm": float(iqm.value), "iqm_low": iqm.low, "iqm_high": iqm.high}
            if ranks is not None:
                row |= {"rank_datasets": len(ranked), "rank": ranks.value[i], "rank_low": ranks.low[i], "rank_high": ranks.high[i]}
            if row:
                rows.append({"metric": metric, "method": method, **row})
    columns = ["metric", "method", "datasets", "runs", "iqm", "iqm_low", "iqm_high", "rank_datasets", "rank", "rank_low", "rank_high"]
    return pd.DataFrame(rows, columns=columns).astype({"datasets": "Int64", "runs": "Int64", "rank_datasets": "Int64"})


def improvement_table(trials: pd.DataFrame, results: Results) -> pd.DataFrame:
    """The probability that a run of `a` scores better than one of `b`, over the datasets that both have, a tie counting half."""
    rows = []
    for metric, found in _over_datasets(trials, results).items():
        for a, b in combinations(_methods(trials), 2):
            shared = [part for part in found if a in part.scores and b in part.scores]
            if shared:
                value, low, high = improvement([part.qualities(a) for part in shared], [part.qualities(b) for part in shared])
                rows.append({"metric": metric, "a": a, "b": b, "datasets": len(shared), "probability": float(value), "low": low, "high": high})
    return pd.DataFrame(rows, columns=["metric", "a", "b", "datasets", "probability", "low", "high"])


def profile_table(trials: pd.DataFrame, results: Results) -> pd.DataFrame:
    """The share of runs whose normalised score is at least `score`, over datasets."""
    rows = []
    for metric, found in _over_datasets(trials, results).items():
        for method, runs in _normalised(trials, metric, found).items():
            for score, share, low, high in zip(TAUS, *profile(runs), strict=True):
                rows.append({"metric": metric, "method": method, "datasets": len(runs), "score": score, "share": share, "low": low, "high": high})
    return pd.DataFrame(rows, columns=["metric", "method", "datasets", "score", "share", "low", "high"])


@dataclass(frozen=True)
class _Part:
    """A metric on one dataset."""

    dataset: str
    facts: MetricFacts
    scores: Scores

    def qualities(self, method: str) -> np.ndarray:
        return quality(self.scores[method].to_numpy(), self.facts["better"])


def _methods(trials: pd.DataFrame) -> list[str]:
    """Those that have a trial that did not fail, in the run's order."""
    return [method for method in trials.loc[trials["status"] != "failed", "method"].unique() if method not in CALIBRATIONS]


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
                ranked.append(np.stack([quality(part.scores[method].loc[shared].to_numpy(), part.facts["better"]) for method in methods], axis=1))
    return ranked


def _best(trials: pd.DataFrame, part: _Part, metric: str) -> float:
    """The score of a perfect generator: declared, or that of the `real-data` row."""
    if part.facts["best"] is not None:
        return part.facts["best"]
    row = (trials["dataset"] == part.dataset) & (trials["method"] == "real-data")
    return float(trials.loc[row, metric].astype(float).mean())
