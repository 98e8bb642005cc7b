"""Whether the published settings of a method are good enough, and its space wide enough."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from benchmark.report.search.choice import PointScores
from benchmark.report.statistics.over_seeds import quality
from benchmark.report.tables.rows import rows_of

__all__ = ["at_an_edge", "noise_between_seeds", "within_noise"]

EDGE = 0.05
"""The share of a range, at each end, that is its edge."""


def noise_between_seeds(trials: pd.DataFrame, dataset: str, method: str) -> float:
    """The standard deviation between the seeds of a point, over all points; NaN for one seed each."""
    own = rows_of(trials, dataset=dataset, method=method, status="ok")
    variances = own.groupby("point")["score"].var()
    return float(np.sqrt(variances.mean()))


def within_noise(points: PointScores, noise: float, seeds: int) -> bool | None:
    """Whether the published settings are at most two standard errors worse than the best.

    The best of many is lucky, so they may be as good where this says no. `None` if it cannot be told.
    """
    if 0 not in points.scores.index or not math.isfinite(noise):
        return None
    published, best = quality(points.scores.loc[[0, points.best]], points.better)
    return bool(best - published <= 2 * noise * math.sqrt(2 / seeds))


def at_an_edge(settings: Mapping[str, Any], space: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The settings that lie at an end of the range that was searched: better ones may lie beyond."""
    names = []
    for name, facts in space.items():
        if "low" not in facts or name not in settings:
            continue
        low, high, value = facts["low"], facts["high"], settings[name]
        if facts["scale"] == "log":
            low, high, value = math.log(low), math.log(high), math.log(max(value, 1e-300))
        if not EDGE <= (value - low) / (high - low) <= 1 - EDGE:
            names.append(name)
    return names
