"""What there is to show of one dataset, and of one metric on it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from benchmark.datasets.base import Dataset
from benchmark.datasets.images import Images
from benchmark.errors import UsageError
from benchmark.records.layout import TrialId
from benchmark.records.results import Results
from benchmark.records.schema import CALIBRATION_ROWS, COLLAPSED, REAL_DATA, MetricFacts
from benchmark.records.sealed_files import DamagedError
from benchmark.records.store import Store
from benchmark.registry import DATASETS
from benchmark.report.headline import scored_metrics
from benchmark.report.styles import MethodStyle, styles_of
from benchmark.report.tables.published_words import PublishedRow, published_rows
from benchmark.report.tables.tables import Tables
from benchmark.report.words import AGAINST

__all__ = [
    "BROKEN",
    "Arrays",
    "DatasetView",
    "MetricView",
    "PlaneView",
    "Sampling",
    "columns_by_method",
    "dataset_of",
]

Arrays = Mapping[str, Mapping[str, np.ndarray]]
"""What was kept of trials for pictures, by method and name."""

Columns = dict[str, np.ndarray]
"""Columns of a table as arrays of floats, by name."""

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


@dataclass(frozen=True)
class PlaneView:
    """The kept samples of a dataset of points, as the dataset projects them to the plane.

    Attributes:
        axes: What the two axes show.
        landmarks: The centres of the modes, shape (K, 2); shape (0, 2) if they are not known.
        points: The samples by method, each of shape (N, 2); methods of which none were kept are left out.
    """

    axes: tuple[str, str]
    landmarks: np.ndarray
    points: Mapping[str, np.ndarray]

    @property
    def frame(self) -> tuple[np.ndarray, np.ndarray]:
        """The lower left and upper right corners of a picture: around the landmarks or real data."""
        inside = self.landmarks
        if len(inside) == 0:
            inside = self.points.get(REAL_DATA, np.zeros((1, 2)))
        low, high = inside.min(axis=0), inside.max(axis=0)
        margin = np.where(high > low, 0.25 * (high - low), 1.0)
        return low - margin, high + margin


class Sampling(NamedTuple):
    """What one sample of a method takes.

    Attributes:
        flops: FLOPs.
        evaluations: Evaluations of networks.
    """

    flops: float
    evaluations: int


class EstimateColumns(NamedTuple):
    """The columns of `summary.csv` that have an estimate over seeds and its interval.

    Attributes:
        middle: `mean` or `median`, which is also its name in words.
        low: The lower end of the interval.
        high: The upper end.
    """

    middle: str
    low: str
    high: str


ESTIMATES = {
    "linear": EstimateColumns("mean", "ci_low", "ci_high"),
    "log": EstimateColumns("median", "median_low", "median_high"),
}
"""What is shown of a metric, by its scale."""


@dataclass(frozen=True)
class MetricView:
    """What there is to show of one metric on one dataset. Each table is cut once, however often it is drawn.

    Attributes:
        name: The metric's name.
        dataset: The dataset's name.
        facts: How to read the metric.
        styles: How each method is drawn.
        trials: The rows of `trials.csv` of the dataset.
        summary: The rows of `summary.csv` of the dataset and metric.
        budget: Those of `budget.csv`.
        best_of: Those of `best_of.csv`.
        pairwise: Those of `pairwise.csv`.
        published: Those of `published.csv`; empty if there are no published figures.
    """

    name: str
    dataset: str
    facts: MetricFacts
    styles: Mapping[str, MethodStyle]
    trials: pd.DataFrame
    summary: pd.DataFrame
    budget: pd.DataFrame
    best_of: pd.DataFrame
    pairwise: pd.DataFrame
    published: pd.DataFrame

    @cached_property
    def finished(self) -> pd.Series:
        """The scores of all trials that neither failed nor diverged, by method; NaN where there is none."""
        finished = self.trials[self.trials["status"] == "ok"]
        return finished.set_index("method")[self.name].astype(float)

    @cached_property
    def scores(self) -> dict[str, np.ndarray]:
        """The scores of the seeds of each method that has any."""
        by_method = self.finished.dropna().groupby(level="method", sort=False)
        return {str(method): scores.to_numpy(float) for method, scores in by_method}

    @cached_property
    def calibration_scores(self) -> np.ndarray:
        """The scores of all trials of calibration rows; NaN where there is none."""
        return self.trials.loc[self.trials["method"].isin(CALIBRATION_ROWS), self.name].to_numpy(float)

    @cached_property
    def calibration(self) -> dict[str, float]:
        """The mean score of each calibration row that has one."""
        return {row: self.means[row] for row in CALIBRATION_ROWS if row in self.means}

    @property
    def estimate(self) -> EstimateColumns:
        """What is shown of the scores of seeds."""
        return ESTIMATES[self.facts["scale"]]

    @cached_property
    def diverged(self) -> dict[str, int]:
        """The number of diverged seeds of each method that has any."""
        return dict(Counter(self.trials.loc[self.trials["status"] == "diverged", "method"]))

    @cached_property
    def figures(self) -> pd.DataFrame:
        """The rows of `summary.csv` that have a mean, by method."""
        by_method = self.summary.set_index("method")
        return by_method[by_method["mean"].notna()]

    @cached_property
    def means(self) -> dict[str, float]:
        """The mean score of each method and calibration row that has one."""
        return dict(zip(self.figures.index, self.figures["mean"], strict=True))

    @cached_property
    def curves(self) -> dict[str, Columns]:
        """The columns of `budget.csv` by method, and by name."""
        columns = [*AGAINST, "median", "low", "high"]
        return columns_by_method(self.budget, columns, list(self.styles))

    @cached_property
    def best_of_at_the_end(self) -> dict[str, Columns]:
        """The columns of `best_of.csv` at the last evaluation of each method, by method and by name."""
        last = self.best_of.groupby("method", sort=False)["point"].transform("max")
        at_the_end = self.best_of[self.best_of["point"] == last]
        return columns_by_method(at_the_end, ["k", "expected", "low", "high"], list(self.styles))


class DatasetView:
    """What there is to show of a dataset.

    Attributes:
        name: The dataset's name.
        results: The results of the run.
        tables: The tables of the run, with the rows of this dataset alone.
        trials: The rows of `trials.csv` of this dataset.
        styles: How each method of this dataset is drawn: on all datasets alike.
        representatives: The row of `trials.csv` that stands for each method, by method: that of its lowest
            seed which did not fail.
    """

    def __init__(self, store: Store, results: Results, tables: Tables, name: str) -> None:
        self.store = store
        self.name = name
        self.results = results
        self.tables = tables.of_dataset(name)
        self.trials = self.tables.trials
        everywhere = tables.trials["method"].unique()
        styles = styles_of([method for method in everywhere if method not in CALIBRATION_ROWS])
        here = set(self.trials["method"])
        self.styles = {method: style for method, style in styles.items() if method in here}
        not_failed = self.trials[self.trials["status"] != "failed"]
        by_seed = not_failed.sort_values("seed", kind="stable").drop_duplicates("method")
        self.representatives = by_seed.set_index("method").loc[not_failed["method"].unique()]
        self._metrics: dict[str, MetricView] = {}

    @cached_property
    def methods(self) -> list[str]:
        """The methods of which a trial did not fail, in the run's order."""
        return [method for method in self.styles if method in self.representatives.index]

    @cached_property
    def sampling(self) -> dict[str, Sampling]:
        """What one sample takes, of each method whose records say so."""
        known = self.trials.dropna(subset=["sample_flops", "sample_evaluations"])
        costs = {}
        for row in known.drop_duplicates("method").to_dict("records"):
            costs[row["method"]] = Sampling(float(row["sample_flops"]), int(row["sample_evaluations"]))
        return {method: costs[method] for method in self.styles if method in costs}

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show, for no method has finished."""
        return not self.methods

    @cached_property
    def data(self) -> Dataset:
        """The dataset.

        Raises:
            UsageError: If it is from a plug-in that was not loaded.
        """
        return dataset_of(self.results, self.name)

    @property
    def sample_rows(self) -> pd.DataFrame:
        """The representatives whose samples are shown: all but the collapsed row, which has one sample."""
        return self.representatives.drop(index=COLLAPSED, errors="ignore")

    @cached_property
    def images(self) -> Arrays | None:
        """What was kept of the trials in `sample_rows`, by method and name; `None` if they made no images.

        Raises:
            DamagedError: If a file is not the one that was written.
        """
        if not isinstance(self.data, Images):
            return None
        return {method: self.kept_arrays(method) for method in self.sample_rows.index}

    @cached_property
    def plane(self) -> PlaneView | None:
        """The samples that were kept of the trials in `sample_rows`; `None` if they made no points.

        Raises:
            DamagedError: If a file is not the one that was written.
        """
        if isinstance(self.data, Images):
            return None
        points = {}
        for method in self.sample_rows.index:
            samples = self.kept_arrays(method).get("samples")
            if samples is not None:
                points[method] = self.data.project(torch.from_numpy(samples)).numpy()
        return PlaneView(self.data.axes, self.data.landmarks.numpy(), points)

    def kept_arrays(self, method: str) -> Mapping[str, np.ndarray]:
        """What was kept of the trial that stands for a method, by name.

        Raises:
            DamagedError: If the file is not the one that was written.
        """
        trial = TrialId(self.name, method, int(self.representatives["seed"][method]))
        record = self.results.record(trial)
        return {} if record is None else self.store.trials.arrays(record)

    @cached_property
    def scored_metrics(self) -> list[str]:
        """The metrics that have a value, in the suite's order."""
        return scored_metrics(self.trials, self.results, self.name)

    @cached_property
    def published_metrics(self) -> list[str]:
        """The metrics of which there are published figures, in the suite's order."""
        if self.tables.published.empty:
            return []
        return list(self.tables.published["metric"].unique())

    @cached_property
    def published_rows(self) -> list[PublishedRow]:
        """The published figures about this dataset, in words."""
        return published_rows(self.tables.published)

    @cached_property
    def metrics_on_curve(self) -> list[str]:
        """The metrics that have values at more than one evaluation."""
        points = self.tables.budget.dropna(subset="median").groupby("metric")["point"].nunique()
        return [name for name in self.results.metrics(self.name) if points.get(name, 0) > 1]

    def metric(self, name: str) -> MetricView:
        """One of the dataset's metrics."""
        if name not in self._metrics:
            tables = self.tables
            self._metrics[name] = MetricView(
                name=name,
                dataset=self.name,
                facts=self.results.facts(self.name, name),
                styles=self.styles,
                trials=self.trials,
                summary=_rows_of(tables.summary, name),
                budget=_rows_of(tables.budget, name),
                best_of=_rows_of(tables.best_of, name),
                pairwise=_rows_of(tables.pairwise, name),
                published=_rows_of(tables.published, name),
            )
        return self._metrics[name]


def dataset_of(results: Results, name: str) -> Dataset:
    """A dataset with the settings that it has in a run.

    Raises:
        UsageError: If it is from a plug-in that was not loaded.
    """
    try:
        return DATASETS.build(name, results.settings(name))
    except UsageError as error:
        if not results.plugins:
            raise
        raise UsageError(f"{error}; the run had --plugin {' --plugin '.join(results.plugins)}") from error


def columns_by_method(
    rows: pd.DataFrame, columns: Sequence[str], methods: Sequence[str]
) -> dict[str, Columns]:
    """Columns of a table as arrays of floats, by method and by name; methods without a row are left out."""
    groups = dict(list(rows.groupby("method", sort=False)))
    by_method = {}
    for method in methods:
        if method in groups:
            by_method[method] = {column: groups[method][column].to_numpy(float) for column in columns}
    return by_method


def _rows_of(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    if table.empty:
        return table
    return table[table["metric"] == metric]
