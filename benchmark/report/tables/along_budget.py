"""The tables that compare methods along the budget."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
import pandas as pd

from benchmark.records.results import Results
from benchmark.records.schema import DUMMY_ROWS
from benchmark.report.statistics.over_seeds import best_of, filled, median_interval

__all__ = ["SPENT", "best_of_table", "budget_table", "evaluation_points"]

SPENT = ["flops", "generator_steps", "discriminator_steps", "samples_seen", "device_seconds"]

WHOLE = dict.fromkeys(SPENT[:-1], "int64")

RUNS = (1, 2, 3, 5, 10, 20, 50, 100)
"""Numbers of runs of which the best is taken, as far as there are so many seeds."""


@dataclass(frozen=True)
class BudgetPoint:
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


def evaluation_points(trials: pd.DataFrame, curves: pd.DataFrame, results: Results) -> list[BudgetPoint]:
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
        points.append(BudgetPoint(identity, dict(zip(SPENT, amounts, strict=True)), values, better))
    return points


def budget_table(points: Sequence[BudgetPoint]) -> pd.DataFrame:
    """The median over seeds at every evaluation point, and its interval; empty where a trial without a value stands there."""
    rows = []
    for point in points:
        figures = {
            key: value if isfinite(value) else None
            for key, value in median_interval(point.values, point.better)._asdict().items()
        }
        without = int((~np.isfinite(point.values)).sum())
        rows.append(
            {**point.identity, **point.spent, "n": len(point.values), "without_value": without, **figures}
        )
    columns = [
        "dataset",
        "metric",
        "method",
        "point",
        *SPENT,
        "n",
        "without_value",
        "median",
        "low",
        "high",
        "confidence",
    ]
    return pd.DataFrame(rows, columns=columns).astype(WHOLE)


def best_of_table(points: Sequence[BudgetPoint], trials: pd.DataFrame) -> pd.DataFrame:
    """What the best of k runs is expected to score at every evaluation point, and where 95 % of such sets of runs lie.

    A trial without a value counts as the worst that any has at any point of that dataset, the dummies' rows included.
    """
    dummies = trials[trials["method"].isin(DUMMY_ROWS)]
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
        rows += [
            {**point.identity, **point.spent, "k": k, **best_of(known, k, point.better)._asdict()} for k in ks
        ]
    return pd.DataFrame(
        rows, columns=["dataset", "metric", "method", "point", *SPENT, "k", "expected", "low", "high"]
    ).astype(WHOLE)
