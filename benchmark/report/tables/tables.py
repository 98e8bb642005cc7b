"""The comparison tables of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from benchmark.errors import UsageError
from benchmark.records.results import Results
from benchmark.records.schema import Record
from benchmark.records.store import Store
from benchmark.records.table_files import MovedTable
from benchmark.report.statistics.over_seeds import Summary, median_interval, summarise
from benchmark.report.tables.along_budget import (
    COUNTS_SPENT,
    SPENT,
    best_of_table,
    budget_table,
    evaluation_points,
)
from benchmark.report.tables.csv_text import to_csv
from benchmark.report.tables.over_datasets import (
    aggregate_table,
    improvement_table,
    profile_table,
    scores_over_datasets,
)
from benchmark.report.tables.pairs import pairwise_table, ranking
from benchmark.report.tables.published import published_table
from benchmark.report.tables.rows import rows_of
from benchmark.report.tables.settings import settings_table

__all__ = ["Tables", "make_tables", "trials_table", "write_tables"]

TRIAL_COLUMNS = ["suite", "dataset", "method", "seed", "status"]
"""The first columns of `trials.csv`: which trial it is."""

TRAINING_COLUMNS = [
    "budget",
    "flops",
    "generator_steps",
    "discriminator_steps",
    "samples_seen",
    "device_seconds",
    "parameters",
    "config_hash",
    "width",
    "diverged_at",
    "group",
    "compiled",
    "peak_memory_bytes",
    "sample_evaluations",
    "sample_flops",
    "settings",
]
"""Its last columns: how the trial was trained, and what it spent. Between them are the metrics."""

WHOLE_COLUMNS = [
    "seed",
    "modes_total",
    *COUNTS_SPENT,
    "parameters",
    "width",
    "diverged_at",
    "peak_memory_bytes",
    "sample_evaluations",
    "sample_flops",
]
"""Its columns of whole numbers, of which some may be missing."""

MEDIAN_COLUMNS = ["median", "median_low", "median_high"]

SUMMARY_COLUMNS = [
    "dataset",
    "method",
    "metric",
    *Summary._fields,
    "diverged",
    "rank",
    *MEDIAN_COLUMNS,
]


@dataclass(frozen=True)
class Tables:
    """The frames of a run, each of them a CSV file of that name.

    Attributes:
        trials: One row per dataset, method and seed.
        summary: One row per dataset, method and metric.
        curves: One row per dataset, method, seed, evaluation point and metric.
        pairwise: One row per dataset, metric and pair of methods.
        budget: One row per dataset, metric, method and evaluation point.
        best_of: The same for the best of k runs.
        aggregate: One row per metric and method, over datasets.
        improvement: One row per metric and pair of methods, over datasets.
        profiles: One row per metric, method and normalised score, over datasets.
        settings: One row per dataset and method: where its settings come from.
        published: One row per published figure beside ours. Empty, without any column and not written as a
            file, unless the suite reproduces a paper.
    """

    trials: pd.DataFrame
    summary: pd.DataFrame
    curves: pd.DataFrame
    pairwise: pd.DataFrame
    budget: pd.DataFrame
    best_of: pd.DataFrame
    aggregate: pd.DataFrame
    improvement: pd.DataFrame
    profiles: pd.DataFrame
    settings: pd.DataFrame
    published: pd.DataFrame

    @property
    def files(self) -> dict[str, pd.DataFrame]:
        """Those that are files, by name."""
        return {name: frame for name, frame in vars(self).items() if len(frame.columns)}

    def of_dataset(self, dataset: str) -> "Tables":
        """The rows of one dataset; tables over datasets stay as they are."""
        cut = {}
        for name, frame in vars(self).items():
            if "dataset" in frame:
                cut[name] = rows_of(frame, dataset=dataset)
        return replace(self, **cut)


def make_tables(results: Results, problems: list[str] | None = None) -> Tables:
    """Builds the tables. Methods keep the order of the run.

    Arguments:
        results: The results of the run.
        problems: A list to which a line is added for what cannot be made.
    """
    trials, curves = trials_table(results), _curves_table(results.records)
    summary = _summary_table(results, trials)
    points = evaluation_points(trials, curves, results)
    over_datasets = scores_over_datasets(trials, results)
    try:
        published = published_table(results, summary)
    except UsageError as error:  # the program's own table
        published = pd.DataFrame()
        if problems is not None:
            problems.append(str(error))
    return Tables(
        trials=trials,
        summary=summary,
        curves=curves,
        pairwise=pairwise_table(trials, results),
        budget=budget_table(points),
        best_of=best_of_table(points, trials),
        aggregate=aggregate_table(over_datasets),
        improvement=improvement_table(over_datasets),
        profiles=profile_table(over_datasets),
        settings=settings_table(results, trials, summary),
        published=published,
    )


def write_tables(store: Store, tables: Tables) -> list[MovedTable]:
    """Writes the tables as CSV; returns those files that someone had changed, with where they are now."""
    return store.tables.write({f"{name}.csv": to_csv(frame).encode() for name, frame in tables.files.items()})


def trials_table(results: Results) -> pd.DataFrame:
    """One row per dataset, method and seed."""
    rows = [_trial_row(record, results) for record in results.records]
    for dataset, method, seed in results.failures:
        identity = {"suite": results.suite, "dataset": dataset, "method": method, "seed": seed}
        rows.append({**identity, "status": "failed"})
    metrics = _metric_names(results.records)
    if "modes" in metrics:
        metrics.insert(metrics.index("modes") + 1, "modes_total")
    columns = [*TRIAL_COLUMNS, *metrics, "fid_features", *TRAINING_COLUMNS]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype({name: "Int64" for name in WHOLE_COLUMNS if name in columns})


def _trial_row(record: Record, results: Results) -> dict[str, Any]:
    """The row of a finished trial; columns that it has nothing for are left out."""
    own: Mapping[str, Any] = record
    audit: Mapping[str, Any] = record["audit"]
    configuration = record["configuration"]
    row = {name: own[name] for name in TRIAL_COLUMNS}
    row |= record["metrics"]
    row["modes_total"] = record["modes_total"] or None
    row["fid_features"] = configuration["metrics"].get("fid", {}).get("features")
    row |= {name: audit.get(name, own.get(name)) for name in TRAINING_COLUMNS}
    row["group"] = " ".join(map(str, audit["group"]))
    if "parameters" in audit:
        row["width"] = configuration["dataset"].get("width")
        row["settings"] = results.track(record["dataset"], record["method"])["settings"]
    return row


def _metric_names(records: Sequence[Record]) -> list[str]:
    """All metrics in the order of the suite, those on larger samples last."""
    names: dict[str, None] = {}
    for record in records:
        names |= dict.fromkeys(record["configuration"]["metrics"])
    for record in records:
        names |= dict.fromkeys(record["metrics"])
    return list(names)


def _summary_table(results: Results, trials: pd.DataFrame) -> pd.DataFrame:
    """Figures of each metric over the seeds of a method.

    `rank` is the method's place by the mean rank of its trials on that dataset, where a diverged trial is the
    worst that there is. So it is for the median and its interval, which are empty where such a trial stands.
    """
    trials_of: dict[tuple[str, str], list[Record]] = {}
    for record in results.records:
        trials_of.setdefault((record["dataset"], record["method"]), []).append(record)
    ranks: dict[tuple[str, str], dict[str, int]] = {}
    rows = []
    for (dataset, method), records in trials_of.items():
        for metric in _metric_names(records):
            if (dataset, metric) not in ranks:
                ranks[dataset, metric] = ranking(trials, results, dataset, metric)
            rank = ranks[dataset, metric].get(method)
            identity = {"dataset": dataset, "method": method, "metric": metric, "rank": rank}
            figures = _figures(records, metric, results.facts(dataset, metric)["better"])
            rows.append({**identity, **figures})
    table = pd.DataFrame(rows, columns=SUMMARY_COLUMNS)
    table = table.astype({"rank": "Int64", **dict.fromkeys(MEDIAN_COLUMNS, float)})
    table[MEDIAN_COLUMNS] = table[MEDIAN_COLUMNS].replace([np.inf, -np.inf], np.nan)
    return table


def _figures(records: Sequence[Record], metric: str, better: str) -> dict[str, float]:
    """What a summary has of a metric of a method, but for its rank."""
    finished = [record["metrics"].get(metric) for record in records if record["status"] == "ok"]
    diverged = sum(record["status"] == "diverged" for record in records)
    with_diverged = np.array(finished + [None] * diverged, dtype=float)
    interval = median_interval(with_diverged, better)
    return {
        **summarise(finished, better)._asdict(),
        "diverged": diverged,
        "median": interval.median,
        "median_low": interval.low,
        "median_high": interval.high,
    }


def _curves_table(records: Sequence[Record]) -> pd.DataFrame:
    """The scores at the evaluation points, one row per point and metric."""
    points: list[tuple[Any, ...]] = []
    metrics: list[str] = []
    values: list[Any] = []
    lengths: list[int] = []
    for record in records:
        for point in record["curve"]:
            own: Mapping[str, Any] = point
            spent = [own[name] for name in SPENT]
            points.append((record["dataset"], record["method"], record["seed"], point["point"], *spent))
            metrics += point["metrics"].keys()
            values += point["metrics"].values()
            lengths.append(len(point["metrics"]))
    frame = pd.DataFrame(points, columns=["dataset", "method", "seed", "point", *SPENT])
    frame = frame.loc[frame.index.repeat(lengths)].reset_index(drop=True)
    return frame.assign(metric=metrics, value=values)
