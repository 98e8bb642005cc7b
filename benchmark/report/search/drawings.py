"""The pictures of a search."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from benchmark.report.numbers import number
from benchmark.report.pictures.axis_helpers import GREY, fit_y_axis
from benchmark.report.pictures.charts import Chart
from benchmark.report.search.view import MethodView
from benchmark.report.statistics.over_seeds import best_of
from benchmark.report.styles import MethodStyle

__all__ = ["budget_chart", "sensitivity_chart"]


def budget_chart(methods: Mapping[str, MethodView], real: float, styles: Mapping[str, MethodStyle]) -> Chart:
    """The expected best score on a dataset against the number of settings that are tried.

    It is that at the least budget, at which all settings were tried. A setting of which a trial diverged has
    the worst score that the method has.

    References:
        Are GANs Created Equal? A Large-Scale Study (Lucic et al., 2018), arXiv:1711.10337, figure 3.

    Arguments:
        methods: The methods.
        real: The score of real data; NaN for none.
        styles: How each method is drawn.
    """
    first = next(iter(methods.values()))
    ends = []
    for name, view in methods.items():
        scores = view.first_scores
        expected = best_of(scores, len(scores), view.facts["better"]).expected
        ends.append(f"{name} {number(expected)}")
    return Chart(
        draw=partial(_draw_budget, methods=methods, real=real, styles=styles),
        title=f"expected best {first.metric}",
        long_title=f"expected best {first.metric} on {first.dataset}",
        description=f"Expected best {first.metric} on {first.dataset} over all settings: {'; '.join(ends)}",
    )


def _draw_budget(
    axes: Axes, methods: Mapping[str, MethodView], real: float, styles: Mapping[str, MethodStyle]
) -> None:
    values = [real]
    most = 1
    for name, view in methods.items():
        scores = view.first_scores
        numbers = np.arange(1, len(scores) + 1)
        bests = [best_of(scores, int(k), view.facts["better"]) for k in numbers]
        style = styles[name]
        middle = [best.expected for best in bests]
        low, high = [best.low for best in bests], [best.high for best in bests]
        axes.plot(numbers, middle, label=name, color=style.colour, linestyle=style.dashes, linewidth=1.3)
        axes.fill_between(numbers, low, high, color=style.colour, alpha=0.08, linewidth=0)
        values += [*low, *high]
        most = max(most, len(scores))
    first = next(iter(methods.values()))
    fit_y_axis(axes, np.array(values), first.facts)
    if np.isfinite(real):
        axes.axhline(real, color=GREY, linestyle="--", linewidth=1)
    axes.set_xscale("log", base=2)
    ticks = [2**i for i in range(most.bit_length())]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.set_xlabel(f"settings that are tried, {first.seeds} × {first.first['budget'].iloc[0]} each")


def sensitivity_chart(view: MethodView, setting: str, space: Mapping[str, Any], colour: str) -> Chart:
    """The score of every trial of a method at the whole budget, against the value of one setting.

    Arguments:
        view: The method on a dataset.
        setting: The setting.
        space: The values that were searched.
        colour: The colour of the method.
    """
    words = f"{view.metric} of {view.method} by {setting}"
    best = view.trials.loc[view.trials["point"] == view.best, f"settings.{setting}"].iloc[0]
    return Chart(
        draw=partial(_draw_sensitivity, view=view, setting=setting, space=space, colour=colour),
        title=f"{view.method}: {setting}",
        long_title=words,
        description=f"{words}; the best point has {best}",
    )


def _draw_sensitivity(
    axes: Axes, view: MethodView, setting: str, space: Mapping[str, Any], colour: str
) -> None:
    rows = view.trials.dropna(subset="score")
    values = rows[f"settings.{setting}"]
    scores = rows["score"].to_numpy(float)
    if "values" in space:
        names = list(dict.fromkeys([*map(str, space["values"]), *map(str, values)]))
        places = np.array([names.index(str(value)) for value in values], dtype=float)
        x = places + np.random.default_rng(0).uniform(-0.15, 0.15, len(places))
        axes.set_xticks(range(len(names)), names)
    else:
        x = values.to_numpy(float)
        axes.set_xscale(space["scale"])
    published = (rows["point"] == 0).to_numpy(dtype=bool)
    axes.plot(x[~published], scores[~published], "o", markersize=3, color=colour, alpha=0.7)
    axes.plot(x[published], scores[published], "D", markersize=5, color=colour, markerfacecolor="none")
    fit_y_axis(axes, scores, view.facts)
    axes.set_xlabel(setting)
