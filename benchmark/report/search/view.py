"""What there is to show of a search, and of a method on a dataset in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from benchmark.errors import UsageError
from benchmark.records.layout import TrialId
from benchmark.records.results import Results
from benchmark.records.schema import REAL_DATA, Manifest, MetricFacts, SearchFacts
from benchmark.report.search.trials import search_trials, settings_of
from benchmark.report.statistics.over_seeds import filled, quality
from benchmark.report.tables.rows import rows_of, trained_rows
from benchmark.suites.search import Search

__all__ = ["MethodView", "SearchView", "point_scores"]

NEAR = 2.0
"""The standard errors by which settings may be worse than the best and still be as good."""


def point_scores(rows: pd.DataFrame, seeds: int) -> pd.Series:
    """The mean score of each point of a method on a dataset, by its number.

    NaN for a point of which a trial diverged or is missing.

    Arguments:
        rows: The trials of the method at one budget.
        seeds: The seeds of a point.
    """
    by_point = rows.groupby("point")["score"]
    return by_point.mean().where(by_point.count() == seeds)


@dataclass(frozen=True)
class MethodView:
    """What there is to show of a method on a dataset.

    Attributes:
        dataset: The dataset.
        method: The method.
        metric: The metric that its points were scored by.
        facts: How to read the metric.
        seeds: The seeds of each point.
        trials: Its trials at the whole budget.
        scores: The score of each point at the whole budget, from `point_scores`.
        first: The trials at which all points were tried: those of the least budget.
        spent: The FLOPs of all of its trials, at any budget.
    """

    dataset: str
    method: str
    metric: str
    facts: MetricFacts
    seeds: int
    trials: pd.DataFrame
    scores: pd.Series
    first: pd.DataFrame
    spent: float

    @property
    def best(self) -> int:
        """The number of the best point; the first of several."""
        places = self.scores.index.to_numpy()
        return int(places[quality(self.scores, self.facts["better"]).argmax()])

    @property
    def best_score(self) -> float:
        return float(self.scores[self.best])

    @property
    def published_score(self) -> float | None:
        """The score of the published settings, if they have one."""
        score = self.scores.get(0, np.nan)
        return float(score) if np.isfinite(score) else None

    @cached_property
    def first_scores(self) -> np.ndarray:
        """The scores of all points at the least budget; of those without one, the worst of the others."""
        scores = point_scores(self.first, self.seeds).to_numpy()
        return filled(scores, self.facts["better"], scores)

    @cached_property
    def noise(self) -> float:
        """The standard deviation between the seeds of a point; NaN for one seed each.

        Over the points that are no worse than the published one: those that have collapsed hardly vary.
        """
        better = self.facts["better"]
        published = quality(self.scores.get(0, np.nan), better)
        compared = self.scores.index[quality(self.scores, better) >= published]
        finished = rows_of(self.trials[self.trials["point"].isin(compared)], status="ok")
        return float(np.sqrt(finished.groupby("point")["score"].var().mean()))

    @property
    def published_is_near(self) -> bool | None:
        """Whether the published settings are at most two standard errors worse than the best.

        The best of many is lucky, so they may be as good where this says no. They are not where one of their
        seeds diverged. `None` if it cannot be told.
        """
        if self.best == 0:
            return True
        if len(rows_of(self.trials, point=0, status="diverged")):
            return False
        if self.published_score is None or not np.isfinite(self.noise):
            return None
        published, best = quality([self.published_score, self.best_score], self.facts["better"])
        return bool(best - published <= NEAR * self.noise * np.sqrt(2 / self.seeds))


class SearchView:
    """What there is to show of a search.

    Attributes:
        results: The records of the trials with the whole budget.
        manifest: Their manifest.
        facts: How much was tried, and of what.
        search: How much was tried.
        missing: The number of trials, at any budget, that have no record.
        trials: All trials, one row each, those with the least budget first.
        whole: Those with the whole budget.
        first: Those with the least budget, at which all points were tried.

    Arguments:
        results: The records of the trials with the whole budget.
        earlier: The records of each rung before, in order.

    Raises:
        UsageError: If a manifest is damaged or missing.
    """

    def __init__(self, results: Results, earlier: Sequence[Results]) -> None:
        self.results = results
        self.manifest = _manifest(results)
        self.facts = facts = self.manifest["search"]
        self.search = Search(facts["points"], facts["seeds"], facts["halving"], facts["rungs"])
        rungs = [search_trials(rung, _facts(rung)) for rung in (*earlier, results)]
        self.missing = sum(map(_missing, (*earlier, results), rungs))
        self.first, self.whole = rungs[0], rungs[-1]
        self.trials = pd.concat(rungs, ignore_index=True)

    @cached_property
    def datasets(self) -> dict[str, dict[str, MethodView]]:
        """The methods of which a point has a score, by dataset and by name."""
        datasets: dict[str, dict[str, MethodView]] = {}
        rows_by_name = trained_rows(self.whole).groupby(["dataset", "method"], sort=False)
        for (dataset, method), rows in rows_by_name:
            view = self._method(str(dataset), str(method), rows)
            if np.isfinite(view.scores).any():
                datasets.setdefault(view.dataset, {})[view.method] = view
        return datasets

    def _method(self, dataset: str, method: str, rows: pd.DataFrame) -> MethodView:
        metric = rows["metric"].iloc[0]
        everywhere = rows_of(self.trials, dataset=dataset, method=method)
        return MethodView(
            dataset=dataset,
            method=method,
            metric=metric,
            facts=self.results.facts(dataset, metric),
            seeds=self.search.seeds,
            trials=rows,
            scores=point_scores(rows, self.search.seeds),
            first=rows_of(self.first, dataset=dataset, method=method),
            spent=float(everywhere["flops"].sum()),
        )

    @property
    def without_score(self) -> list[str]:
        """The methods, with their datasets, of which no point has a score."""
        names = []
        for dataset, methods in self.facts["tried"].items():
            scored = self.datasets.get(dataset, {})
            names += [f"{method} on {dataset}" for method in methods if method not in scored]
        return names

    def space(self, method: str) -> Mapping[str, Mapping[str, Any]]:
        """The values that were searched, by setting."""
        return self.facts["spaces"].get(method, {})

    def settings(self, dataset: str, method: str, point: int) -> dict[str, Any]:
        """The settings of a point; empty if it has no record."""
        record = self.results.record(TrialId(dataset, method, self.search.seeds_of(point)[0]))
        return {} if record is None else settings_of(record["configuration"]["method"])

    def published(self, dataset: str, method: str) -> dict[str, Any]:
        """The published settings of a method: those of point 0, or of the manifest if that has no record."""
        recorded = self.settings(dataset, method, 0)
        return recorded or settings_of(self.manifest["configuration"]["methods"][dataset][method])

    def real(self, dataset: str) -> float:
        """The score of fresh real data; NaN if there is none."""
        scores = rows_of(self.whole, dataset=dataset, method=REAL_DATA)["score"]
        return float(scores.astype(float).mean())


def _missing(rung: Results, trials: pd.DataFrame) -> int:
    """The number of trials of a rung that have no record."""
    facts = _facts(rung)
    expected = 0
    for methods in facts["tried"].values():
        expected += facts["seeds"] * sum(len(points) for points in methods.values())
    return expected - len(trained_rows(trials))


def _facts(results: Results) -> SearchFacts:
    return _manifest(results)["search"]


def _manifest(results: Results) -> Manifest:
    if results.manifest is None or "search" not in results.manifest:
        raise UsageError("a manifest of the search is damaged or missing; its command mends it")
    return results.manifest
