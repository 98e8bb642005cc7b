"""What the page shows of what each method spent."""

from typing import Any

import pandas as pd

from benchmark.report.numbers import number
from benchmark.report.tables.tables import Tables
from benchmark.report.words import budget_text

__all__ = ["AUDIT_COLUMNS", "audit_rows"]

AUDIT_COLUMNS = {
    "flops": "FLOPs",
    "generator_steps": "generator steps",
    "discriminator_steps": "discriminator steps",
    "samples_seen": "real samples",
    "device_seconds": "device-seconds",
    "parameters": "parameters",
    "peak_memory_bytes": "peak memory, MiB",
    "sample_evaluations": "evaluations per sample",
    "sample_flops": "FLOPs per sample",
}
"""The columns of `trials.csv` that are shown, with their headings."""

BYTES_PER_MIB = 2**20


def audit_rows(tables: Tables) -> list[dict[str, Any]]:
    """A row per dataset and method: the median of each quantity over seeds, and its range."""
    trained = tables.trials[tables.trials["flops"].notna()]
    audit = []
    for (dataset, method), rows in trained.groupby(["dataset", "method"], sort=False):
        cells = [_cell(rows[name]) for name in AUDIT_COLUMNS]
        audit.append({"dataset": dataset, "method": method, "budget": budget_text(rows), "cells": cells})
    return audit


def _cell(column: pd.Series) -> dict[str, Any]:
    values = column.dropna().astype(float)
    if column.name == "peak_memory_bytes":
        values = values / BYTES_PER_MIB
    median = values.median()
    text = number(median)
    if values.max() > values.min():
        text += f" ({number(values.min())} – {number(values.max())})"
    return {"value": median, "text": text}
