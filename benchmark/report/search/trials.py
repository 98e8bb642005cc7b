"""The trials of a search as a table."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from benchmark.records.results import Results
from benchmark.records.schema import CALIBRATION_ROWS, Record, SearchFacts
from benchmark.registry import recorded_settings
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

COMMON_DEFAULTS = {"fall": "none", "average": 0.0, "average_half_life": 0.0}
"""Settings of all methods, which records and manifests leave out where they have their default."""


def search_trials(results: Results, facts: SearchFacts) -> pd.DataFrame:
    """One row per dataset, method, point and seed of a search; calibration rows have no point.

    A diverged trial has no score. Settings have a column each, `settings.NAME`, which is empty where a method
    has no such setting.

    Arguments:
        results: Records, some of them perhaps of an earlier search.
        facts: What the search tries.
    """
    search = Search(facts["points"], facts["seeds"])
    rows = [_row(record) for record in results.records if _is_tried(record, search, facts)]
    settings: set[str] = set()
    for row in rows:
        settings.update(name for name in row if name not in COLUMNS)
    # As objects, lest whole numbers become real ones where a method has no such setting.
    table = pd.DataFrame(rows, columns=[*COLUMNS, *sorted(settings)], dtype=object)
    whole = dict.fromkeys(("point", "seed", "flops", "generator_steps"), "Int64")
    return table.astype({**whole, "score": float})


def _is_tried(record: Record, search: Search, facts: SearchFacts) -> bool:
    seed = record["seed"]
    point = Search.point_of(seed)
    if seed not in search.seeds_of(point):
        return False
    tried = facts["tried"].get(record["dataset"])
    if tried is None:
        return False
    if record["method"] in CALIBRATION_ROWS:
        return point == 0
    return point in tried.get(record["method"], ())


def _row(record: Record) -> dict[str, Any]:
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
        row["point"] = Search.point_of(record["seed"])
        for name, value in settings_of(record["configuration"]["method"]).items():
            row[f"settings.{name}"] = value
    return row


def settings_of(method: Mapping[str, Any]) -> dict[str, Any]:
    """The settings in what a record or a manifest says of a method."""
    return {**COMMON_DEFAULTS, **recorded_settings(method)}
