"""The pictures of a run on images."""

from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure

from benchmark.datasets.images import to_picture
from benchmark.store import Store

__all__ = ["IMAGE_PICTURES", "image_figures", "sheet"]

IMAGE_PICTURES = ("samples", "mode-counts", "nearest", "reconstructions")
"""The names of the pictures that there may be."""

SIDE = 8
"""Images along a side of a sheet of samples."""

Arrays = Mapping[str, Mapping[str, np.ndarray]]


def image_figures(store: Store, dataset: str, shown: pd.DataFrame, modes: int, colours: Mapping[str, Any]) -> Iterator[tuple[str, Figure]]:
    """Yields names of `IMAGE_PICTURES` and figures, as far as the methods have something to show.

    Arguments:
        store: The run.
        dataset: The dataset's name.
        shown: The row of `trials.csv` that stands for each method, by method.
        modes: The number of modes; 0 where they are not known.
        colours: A colour per method.
    """
    kept = {method: store.arrays(dataset, method, int(row["seed"])) for method, row in shown.iterrows() if method != "collapsed"}
    arrays: Arrays = {str(method): held for method, held in kept.items() if held}
    seeds = ", ".join(map(str, sorted(set(shown["seed"]))))
    if arrays:
        yield "samples", _samples(arrays, shown, modes, f"{dataset}: samples of seed {seeds}")
    having = {name: {method: held for method, held in arrays.items() if name in held} for name in ("mode_counts", "nearest", "reconstructions")}
    if having["mode_counts"]:
        title = f"{dataset}: samples per mode, of seed {seeds}, modes sorted for each method"
        yield "mode-counts", _mode_counts(having["mode_counts"], colours, title)
    if having["nearest"]:
        pairs = {method: (held["samples"][: len(held["nearest"])], held["nearest"]) for method, held in having["nearest"].items()}
        yield "nearest", _pairs(pairs, f"{dataset}: samples of seed {seeds} (above) and the training images nearest to them (below)")
    if having["reconstructions"]:
        pairs = {method: (held["reconstructions"][0], held["reconstructions"][1]) for method, held in having["reconstructions"].items()}
        yield "reconstructions", _pairs(pairs, f"{dataset}: held-out images (above) and their reconstructions by seed {seeds} (below)")


def sheet(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Rows of packed images, each (n, C, H, W), as one picture (rows, columns, 3) of bytes, with thin white lines between them."""
    tiles = [to_picture(torch.from_numpy(np.ascontiguousarray(row))).numpy() for row in rows]
    framed = [np.pad(row, ((0, 0), (1, 0), (1, 0), (0, 0)), constant_values=255) for row in tiles]
    return np.concatenate([np.concatenate(list(row), axis=1) for row in framed], axis=0)


def _samples(arrays: Arrays, shown: pd.DataFrame, modes: int, title: str) -> Figure:
    columns = min(4, len(arrays))
    rows = ceil(len(arrays) / columns)
    figure = Figure(figsize=(3.5 * columns, 3.8 * rows + 0.5), layout="constrained")
    for i, (method, held) in enumerate(arrays.items()):
        axes = figure.add_subplot(rows, columns, i + 1)
        images = held["samples"][: SIDE**2]
        axes.imshow(sheet([images[first : first + SIDE] for first in range(0, len(images) - len(images) % SIDE, SIDE)] or [images]))
        axes.axis("off")
        axes.set_title(_caption(method, shown.loc[method], modes), fontsize=9)
    figure.suptitle(title, fontsize=12)
    return figure


def _caption(method: str, row: pd.Series, modes: int) -> str:
    state = "" if row["status"] == "ok" else f" ({row['status']})"
    if modes:
        return f"{method}{state}\n{row['modes']:.0f}/{modes} modes, {row['high_quality']:.1%} high quality"
    scores = ", ".join(f"{name} {row[name]:.4g}" for name in ("fid", "ivom") if name in row and pd.notna(row[name]))
    return f"{method}{state}\n{scores}"


def _mode_counts(arrays: Arrays, colours: Mapping[str, Any], title: str) -> Figure:
    """Sorted counts; a line reaches down to 0 where modes without samples begin."""
    figure = Figure(figsize=(9, 5.2), layout="constrained")
    axes = figure.add_subplot()
    for method, held in arrays.items():
        counts = np.sort(held["mode_counts"])[::-1]
        style = {"color": colours[method], "linewidth": 1.6} if method in colours else {"color": "0.3", "linestyle": "--", "linewidth": 1.2}
        axes.plot(np.arange(1, len(counts) + 1), counts, label=f"{method}: {(counts > 0).sum()} modes", **style)
    axes.set_yscale("symlog", linthresh=1)
    axes.set_ylim(bottom=0)
    axes.set_xlim(0, len(counts))
    axes.set_xlabel("modes, from the most to the least frequent")
    axes.set_ylabel("samples")
    axes.grid(alpha=0.25)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right center", fontsize=9, frameon=False)
    figure.suptitle(title, fontsize=12)
    return figure


def _pairs(pairs: Mapping[str, tuple[np.ndarray, np.ndarray]], title: str) -> Figure:
    """A block of two rows of images per method."""
    columns = min(2, len(pairs))
    rows = ceil(len(pairs) / columns)
    figure = Figure(figsize=(6.8 * columns, 1.5 * rows + 0.6), layout="constrained")
    for i, (method, (above, below)) in enumerate(pairs.items()):
        axes = figure.add_subplot(rows, columns, i + 1)
        axes.imshow(sheet([above, below]))
        axes.axis("off")
        axes.set_title(method, fontsize=9, loc="left")
    figure.suptitle(title, fontsize=11)
    return figure
