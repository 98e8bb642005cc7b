"""What the page shows over all datasets, for the metrics that lead on any of them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from benchmark.report.numbers import NO_NUMBER, estimate
from benchmark.report.pictures.charts import profiles_chart
from benchmark.report.pictures.svg import to_svg
from benchmark.report.styles import MethodStyle
from benchmark.report.tables.tables import Tables

__all__ = ["aggregate_rows", "improvement_rows", "profile_pictures"]


def aggregate_rows(tables: Tables, leading: Sequence[str]) -> list[dict[str, Any]]:
    """Interquartile means and average ranks of methods, with the number of datasets that each is of.

    Figures of a single dataset are left out, and rows without any other figure.
    """
    rows = []
    for row in tables.aggregate[tables.aggregate["metric"].isin(leading)].to_dict("records"):
        iqm = _figure(row, "iqm", row["datasets"])
        rank = _figure(row, "rank", row["rank_datasets"])
        if iqm["iqm_datasets"] or rank["rank_datasets"]:
            rows.append({"metric": row["metric"], "method": row["method"], **iqm, **rank})
    return rows


def _figure(row: Mapping[Any, Any], name: str, datasets: Any) -> dict[str, Any]:
    """A figure over datasets: its text, the value to sort by, and the number of datasets."""
    if pd.isna(datasets) or datasets < 2:
        return {name: NO_NUMBER, f"{name}_value": math.nan, f"{name}_datasets": 0}
    text = estimate(row[name], row[f"{name}_low"], row[f"{name}_high"])
    return {name: text, f"{name}_value": row[name], f"{name}_datasets": datasets}


def profile_pictures(
    tables: Tables, leading: Sequence[str], styles: Mapping[str, MethodStyle]
) -> list[Markup]:
    """The performance profiles. To be called within `own_style(PAGE_STYLE)`."""
    pictures = []
    for metric in leading:
        profiles = tables.profiles[(tables.profiles["metric"] == metric) & (tables.profiles["datasets"] > 1)]
        if len(profiles):
            pictures.append(to_svg(profiles_chart(metric, profiles, styles)))
    return pictures


def improvement_rows(tables: Tables, leading: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """The probabilities of improvement between two methods, by metric."""
    table = tables.improvement
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in table[table["metric"].isin(leading) & (table["datasets"] > 1)].to_dict("records"):
        text = estimate(row["probability"], row["low"], row["high"])
        pair = {"a": row["a"], "b": row["b"], "value": row["probability"], "probability": text}
        rows.setdefault(row["metric"], []).append(pair)
    return rows
