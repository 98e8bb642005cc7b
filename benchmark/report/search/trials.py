"""The trials of a search as a table."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from benchmark.records.results import Results
from benchmark.records.schema import CALIBRATION_ROWS, Record
from benchmark.registry import RESERVED_FIELDS
from benchmark.suites.headline import headline
from benchmark.suites.search import Search

__all__ = ["COLUMNS", "search_trials", "settings_of"]

COLUMNS = (
    "dataset",
    "method",
    "point",
    "seed",
    "status",
    "metric",
    "score",
    "budget",
    "flops",
    "generator_steps",
    "compiled",
)
"""The columns that all methods have; those of settings follow."""


def search_trials(results: Results, search: Search) -> pd.DataFrame:
    """One row per dataset, method, point and seed of a search; calibration rows have no point.

    A diverged trial has no score. Settings have a column each, `settings.NAME`, which is empty where a method
    has no such setting.
    """
    rows = [_row(record, search) for record in results.records if search.has(record["seed"])]
    settings: set[str] = set()
    for row in rows:
        settings.update(name for name in row if name not in COLUMNS)
    table = pd.DataFrame(rows, columns=[*COLUMNS, *sorted(settings)])
    table["point"] = table["point"].astype("Int64")
    return table


def _row(record: Record, search: Search) -> dict[str, Any]:
    audit = record["audit"]
    metric = headline(list(record["configuration"]["metrics"]))
    score = record["metrics"].get(metric or "") if record["status"] == "ok" else None
    row: dict[str, Any] = {
        "dataset": record["dataset"],
        "method": record["method"],
        "point": None,
        "seed": record["seed"],
        "status": record["status"],
        "metric": metric,
        "score": score,
        "budget": record["budget"],
        "compiled": audit["compiled"],
    }
    for name in ("flops", "generator_steps"):
        row[name] = audit.get(name)
    if record["method"] not in CALIBRATION_ROWS:
        row["point"] = search.point_of(record["seed"])
        for name, value in settings_of(record).items():
            row[f"settings.{name}"] = value
    return row


def settings_of(record: Record) -> dict[str, Any]:
    """The settings of the method in a record."""
    method: Mapping[str, Any] = record["configuration"]["method"]
    return {name: value for name, value in method.items() if name not in RESERVED_FIELDS}
