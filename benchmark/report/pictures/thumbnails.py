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
from benchmark.report.pictures.axes import draw_samples
from benchmark.report.pictures.image_sheets import sample_sheet
from benchmark.report.view import DatasetView
from benchmark.report.words import trial_name, trial_scores

__all__ = ["Panel", "panels"]

SIDE, DPI = 2.0, 120
"""Of a picture of points: inches, and dots per inch."""

SHADES = 48
"""Colours of a picture of points, shades of transparency among them."""


class Panel(NamedTuple):
    """A trial's samples: the picture as a data address, empty if none were kept, and words for it."""

    trial: str
    scores: str
    kind: str
    picture: str

    @property
    def description(self) -> str:
        return f"Samples of {self.trial}: {self.scores}"


def panels(shown: DatasetView) -> Iterator[Panel]:
    """A panel for each method that has finished, and for real data."""
    data, kept = shown.data, shown.kept_arrays
    for method, row in shown.representatives.drop(index="collapsed", errors="ignore").iterrows():
        name, scores = trial_name(str(method), row), trial_scores(row)
        samples = kept[str(method)].get("samples")
        if samples is None:
            yield Panel(name, scores, "none", "")
        elif isinstance(data, Images):
            yield Panel(name, scores, "pixels", _address(Image.fromarray(sample_sheet(samples))))
        elif isinstance(data, Mixture):
            picture, outside = _points(data, samples)
            yield Panel(name, trial_scores(row, outside), "points", picture)


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
