"""One set of axes: the scores of a metric, its course along the budget, samples. Pictures and page are made of these."""

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import SymmetricalLogLocator

from benchmark.datasets.mixtures import Mixture
from benchmark.records.schema import CALIBRATION_ROWS, MetricFacts
from benchmark.report.tables.published import VerdictKind, kind_of
from benchmark.report.view import COLOURS, MethodStyle
from benchmark.report.words import AGAINST

__all__ = [
    "CALIBRATION_LINES",
    "Picture",
    "draw_best_of",
    "draw_course",
    "draw_profiles",
    "draw_published",
    "draw_samples",
    "draw_scores",
    "plain",
    "shortened",
]

CALIBRATION_LINES = dict(zip(CALIBRATION_ROWS, ("--", ":", "-."), strict=True))
"""The lines of the calibration rows."""

FEW = 10
"""Points of a course up to which each is marked, for between them nothing is known; and methods up to which labels may be slanted."""

SHORT, LONG = 16, 40
"""Characters of a label that may be slanted, and of the longest that is shown in a picture."""

FEW_TICKS = 7
"""On a logarithmic axis of a small picture."""

GREY = "0.5"

KEYS = (
    "measured: mean and 95 % interval",
    "measured: a seed",
    "published, this protocol",
    "published, at another budget",
    "published, not comparable",
)
"""What is drawn beside published figures."""


class Picture(Figure):
    """A figure that a notebook shows without being told how."""

    def _repr_png_(self) -> bytes:
        stream = io.BytesIO()
        FigureCanvasAgg(self).print_png(stream)
        return stream.getvalue()


def draw_scores(
    axes: Axes,
    trials: pd.DataFrame,
    summary: pd.DataFrame,
    metric: str,
    facts: MetricFacts,
    styles: Mapping[str, MethodStyle],
) -> None:
    """Means with their intervals, or medians for a metric on a logarithmic scale; every seed as a dot, the calibration rows as lines.

    A mean is a bar, or a tick where the axis is logarithmic and a length would mean nothing.

    Arguments:
        axes: Where to draw.
        trials: The rows of `trials.csv` of one dataset.
        summary: Those of `summary.csv`.
        metric: The metric.
        facts: How to read it.
        styles: The methods to show.
    """
    finished = trials[trials["status"] == "ok"]
    middle, low, high = (
        ("median", "median_low", "median_high") if facts["scale"] == "log" else ("mean", "ci_low", "ci_high")
    )
    figures = summary[summary["metric"] == metric].set_index("method")
    logarithmic = tame(axes, pd.concat([finished[metric], figures[low], figures[high]]), facts)
    for i, (method, style) in enumerate(styles.items()):
        values = finished.loc[finished["method"] == method, metric].dropna().to_numpy(float)
        if len(values) == 0:
            axes.text(i, 0.02, "n/a", ha="center", fontsize=7, transform=axes.get_xaxis_transform())
            continue
        known = figures.loc[method]
        if logarithmic:
            axes.hlines(known[middle], i - 0.35, i + 0.35, color=style.colour, linewidth=3, alpha=0.6)
        else:
            axes.bar(i, known[middle], color=style.colour, alpha=0.4, width=0.7)
        if len(values) > 1:
            axes.vlines(i, known[low], known[high], linewidth=1.4, color=rcParams["text.color"])
        offsets = np.linspace(-0.2, 0.2, len(values)) if len(values) > 1 else np.zeros(1)
        axes.plot(i + offsets, values, "o", markersize=3, color=style.colour)
    _references(axes, trials, metric)
    _name_methods(axes, trials, list(styles))


def draw_published(
    axes: Axes,
    trials: pd.DataFrame,
    published: pd.DataFrame,
    metric: str,
    facts: MetricFacts,
    styles: Mapping[str, MethodStyle],
) -> None:
    """Published figures beside ours: on the left our mean with its interval, and every seed; on the right what papers say.

    What is compared is filled, what was published for another budget is hollow, and what is not comparable is grey, too; each has its
    interval where that is known.

    Arguments:
        axes: Where to draw.
        trials: The rows of `trials.csv` of one dataset.
        published: Those of `published.csv`.
        metric: The metric.
        facts: How to read it.
        styles: The methods; those without a published figure of that metric are left out.
    """
    chosen = published[published["metric"] == metric]
    finished = trials[trials["status"] == "ok"]
    methods = [method for method in styles if (chosen["method"] == method).any()]
    ends = (
        chosen[["published", "published_low", "published_high", "measured_low", "measured_high"]]
        .to_numpy(float)
        .ravel()
    )
    tame(
        axes,
        pd.concat([finished.loc[finished["method"].isin(methods), metric].astype(float), pd.Series(ends)]),
        facts,
    )
    for i, method in enumerate(methods):
        rows = chosen[chosen["method"] == method].sort_values(
            "verdict", key=lambda verdicts: verdicts.map(kind_of), kind="stable"
        )
        values = finished.loc[finished["method"] == method, metric].dropna().to_numpy(float)
        if len(values):
            ours, low, high = rows[["measured", "measured_low", "measured_high"]].iloc[0]
            places = i + (np.linspace(-0.43, -0.25, len(values)) if len(values) > 1 else np.full(1, -0.34))
            axes.plot(
                places,
                values,
                "o",
                markersize=3,
                alpha=0.7,
                markeredgewidth=0,
                color=styles[method].colour,
                label=KEYS[1],
            )
            axes.vlines(i - 0.13, low, high, linewidth=1.4, color=styles[method].colour)
            axes.plot(i - 0.13, ours, "o", markersize=5.5, color=styles[method].colour, label=KEYS[0])
        else:
            axes.text(i - 0.25, 0.02, "n/a", ha="center", fontsize=7, transform=axes.get_xaxis_transform())
        places = i + (
            np.append(0.04, np.linspace(0.15, 0.37, len(rows) - 1)) if len(rows) > 1 else np.full(1, 0.16)
        )
        for x, row in zip(places, rows.to_dict("records"), strict=True):
            kind = kind_of(row["verdict"])
            colour = GREY if kind == VerdictKind.NOT_COMPARABLE else rcParams["text.color"]
            face = "none" if kind else colour
            axes.vlines(
                x,
                row["published_low"],
                row["published_high"],
                linewidth=0.8 if kind == VerdictKind.NOT_COMPARABLE else 1.2,
                color=colour,
            )
            marker: dict[str, Any] = {
                "markersize": 4.5,
                "markerfacecolor": face,
                "linestyle": "none",
                "clip_on": False,
                "zorder": 3 - kind / 2,
            }
            axes.plot(x, row["published"], "D", color=colour, label=KEYS[2 + kind], **marker)
    for i in range(1, len(methods)):
        axes.axvline(i - 0.5, color=GREY, alpha=0.4, linewidth=0.5)
    _name_methods(axes, trials, methods)


def draw_course(
    axes: Axes,
    budget: pd.DataFrame,
    trials: pd.DataFrame,
    metric: str,
    facts: MetricFacts,
    styles: Mapping[str, MethodStyle],
    against: str,
) -> None:
    """The median over seeds along the budget, and its interval as a band; the calibration rows as lines.

    Arguments:
        axes: Where to draw.
        budget: The rows of `budget.csv` of one dataset.
        trials: Those of `trials.csv`.
        metric: The metric.
        facts: How to read it.
        styles: The methods to show.
        against: One of `AGAINST`.
    """
    chosen = budget[budget["metric"] == metric]
    calibration = trials.loc[trials["method"].isin(CALIBRATION_ROWS), metric]
    tame(axes, pd.concat([chosen["median"], chosen["low"], chosen["high"], calibration]).astype(float), facts)
    for method, style in styles.items():
        rows = chosen[chosen["method"] == method]
        if len(rows):
            x, median, low, high = rows[[against, "median", "low", "high"]].to_numpy(float).T
            known = np.isfinite(median)
            alone = known & ~np.append(known[1:], False) & ~np.insert(known[:-1], 0, False)
            marked = sorted(
                {
                    *range(0, len(rows), 1 if len(rows) <= FEW else len(rows) // 5),
                    *np.flatnonzero(alone).tolist(),
                }
            )
            line: dict[str, Any] = {
                "color": style.colour,
                "linestyle": style.dashes,
                "linewidth": 1.3,
                "marker": style.marker,
                "markersize": 3,
            }
            axes.plot(x, median, label=method, markevery=marked, **line)
            bottom, top = (
                axes.get_ylim()
            )  # where a trial without a value stands at an end, the band goes to the edge
            low, high = (
                np.where(known & np.isnan(low), bottom, low),
                np.where(known & np.isnan(high), top, high),
            )
            axes.fill_between(x, low, high, color=style.colour, alpha=0.1, linewidth=0)
    _references(axes, trials, metric)
    axes.set_xlabel(f"{AGAINST[against]} per trial")
    axes.set_xlim(left=0)


def draw_best_of(
    axes: Axes, best_of: pd.DataFrame, metric: str, facts: MetricFacts, styles: Mapping[str, MethodStyle]
) -> None:
    """What the best of k runs is expected to score at the end of the budget, with the range of 95 % of the outcomes.

    Arguments:
        axes: Where to draw.
        best_of: The rows of `best_of.csv` of one dataset.
        metric: The metric.
        facts: How to read it.
        styles: The methods to show.
    """
    chosen = best_of[best_of["metric"] == metric]
    tame(axes, pd.concat([chosen["expected"], chosen["low"], chosen["high"]]), facts)
    for method, style in styles.items():
        rows = chosen[chosen["method"] == method]
        rows = rows[rows["point"] == rows["point"].max()]
        if len(rows):
            k, expected, low, high = rows[["k", "expected", "low", "high"]].to_numpy(float).T
            axes.plot(
                k,
                expected,
                color=style.colour,
                linestyle=style.dashes,
                label=method,
                linewidth=1.3,
                marker=style.marker,
                markersize=3,
            )
            axes.fill_between(k, low, high, color=style.colour, alpha=0.08, linewidth=0)
    axes.set_xscale("log")
    ks = sorted(chosen["k"].unique())
    axes.set_xticks(ks, [str(k) for k in ks])
    axes.minorticks_off()
    axes.set_xlabel("runs, of which the best is kept")


def draw_profiles(axes: Axes, profiles: pd.DataFrame, metric: str, styles: Mapping[str, MethodStyle]) -> None:
    """The share of runs that reach each normalised score, with its interval, from the rows of `profiles.csv`."""
    chosen = profiles[profiles["metric"] == metric]
    for method, style in styles.items():
        rows = chosen[chosen["method"] == method]
        if len(rows):
            score, share, low, high = rows[["score", "share", "low", "high"]].to_numpy(float).T
            axes.step(
                score,
                share,
                where="post",
                color=style.colour,
                linestyle=style.dashes,
                label=method,
                linewidth=1.3,
            )
            axes.fill_between(score, low, high, step="post", color=style.colour, alpha=0.1, linewidth=0)
    axes.set_ylim(0, 1.02)
    axes.set_xlim(0, 1)
    axes.set_xlabel("normalised score: 0 is the better dummy, 1 is perfect")
    axes.set_ylabel("share of runs at least that good")


def draw_samples(axes: Axes, data: Mixture, samples: np.ndarray | None, size: float = 9.0) -> float:
    """Samples as dots over the true modes as circles, and returns the share of them that lies outside of the axes.

    Arguments:
        axes: Where to draw.
        data: The mixture.
        samples: Its samples, shape (N, D); `None` if there are none.
        size: Of a circle, in points.
    """
    centres = data.landmarks.numpy()
    low, high = centres.min(axis=0), centres.max(axis=0)
    margin = np.where(high > low, 0.25 * (high - low), 1.0)
    points = data.project(torch.from_numpy(samples)).numpy() if samples is not None else np.empty((0, 2))
    inside = np.all((points > low - margin) & (points < high + margin), axis=1)
    axes.plot(
        *centres.T, "o", markersize=size, markerfacecolor="none", markeredgecolor=GREY, linestyle="none"
    )
    axes.plot(*points.T, ".", markersize=2 * size / 9, alpha=0.35, color=COLOURS[0], rasterized=True)
    axes.set_xlim(low[0] - margin[0], high[0] + margin[0])
    axes.set_ylim(low[1] - margin[1], high[1] + margin[1])
    return 1 - float(inside.mean()) if len(points) else 0.0


def shortened(name: str) -> str:
    """A name that fits a picture."""
    return name if len(name) <= LONG else f"{name[: LONG - 1]}…"


def plain(*texts: Text) -> None:
    """Shows texts as they are: names may hold what would be taken for formulas."""
    for text in texts:
        text.set_parse_math(False)


def tame(axes: Axes, values: pd.Series, facts: MetricFacts) -> bool:
    """A logarithmic axis where values span more than two decades, else one that has 0 and keeps to the metric's bounds.

    Returns whether the axis is logarithmic. A value below the 5 % quantile of the positive ones lies in its linear part near 0.
    """
    finite = values[np.isfinite(values.astype(float))].to_numpy(float)
    positive = finite[finite > 0]
    if (
        facts["better"] == "lower"
        and len(positive)
        and positive.max() > 100 * max(np.quantile(positive, 0.05), 1e-12)
    ):
        axes.set_yscale("symlog", linthresh=float(np.quantile(positive, 0.05)))
        axes.set_ylim(0, 3 * positive.max())
        locator = SymmetricalLogLocator(axes.yaxis.get_transform())
        locator.set_params(numticks=FEW_TICKS)
        axes.yaxis.set_major_locator(locator)
        axes.yaxis.set_major_formatter("{x:g}")  # a formula for each would take most of the time
        return True
    low, top = (
        end if bound is None else bound
        for bound, end in zip(facts["bounds"], (-math.inf, math.inf), strict=True)
    )
    floor = 1.05 * max(low, finite.min()) if len(finite) and finite.min() < 0 and low < 0 else 0.0
    ceiling = 1.05 * min(top, 1.05 * finite.max()) if len(finite) and finite.max() > 0 else float(floor == 0)
    axes.set_ylim(floor, ceiling)
    return False


def _name_methods(axes: Axes, trials: pd.DataFrame, methods: Sequence[str]) -> None:
    """The methods along the axis, with the number of their seeds that diverged."""
    lost = trials.loc[trials["status"] == "diverged", "method"].value_counts()
    labels = [
        shortened(method) + (f"\n{lost[method]} diverged" if method in lost else "") for method in methods
    ]
    axes.set_xlim(-0.6, len(methods) - 0.4)
    slanted = len(methods) <= FEW and max(map(len, labels)) <= SHORT
    axes.set_xticks(
        range(len(methods)), labels, rotation=45 if slanted else 90, ha="right" if slanted else "center"
    )
    plain(*axes.get_xticklabels())


def _references(axes: Axes, trials: pd.DataFrame, metric: str) -> None:
    for method, style in CALIBRATION_LINES.items():
        level = trials.loc[trials["method"] == method, metric].astype(float).mean()
        if pd.notna(level):
            axes.axhline(level, linestyle=style, color=GREY, linewidth=1, label=method)
