"""The pictures of a metric, each with its title and its words, for `plots/` and for the page."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes

from benchmark.report.numbers import number
from benchmark.report.pictures.axis_helpers import shortened
from benchmark.report.pictures.drawings import (
    draw_best_of,
    draw_cost,
    draw_course,
    draw_profiles,
    draw_scores,
)
from benchmark.report.pictures.published_drawing import draw_published
from benchmark.report.scores import Row
from benchmark.report.styles import MethodStyle
from benchmark.report.tables.published_words import KIND_WORDS, PublishedRow
from benchmark.report.view import DatasetView, MetricView, Sampling
from benchmark.report.words import AGAINST, ARROWS, DIRECTIONS

__all__ = [
    "Chart",
    "best_of_chart",
    "cost_chart",
    "costs_differ",
    "course_chart",
    "profiles_chart",
    "published_chart",
    "scores_chart",
]

MUCH_MORE = 3.0
"""By which factor costs of samples must differ for a picture of them."""


class Chart(NamedTuple):
    """A picture on one set of axes.

    Attributes:
        draw: Draws the picture.
        title: Its title on the page.
        long_title: Its title in `plots/`.
        description: Words for readers who do not see it.
        beneath: Inches beneath the axes that their labels take on the page.
    """

    draw: Callable[[Axes], None]
    title: str
    long_title: str
    description: str
    beneath: float = 0.45


def scores_chart(metric: MetricView, rows: Sequence[Row] = ()) -> Chart:
    """The final scores of all methods.

    Arguments:
        metric: The metric.
        rows: The rows of the table of scores, for the description.
    """
    texts = [f"{row.method} {row.scores[metric.name].text}" for row in rows]
    description = f"{metric.name} on {metric.dataset}, {_direction(metric)}: {'; '.join(texts)}"
    return _chart(metric, partial(draw_scores, metric=metric), description, _height_of(list(metric.styles)))


def course_chart(metric: MetricView, against: str) -> Chart:
    """The median over seeds along the budget, against one of the quantities in `AGAINST`."""
    ends = metric.budget.groupby("method", sort=False)["median"].last().astype(float)
    description = (
        f"Median of {metric.name} on {metric.dataset} against {AGAINST[against]}, {_direction(metric)}; "
        f"at the end of the budget: {_values_in_words(ends)}"
    )
    return _chart(metric, partial(draw_course, metric=metric, against=against), description)


def costs_differ(view: DatasetView) -> bool:
    """Whether a sample of one method takes much more than one of another."""
    flops = [sampling.flops for sampling in view.sampling.values()]
    return bool(flops) and max(flops) > MUCH_MORE * max(min(flops), 1)


def cost_chart(metric: MetricView, sampling: Mapping[str, Sampling]) -> Chart:
    """The final scores against what a sample takes."""
    middle = metric.estimate.middle
    scores = metric.figures[middle].to_dict()
    texts = []
    for method, cost in sampling.items():
        if method in metric.means:
            texts.append(f"{method} {number(scores[method])} at {cost.flops:.1e}")
    description = (
        f"The {middle} of {metric.name} on {metric.dataset} against FLOPs per sample: {'; '.join(texts)}"
    )
    return _chart(metric, partial(draw_cost, metric=metric, sampling=sampling), description)


def best_of_chart(metric: MetricView) -> Chart:
    """The expected score of the best of k runs."""
    most = metric.best_of["k"].max()
    rows = metric.best_of[metric.best_of["k"] == most]
    ends = rows.groupby("method", sort=False)["expected"].last()
    description = (
        f"Expected {metric.name} of the best of k runs on {metric.dataset}; "
        f"of {most}: {_values_in_words(ends)}"
    )
    return _chart(metric, partial(draw_best_of, metric=metric), description)


def published_chart(metric: MetricView, rows: Sequence[PublishedRow] = ()) -> Chart:
    """The published figures beside the measured ones.

    Arguments:
        metric: The metric.
        rows: The published figures in words, of this metric among others, for the description.
    """
    of_metric = [row for row in rows if row.metric == metric.name]
    texts = []
    for row in of_metric:
        source = f"{row.where}, {KIND_WORDS[row.kind]}" if row.kind else row.where
        texts.append(f"{row.method} {row.published} ({source}), measured {row.measured}")
    description = f"Published and measured {metric.name} on {metric.dataset}: {'; '.join(texts)}"
    beneath = _height_of([row.method for row in of_metric])
    return _chart(metric, partial(draw_published, metric=metric), description, beneath)


def profiles_chart(metric: str, profiles: pd.DataFrame, styles: Mapping[str, MethodStyle]) -> Chart:
    """The performance profiles of a metric over several datasets.

    Arguments:
        metric: The metric's name.
        profiles: Its rows of `profiles.csv`.
        styles: How each method is drawn.
    """
    halfway = profiles[(profiles["score"] - 0.5).abs() < 1e-9].set_index("method")["share"]
    shares = "; ".join(f"{method} {share:.0%}" for method, share in halfway.items())
    description = (
        f"Performance profiles by {metric}; share of runs that reach half of the way to perfect: {shares}"
    )
    return Chart(partial(draw_profiles, profiles=profiles, styles=styles), metric, metric, description)


def _chart(
    metric: MetricView, draw: Callable[[Axes], None], description: str, beneath: float = 0.45
) -> Chart:
    title = f"{metric.name} {ARROWS[metric.facts['better']]}"
    return Chart(draw, title, f"{metric.name} ({_direction(metric)})", description, beneath)


def _direction(metric: MetricView) -> str:
    return DIRECTIONS[metric.facts["better"]]


def _values_in_words(values: pd.Series) -> str:
    return "; ".join(f"{method} {number(value)}" for method, value in values.items())


def _height_of(methods: Sequence[str]) -> float:
    """Inches that the upright names of methods take."""
    return 0.25 + 0.06 * max((len(shortened(method)) for method in methods), default=0)
