"""What several pictures do to their axes: scales, method names, reference lines, texts without formulas."""

import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import SymmetricalLogLocator

from benchmark.records.schema import MetricFacts
from benchmark.report.pictures.own_style import own_style
from benchmark.report.styles import CALIBRATION_DASHES
from benchmark.report.view import MetricView

__all__ = [
    "GREY",
    "FigureForNotebooks",
    "draw_calibration",
    "fit_y_axis",
    "label_methods",
    "no_math",
    "no_value",
    "shortened",
]

GREY = "0.5"

MOST_SLANTED_LABELS = 10
"""The largest number of method names that may be slanted; more of them stand upright."""

LONGEST_SLANTED_LABEL = 16
"""Characters of the longest method name that may be slanted."""

LONGEST_LABEL = 40
"""Characters of the longest method name that is shown in full."""

MOST_LOGARITHMIC_TICKS = 7

LARGEST_LINEAR_RATIO = 100
"""The largest ratio of the greatest value to the smallest that a linear axis still shows."""


class FigureForNotebooks(Figure):
    """A figure that a notebook displays by itself."""

    def _repr_png_(self) -> bytes:
        stream = io.BytesIO()
        with own_style():
            FigureCanvasAgg(self).print_png(stream)
        return stream.getvalue()


def fit_y_axis(axes: Axes, values: Any, facts: MetricFacts) -> bool:
    """Makes the axis logarithmic if lower is better and the values span more than two decades.

    Else the axis contains 0 and keeps to the metric's bounds. A logarithmic axis is linear below the 5 %
    quantile of the positive values.

    Arguments:
        axes: The axes.
        values: Values that the axis must show; those that are not finite do not count.
        facts: How to read the metric.

    Returns:
        Whether the axis is logarithmic.
    """
    numbers = np.asarray(values, dtype=float)
    finite = numbers[np.isfinite(numbers)]
    positive = finite[finite > 0]
    if facts["better"] == "lower" and len(positive):
        smallest = float(np.quantile(positive, 0.05))
        if positive.max() > LARGEST_LINEAR_RATIO * max(smallest, 1e-12):
            _make_logarithmic(axes, smallest, positive.max())
            return True
    axes.set_ylim(*_linear_limits(finite, facts))
    return False


def _make_logarithmic(axes: Axes, linear_below: float, largest: float) -> None:
    axes.set_yscale("symlog", linthresh=linear_below)
    axes.set_ylim(0, 3 * largest)
    locator = SymmetricalLogLocator(axes.yaxis.get_transform())
    locator.set_params(numticks=MOST_LOGARITHMIC_TICKS)
    axes.yaxis.set_major_locator(locator)
    axes.yaxis.set_major_formatter("{x:g}")  # a formula for each tick would take most of the time


def _linear_limits(finite: np.ndarray, facts: MetricFacts) -> tuple[float, float]:
    lower_bound, upper_bound = facts["bounds"]
    lowest = -math.inf if lower_bound is None else lower_bound
    highest = math.inf if upper_bound is None else upper_bound
    bottom = 0.0
    if len(finite) and finite.min() < 0 and lowest < 0:
        bottom = 1.05 * max(lowest, finite.min())
    if len(finite) and finite.max() > 0:
        return bottom, 1.05 * min(highest, 1.05 * finite.max())
    return bottom, float(bottom == 0)


def label_methods(axes: Axes, methods: Sequence[str], diverged: dict[str, int]) -> None:
    """Puts the names of methods along the x axis, each at its index.

    Arguments:
        axes: The axes.
        methods: The methods.
        diverged: The number of diverged seeds of the methods that have any; it is shown beneath the name.
    """
    labels = []
    for method in methods:
        note = f"\n{diverged[method]} diverged" if method in diverged else ""
        labels.append(shortened(method) + note)
    axes.set_xlim(-0.6, len(methods) - 0.4)
    longest = max(map(len, labels))
    if len(methods) <= MOST_SLANTED_LABELS and longest <= LONGEST_SLANTED_LABEL:
        axes.set_xticks(range(len(methods)), labels, rotation=45, ha="right")
    else:
        axes.set_xticks(range(len(methods)), labels, rotation=90, ha="center")
    no_math(*axes.get_xticklabels())


def draw_calibration(axes: Axes, metric: MetricView) -> None:
    """Draws the score of each calibration row as a horizontal line."""
    for method, score in metric.calibration.items():
        axes.axhline(score, linestyle=CALIBRATION_DASHES[method], color=GREY, linewidth=1, label=method)


def no_value(axes: Axes, x: float) -> None:
    """Writes at the bottom of the axes that a method has no score."""
    axes.text(x, 0.02, "n/a", ha="center", fontsize=7, transform=axes.get_xaxis_transform())


def no_math(*texts: Text) -> None:
    """Shows texts as they are: names may contain what matplotlib would read as formulas."""
    for text in texts:
        text.set_parse_math(False)


def shortened(name: str) -> str:
    """A name that fits a picture."""
    if len(name) <= LONGEST_LABEL:
        return name
    return f"{name[: LONGEST_LABEL - 1]}…"
