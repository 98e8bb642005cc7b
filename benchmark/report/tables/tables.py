"""The comparison tables of a run."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.errors import UsageError
from benchmark.records.results import Results
from benchmark.records.schema import EvaluationPoint, Record
from benchmark.records.store import Store
from benchmark.records.table_files import MovedTable
from benchmark.report.statistics.over_seeds import median_interval, summarise
from benchmark.report.tables.along_budget import SPENT, best_of_table, budget_table, evaluation_points
from benchmark.report.tables.csv_text import to_csv
from benchmark.report.tables.over_datasets import aggregate_table, improvement_table, profile_table
from benchmark.report.tables.pairs import pairwise_table, ranking
from benchmark.report.tables.published import published_table

__all__ = ["Tables", "make_tables", "trials_table", "write_tables"]

IDENTITY = ["suite", "dataset", "method", "seed", "status"]
AUDIT = [
    "budget",
    "flops",
    "generator_steps",
    "discriminator_steps",
    "samples_seen",
    "device_seconds",
    "parameters",
    "config_hash",
]
EXTRA = ["width", "diverged_at", "group", "compiled", "peak_memory_bytes"]
WHOLE = ["seed", "modes_total", *SPENT[:-1], "parameters", "width", "diverged_at", "peak_memory_bytes"]


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
        published: One row per published figure beside ours. Of a suite that is of no paper it has no column, and is no file.
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
    published: pd.DataFrame

    @property
    def files(self) -> dict[str, pd.DataFrame]:
        """Those that are files, by name."""
        return {name: frame for name, frame in vars(self).items() if len(frame.columns)}

    def of_dataset(self, name: str) -> "Tables":
        """The rows of one dataset, where a table tells them apart."""
        parts = {
            key: frame[frame["dataset"] == name] for key, frame in vars(self).items() if "dataset" in frame
        }
        return replace(self, **parts)


def make_tables(results: Results, problems: list[str] | None = None) -> Tables:
    """Builds the tables. Methods keep the order of the run.

    Arguments:
        results: The results of the run.
        problems: Where to tell, in lines, what cannot be made.
    """
    trials, curves = trials_table(results), _curves(results.records)
    points = evaluation_points(trials, curves, results)
    summary = _summary(results, trials)
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
        aggregate=aggregate_table(trials, results),
        improvement=improvement_table(trials, results),
        profiles=profile_table(trials, results),
        published=published,
    )


def write_tables(store: Store, tables: Tables) -> list[MovedTable]:
    """Writes the tables as CSV; returns those files that someone had changed, with where they are now."""
    return store.tables.write({f"{name}.csv": to_csv(frame).encode() for name, frame in tables.files.items()})


def _metric_columns(records: Sequence[Record]) -> list[str]:
    """All metrics in the order of the suite, the total number of modes behind the captured ones, larger samples last."""
    seen = dict.fromkeys(name for record in records for name in record["metrics"])
    declared = dict.fromkeys(name for record in records for name in record["configuration"]["metrics"])
    columns = [*declared, *(name for name in seen if name not in declared)]
    if "modes" in columns:
        columns.insert(columns.index("modes") + 1, "modes_total")
    return columns


def trials_table(results: Results) -> pd.DataFrame:
    """One row per dataset, method and seed."""
    metrics = _metric_columns(results.records)
    rows: list[dict[str, Any]] = []
    for record in results.records:
        held: Mapping[str, Any] = record
        audit: Mapping[str, Any] = record["audit"]
        rows.append(
            {
                **{key: held[key] for key in IDENTITY},
                **record["metrics"],
                "modes_total": record["modes_total"] or None,
                "fid_features": record["configuration"]["metrics"].get("fid", {}).get("features"),
                **{key: audit.get(key, held.get(key)) for key in (*AUDIT, *EXTRA)},
                "group": " ".join(map(str, audit["group"])),
                "width": record["configuration"]["dataset"].get("width") if "parameters" in audit else None,
            }
        )
    for dataset, method, seed in results.failures:
        rows.append(
            {"suite": results.suite, "dataset": dataset, "method": method, "seed": seed, "status": "failed"}
        )
    columns = [*IDENTITY, *metrics, "fid_features", *AUDIT, *EXTRA]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype({key: "Int64" for key in WHOLE if key in columns})


def _summary(results: Results, trials: pd.DataFrame) -> pd.DataFrame:
    """`rank` is the method's place by the mean rank of its trials on that dataset, where a diverged trial is the worst that there is.

    So it is for the median and its interval, which are empty where such a trial stands.
    """
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in results.records:
        groups.setdefault((record["dataset"], record["method"]), []).append(record)
    rows = []
    for (dataset, method), members in groups.items():
        finished = [record["metrics"] for record in members if record["status"] == "ok"]
        diverged = sum(record["status"] == "diverged" for record in members)
        for metric in [name for name in _metric_columns(members) if name != "modes_total"]:
            better = results.facts(dataset, metric)["better"]
            values = [scores.get(metric) for scores in finished]
            figures = summarise(values, better)
            middle = median_interval(
                [*(math.nan if value is None else value for value in values), *[math.nan] * diverged], better
            )
            ends = {"median": middle.median, "median_low": middle.low, "median_high": middle.high}
            known = {name: value if math.isfinite(value) else None for name, value in ends.items()}
            rows.append(
                {
                    "dataset": dataset,
                    "method": method,
                    "metric": metric,
                    **figures._asdict(),
                    "diverged": diverged,
                    **known,
                }
            )
    ranks = {
        (dataset, metric): ranking(trials, results, dataset, metric)
        for dataset, metric in {(row["dataset"], row["metric"]) for row in rows}
    }
    for row in rows:
        row["rank"] = ranks[row["dataset"], row["metric"]].get(row["method"])
    columns = [
        "dataset",
        "method",
        "metric",
        "n",
        "mean",
        "std",
        "ci_low",
        "ci_high",
        "best",
        "worst",
        "diverged",
        "rank",
    ]
    medians = ["median", "median_low", "median_high"]
    columns += medians
    return pd.DataFrame(rows, columns=columns).astype({"rank": "Int64", **dict.fromkeys(medians, float)})


def _curves(records: Sequence[Record]) -> pd.DataFrame:
    rows = [
        (record["dataset"], record["method"], record["seed"], point["point"], *spent, metric, value)
        for record in records
        for point in record["curve"]
        for spent in [_spent(point)]
        for metric, value in point["metrics"].items()
    ]
    return pd.DataFrame(rows, columns=["dataset", "method", "seed", "point", *SPENT, "metric", "value"])


def _spent(point: EvaluationPoint) -> list[float]:
    held: Mapping[str, Any] = point
    return [held[key] for key in SPENT]
