"""The tables that compare methods along the budget."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmark.records.results import Results
from benchmark.records.schema import DUMMY_ROWS
from benchmark.report.statistics.over_seeds import BestOf, MedianInterval, best_of, filled, median_interval
from benchmark.report.tables.rows import rows_of

__all__ = ["COUNTS_SPENT", "SPENT", "best_of_table", "budget_table", "evaluation_points"]

COUNTS_SPENT = ["flops", "generator_steps", "discriminator_steps", "samples_seen"]
"""What a trial has spent, in whole numbers."""

SPENT = [*COUNTS_SPENT, "device_seconds"]
"""What a trial has spent."""

RUN_COUNTS = (1, 2, 3, 5, 10, 20, 50, 100)
"""Numbers of runs of which the best is taken, as far as there are so many seeds."""


class PointKey(NamedTuple):
    """An evaluation point of a method and the metric that is looked at; `point` counts evaluations from 1."""

    dataset: str
    metric: str
    method: str
    point: int


@dataclass(frozen=True)
class BudgetPoint:
    """A metric of a method at an evaluation point.

    Attributes:
        key: Of what it is.
        spent: What had been spent by then, the medians over seeds in the order of `SPENT`.
        values: A value per seed; NaN where there is none, also of a seed that diverged before.
        better: Which values are.
    """

    key: PointKey
    spent: Sequence[float]
    values: np.ndarray
    better: str

    def first_cells(self) -> tuple[Any, ...]:
        """The first cells of its rows: of what it is, and what had been spent."""
        return (*self.key, *self.spent)


def evaluation_points(trials: pd.DataFrame, curves: pd.DataFrame, results: Results) -> list[BudgetPoint]:
    """All evaluation points of all methods."""
    finished = trials[trials["status"] != "failed"]
    seeds = Counter(zip(finished["dataset"], finished["method"], strict=True))
    by_point = curves.drop_duplicates([*PointKey._fields, "seed"]).groupby(list(PointKey._fields), sort=False)
    values_of_seeds = by_point["value"].agg(list)
    medians = by_point[SPENT].median().to_numpy().tolist()
    points = []
    for names, values, spent in zip(values_of_seeds.index, values_of_seeds, medians, strict=True):
        key = PointKey(*names)
        padded = np.full(seeds[key.dataset, key.method], np.nan)
        padded[: len(values)] = values
        better = results.facts(key.dataset, key.metric)["better"]
        points.append(BudgetPoint(key, spent, padded, better))
    return points


def budget_table(points: Sequence[BudgetPoint]) -> pd.DataFrame:
    """The median over seeds at every evaluation point, and its interval.

    Empty where a trial without a value stands there.
    """
    figures = list(MedianInterval._fields)
    rows = []
    for point in points:
        without_value = int((~np.isfinite(point.values)).sum())
        interval = median_interval(point.values, point.better)
        rows.append((*point.first_cells(), len(point.values), without_value, *interval))
    columns = [*PointKey._fields, *SPENT, "n", "without_value", *figures]
    table = pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(COUNTS_SPENT, "int64"))
    table[figures] = table[figures].replace([np.inf, -np.inf], np.nan)
    return table


def best_of_table(points: Sequence[BudgetPoint], trials: pd.DataFrame) -> pd.DataFrame:
    """The expected score of the best of k runs at every evaluation point, and the range of 95 % of them.

    A trial without a value counts as the worst that any has at any point of that dataset, the dummies' rows
    included.
    """
    worst = _worst_values(points, trials)
    rows = []
    for point in points:
        values = filled(point.values, point.better, [worst[point.key.dataset, point.key.metric]])
        counts = [k for k in RUN_COUNTS if k <= len(values)]
        rows += [(*point.first_cells(), k, *best_of(values, k, point.better)) for k in counts]
    columns = [*PointKey._fields, *SPENT, "k", *BestOf._fields]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(COUNTS_SPENT, "int64"))


def _worst_values(points: Sequence[BudgetPoint], trials: pd.DataFrame) -> dict[tuple[str, str], float]:
    """The worst value of a dummy or a method at any point, by dataset and metric; NaN if there is none."""
    dummies = trials[trials["method"].isin(DUMMY_ROWS)]
    values: dict[tuple[str, str], list[np.ndarray]] = {}
    better = {}
    for point in points:
        key = (point.key.dataset, point.key.metric)
        if key not in values:
            values[key] = [rows_of(dummies, dataset=point.key.dataset)[point.key.metric].to_numpy(float)]
            better[key] = point.better
        values[key].append(point.values)
    worst = {}
    for key, parts in values.items():
        worst[key] = float(filled(np.nan, better[key], np.concatenate(parts)))
    return worst
