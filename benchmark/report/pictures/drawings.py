"""A metric on one set of axes: final scores, curves, the best of several runs, profiles. And samples."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes

from benchmark.report.pictures.axis_helpers import GREY, draw_calibration, fit_y_axis, label_methods, no_value
from benchmark.report.styles import COLOURS, MethodStyle
from benchmark.report.view import MetricView, PlaneView, Sampling, columns_by_method
from benchmark.report.words import AGAINST

__all__ = ["draw_best_of", "draw_cost", "draw_course", "draw_profiles", "draw_samples", "draw_scores"]

MOST_MARKED_POINTS = 10
"""Up to so many evaluations, a curve marks each of them, since nothing is known between them."""

MARK_WIDTH = 0.0135
"""The width of a mark as a share of an axis."""


def draw_scores(axes: Axes, metric: MetricView) -> None:
    """Final scores: means with their intervals, every seed as a dot, the calibration rows as lines.

    A metric on a logarithmic scale shows medians instead of means. They are bars, or ticks where the axis is
    logarithmic and a length would mean nothing.
    """
    columns = metric.estimate
    summary = metric.summary.set_index("method")
    middle, low, high = (dict(zip(summary.index, summary[name], strict=True)) for name in columns)
    values = np.concatenate([metric.finished, summary[columns.low], summary[columns.high]])
    logarithmic = fit_y_axis(axes, values, metric.facts)
    for i, (method, style) in enumerate(metric.styles.items()):
        scores = metric.scores.get(method)
        if scores is None:
            no_value(axes, i)
            continue
        if logarithmic:
            axes.hlines(middle[method], i - 0.35, i + 0.35, color=style.colour, linewidth=3, alpha=0.6)
        else:
            axes.bar(i, middle[method], color=style.colour, alpha=0.4, width=0.7)
        offsets = np.zeros(1)
        if len(scores) > 1:
            axes.vlines(i, low[method], high[method], linewidth=1.4, color=rcParams["text.color"])
            offsets = np.linspace(-0.2, 0.2, len(scores))
        axes.plot(i + offsets, scores, "o", markersize=3, color=style.colour)
    draw_calibration(axes, metric)
    label_methods(axes, list(metric.styles), metric.diverged)


def draw_course(axes: Axes, metric: MetricView, against: str) -> None:
    """The median over seeds along the budget, with its interval as a band; the calibration rows as lines.

    Arguments:
        axes: Where to draw.
        metric: The metric.
        against: The quantity on the x axis, a key of `AGAINST`.
    """
    budget = metric.budget
    values = [budget[name].to_numpy(float) for name in ("median", "low", "high")]
    fit_y_axis(axes, np.concatenate([*values, metric.calibration_scores]), metric.facts)
    bottom, top = axes.get_ylim()
    for method, columns in metric.curves.items():
        median = columns["median"]
        # Where a trial without a value stands at an end of the interval, the band goes to the edge.
        low = np.where(np.isfinite(median) & np.isnan(columns["low"]), bottom, columns["low"])
        high = np.where(np.isfinite(median) & np.isnan(columns["high"]), top, columns["high"])
        line = _Line(method, metric.styles[method], columns[against], median, low, high)
        line.draw(axes, markevery=_marked_points(median))
    draw_calibration(axes, metric)
    axes.set_xlabel(f"{AGAINST[against]} per trial")
    axes.set_xlim(left=0)


def draw_cost(axes: Axes, metric: MetricView, sampling: Mapping[str, Sampling]) -> None:
    """Means with their intervals against FLOPs per sample, the calibration rows as lines.

    A metric on a logarithmic scale shows medians instead of means. Methods of about the same cost stand side
    by side.
    """
    figures = metric.figures
    columns = [dict(zip(figures.index, figures[name], strict=True)) for name in metric.estimate]
    fit_y_axis(axes, figures[[*metric.estimate]].to_numpy(float).ravel(), metric.facts)
    shown = [method for method in metric.styles if method in sampling and method in metric.means]
    for method, place in _side_by_side({method: sampling[method].flops for method in shown}).items():
        style = metric.styles[method]
        middle, low, high = (column[method] for column in columns)
        if np.isfinite([low, high]).all():
            axes.vlines(place, low, high, linewidth=1.2, color=style.colour)
        axes.plot(place, middle, style.marker, color=style.colour, markersize=6, label=method)
    draw_calibration(axes, metric)
    axes.set_xscale("log")
    axes.set_xlabel("FLOPs per sample; methods of the same cost side by side")


def _side_by_side(costs: Mapping[str, float]) -> dict[str, float]:
    """Where methods stand on a logarithmic axis of costs, those of about the same cost beside each other."""
    if not costs:
        return {}
    groups: dict[str, list[str]] = {}
    for method, cost in costs.items():
        groups.setdefault(f"{cost:.1e}", []).append(method)
    places = {}
    decades = math.log10(max(costs.values()) / min(costs.values()))
    for methods in groups.values():
        for i, method in enumerate(methods):
            marks = i - (len(methods) - 1) / 2
            places[method] = costs[method] * 10 ** (marks * MARK_WIDTH * decades)
    return places


def draw_best_of(axes: Axes, metric: MetricView) -> None:
    """The expected score of the best of k runs after the whole budget, and the range of 95 % of outcomes."""
    best_of = metric.best_of
    values = [best_of[name].to_numpy(float) for name in ("expected", "low", "high")]
    fit_y_axis(axes, np.concatenate(values), metric.facts)
    for method, columns in metric.best_of_at_the_end.items():
        x, middle, low, high = columns.values()
        _Line(method, metric.styles[method], x, middle, low, high).draw(axes, opacity=0.08)
    axes.set_xscale("log")
    numbers_of_runs = sorted(best_of["k"].unique())
    axes.set_xticks(numbers_of_runs, [str(k) for k in numbers_of_runs])
    axes.minorticks_off()
    axes.set_xlabel("runs, of which the best is kept")


def draw_profiles(axes: Axes, profiles: pd.DataFrame, styles: Mapping[str, MethodStyle]) -> None:
    """The share of runs that reach each normalised score, with its interval.

    Arguments:
        axes: Where to draw.
        profiles: The rows of `profiles.csv` of one metric.
        styles: How each method is drawn.
    """
    curves = columns_by_method(profiles, ["score", "share", "low", "high"], list(styles))
    for method, columns in curves.items():
        x, middle, low, high = columns.values()
        _Line(method, styles[method], x, middle, low, high).draw_steps(axes)
    axes.set_ylim(0, 1.02)
    axes.set_xlim(0, 1)
    axes.set_xlabel("normalised score: 0 is the better dummy, 1 is perfect")
    axes.set_ylabel("share of runs at least that good")


def draw_samples(axes: Axes, plane: PlaneView, method: str, size: float = 9.0) -> float:
    """The samples of a method as dots over the true modes as circles.

    Arguments:
        axes: Where to draw.
        plane: The samples of all methods.
        method: The method; without samples, the modes alone are drawn.
        size: The diameter of a circle, in points.

    Returns:
        The share of the samples that lies outside the axes.
    """
    points = plane.points.get(method, np.empty((0, 2)))
    low, high = plane.frame
    inside = np.all((points > low) & (points < high), axis=1)
    x, y = plane.landmarks.T
    axes.plot(x, y, "o", markersize=size, markerfacecolor="none", markeredgecolor=GREY, linestyle="none")
    x, y = points.T
    axes.plot(x, y, ".", markersize=2 * size / 9, alpha=0.35, color=COLOURS[0], rasterized=True)
    (left, bottom), (right, top) = low, high
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    if len(points) == 0:
        return 0.0
    return 1 - float(inside.mean())


class _Line(NamedTuple):
    """A method's values along an axis, with an interval."""

    method: str
    style: MethodStyle
    x: np.ndarray
    middle: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def draw(self, axes: Axes, markevery: list[int] | None = None, opacity: float = 0.1) -> None:
        axes.plot(
            self.x,
            self.middle,
            label=self.method,
            color=self.style.colour,
            linestyle=self.style.dashes,
            linewidth=1.3,
            marker=self.style.marker,
            markersize=3,
            markevery=markevery,
        )
        axes.fill_between(self.x, self.low, self.high, color=self.style.colour, alpha=opacity, linewidth=0)

    def draw_steps(self, axes: Axes) -> None:
        axes.step(
            self.x,
            self.middle,
            where="post",
            label=self.method,
            color=self.style.colour,
            linestyle=self.style.dashes,
            linewidth=1.3,
        )
        axes.fill_between(
            self.x, self.low, self.high, step="post", color=self.style.colour, alpha=0.1, linewidth=0
        )


def _marked_points(median: np.ndarray) -> list[int]:
    """The evaluations that a curve marks: some, and those that have a value between two that have none."""
    every = 1 if len(median) <= MOST_MARKED_POINTS else len(median) // 5
    defined = np.isfinite(median)
    before = np.insert(defined[:-1], 0, False)
    after = np.append(defined[1:], False)
    alone = np.flatnonzero(defined & ~before & ~after)
    return sorted({*range(0, len(median), every), *alone.tolist()})
