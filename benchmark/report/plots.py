"""The pictures of a run."""

import math
from collections.abc import Iterator, Sequence
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmark.datasets.images import Images
from benchmark.datasets.mixtures import Mixture
from benchmark.errors import UsageError
from benchmark.records import DamagedError, writing
from benchmark.registry import DATASETS
from benchmark.report.image_plots import DPI, IMAGE_PICTURES, Arrays, image_figures
from benchmark.report.results import Results
from benchmark.report.tables import Tables
from benchmark.schema import MetricFacts
from benchmark.settings import build
from benchmark.statistics import summarise
from benchmark.store import Store

__all__ = ["write_plots"]

PICTURES = (*IMAGE_PICTURES, "metrics", "curves")
CALIBRATIONS = {"real-data": "--", "collapsed": ":"}
ARROWS = {"higher": "higher is better", "lower": "lower is better", "one": "1 is best"}
FEW = 10
"""Points of a curve up to which each is marked: between them, nothing is known."""
COLOURS = [colormaps["tab10"](i) for i in range(10)]


def write_plots(store: Store, results: Results, tables: Tables) -> list[str]:
    """Writes the pictures of every dataset to `plots/`: samples, final metrics, metrics against FLOPs, and more of images.

    Pictures of an earlier report that no longer apply are removed. Returns what could not be drawn, as lines.
    """
    folder = store.root / "plots"
    folder.mkdir(exist_ok=True)
    problems = []
    for name in tables.trials["dataset"].unique():
        stale = {folder / f"{name}-{picture}.png" for picture in PICTURES}
        try:
            for picture, figure in _figures(store, results, tables, name):
                file = folder / f"{name}-{picture}.png"
                _save(figure, file)
                stale.discard(file)
        except (DamagedError, ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, UsageError, ValueError) as error:
            # A record from elsewhere can be whole and hold anything.
            problems.append(f"{name}: not all of its pictures can be drawn ({type(error).__name__}: {error})")
        for file in stale:
            file.unlink(missing_ok=True)
    return problems


def _figures(store: Store, results: Results, tables: Tables, name: str) -> Iterator[tuple[str, Figure]]:
    """Yields names of `PICTURES` and figures of a dataset, none before a method has finished."""
    trials = tables.trials[tables.trials["dataset"] == name]
    methods = [method for method in trials["method"].unique() if method not in CALIBRATIONS]
    finished = trials[trials["status"] != "failed"]
    if not methods or finished.empty:
        return
    data = build(DATASETS, name, results.settings(name))
    colours = {method: COLOURS[i % len(COLOURS)] for i, method in enumerate(methods)}
    shown = finished.sort_values("seed", kind="stable").drop_duplicates("method").set_index("method").loc[finished["method"].unique()]
    kept = {r["method"]: store.arrays(r) for r in results.records if r["dataset"] == name and r["seed"] == shown.loc[r["method"], "seed"]}
    if isinstance(data, Mixture):
        yield "samples", _samples(kept, data, shown)
    elif isinstance(data, Images):
        yield from image_figures(kept, name, shown, colours)
    yield "metrics", _bars(trials, results, name, colours)
    yield "curves", _curves(tables.curves[tables.curves["dataset"] == name], trials, results, name, colours)


def _samples(kept: Arrays, data: Mixture, shown: pd.DataFrame) -> Figure:
    """One panel per method: the samples of its lowest seed over the true modes."""
    lowest = shown.drop(index="collapsed", errors="ignore")
    methods = list(lowest.index)
    columns = min(4, len(methods))
    rows = ceil(len(methods) / columns)
    figure = Figure(figsize=(3.2 * columns, 3.3 * rows + 0.6), layout="constrained")
    centres = data.landmarks.numpy()
    low, high = centres.min(axis=0), centres.max(axis=0)
    margin = np.where(high > low, 0.25 * (high - low), 1.0)
    for i, method in enumerate(methods):
        axes = figure.add_subplot(rows, columns, i + 1)
        row = lowest.loc[method]
        samples = kept[method].get("samples")
        points = data.project(torch.from_numpy(samples)).numpy() if samples is not None else np.empty((0, 2))
        inside = np.mean(np.all((points > low - margin) & (points < high + margin), axis=1)) if len(points) else 0.0
        axes.plot(*centres.T, "o", markersize=9, markerfacecolor="none", markeredgecolor="0.55", linestyle="none")
        axes.plot(*points.T, ".", markersize=2, alpha=0.35, color="tab:blue", rasterized=True)
        axes.set_xlim(low[0] - margin[0], high[0] + margin[0])
        axes.set_ylim(low[1] - margin[1], high[1] + margin[1])
        outside = "" if inside > 0.995 else f", {1 - inside:.0%} outside"
        state = "" if row["status"] == "ok" else f" ({row['status']})"
        axes.set_title(f"{method}{state}\n{row['modes']:.0f}/{data.modes} modes, {row['high_quality']:.1%} high quality{outside}", fontsize=8.5)
        axes.tick_params(labelsize=7)
    seeds = sorted(set(lowest["seed"]))
    figure.suptitle(f"{data.name}: samples of seed {', '.join(map(str, seeds))} (dots) over the true modes (circles)", fontsize=11)
    figure.supxlabel(data.axes[0], fontsize=9)
    figure.supylabel(data.axes[1], fontsize=9)
    return figure


def _bars(trials: pd.DataFrame, results: Results, dataset: str, colours: dict[str, Any]) -> Figure:
    """One panel per metric: means with 95 % intervals, every seed as a dot, the calibration rows as lines.

    A mean is a bar, or a tick where the axis is logarithmic and a length would mean nothing.
    """
    finished = trials[trials["status"] == "ok"]
    metrics = [m for m in results.metrics(dataset) if m in trials and finished[m].notna().any()]
    figure, panels = _panels(metrics, width=4.0, height=2.9)
    for metric, axes in zip(metrics, panels, strict=True):
        logarithmic = _tame(axes, finished[metric], results.facts(dataset, metric))
        for i, (method, colour) in enumerate(colours.items()):
            values = finished.loc[finished["method"] == method, metric].dropna().to_numpy(float)
            if len(values) == 0:
                axes.text(i, 0.02, "n/a", ha="center", fontsize=7, transform=axes.get_xaxis_transform())
                continue
            figures = summarise(values, results.facts(dataset, metric)["better"])
            if logarithmic:
                axes.hlines(figures.mean, i - 0.35, i + 0.35, color=colour, linewidth=3, alpha=0.6)
            else:
                axes.bar(i, figures.mean, color=colour, alpha=0.45, width=0.7)
            if figures.n > 1:
                axes.vlines(i, figures.ci_low, figures.ci_high, color="0.15", linewidth=1.4)
            offsets = np.linspace(-0.2, 0.2, len(values)) if len(values) > 1 else [0.0]
            axes.plot(i + np.asarray(offsets), values, "o", markersize=3.2, color=colour, markeredgecolor="0.2", markeredgewidth=0.4)
        for method, style in CALIBRATIONS.items():
            level = finished.loc[finished["method"] == method, metric].mean()
            if pd.notna(level):
                axes.axhline(level, linestyle=style, color="0.3", linewidth=1, label=method)
        axes.set_xlim(-0.6, len(colours) - 0.4)
        axes.set_xticks(range(len(colours)), list(colours), rotation=45, ha="right", fontsize=8)
        axes.set_title(f"{metric} ({ARROWS[results.facts(dataset, metric)['better']]})", fontsize=9)
        axes.tick_params(axis="y", labelsize=7)
    _legend(figure, panels)
    counts = sorted(finished[finished["method"].isin(list(colours))].groupby("method").size().unique())
    lost = int((trials["status"] == "diverged").sum())
    seeds = " to ".join(str(n) for n in dict.fromkeys([counts[0], counts[-1]])) if counts else "no"
    note = f", {lost} diverged trials left out" if lost else ""
    figure.suptitle(f"{dataset}: mean, 95 % t-interval and every seed (n = {seeds}{note}) at {_budget(trials)}", fontsize=11)
    return figure


def _curves(curves: pd.DataFrame, trials: pd.DataFrame, results: Results, dataset: str, colours: dict[str, Any]) -> Figure:
    """One panel per metric: the mean over seeds against FLOPs, with the 95 % interval as a band."""
    points = curves[curves["value"].notna()].groupby("metric")["point"].nunique()
    metrics = [m for m in results.metrics(dataset) if points.get(m, 0) > 1]
    figure, panels = _panels(metrics, width=4.0, height=2.9)
    for metric, axes in zip(metrics, panels, strict=True):
        chosen = curves[curves["metric"] == metric]
        calibration = trials.loc[trials["method"].isin(list(CALIBRATIONS)), metric]
        _tame(axes, pd.concat([chosen["value"], calibration]), results.facts(dataset, metric))
        for method, colour in colours.items():
            means = []
            for flops, values in chosen[chosen["method"] == method].groupby("flops")["value"]:
                means.append((flops, *summarise(values.to_numpy(float), "higher")[1:5]))
            if not means:
                continue
            flops, mean, _, low, high = np.asarray(means, dtype=float).T
            marker = "o" if len(flops) <= FEW else None
            axes.plot(flops, mean, color=colour, label=method, linewidth=1.3, marker=marker, markersize=3)
            axes.fill_between(flops, low, high, color=colour, alpha=0.08, linewidth=0)
        for method, style in CALIBRATIONS.items():
            values = trials.loc[trials["method"] == method, metric].dropna()
            if len(values):
                axes.axhline(values.mean(), linestyle=style, color="0.3", linewidth=1, label=method)
        axes.set_title(f"{metric} ({ARROWS[results.facts(dataset, metric)['better']]})", fontsize=9)
        axes.set_xlabel("FLOPs per trial", fontsize=8)
        axes.set_xlim(left=0)
        axes.tick_params(labelsize=7)
    _legend(figure, panels)
    figure.suptitle(f"{dataset}: mean over seeds and 95 % t-interval against compute", fontsize=11)
    return figure


def _arrow(results: Results, dataset: str, metric: str) -> str:
    return ARROWS[results.facts(dataset, metric)["better"]]


def _panels(metrics: Sequence[str], width: float, height: float) -> tuple[Figure, list[Axes]]:
    columns = min(3, max(1, len(metrics)))
    rows = max(1, ceil(len(metrics) / columns))
    figure = Figure(figsize=(width * columns, height * rows + 0.9), layout="constrained")
    return figure, [figure.add_subplot(rows, columns, i + 1) for i in range(len(metrics))]


def _tame(axes: Axes, values: pd.Series, metric: MetricFacts) -> bool:
    """A logarithmic axis where values span more than two decades, else one that starts at 0 and keeps to the metric's bounds.

    Returns whether the axis is logarithmic. A value below the 5 % quantile of the positive ones lies in its linear part near 0.
    """
    finite = values.dropna().to_numpy(float)
    positive = finite[finite > 0]
    if metric["better"] == "lower" and len(positive) and positive.max() > 100 * max(np.quantile(positive, 0.05), 1e-12):
        axes.set_yscale("symlog", linthresh=float(np.quantile(positive, 0.05)))
        axes.set_ylim(0, 3 * positive.max())
        return True
    top = math.inf if metric["bounds"][1] is None else metric["bounds"][1]
    axes.set_ylim(0, 1.05 * min(top, 1.05 * finite.max()) if len(finite) and finite.max() > 0 else 1)
    return False


def _legend(figure: Figure, panels: Sequence[Axes]) -> None:
    entries = {label: handle for axes in panels for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    if entries:
        figure.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=min(9, len(entries)), fontsize=8, frameon=False)


def _budget(trials: pd.DataFrame) -> str:
    budgets = list(trials["budget"].dropna().unique())
    return f"{' or '.join(budgets)} per trial"


def _save(figure: Figure, file: Path) -> None:
    FigureCanvasAgg(figure)
    with writing(file) as stream:
        figure.savefig(stream, dpi=DPI, format="png")
