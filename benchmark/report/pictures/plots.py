"""The pictures of a run: the files in `plots/`, and the figures of Python's `Run`."""

import re
from collections.abc import Iterator, Sequence
from math import ceil
from pathlib import Path
from textwrap import fill

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from benchmark.errors import in_one_line
from benchmark.records.sealed_files import writing
from benchmark.records.store import Store
from benchmark.report.headline import headline
from benchmark.report.pictures.axis_helpers import FigureForNotebooks, no_math
from benchmark.report.pictures.charts import (
    Chart,
    cost_chart,
    costs_differ,
    course_chart,
    published_chart,
    scores_chart,
)
from benchmark.report.pictures.drawings import draw_samples
from benchmark.report.pictures.image_sheets import DOTS_PER_INCH, IMAGE_PICTURES, image_figures
from benchmark.report.pictures.own_style import own_style
from benchmark.report.view import BROKEN, DatasetView, PlaneView
from benchmark.report.words import budget_text, equal_column, median_words, span, trial_name, trial_scores

__all__ = ["figures", "write_plots"]

PICTURE_NAMES = (*IMAGE_PICTURES, "metrics", "curves", "cost", "published")

MOST_SAMPLE_COLUMNS = 5
"""The largest number of panels of samples beside each other."""

MOST_METRIC_COLUMNS = 3
"""The largest number of panels of metrics beside each other."""

LEGEND_ENTRIES_PER_COLUMN = 3
"""Entries of the legend beside each other, for each column of panels."""

TITLE_LETTERS_PER_COLUMN = 46
"""Letters in a line of a figure's title, for each column of panels of metrics."""

LONGEST_CAPTION_LINE = 56
"""Letters in a line above a panel of samples."""


@own_style()
def write_plots(store: Store, views: Sequence[DatasetView]) -> list[str]:
    """Writes the pictures of every dataset to `plots/`: samples, final metrics, metrics along the budget.

    For images and for suites that reproduce papers there are more. Pictures of an earlier report that no
    longer apply are removed. Returns what could not be drawn, as lines.
    """
    folder = store.root / "plots"
    folder.mkdir(exist_ok=True)
    problems = []
    for view in views:
        stale = {folder / f"{view.name}-{picture}.png" for picture in PICTURE_NAMES}
        try:
            for picture, figure in figures(view):
                file = folder / f"{view.name}-{picture}.png"
                save_figure(figure, file)
                stale.discard(file)
        except BROKEN as error:
            reason = in_one_line(error)
            problems.append(f"{view.name}: not all of its pictures can be drawn ({reason})")
        for file in stale:
            file.unlink(missing_ok=True)
    return problems


def figures(view: DatasetView, against: str | None = None) -> Iterator[tuple[str, Figure]]:
    """Yields the name and the figure of each picture of a dataset; none before a method has finished.

    To be called within `own_style()`.

    Arguments:
        view: The dataset.
        against: The quantity that curves are drawn against, a key of `AGAINST`; by default the budget's.
    """
    if view.empty:
        return
    yield "metrics", _scores_figure(view)
    yield "curves", _courses_figure(view, against or equal_column(view.trials))
    if headline(view.scored_metrics) is not None and costs_differ(view):
        yield "cost", _cost_figure(view)
    if view.published_metrics:
        yield "published", _published_figure(view)
    # These need more than the tables, and may fail for it: the samples, and the dataset of a plug-in.
    if view.plane is not None:
        yield "samples", _samples_figure(view, view.plane)
    if view.images is not None:
        yield from image_figures(view.images, view.name, view.sample_rows, view.styles)


def _samples_figure(view: DatasetView, plane: PlaneView) -> Figure:
    """One panel per method: the samples of its lowest seed over the true modes."""
    rows = view.sample_rows
    lines = ceil(len(rows) / MOST_SAMPLE_COLUMNS)
    columns = ceil(len(rows) / lines)
    figure = FigureForNotebooks(figsize=(3.4 * columns, 3.4 * lines + 0.6), layout="constrained")
    for i, (method, row) in enumerate(rows.iterrows()):
        axes = figure.add_subplot(lines, columns, i + 1)
        outside = draw_samples(axes, plane, str(method))
        scores = _in_lines(trial_scores(row, outside))
        axes.set_title(f"{trial_name(str(method), row)}\n{scores}", fontsize=7.5)
        no_math(axes.title)
        axes.tick_params(labelsize=7)
    between = " " if columns > 2 else "\n"
    title = f"{view.name}: samples of each method's lowest finished seed"
    if len(plane.landmarks):
        title += f"{between}(dots) over the true modes (circles)"
    figure.suptitle(title, fontsize=11)
    x_name, y_name = plane.axes
    figure.supxlabel(x_name, fontsize=9)
    figure.supylabel(y_name, fontsize=9)
    return figure


def _in_lines(caption: str) -> str:
    """A caption in lines that fit above a panel, broken after commas only."""
    unbroken = re.sub(r"(?<!,) ", "\N{NO-BREAK SPACE}", caption)
    return fill(unbroken, LONGEST_CAPTION_LINE)


def _scores_figure(view: DatasetView) -> Figure:
    """One panel per metric: the final scores."""
    charts = [scores_chart(view.metric(name)) for name in view.scored_metrics]
    diverged = int((view.trials["status"] == "diverged").sum())
    note = f", {diverged} diverged trials left out" if diverged else ""
    logarithmic = [name for name in view.scored_metrics if view.metric(name).facts["scale"] == "log"]
    medians = f" (of {', '.join(logarithmic)} the median)" if logarithmic else ""
    what = f"every seed, and the mean{medians} with its interval"
    title = f"{what} (n = {_numbers_of_seeds(view)}{note}) at {budget_text(view.trials)} per trial"
    return _figure_of(charts, f"{view.name}: {title}", label_size=7.5)


def _numbers_of_seeds(view: DatasetView) -> str:
    """The number of finished seeds per method, such as `5` or `4 to 5`."""
    finished = view.trials[view.trials["method"].isin(list(view.styles)) & (view.trials["status"] == "ok")]
    counts = finished.groupby("method").size()
    if counts.empty:
        return "no"
    return span(counts.min(), counts.max())


def _courses_figure(view: DatasetView, against: str) -> Figure:
    """One panel per metric: the median over seeds along the budget."""
    charts = [course_chart(view.metric(name), against) for name in view.metrics_on_curve]
    confidence = view.tables.budget["confidence"].min()
    title = f"{view.name}: along the budget, {median_words(confidence)}"
    figure = _figure_of(charts, title, label_size=7)
    for axes in figure.axes:
        axes.xaxis.label.set_fontsize(8)
        axes.xaxis.offsetText.set_fontsize(7)
    return figure


def _cost_figure(view: DatasetView) -> Figure:
    """The headline score against what a sample takes."""
    metric = view.metric(str(headline(view.scored_metrics)))
    chart = cost_chart(metric, view.sampling)
    title = (
        f"{view.name}: the {metric.estimate.middle} over seeds and its interval against the cost of a sample"
    )
    figure = _figure_of([chart], title, label_size=8)
    figure.set_size_inches(6.5, 5.2)
    return figure


def _published_figure(view: DatasetView) -> Figure:
    """One panel per metric: published figures beside ours."""
    charts = [published_chart(view.metric(name)) for name in view.published_metrics]
    title = f"published figures beside measured ones at {budget_text(view.trials)} per trial"
    return _figure_of(charts, f"{view.name}: {title}", label_size=7.5)


def _figure_of(charts: Sequence[Chart], title: str, label_size: float) -> Figure:
    """One panel per chart, a legend of all that the charts have labelled, and a title.

    Arguments:
        charts: The charts.
        title: The title of the figure.
        label_size: The font size of the tick labels.
    """
    columns = min(MOST_METRIC_COLUMNS, max(1, len(charts)))
    rows = max(1, ceil(len(charts) / columns))
    figure = FigureForNotebooks(figsize=(4.0 * columns, 2.9 * rows + 0.9), layout="constrained")
    for i, chart in enumerate(charts):
        axes = figure.add_subplot(rows, columns, i + 1)
        axes.set_title(chart.long_title, fontsize=9)
        no_math(axes.title)
        chart.draw(axes)
        axes.tick_params(labelsize=label_size)
    figure.suptitle(fill(title, TITLE_LETTERS_PER_COLUMN * columns), fontsize=11)
    _draw_legend(figure, LEGEND_ENTRIES_PER_COLUMN * columns)
    return figure


def _draw_legend(figure: Figure, most_columns: int) -> None:
    entries = _legend_entries(figure.axes)
    if not entries:
        return
    legend = figure.legend(
        entries.values(),
        entries.keys(),
        loc="outside lower center",
        ncols=min(most_columns, len(entries)),
        fontsize=8,
        frameon=False,
    )
    no_math(*legend.get_texts())


def _legend_entries(panels: Sequence[Axes]) -> dict[str, Artist]:
    """What the panels draw, by label; of several with one label, the last."""
    entries: dict[str, Artist] = {}
    for axes in panels:
        handles, labels = axes.get_legend_handles_labels()
        entries.update(zip(labels, handles, strict=True))
    return entries


def save_figure(figure: Figure, file: Path) -> None:
    """Writes a figure as a PNG file."""
    FigureCanvasAgg(figure)
    layout = figure.get_layout_engine()
    if isinstance(layout, ConstrainedLayoutEngine) and figure.axes:
        layout.set(w_pad=0.12)
        # Saving would lay the figure out and draw it once more, which takes most of the time.
        layout.execute(figure)
        figure.set_layout_engine(None)
    with writing(file) as stream:
        figure.savefig(stream, dpi=DOTS_PER_INCH, format="png")
