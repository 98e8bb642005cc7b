"""What a search has found: the best settings of each method."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmark.records.layout import TrialId
from benchmark.records.results import Results
from benchmark.report.search.trials import settings_of
from benchmark.report.statistics.over_seeds import quality
from benchmark.report.tables.rows import trained_rows
from benchmark.suites.search import Search
from benchmark.suites.tuned import FORMAT, Chosen, Tuned

__all__ = ["PointScores", "point_scores", "tuned_of"]


class PointScores(NamedTuple):
    """The points of a method on a dataset.

    Attributes:
        metric: The metric that they were scored by.
        better: Which of its values are better.
        scores: The mean score of each point, by its number; NaN for one of which a trial diverged or is
            missing.
    """

    metric: str
    better: str
    scores: pd.Series

    @property
    def best(self) -> int:
        """The number of the best point; the first of several."""
        return int(self.scores.index[quality(self.scores, self.better).argmax()])


def point_scores(
    trials: pd.DataFrame, results: Results, search: Search
) -> dict[tuple[str, str], PointScores]:
    """The scores of all points, by dataset and method; without methods of which no point has a score."""
    found = {}
    for (dataset, method), rows in trained_rows(trials).groupby(["dataset", "method"], sort=False):
        metric = rows["metric"].iloc[0]
        by_point = rows.groupby("point")["score"]
        whole = (by_point.count() == search.seeds) & (by_point.size() == search.seeds)
        scores = by_point.mean().where(whole)
        if np.isfinite(scores).any():
            better = results.facts(dataset, metric)["better"]
            found[str(dataset), str(method)] = PointScores(metric, better, scores)
    return found


def tuned_of(results: Results, search: Search, trials: pd.DataFrame) -> Tuned:
    """The best point of each method on each dataset."""
    metrics: dict[str, str] = {}
    chosen: dict[str, dict[str, Chosen]] = {}
    for (dataset, method), points in point_scores(trials, results, search).items():
        metrics[dataset] = points.metric
        chosen.setdefault(dataset, {})[method] = _chosen(results, search, dataset, method, points)
    budgets = dict(zip(trials["dataset"], trials["budget"], strict=True))
    commit = results.manifest["commit"] if results.manifest else None
    return Tuned(FORMAT, results.suite, search.points, search.seeds, metrics, budgets, commit or "", chosen)


def _chosen(results: Results, search: Search, dataset: str, method: str, points: PointScores) -> Chosen:
    best = _settings(results, search, dataset, method, points.best)
    published = _settings(results, search, dataset, method, 0)
    score = points.scores.get(0, np.nan)
    return Chosen(
        settings={name: value for name, value in best.items() if published.get(name) != value},
        point=points.best,
        score=float(points.scores[points.best]),
        published_score=float(score) if np.isfinite(score) else None,
    )


def _settings(results: Results, search: Search, dataset: str, method: str, point: int) -> dict[str, Any]:
    """The settings of a point; empty if it has no record."""
    record = results.record(TrialId(dataset, method, search.seeds_of(point)[0]))
    return {} if record is None else settings_of(record)
