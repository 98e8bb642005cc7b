"""The pictures of a run on images."""

from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.datasets.images import to_picture
from benchmark.records.schema import COLLAPSED
from benchmark.report.pictures.axis_helpers import FigureForNotebooks
from benchmark.report.styles import CALIBRATION_DASHES, MethodStyle
from benchmark.report.view import Arrays
from benchmark.report.words import trial_name, trial_scores

__all__ = ["DOTS_PER_INCH", "IMAGE_PICTURES", "image_figures", "sample_sheet", "sheet", "wall"]

DOTS_PER_INCH = 130
"""Of all files in `plots/`; fixed, so that a pixel of an image can be a whole number of dots."""

IMAGE_PICTURES = ("samples", "mode-counts", "nearest", "reconstructions")
"""The names of the pictures that there may be."""

SHEET_SIDE = 8
"""Images along a side of a sheet of samples."""

MOST_SAMPLE_COLUMNS, MOST_PAIR_COLUMNS = 4, 2
"""The largest numbers of sheets beside each other: of samples, and of pairs."""

WIDEST_ROW, NARROWEST_PICTURE = 2200, 900
"""Dots: the largest width of a row of sheets, and the smallest width of a picture."""

LARGEST_ZOOM = 8
"""Dots along a side of a pixel at most: a sheet of few small images need not fill the row."""

GAP, LINE_HEIGHT = 22, 22
"""Dots: the space around a sheet, and the height of a line of text."""

WIDEST_PAIRS = 700
"""The largest number of pixels in a row of pairs."""


def image_figures(
    arrays: Arrays, dataset: str, rows: pd.DataFrame, styles: Mapping[str, MethodStyle]
) -> Iterator[tuple[str, Figure]]:
    """Yields names of `IMAGE_PICTURES` and figures, as far as the methods have something to show.

    Arguments:
        arrays: What was kept of the trial that stands for each method, by method and name.
        dataset: The dataset's name.
        rows: The rows of `trials.csv` of these trials, by method. The collapsed row is not shown.
        styles: How each method is drawn; calibration rows have no style.
    """
    rows = rows.drop(index=COLLAPSED, errors="ignore")
    arrays = {str(method): arrays[str(method)] for method in rows.index}
    names = {str(method): trial_name(str(method), row) for method, row in rows.iterrows()}
    sampled = _with_array(arrays, "samples")
    if sampled:
        sheets: dict[str, np.ndarray | None] = {}
        for method, row in rows.iterrows():
            caption = f"{names[str(method)]}\n{trial_scores(row)}"
            sheets[caption] = sample_sheet(sampled[str(method)]["samples"]) if method in sampled else None
        title = f"{dataset}: samples of each method's lowest finished seed"
        yield "samples", wall(sheets, title, MOST_SAMPLE_COLUMNS)
    if _with_array(arrays, "mode_counts"):
        yield "mode-counts", _mode_counts_figure(arrays, dataset, names, styles)
    nearest = {}
    for method, kept in _with_array(arrays, "nearest").items():
        nearest[names[method]] = _pairs(kept["samples"], kept["nearest"])
    if nearest:
        title = f"{dataset}: samples (above) and the training images nearest to them (below)"
        yield "nearest", wall(nearest, title, MOST_PAIR_COLUMNS)
    reconstructions = {}
    for method, kept in _with_array(arrays, "reconstructions").items():
        above, below = kept["reconstructions"]
        reconstructions[names[method]] = _pairs(above, below)
    if reconstructions:
        title = f"{dataset}: held-out images (above) and their reconstructions (below)"
        yield "reconstructions", wall(reconstructions, title, MOST_PAIR_COLUMNS)


def sample_sheet(samples: np.ndarray) -> np.ndarray:
    """A nearly square sheet of packed samples, as bytes of shape (height, width, 3)."""
    across = max(1, SHEET_SIDE * samples.shape[2] // _width(samples))
    first_ones = samples[: SHEET_SIDE * across]
    return sheet([first_ones[i : i + across] for i in range(0, len(first_ones), across)])


def sheet(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Rows of packed images, each of shape (n, C, H, W), as one picture, bytes of shape (height, width, 3).

    A white line of one pixel lies above and to the left of each image; a row that is shorter than the
    longest ends in white.
    """
    longest = max(map(len, rows))
    lines = []
    for row in rows:
        tiles = to_picture(torch.from_numpy(np.ascontiguousarray(row))).numpy()
        framed = np.pad(tiles, ((0, longest - len(row)), (1, 0), (1, 0), (0, 0)), constant_values=255)
        lines.append(np.concatenate(list(framed), axis=1))
    return np.concatenate(lines, axis=0)


def _with_array(arrays: Arrays, name: str) -> Arrays:
    """The methods that have an array of that name. A diverged trial has only its last samples, if any."""
    return {method: kept for method, kept in arrays.items() if name in kept}


def _pairs(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Two rows of images: as many as both have and as fit."""
    n = max(1, min(len(above), len(below), WIDEST_PAIRS // _width(below)))
    return sheet([above[:n], below[:n]])


def _width(images: np.ndarray) -> int:
    """The width of one of the images in a sheet, where channels may lie side by side."""
    return to_picture(torch.from_numpy(images[:1])).shape[2]


def _mode_counts_figure(
    arrays: Arrays, dataset: str, names: Mapping[str, str], styles: Mapping[str, MethodStyle]
) -> Figure:
    """Sorted counts on a logarithmic axis. A line ends, in a dot, at the last mode that has a sample."""
    figure = FigureForNotebooks(figsize=(9.5, 5.2), layout="constrained")
    axes = figure.add_subplot()
    any_kept = next(iter(_with_array(arrays, "mode_counts").values()))
    samples, modes = int(any_kept["mode_counts"].sum()), len(any_kept["mode_counts"])
    for method, name in names.items():
        line: dict[str, Any] = {
            "color": "0.3",
            "linestyle": CALIBRATION_DASHES.get(method, "-"),
            "linewidth": 1.2,
        }
        if method in styles:
            line = {"color": styles[method].colour, "linewidth": 1.6}
        _draw_mode_counts(axes, name, arrays[method].get("mode_counts"), line)
    axes.set_yscale("log")
    axes.set_ylim(bottom=0.8)
    axes.set_xlim(-0.015 * modes, 1.015 * modes)
    axes.set_xlabel(
        "modes, from a method's most to its least frequent; a line ends where those without a sample begin",
        fontsize=9,
    )
    axes.set_ylabel(f"samples of a mode, of {samples}, whatever their quality", fontsize=9)
    axes.grid(alpha=0.25)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right center", fontsize=8.5, frameon=False)
    figure.suptitle(f"{dataset}: samples per mode, of each method's lowest finished seed", fontsize=11)
    return figure


def _draw_mode_counts(axes: Axes, name: str, counts: np.ndarray | None, line: Mapping[str, Any]) -> None:
    if counts is None:
        axes.plot([], [], label=f"{name}: not counted", **line)
        return
    descending = np.sort(counts)[::-1]
    captured = int((descending > 0).sum())
    axes.plot(
        np.arange(1, captured + 1),
        descending[:captured],
        drawstyle="steps-mid",
        marker="o",
        markersize=4.5,
        markevery=[-1],
        label=f"{name}: {captured} of {len(counts)} modes",
        **line,
    )


def wall(sheets: Mapping[str, np.ndarray | None], title: str, most_columns: int) -> Figure:
    """Sheets of one size beneath their captions, in rows of at most `most_columns`.

    Rows are shorter if the sheets would be small. A pixel is a square of whole dots, so nothing is blurred or
    dropped.
    """
    height, width, _ = next(picture.shape for picture in sheets.values() if picture is not None)
    columns = min(most_columns, max(1, WIDEST_ROW // (2 * width)))
    zoom = min(max(1, WIDEST_ROW // (columns * width)), LARGEST_ZOOM)
    columns = min(columns, len(sheets))
    lines_of_caption = 1 + max(caption.count("\n") for caption in sheets)
    head = LINE_HEIGHT * lines_of_caption + GAP // 2
    column_width, row_height = zoom * width + GAP, zoom * height + head + GAP // 2
    dots_wide = max(NARROWEST_PICTURE, GAP + columns * column_width)
    dots_high = 2 * LINE_HEIGHT + ceil(len(sheets) / columns) * row_height
    size = (dots_wide / DOTS_PER_INCH, dots_high / DOTS_PER_INCH)
    figure = FigureForNotebooks(figsize=size, dpi=DOTS_PER_INCH)
    for i, (caption, picture) in enumerate(sheets.items()):
        row, column = divmod(i, columns)
        x = GAP + column * column_width
        top = dots_high - 2 * LINE_HEIGHT - row * row_height - head
        left = x / dots_wide
        figure.text(left, (top + GAP // 4) / dots_high, caption, fontsize=9, verticalalignment="bottom")
        if picture is None:
            _write_that_none_were_kept(figure, left, (top - LINE_HEIGHT) / dots_high)
        else:
            enlarged = picture.repeat(zoom, axis=0).repeat(zoom, axis=1)
            figure.figimage(enlarged, x, top - zoom * len(picture))
    figure.suptitle(
        title,
        x=GAP / dots_wide,
        y=1 - LINE_HEIGHT / 2 / dots_high,
        horizontalalignment="left",
        verticalalignment="top",
        fontsize=11,
    )
    return figure


def _write_that_none_were_kept(figure: Figure, x: float, y: float) -> None:
    figure.text(x, y, "no samples were kept", fontsize=9, color="0.4", verticalalignment="top")
