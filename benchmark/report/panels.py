"""Small pictures of each method's samples, for the page."""

import base64
import io
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from benchmark.datasets.images import Images
from benchmark.datasets.mixtures import Mixture
from benchmark.report.axes import draw_samples
from benchmark.report.image_plots import sample_sheet
from benchmark.report.plots import Shown, caption

__all__ = ["Panel", "panels"]

SIDE, DPI = 2.0, 120
"""Of a picture of points: inches, and dots per inch."""

SHADES = 48
"""Colours of a picture of points, shades of transparency among them."""


class Panel(NamedTuple):
    """A method's samples: the picture as a data address, empty if none were kept, and words for it."""

    method: str
    kind: str
    picture: str
    caption: str

    @property
    def description(self) -> str:
        return f"Samples of {self.method}: {self.caption}"


def panels(shown: Shown) -> Iterator[Panel]:
    """A panel for each method that has finished, and for real data."""
    data, kept = shown.data, shown.kept
    for name, row in shown.rows.drop(index="collapsed", errors="ignore").iterrows():
        method, samples = str(name), kept[str(name)].get("samples")
        outside = 0.0
        if samples is None:
            picture = ""
        elif isinstance(data, Images):
            picture = _address(Image.fromarray(sample_sheet(samples)))
        elif isinstance(data, Mixture):
            picture, outside = _points(data, samples)
        else:
            continue
        yield Panel(method, "pixels" if isinstance(data, Images) else "points", picture, ", ".join(caption(row, outside)))


def _points(data: Mixture, samples: np.ndarray) -> tuple[str, float]:
    """The picture, and the share of samples outside of it."""
    figure = Figure(figsize=(SIDE, SIDE), dpi=DPI)
    canvas = FigureCanvasAgg(figure)
    figure.patch.set_alpha(0)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    outside = draw_samples(axes, data, samples, size=6)
    canvas.draw()
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba()))
    return _address(picture.quantize(SHADES, method=Image.Quantize.FASTOCTREE)), outside


def _address(picture: Image.Image) -> str:
    stream = io.BytesIO()
    picture.save(stream, format="PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"
