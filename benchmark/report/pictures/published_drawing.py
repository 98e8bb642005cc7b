"""Published figures beside measured ones, on one set of axes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes

from benchmark.report.pictures.axis_helpers import GREY, fit_y_axis, label_methods, no_value
from benchmark.report.tables.published import VerdictKind, kind_of
from benchmark.report.tables.published_words import KIND_WORDS
from benchmark.report.view import MetricView

__all__ = ["PUBLISHED_LABELS", "draw_published"]

MEAN_LABEL, SEED_LABEL = "measured: mean and 95 % interval", "measured: a seed"

LABELS_BY_KIND = {
    VerdictKind.COMPARED: "published, this protocol",
    VerdictKind.OTHER_BUDGET: f"published, {KIND_WORDS[VerdictKind.OTHER_BUDGET]}",
    VerdictKind.NOT_COMPARABLE: f"published, {KIND_WORDS[VerdictKind.NOT_COMPARABLE]}",
}
"""The label of a published figure, by what its verdict amounts to."""

PUBLISHED_LABELS = (MEAN_LABEL, SEED_LABEL, *LABELS_BY_KIND.values())
"""The labels of all that is drawn."""


def draw_published(axes: Axes, metric: MetricView) -> None:
    """On the left of each method our mean with its interval and every seed; on the right the published figures.

    A published figure that is compared is filled, one for another budget is hollow, and one that is not
    comparable is hollow and grey. Each has its interval where that is known. Methods without a published
    figure are left out.
    """
    published = metric.published
    methods = [method for method in metric.styles if (published["method"] == method).any()]
    ends = ["published", "published_low", "published_high", "measured_low", "measured_high"]
    ours = metric.finished[metric.finished.index.isin(methods)]
    fit_y_axis(axes, np.concatenate([ours, published[ends].to_numpy(float).ravel()]), metric.facts)
    for i, method in enumerate(methods):
        rows = published[published["method"] == method]
        rows = rows.sort_values("verdict", key=lambda verdicts: verdicts.map(kind_of), kind="stable")
        _draw_measured(axes, i, metric, method, rows.iloc[0])
        for x, row in zip(_places_of_published(i, len(rows)), rows.to_dict("records"), strict=True):
            _draw_figure(axes, x, row)
    for i in range(1, len(methods)):
        axes.axvline(i - 0.5, color=GREY, alpha=0.4, linewidth=0.5)
    label_methods(axes, methods, metric.diverged)


def _draw_measured(axes: Axes, i: int, metric: MetricView, method: str, row: pd.Series) -> None:
    """Draws our seeds and their mean left of `i`; `row` is any row of `published.csv` of the method."""
    scores = metric.scores.get(method)
    if scores is None:
        no_value(axes, i - 0.25)
        return
    colour = metric.styles[method].colour
    places = np.linspace(-0.43, -0.25, len(scores)) if len(scores) > 1 else np.full(1, -0.34)
    axes.plot(
        i + places,
        scores,
        "o",
        markersize=3,
        alpha=0.7,
        markeredgewidth=0,
        color=colour,
        label=SEED_LABEL,
    )
    axes.vlines(i - 0.13, row["measured_low"], row["measured_high"], linewidth=1.4, color=colour)
    axes.plot(i - 0.13, row["measured"], "o", markersize=5.5, color=colour, label=MEAN_LABEL)


def _draw_figure(axes: Axes, x: float, row: Mapping[Any, Any]) -> None:
    """Draws a published figure with its interval."""
    kind = kind_of(row["verdict"])
    colour, width = rcParams["text.color"], 1.2
    if kind == VerdictKind.NOT_COMPARABLE:
        colour, width = GREY, 0.8
    hollow = kind != VerdictKind.COMPARED
    axes.vlines(x, row["published_low"], row["published_high"], linewidth=width, color=colour)
    axes.plot(
        x,
        row["published"],
        "D",
        color=colour,
        label=LABELS_BY_KIND[kind],
        markersize=4.5,
        markerfacecolor="none" if hollow else colour,
        linestyle="none",
        clip_on=False,
        zorder=3 - kind / 2,
    )


def _places_of_published(i: int, n: int) -> np.ndarray:
    """Where to draw the published figures of a method, right of `i`: the first stands by itself."""
    if n == 1:
        return i + np.full(1, 0.16)
    return i + np.append(0.04, np.linspace(0.15, 0.37, n - 1))
