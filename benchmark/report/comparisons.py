"""The tables that compare methods: pair by pair, along the budget, over several datasets."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import isfinite
from typing import Any

import numpy as np
import pandas as pd

from benchmark.aggregates import TAUS, average_ranks, improvement, interquartile_mean, normalised, profile
from benchmark.report.results import Results
from benchmark.schema import CALIBRATIONS, MetricFacts
from benchmark.statistics import (
    LEVEL,
    Interval,
    best_of,
    differences,
    filled,
    holm,
    mean_interval,
    median_interval,
    quality,
    seeds_for_a_test,
    signed_rank_p,
    unanimous,
)
from benchmark.store import LARGE

__all__ = [
    "SPENT",
    "Scores",
    "aggregate_table",
    "best_of_table",
    "budget_table",
    "evaluation_points",
    "improvement_table",
    "pairwise_table",
    "profile_table",
    "ranking",
    "reference",
    "scores_of",
]

SPENT = ["flops", "generator_steps", "discriminator_steps", "samples_seen", "device_seconds"]

WHOLE = dict.fromkeys(SPENT[:-1], "int64")

RUNS = (1, 2, 3, 5, 10, 20, 50, 100)
"""Numbers of runs of which the best is taken, as far as there are so many seeds."""

PAIRWISE = ["dataset", "metric", "a", "b", "n", "difference", "ci_low", "ci_high", "favours", "pairs", "p", "p_holm", "note"]

Scores = dict[str, pd.Series]
"""Values by method and seed; NaN for a trial that has none."""


def scores_of(trials: pd.DataFrame, dataset: str, metric: str) -> Scores:
    """The values of a metric on a dataset, without calibration rows; empty if no trial has any."""
    here = trials[(trials["dataset"] == dataset) & trials["status"].isin(["ok", "diverged"]) & ~trials["method"].isin(CALIBRATIONS)]
    values = here[metric].where(here["status"] == "ok").astype(float).set_axis(here["seed"])
    if not np.isfinite(values).any():
        return {}
    return {method: values[(here["method"] == method).to_numpy()] for method in here["method"].unique()}


def ranking(trials: pd.DataFrame, results: Results, dataset: str, metric: str) -> dict[str, int]:
    """The place of each method, 1 for the best, ties sharing the first of theirs.

    Methods rank by the mean quality of their trials, one without a value counting as the worst that any has, that of the `collapsed` row
    included; of equal ones, the one with fewer such trials is better.
    """
    scores = scores_of(trials, dataset, metric)
    better = results.facts(dataset, metric)["better"]
    collapsed = trials.loc[(trials["dataset"] == dataset) & (trials["method"] == "collapsed"), metric]
    among = np.concatenate([*scores.values(), collapsed.to_numpy(float)])
    places = {method: (-quality(filled(values, better, among), better).mean(), values.isna().mean()) for method, values in scores.items()}
    return {method: 1 + sum(other < place for other in places.values()) for method, place in places.items()}


def pairwise_table(trials: pd.DataFrame, results: Results) -> pd.DataFrame:
    """Differences by seed between every two methods.

    `difference` is `a` less `b` over the `n` seeds where both have a value, with its Student-t interval; of a metric that is best at 1,
    that of the distances from 1. `favours` names the better one, if any: see `_favoured`. `p` is that of the signed-rank test over all
    `pairs` of seeds, a trial without a value being worse than any other; `p_holm` is corrected for the pairs of methods on that dataset
    and metric.
    """
    rows: list[dict[str, Any]] = []
    for dataset, metric, facts in _columns(trials, results):
        scores = scores_of(trials, dataset, metric)
        pairs = list(combinations(scores, 2))
        compared = [_difference(scores[a], scores[b], facts["better"]) for a, b in pairs]
        least = holm([_least_p(row["unlike"]) for row in compared])
        for (a, b), row, p, attainable in zip(pairs, compared, holm([row["p"] for row in compared]), least, strict=True):
            favours = {1: a, -1: b}.get(row.pop("favoured"), "")
            note = _note(row["pairs"], row.pop("unlike"), attainable, len(pairs))
            rows.append({"dataset": dataset, "metric": metric, "a": a, "b": b, **row, "favours": favours, "p_holm": float(p), "note": note})
    return pd.DataFrame(rows, columns=PAIRWISE)


def _difference(a: pd.Series, b: pd.Series, better: str) -> dict[str, Any]:
    seeds = a.index.intersection(b.index)
    x, y = a.loc[seeds].to_numpy(), b.loc[seeds].to_numpy()
    d = differences(quality(x, better), quality(y, better))
    told = d[np.isfinite(x) | np.isfinite(y)]
    interval = mean_interval(told if better == "higher" else -told)
    return {
        "n": interval.n,
        "difference": interval.mean,
        "ci_low": interval.low,
        "ci_high": interval.high,
        "favoured": _favoured(told, interval),
        "pairs": len(seeds),
        "unlike": int((d != 0).sum()),
        "p": signed_rank_p(d),
    }


def _favoured(d: np.ndarray, interval: Interval) -> int:
    """The sign of all differences, or of those whose interval leaves 0 out, or of infinite ones if they are two or more and half or more.

    It is 0 if the last two contradict.
    """
    if sign := unanimous(d):
        return sign
    finite, infinite = d[np.isfinite(d)], d[np.isinf(d)]
    signs = set(np.sign(infinite))
    if isfinite(interval.low) and not interval.low <= 0 <= interval.high:
        signs.add(np.sign(finite.mean()))
    elif len(infinite) < max(2, len(finite)):
        return 0
    return int(signs.pop()) if len(signs) == 1 else 0


def _least_p(unlike: int) -> float:
    """The least p of a signed-rank test with so many differing pairs: all signs alike."""
    return min(1.0, 2.0 ** (1 - unlike))


def _note(pairs: int, unlike: int, attainable: float, comparisons: int) -> str:
    """Why no test can succeed, if that is so.

    Arguments:
        pairs: Seeds in common.
        unlike: Those of them that differ.
        attainable: The least corrected p, if all comparisons went as clearly as they could.
        comparisons: Their number.
    """
    if pairs < 2:
        return f"{'one' if pairs else 'no'} seed in common: neither interval nor test"
    if unlike == 0:
        return "no difference in any seed"
    if attainable <= LEVEL:
        return ""
    corrected = f", {attainable:.3g} when corrected for {comparisons} comparisons" if comparisons > 1 else ""
    where = f"{unlike} differing pairs of seeds" if unlike != 1 else "one differing pair of seeds"
    return f"no test can succeed: with {where} p is at least {_least_p(unlike):.3g}{corrected}; it takes {seeds_for_a_test(comparisons)} pairs"


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

    A trial without a value counts as the worst that any has at any point of that dataset, the `collapsed` row included.
    """
    collapsed = trials[trials["method"] == "collapsed"]
    seen: dict[tuple[str, str], list[np.ndarray]] = {}
    for point in points:
        where = (point.identity["dataset"], point.identity["metric"])
        if where not in seen:
            seen[where] = [collapsed.loc[collapsed["dataset"] == where[0], where[1]].to_numpy(float)]
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


def _columns(trials: pd.DataFrame, results: Results) -> Iterator[tuple[str, str, MetricFacts]]:
    """Datasets with their metrics, those on larger samples included."""
    for dataset in results.datasets:
        for metric in results.metrics(dataset):
            for name in (metric, metric + LARGE):
                if name in trials:
                    yield dataset, name, results.facts(dataset, metric)


def _over_datasets(trials: pd.DataFrame, results: Results) -> dict[str, list[_Part]]:
    """The metrics and what there is of them, sorted by metric; those on larger samples left out."""
    found: dict[str, list[_Part]] = {}
    for dataset, metric, facts in _columns(trials, results):
        if not metric.endswith(LARGE) and (scores := scores_of(trials, dataset, metric)):
            found.setdefault(metric, []).append(_Part(dataset, facts, scores))
    return found


def _normalised(trials: pd.DataFrame, metric: str, found: list[_Part]) -> dict[str, list[np.ndarray]]:
    """By method, one array per dataset on which the scale is known."""
    scaled: dict[str, list[np.ndarray]] = {}
    for part in found:
        best, chance = (reference(trials, part.facts, part.dataset, metric, end) for end in ("best", "chance"))
        for method, values in part.scores.items():
            x = normalised(values.to_numpy(), part.facts["better"], best, chance)
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


def reference(trials: pd.DataFrame, facts: MetricFacts, dataset: str, metric: str, end: str) -> float:
    """The score of a perfect generator (`best`) or of one that has learnt nothing (`chance`): declared, or that of a calibration row."""
    declared = {"best": facts["best"], "chance": None}[end]
    row = {"best": "real-data", "chance": "collapsed"}[end]
    if declared is not None:
        return declared
    return float(trials.loc[(trials["dataset"] == dataset) & (trials["method"] == row), metric].astype(float).mean())
