"""The pictures of a search."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from benchmark.records.schema import MetricFacts
from benchmark.report.numbers import number
from benchmark.report.pictures.axis_helpers import GREY, fit_y_axis
from benchmark.report.pictures.charts import Chart
from benchmark.report.search.choice import PointScores
from benchmark.report.statistics.over_seeds import best_of
from benchmark.report.styles import MethodStyle

__all__ = ["budget_chart", "sensitivity_chart"]


def budget_chart(
    dataset: str,
    methods: Mapping[str, PointScores],
    facts: MetricFacts,
    reference: float,
    styles: Mapping[str, MethodStyle],
) -> Chart:
    """The expected best score against the number of settings that are tried.

    References:
        Are GANs Created Equal? A Large-Scale Study (Lucic et al., 2018), arXiv:1711.10337, figure 3.

    Arguments:
        dataset: The dataset.
        methods: The points of each method.
        facts: How to read the metric.
        reference: The score of real data; NaN for none.
        styles: How each method is drawn.
    """
    metric = next(iter(methods.values())).metric
    ends = []
    for method, points in methods.items():
        whole = points.scores.dropna()
        ends.append(f"{method} {number(best_of(whole, len(whole), points.better).expected)}")
    return Chart(
        draw=partial(_draw_budget, methods=methods, facts=facts, reference=reference, styles=styles),
        title=f"expected best {metric}",
        long_title=f"expected best {metric} on {dataset}",
        description=f"Expected best {metric} on {dataset} over all settings: {'; '.join(ends)}",
    )


def _draw_budget(
    axes: Axes,
    methods: Mapping[str, PointScores],
    facts: MetricFacts,
    reference: float,
    styles: Mapping[str, MethodStyle],
) -> None:
    values = [reference]
    most = 1
    for method, points in methods.items():
        scores = points.scores.dropna()
        numbers = np.arange(1, len(scores) + 1)
        bests = [best_of(scores, int(k), points.better) for k in numbers]
        style = styles[method]
        middle = [best.expected for best in bests]
        axes.plot(numbers, middle, label=method, color=style.colour, linestyle=style.dashes, linewidth=1.3)
        low, high = [best.low for best in bests], [best.high for best in bests]
        axes.fill_between(numbers, low, high, color=style.colour, alpha=0.08, linewidth=0)
        values += [*low, *high]
        most = max(most, len(scores))
    fit_y_axis(axes, np.array(values), facts)
    axes.axhline(reference, color=GREY, linestyle="--", linewidth=1)
    axes.set_xscale("log", base=2)
    ticks = [2**i for i in range(most.bit_length()) if 2**i <= most]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.set_xlabel("settings that are tried")


def sensitivity_chart(
    method: str, setting: str, rows: pd.DataFrame, space: Mapping[str, Any], facts: MetricFacts, colour: str
) -> Chart:
    """The score of every trial of a method against the value of one setting.

    Arguments:
        method: The method.
        setting: The setting.
        rows: The trials of the method on one dataset that have a score.
        space: The values that were searched.
        facts: How to read the metric.
        colour: The colour of the method.
    """
    metric = rows["metric"].iloc[0]
    best = rows.loc[rows["score"].idxmax() if facts["better"] == "higher" else rows["score"].idxmin()]
    return Chart(
        draw=partial(_draw_sensitivity, setting=setting, rows=rows, space=space, facts=facts, colour=colour),
        title=f"{method}: {setting}",
        long_title=f"{metric} of {method} by {setting}",
        description=f"{metric} of {method} by {setting}; the best trial has {best[setting]}",
    )


def _draw_sensitivity(
    axes: Axes, setting: str, rows: pd.DataFrame, space: Mapping[str, Any], facts: MetricFacts, colour: str
) -> None:
    scores = rows["score"].to_numpy(float)
    if "values" in space:
        names = list(dict.fromkeys([*map(str, space["values"]), *map(str, rows[setting])]))
        x = np.array([names.index(str(value)) for value in rows[setting]], dtype=float)
        x += np.random.default_rng(0).uniform(-0.15, 0.15, len(x))
        axes.set_xticks(range(len(names)), names)
    else:
        x = rows[setting].to_numpy(float)
        axes.set_xscale(space["scale"])
    published = (rows["point"] == 0).to_numpy(dtype=bool)
    axes.plot(x[~published], scores[~published], "o", markersize=3, color=colour, alpha=0.7)
    axes.plot(x[published], scores[published], "D", markersize=5, color=colour, markerfacecolor="none")
    fit_y_axis(axes, scores, facts)
    axes.set_xlabel(setting)
