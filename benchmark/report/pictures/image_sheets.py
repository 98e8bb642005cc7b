"""The pictures of a run on images."""

from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure

from benchmark.datasets.images import to_picture
from benchmark.report.pictures.axes import CALIBRATION_LINES, Picture
from benchmark.report.view import Arrays
from benchmark.report.words import trial_name, trial_scores

__all__ = ["DPI", "IMAGE_PICTURES", "image_figures", "sample_sheet", "sheet"]

DPI = 130
"""Dots per inch of all pictures, so that a pixel of an image can be a whole number of dots."""

IMAGE_PICTURES = ("samples", "mode-counts", "nearest", "reconstructions")
"""The names of the pictures that there may be."""

SIDE = 8
"""Images along a side of a sheet of samples."""

SAMPLE_COLUMNS, PAIR_COLUMNS = 4, 2
"""The most sheets beside each other, of samples and of pairs."""

WIDEST, NARROWEST, GAP, LINE = 2200, 900, 22, 22
"""In dots: how wide a row of sheets is at most, how wide a picture is at least, the space around a sheet, a line of text."""

PAIRS_WIDTH = 700
"""The most pixels in a row of pairs."""


def image_figures(
    arrays: Arrays, dataset: str, shown: pd.DataFrame, colours: Mapping[str, Any]
) -> Iterator[tuple[str, Figure]]:
    """Yields names of `IMAGE_PICTURES` and figures, as far as the methods have something to show.

    Arguments:
        arrays: What was kept of the trial that stands for each method, by method and name.
        dataset: The dataset's name.
        shown: The row of `trials.csv` that stands for each method, by method.
        colours: A colour per method; calibration rows have none.
    """
    rows = {str(method): row for method, row in shown.drop(index="collapsed", errors="ignore").iterrows()}
    kept = {method: arrays[method] for method in rows}
    names = {method: trial_name(method, row) for method, row in rows.items()}
    sheets = {method: sample_sheet(held["samples"]) for method, held in _with(kept, "samples").items()}
    samples = {f"{names[method]}\n{trial_scores(row)}": sheets.get(method) for method, row in rows.items()}
    if sheets:
        yield (
            "samples",
            _wall(samples, f"{dataset}: samples of each method's lowest finished seed", SAMPLE_COLUMNS),
        )
    if _with(kept, "mode_counts"):
        yield (
            "mode-counts",
            _mode_counts(
                kept, names, colours, f"{dataset}: samples per mode, of each method's lowest finished seed"
            ),
        )
    nearest = {
        names[method]: _pairs(held["samples"], held["nearest"])
        for method, held in _with(kept, "nearest").items()
    }
    if nearest:
        yield (
            "nearest",
            _wall(
                nearest,
                f"{dataset}: samples (above) and the training images nearest to them (below)",
                PAIR_COLUMNS,
            ),
        )
    again = {
        names[method]: _pairs(*held["reconstructions"])
        for method, held in _with(kept, "reconstructions").items()
    }
    if again:
        yield (
            "reconstructions",
            _wall(
                again, f"{dataset}: held-out images (above) and their reconstructions (below)", PAIR_COLUMNS
            ),
        )


def sample_sheet(samples: np.ndarray) -> np.ndarray:
    """A nearly square sheet of packed samples, as bytes (height, width, 3); there are fewer in a row if they are wide."""
    across = max(1, SIDE * samples.shape[2] // _width(samples))
    chosen = samples[: SIDE * across]
    return sheet([chosen[first : first + across] for first in range(0, len(chosen), across)])


def sheet(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Rows of packed images, each (n, C, H, W), as one picture (height, width, 3) of bytes.

    A white line of one pixel lies above and to the left of each image; where a row is shorter than the longest, the rest is white.
    """
    longest = max(map(len, rows))
    lines = []
    for row in rows:
        tiles = to_picture(torch.from_numpy(np.ascontiguousarray(row))).numpy()
        framed = np.pad(tiles, ((0, longest - len(row)), (1, 0), (1, 0), (0, 0)), constant_values=255)
        lines.append(np.concatenate(list(framed), axis=1))
    return np.concatenate(lines, axis=0)


def _with(kept: Arrays, name: str) -> Arrays:
    """The methods that have an array of that name. A diverged trial has no other than its last samples, if any."""
    return {method: held for method, held in kept.items() if name in held}


def _pairs(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Two rows of images, as many as both have and as fit."""
    n = max(1, min(len(above), len(below), PAIRS_WIDTH // _width(below)))
    return sheet([above[:n], below[:n]])


def _width(images: np.ndarray) -> int:
    """The width of one of the images in a sheet, where channels may lie side by side."""
    return to_picture(torch.from_numpy(images[:1])).shape[2]


def _mode_counts(kept: Arrays, names: Mapping[str, str], colours: Mapping[str, Any], title: str) -> Figure:
    """Sorted counts on a logarithmic axis. A line ends, in a dot, at the last mode that has a sample."""
    figure = Picture(figsize=(9.5, 5.2), layout="constrained")
    axes = figure.add_subplot()
    total, modes = next(
        (int(held["mode_counts"].sum()), len(held["mode_counts"]))
        for held in _with(kept, "mode_counts").values()
    )
    for method, name in names.items():
        style: dict[str, Any] = {
            "color": "0.3",
            "linestyle": CALIBRATION_LINES.get(method, "-"),
            "linewidth": 1.2,
        }
        if method in colours:
            style = {"color": colours[method], "linewidth": 1.6}
        if "mode_counts" not in kept[method]:
            axes.plot([], [], label=f"{name}: not counted", **style)
            continue
        counts = np.sort(kept[method]["mode_counts"])[::-1]
        found = int((counts > 0).sum())
        label = f"{name}: {found} of {modes} modes"
        axes.plot(
            np.arange(1, found + 1),
            counts[:found],
            drawstyle="steps-mid",
            marker="o",
            markersize=4.5,
            markevery=[-1],
            label=label,
            **style,
        )
    axes.set_yscale("log")
    axes.set_ylim(bottom=0.8)
    axes.set_xlim(-0.015 * modes, 1.015 * modes)
    axes.set_xlabel(
        "modes, from a method's most to its least frequent; a line ends where those without a sample begin",
        fontsize=9,
    )
    axes.set_ylabel(f"samples of a mode, of {total}, whatever their quality", fontsize=9)
    axes.grid(alpha=0.25)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right center", fontsize=8.5, frameon=False)
    figure.suptitle(title, fontsize=11)
    return figure


def _wall(sheets: Mapping[str, np.ndarray | None], title: str, columns: int) -> Figure:
    """Sheets of one size beneath their captions, in rows of at most `columns`, or of fewer if they would be small.

    A pixel is a square of whole dots, so nothing is blurred or dropped.
    """
    height, width, _ = next(picture.shape for picture in sheets.values() if picture is not None)
    columns = min(columns, max(1, WIDEST // (2 * width)))
    zoom = max(1, WIDEST // (columns * width))
    columns = min(columns, len(sheets))
    head = LINE * (1 + max(caption.count("\n") for caption in sheets)) + GAP // 2
    right, down = zoom * width + GAP, zoom * height + head + GAP // 2
    across, tall = max(NARROWEST, GAP + columns * right), 2 * LINE + ceil(len(sheets) / columns) * down
    figure = Picture(figsize=(across / DPI, tall / DPI), dpi=DPI)
    for i, (caption, picture) in enumerate(sheets.items()):
        x, y = GAP + i % columns * right, tall - 2 * LINE - i // columns * down - head
        figure.text(x / across, (y + GAP // 4) / tall, caption, fontsize=9, verticalalignment="bottom")
        if picture is None:
            figure.text(
                x / across,
                (y - LINE) / tall,
                "no samples were kept",
                fontsize=9,
                color="0.4",
                verticalalignment="top",
            )
        else:
            figure.figimage(picture.repeat(zoom, axis=0).repeat(zoom, axis=1), x, y - zoom * len(picture))
    figure.suptitle(
        title,
        x=GAP / across,
        y=1 - LINE / 2 / tall,
        horizontalalignment="left",
        verticalalignment="top",
        fontsize=11,
    )
    return figure
