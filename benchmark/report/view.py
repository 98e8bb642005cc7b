"""What there is to show of one dataset, and how each method styles."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from benchmark.datasets.base import Dataset
from benchmark.errors import UsageError
from benchmark.records.results import Results
from benchmark.records.schema import CALIBRATION_ROWS
from benchmark.records.sealed_files import DamagedError
from benchmark.records.store import Store
from benchmark.registry import DATASETS
from benchmark.report.headline import scored_metrics
from benchmark.report.tables.tables import Tables

__all__ = ["BROKEN", "Arrays", "DatasetView", "MethodStyle", "styles_of"]

Arrays = Mapping[str, Mapping[str, np.ndarray]]
"""What was kept of trials for pictures, by method and name."""

BROKEN = (
    DamagedError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    UsageError,
    ValueError,
)
"""What drawing may raise: a record from elsewhere can be whole and hold anything."""


class DatasetView:
    """What there is to draw of a dataset.

    Attributes:
        name: The dataset's name.
        results: The results of the run.
        tables: Its tables, of this dataset alone.
        styles: How each method is drawn, on all datasets alike.
        representatives: The row of `trials.csv` that stands for each method, by method: that of its lowest finished seed.
    """

    def __init__(self, store: Store, results: Results, tables: Tables, name: str) -> None:
        self.store = store
        self.name = name
        self.results = results
        self.tables = tables.of_dataset(name)
        self.trials = self.tables.trials
        here = set(self.trials["method"])
        everywhere = styles_of(
            [method for method in tables.trials["method"].unique() if method not in CALIBRATION_ROWS]
        )
        self.styles = {method: style for method, style in everywhere.items() if method in here}
        finished = self.trials[self.trials["status"] != "failed"]
        self.representatives = (
            finished.sort_values("seed", kind="stable")
            .drop_duplicates("method")
            .set_index("method")
            .loc[finished["method"].unique()]
        )

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw, for no method has finished."""
        return not any(method in self.representatives.index for method in self.styles)

    @property
    def data(self) -> Dataset:
        """The dataset."""
        return DATASETS.build(self.name, self.results.settings(self.name))

    @property
    def kept_arrays(self) -> Arrays:
        """What was kept of the trials that stand for the methods, by method and name."""
        chosen = [
            r
            for r in self.results.records
            if r["dataset"] == self.name and r["seed"] == self.representatives.loc[r["method"], "seed"]
        ]
        return {record["method"]: self.store.trials.arrays(record) for record in chosen}

    @property
    def scored_metrics(self) -> list[str]:
        """The metrics that have a value, in the suite's order."""
        return scored_metrics(self.trials, self.results, self.name)

    @property
    def published_metrics(self) -> list[str]:
        """The metrics of which there are published figures, in the suite's order."""
        return list(self.tables.published["metric"].unique()) if len(self.tables.published) else []

    @property
    def metrics_on_curve(self) -> list[str]:
        """The metrics that have values along the budget."""
        points = self.tables.budget.dropna(subset="median").groupby("metric")["point"].nunique()
        return [m for m in self.results.metrics(self.name) if points.get(m, 0) > 1]


COLOURS = (
    "#1f83c6",
    "#e0642b",
    "#2a9d50",
    "#a05fd0",
    "#d6457f",
    "#b8860b",
    "#0f9aa0",
    "#8c6d5a",
    "#7a8a1f",
    "#6b7a90",
)
"""Each has a contrast of at least 3 to a white and to a nearly black background."""

DASHES: tuple[str | tuple[float, tuple[float, ...]], ...] = ("-", (0, (5, 1.5)), (0, (3, 1, 1, 1)))

MARKERS = {
    "o": "M13 1a3 3 0 1 0 .01 0z",
    "s": "M10 1h6v6h-6z",
    "D": "M13 0l4 4-4 4-4-4z",
    "^": "M13 0l4 7h-8z",
    "v": "M13 8l4-7h-8z",
    "P": "M11.5 0h3v2.5h2.5v3h-2.5v2.5h-3v-2.5h-2.5v-3h2.5z",
    "X": "M10 0l3 2.5 3-2.5 1.5 1.5-2.5 2.5 2.5 2.5-1.5 1.5-3-2.5-3 2.5-1.5-1.5 2.5-2.5-2.5-2.5z",
}
"""Markers of lines, and their shapes as paths of SVG in the middle of a key of 26 by 8."""


class MethodStyle(NamedTuple):
    """How a method is drawn; no two of the first seventy are alike in colour and marker."""

    colour: str
    dashes: str | tuple[float, tuple[float, ...]]
    marker: str

    @property
    def shape(self) -> str:
        """The marker as a path of SVG."""
        return MARKERS[self.marker]


def styles_of(methods: Sequence[str]) -> dict[str, MethodStyle]:
    """A style for each method, by its place."""
    return {
        method: MethodStyle(
            COLOURS[i % len(COLOURS)],
            DASHES[i // len(COLOURS) % len(DASHES)],
            list(MARKERS)[i % len(MARKERS)],
        )
        for i, method in enumerate(methods)
    }
