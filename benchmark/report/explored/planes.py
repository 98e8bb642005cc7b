"""Figures of points: paths and reconstructions in the plane, and the map of the latent plane."""

import colorsys
from collections.abc import Iterator
from textwrap import fill

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from benchmark.datasets.base import Dataset
from benchmark.records.schema import REAL_DATA
from benchmark.report.explored.findings import Compared, Findings, LatentMap, Paths
from benchmark.report.numbers import number
from benchmark.report.pictures.axis_helpers import GREY, FigureForNotebooks, no_math
from benchmark.report.styles import COLOURS
from benchmark.report.view import PlaneView

__all__ = ["plane_figures"]

PANEL_INCHES = 3.6

TITLE_LETTERS = 48
"""Letters in a line of a panel's title."""

OFF_MODE_OPACITY = 0.25
"""Of a place in a map whose sample is on no mode: it has the colour of the nearest one."""


SMALL_VOLUME = 0.1
"""The share of its weight below which a mode's latent volume is counted as small."""


def plane_figures(findings: Findings, data: Dataset, real: np.ndarray) -> Iterator[tuple[str, str, Figure]]:
    """Yields the name, the words and the figure of each picture of a model.

    Arguments:
        findings: What was found.
        data: The dataset.
        real: Some real data (N, D): where no modes are known, it shows where data lies.
    """
    model = findings.model
    plane = _Plane(data, real)
    title = f"{model}: paths between latents ({plane.legend})"
    figure, panels = _figure(title, len(findings.paths))
    captions = []
    for axes, paths in zip(panels, findings.paths, strict=True):
        captions.append(plane.draw_paths(axes, paths))
    yield "paths", f"{title}: {'; '.join(captions)}", figure
    yield from _compared(plane, "reconstructions", f"{model}: held-out points", findings.reconstructions)
    if findings.given is not None:
        yield from _compared(plane, "given", f"{model}: the points given", findings.given)
    if findings.map is not None:
        yield "map", *_map_figure(model, findings.map)


class _Plane:
    """Where points are drawn."""

    def __init__(self, data: Dataset, real: np.ndarray) -> None:
        self.data = data
        self.view = PlaneView(data.axes, data.landmarks.numpy(), {REAL_DATA: self._projected(real)})

    @property
    def legend(self) -> str:
        """What the grey marks are."""
        return "circles: modes" if len(self.view.landmarks) else "grey: real data"

    def draw_paths(self, axes: Axes, paths: Paths) -> str:
        """Draws paths, and returns their caption."""
        self._prepare(axes)
        for i, frames in enumerate(paths.frames):
            colour = COLOURS[i % len(COLOURS)]
            axes.plot(*self._projected(frames).T, color=colour, linewidth=0.8)
            axes.plot(*self._projected(paths.pictured[i]).T, "o", color=colour, markersize=2.5)
            if paths.targets is not None:
                x, y = self._projected(paths.targets[i]).T
                axes.plot(x, y, "*", color=colour, markersize=9, markeredgecolor="black", markeredgewidth=0.5)
        caption = paths.caption + self._left_frame(paths.frames)
        _entitle(axes, caption)
        return caption

    def _left_frame(self, paths: np.ndarray) -> str:
        """How many paths (P, T, D) are cut off; the frame is the same for all models."""
        low, high = self.view.frame
        cut = 0
        for path in paths:
            points = self._projected(path)
            cut += bool((points < low).any() or (points > high).any())
        return f"; {cut} of {len(paths)} paths leave the frame" if cut else ""

    def draw_compared(self, axes: Axes, compared: Compared, how: str) -> str:
        """Draws lines from points to what was made of them, and returns the caption."""
        targets, made = self._projected(compared.targets), self._projected(compared.made[how])
        self._prepare(axes, np.concatenate([targets, made[np.isfinite(made).all(axis=1)]]))
        for target, again in zip(targets, made, strict=True):
            x, y = np.stack([target, again]).T
            axes.plot(x, y, color=COLOURS[1], linewidth=0.8)
        axes.plot(*targets.T, "*", color="black", markersize=6)
        axes.plot(*made.T, "o", color=COLOURS[1], markersize=3)
        caption = f"by {how}: mean squared error {number(float(compared.errors[how].mean()), 2)}"
        _entitle(axes, caption)
        return caption

    def _prepare(self, axes: Axes, shown: np.ndarray | None = None) -> None:
        """Draws where data lies, in a frame that has room for some further points $(n, 2)$, too."""
        low, high = self.view.frame
        if shown is not None:
            margin = 0.05 * (high - low)
            low = np.minimum(low, shown.min(axis=0) - margin)
            high = np.maximum(high, shown.max(axis=0) + margin)
        axes.set_xlim(low[0], high[0])
        axes.set_ylim(low[1], high[1])
        x, y = self.view.landmarks.T
        axes.plot(x, y, "o", markersize=7, markerfacecolor="none", markeredgecolor=GREY, linestyle="none")
        if len(x) == 0:
            axes.plot(*self.view.points[REAL_DATA].T, ".", markersize=1, color=GREY)
        across, upwards = self.view.axes
        axes.set_xlabel(across, fontsize=7)
        axes.set_ylabel(upwards, fontsize=7)

    def _projected(self, points: np.ndarray) -> np.ndarray:
        return self.data.project(torch.from_numpy(np.ascontiguousarray(points))).numpy()


def _compared(plane: _Plane, name: str, what: str, compared: Compared) -> Iterator[tuple[str, str, Figure]]:
    if not compared.made:
        return
    title = f"{what} (stars) and what is made of them (dots; {plane.legend})"
    figure, panels = _figure(title, len(compared.made))
    captions = []
    for axes, how in zip(panels, compared.made, strict=True):
        captions.append(plane.draw_compared(axes, compared, how))
    yield name, f"{title}: {'; '.join(captions)}", figure


def _map_figure(model: str, latent_map: LatentMap) -> tuple[str, Figure]:
    """The words and the figure of a map of the latent plane."""
    i, j = latent_map.coordinates
    title = f"{model}: modes over the plane of latent coordinates {i} and {j}"
    figure, panels = _figure(title, len(latent_map.planes) + 1)
    colours = ListedColormap(_colours_of_modes(len(latent_map.weights)))
    side = latent_map.side
    for axes, (others, plane) in zip(panels, latent_map.planes.items(), strict=False):
        axes.imshow(
            plane.modes,
            alpha=np.where(plane.on_mode, 1.0, OFF_MODE_OPACITY),
            cmap=colours,
            vmin=-0.5,
            vmax=len(latent_map.weights) - 0.5,
            origin="lower",
            extent=(-side, side, -side, side),
            interpolation="nearest",
        )
        share_across, share_upwards = latent_map.shares
        axes.set_xlabel(f"coordinate {i} ({share_across:.0%} of the effects)", fontsize=7)
        axes.set_ylabel(f"coordinate {j} ({share_upwards:.0%} of the effects)", fontsize=7)
        _entitle(axes, f"other coordinates {others}; colours as of the bars, pale: on no mode")
    words = _draw_volumes(panels[-1], latent_map, colours)
    return f"{title}; {words}", figure


def _draw_volumes(axes: Axes, latent_map: LatentMap, colours: ListedColormap) -> str:
    """The share of the latent volume of each mode as a bar, its weight as a tick; returns the caption."""
    places = np.arange(len(latent_map.weights))
    axes.bar(places, latent_map.volumes, color=[colours(place) for place in places])
    axes.hlines(latent_map.weights, places - 0.4, places + 0.4, color="black", linewidth=1.2)
    axes.set_xlabel("mode", fontsize=7)
    axes.set_ylim(bottom=0)
    off = 1 - float(latent_map.volumes.sum())
    small = int((latent_map.volumes < SMALL_VOLUME * latent_map.weights).sum())
    caption = (
        f"latent volume by mode (line: its weight); {100 * off:.3g} % is on no mode; "
        f"modes with less than a tenth of their weight: {small} of {len(places)}"
    )
    _entitle(axes, caption)
    return caption


def _colours_of_modes(number_of_modes: int) -> list[tuple[float, float, float]]:
    """Colours that differ between neighbours: hues by the golden ratio, in two lightnesses."""
    colours = []
    for i in range(number_of_modes):
        colours.append(colorsys.hls_to_rgb(i * 0.618034 % 1, (0.45, 0.65)[i % 2], 0.7))
    return colours


def _figure(title: str, panels: int) -> tuple[Figure, list[Axes]]:
    figure = FigureForNotebooks(figsize=(PANEL_INCHES * panels, PANEL_INCHES + 0.5), layout="constrained")
    no_math(figure.suptitle(fill(title, TITLE_LETTERS * panels), fontsize=10))
    axes = [figure.add_subplot(1, panels, i + 1) for i in range(panels)]
    for panel in axes:
        panel.tick_params(labelsize=7)
    return figure, axes


def _entitle(axes: Axes, text: str) -> None:
    no_math(axes.set_title(fill(text, TITLE_LETTERS), fontsize=8))
