"""What the page shows of where settings come from."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from benchmark.report.numbers import NO_NUMBER, number
from benchmark.report.tables.tables import Tables
from benchmark.report.words import seeds_text

__all__ = ["settings_rows"]

SCORES = ("search_score", "score", "optimism")
"""The columns of `settings.csv` that are numbers for people."""


def settings_rows(tables: Tables) -> list[dict[str, Any]]:
    """A row per dataset and method; none if all settings are those of the suite."""
    settings = tables.settings
    if (settings["settings"] == "published").all() and settings["changed"].isna().all():
        return []
    rows = []
    for row in settings.to_dict("records"):
        text = row["settings"]
        if not pd.isna(row["changed"]):
            text += f", but for {', '.join(row['changed'].split())}"
        rows.append(
            {
                "dataset": row["dataset"],
                "method": row["method"],
                "settings": text,
                "metric": NO_NUMBER if pd.isna(row["metric"]) else row["metric"],
                "cells": [_cell(row[name]) for name in SCORES],
                "search": _search(row),
            }
        )
    return rows


def _cell(value: float) -> dict[str, Any]:
    return {"value": value, "text": NO_NUMBER if pd.isna(value) else number(value)}


def _search(row: Mapping[Any, Any]) -> str | None:
    if pd.isna(row["points"]):
        return None
    words = f"{row['points']} settings, {seeds_text(row['seeds'])}, {row['search_budget']} each"
    if row["rungs"] == 1:
        return words
    return f"{words}, in {row['rungs']} rungs by successive halving with factor {row['halving']}"
