"""The comparison tables of a run."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.statistics import summarise
from benchmark.store import Store

__all__ = ["Tables", "direction", "write_tables"]

IDENTITY = ["suite", "dataset", "method", "seed", "status"]
AUDIT = ["budget", "flops", "generator_steps", "discriminator_steps", "samples_seen", "device_seconds", "parameters", "config_hash"]
EXTRA = ["width", "diverged_at", "group", "compiled", "peak_memory_bytes"]
SPENT = ["flops", "generator_steps", "discriminator_steps", "samples_seen", "device_seconds"]
WHOLE = ["seed", "modes_total", *SPENT[:-1], "parameters", "width", "diverged_at", "peak_memory_bytes"]
LARGE = "_large"


@dataclass(frozen=True)
class Tables:
    """The frames of a run.

    Attributes:
        trials: One row per dataset, method and seed.
        summary: One row per dataset, method and metric.
        curves: One row per dataset, method, seed, evaluation point and metric.
    """

    trials: pd.DataFrame
    summary: pd.DataFrame
    curves: pd.DataFrame


def write_tables(store: Store) -> Tables:
    """Builds `trials.csv`, `summary.csv` and `curves.csv` from the records. Methods keep the order of the run."""
    manifest = store.manifest()
    records = _ordered(list(store.records()), manifest)
    tables = Tables(
        trials=_trials(records, list(store.failures()), manifest),
        summary=_summary(records, manifest),
        curves=_curves(records),
    )
    for name in ("trials", "summary", "curves"):
        _write_csv(getattr(tables, name), store.root / f"{name}.csv")
    return tables


def direction(manifest: dict[str, Any], dataset: str, metric: str) -> str:
    """Which values of a metric are better: `higher`, `lower` or `one`."""
    return manifest["metrics"][dataset][metric.removesuffix(LARGE)]["better"]


def _ordered(records: list[dict[str, Any]], manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """By dataset and method in the order of the configuration, others after them, then by seed."""
    configuration = manifest["configuration"]
    datasets = list(configuration["datasets"])
    methods = ["real-data", "collapsed", *configuration["methods"]]

    def place(names: Sequence[str], name: str) -> tuple[int, str]:
        return (names.index(name), "") if name in names else (len(names), name)

    return sorted(records, key=lambda r: (place(datasets, r["dataset"]), place(methods, r["method"]), r["seed"]))


def _metric_columns(records: Sequence[dict[str, Any]]) -> list[str]:
    """All metrics in the order of the suite, the total number of modes behind the captured ones, larger samples last."""
    seen = dict.fromkeys(name for record in records for name in record["metrics"])
    declared = dict.fromkeys(name for record in records for name in record["configuration"]["metrics"])
    columns = [*declared, *(name for name in seen if name not in declared)]
    if "modes" in columns:
        columns.insert(columns.index("modes") + 1, "modes_total")
    return columns


def _trials(records: Sequence[dict[str, Any]], failures: Sequence[tuple[str, str, int]], manifest: dict[str, Any]) -> pd.DataFrame:
    metrics = _metric_columns(records)
    rows = []
    for record in records:
        audit = record["audit"]
        rows.append(
            {
                **{key: record[key] for key in IDENTITY},
                **record["metrics"],
                "modes_total": manifest["modes"].get(record["dataset"]) or None,
                "fid_features": record["configuration"]["metrics"].get("fid", {}).get("features"),
                **{key: audit.get(key, record.get(key)) for key in (*AUDIT, *EXTRA)},
                "group": " ".join(map(str, audit["group"])),
                "width": record["configuration"]["dataset"].get("width") if "parameters" in audit else None,
            }
        )
    for dataset, method, seed in failures:
        rows.append({"suite": manifest["suite"], "dataset": dataset, "method": method, "seed": seed, "status": "failed"})
    columns = [*IDENTITY, *metrics, "fid_features", *AUDIT, *EXTRA]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype({key: "Int64" for key in WHOLE if key in columns})


def _summary(records: Sequence[dict[str, Any]], manifest: dict[str, Any]) -> pd.DataFrame:
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for record in records:
        groups.setdefault((record["dataset"], record["method"]), []).append(record)
    rows = []
    for (dataset, method), members in groups.items():
        finished = [record["metrics"] for record in members if record["status"] == "ok"]
        diverged = sum(record["status"] == "diverged" for record in members)
        for metric in [name for name in _metric_columns(members) if name != "modes_total"]:
            figures = summarise([scores.get(metric) for scores in finished], direction(manifest, dataset, metric))
            rows.append({"dataset": dataset, "method": method, "metric": metric, **figures._asdict(), "diverged": diverged})
    return pd.DataFrame(rows, columns=["dataset", "method", "metric", "n", "mean", "std", "ci_low", "ci_high", "best", "worst", "diverged"])


def _curves(records: Sequence[dict[str, Any]]) -> pd.DataFrame:
    rows = [
        {
            **{key: record[key] for key in ("dataset", "method", "seed")},
            "point": point["point"],
            **{key: point[key] for key in SPENT},
            "metric": metric,
            "value": value,
        }
        for record in records
        for point in record["curve"]
        for metric, value in point["metrics"].items()
    ]
    return pd.DataFrame(rows, columns=["dataset", "method", "seed", "point", *SPENT, "metric", "value"])


def _write_csv(frame: pd.DataFrame, file: Path) -> None:
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    frame.to_csv(temporary, index=False, lineterminator="\n")
    os.replace(temporary, file)
