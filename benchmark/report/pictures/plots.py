"""The pictures of a run."""

from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from benchmark.datasets.images import Images
from benchmark.datasets.mixtures import Mixture
from benchmark.records.sealed_files import writing
from benchmark.records.store import Store
from benchmark.report.pictures.axes import (
    Picture,
    draw_course,
    draw_published,
    draw_samples,
    draw_scores,
    plain,
)
from benchmark.report.pictures.image_sheets import DPI, IMAGE_PICTURES, image_figures
from benchmark.report.view import BROKEN, Arrays, DatasetView
from benchmark.report.words import DIRECTIONS, budget_text, equal_column, trial_name, trial_scores

__all__ = ["figures", "write_plots"]

PICTURES = (*IMAGE_PICTURES, "metrics", "curves", "published")

ACROSS = 5
"""Panels of samples beside each other, at most."""


def write_plots(store: Store, shown: Sequence[DatasetView]) -> list[str]:
    """Writes the pictures of every dataset to `plots/`: samples, final metrics, metrics along the budget, and more of images and of
    suites that reproduce papers.

    Pictures of an earlier report that no longer apply are removed. Returns what could not be drawn, as lines.
    """
    folder = store.root / "plots"
    folder.mkdir(exist_ok=True)
    problems = []
    for part in shown:
        stale = {folder / f"{part.name}-{picture}.png" for picture in PICTURES}
        try:
            for picture, figure in figures(part):
                file = folder / f"{part.name}-{picture}.png"
                _save(figure, file)
                stale.discard(file)
        except BROKEN as error:
            problems.append(
                f"{part.name}: not all of its pictures can be drawn ({type(error).__name__}: {error})"
            )
        for file in stale:
            file.unlink(missing_ok=True)
    return problems


def figures(shown: DatasetView, against: str | None = None) -> Iterator[tuple[str, Figure]]:
    """Yields names of `PICTURES` and figures of a dataset, none before a method has finished.

    Arguments:
        shown: The dataset.
        against: What curves are drawn against, one of `AGAINST`; by default what the budget is of.
    """
    if shown.empty:
        return
    data = shown.data
    if isinstance(data, Mixture):
        yield "samples", _samples(shown.kept_arrays, data, shown.representatives)
    elif isinstance(data, Images):
        yield from image_figures(
            shown.kept_arrays,
            shown.name,
            shown.representatives,
            {method: style.colour for method, style in shown.styles.items()},
        )
    yield "metrics", _scores(shown)
    yield "curves", _courses(shown, against or equal_column(shown.trials))
    if shown.published_metrics:
        yield "published", _published(shown)


def _samples(kept: Arrays, data: Mixture, rows: pd.DataFrame) -> Figure:
    """One panel per method: the samples of its lowest seed over the true modes."""
    lowest = rows.drop(index="collapsed", errors="ignore")
    lines = ceil(len(lowest) / ACROSS)
    columns = ceil(len(lowest) / lines)
    figure = Picture(figsize=(3.4 * columns, 3.4 * lines + 0.6), layout="constrained")
    for i, (method, row) in enumerate(lowest.iterrows()):
        axes = figure.add_subplot(lines, columns, i + 1)
        outside = draw_samples(axes, data, kept[str(method)].get("samples"))
        axes.set_title(f"{trial_name(str(method), row)}\n{trial_scores(row, outside)}", fontsize=7.5)
        plain(axes.title)
        axes.tick_params(labelsize=7)
    between = " " if columns > 2 else "\n"
    figure.suptitle(
        f"{data.name}: samples of each method's lowest finished seed{between}(dots) over the true modes (circles)",
        fontsize=11,
    )
    figure.supxlabel(data.axes[0], fontsize=9)
    figure.supylabel(data.axes[1], fontsize=9)
    return figure


def _scores(shown: DatasetView) -> Figure:
    """One panel per metric."""
    figure, panels = _panels(shown, shown.scored_metrics)
    for metric, axes in panels.items():
        draw_scores(
            axes,
            shown.trials,
            shown.tables.summary,
            metric,
            shown.results.facts(shown.name, metric),
            shown.styles,
        )
        axes.tick_params(labelsize=7.5)
    _legend(figure, panels)
    counts = sorted(
        shown.trials[shown.trials["method"].isin(list(shown.styles)) & (shown.trials["status"] == "ok")]
        .groupby("method")
        .size()
        .unique()
    )
    seeds = " to ".join(str(n) for n in dict.fromkeys([counts[0], counts[-1]])) if counts else "no"
    lost = int((shown.trials["status"] == "diverged").sum())
    note = f", {lost} diverged trials left out" if lost else ""
    what = f"every seed, and mean (of KL, FID, IvOM median) with its interval (n = {seeds}{note})"
    figure.suptitle(f"{shown.name}: {what} at {budget_text(shown.trials)} per trial", fontsize=11)
    return figure


def _courses(shown: DatasetView, against: str) -> Figure:
    """One panel per metric: the median over seeds along the budget."""
    figure, panels = _panels(shown, shown.metrics_on_curve)
    for metric, axes in panels.items():
        draw_course(
            axes,
            shown.tables.budget,
            shown.trials,
            metric,
            shown.results.facts(shown.name, metric),
            shown.styles,
            against,
        )
        axes.xaxis.label.set_fontsize(8)
        axes.xaxis.offsetText.set_fontsize(7)
        axes.tick_params(labelsize=7)
    _legend(figure, panels)
    confidence = shown.tables.budget["confidence"].min()
    figure.suptitle(
        f"{shown.name}: median over seeds and its interval (confidence {confidence:.0%}) along the budget",
        fontsize=11,
    )
    return figure


def _published(shown: DatasetView) -> Figure:
    """One panel per metric: published figures beside ours."""
    figure, panels = _panels(shown, shown.published_metrics)
    for metric, axes in panels.items():
        draw_published(
            axes,
            shown.trials,
            shown.tables.published,
            metric,
            shown.results.facts(shown.name, metric),
            shown.styles,
        )
        axes.tick_params(labelsize=7.5)
    _legend(figure, panels)
    figure.suptitle(
        f"{shown.name}: published figures beside measured ones at {budget_text(shown.trials)} per trial",
        fontsize=11,
    )
    return figure


def _panels(
    shown: DatasetView, metrics: Sequence[str], width: float = 4.0, height: float = 2.9
) -> tuple[Figure, dict[str, Axes]]:
    columns = min(3, max(1, len(metrics)))
    rows = max(1, ceil(len(metrics) / columns))
    figure = Picture(figsize=(width * columns, height * rows + 0.9), layout="constrained")
    panels = {metric: figure.add_subplot(rows, columns, i + 1) for i, metric in enumerate(metrics)}
    for metric, axes in panels.items():
        axes.set_title(
            f"{metric} ({DIRECTIONS[shown.results.facts(shown.name, metric)['better']]})", fontsize=9
        )
        plain(axes.title)
    return figure, panels


def _legend(figure: Figure, panels: Mapping[str, Axes]) -> None:
    entries = {
        label: handle
        for axes in panels.values()
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    if entries:
        legend = figure.legend(
            entries.values(),
            entries.keys(),
            loc="outside lower center",
            ncols=min(9, len(entries)),
            fontsize=8,
            frameon=False,
        )
        plain(*legend.get_texts())


def _save(figure: Figure, file: Path) -> None:
    FigureCanvasAgg(figure)
    layout = figure.get_layout_engine()
    if isinstance(layout, ConstrainedLayoutEngine) and figure.axes:
        layout.set(w_pad=0.12)
        figure.draw_without_rendering()
        figure.set_layout_engine(
            "none"
        )  # laid out once is enough, with that margin, and takes most of the time
    with writing(file) as stream:
        figure.savefig(stream, dpi=DPI, format="png")
