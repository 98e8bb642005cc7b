"""Small pictures of each method's samples, for the page."""

import base64
import io
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from benchmark.report.pictures.drawings import draw_samples
from benchmark.report.pictures.image_sheets import sample_sheet
from benchmark.report.view import DatasetView, PlaneView
from benchmark.report.words import trial_name, trial_scores

__all__ = ["Thumbnail", "thumbnails"]

SIDE_INCHES, DOTS_PER_INCH = 2.0, 120
"""The size of a picture of points."""

COLOURS_OF_POINTS = 48
"""Colours in a picture of points; shades of transparency are among them."""


class Thumbnail(NamedTuple):
    """A trial's samples.

    Attributes:
        trial: The trial, in words.
        scores: Its scores, in words.
        kind: `points`, `pixels`, or `none` if no samples were kept.
        picture: The picture as a data address; empty if no samples were kept.
    """

    trial: str
    scores: str
    kind: str
    picture: str

    @property
    def description(self) -> str:
        """Words for readers who do not see the picture."""
        return f"Samples of {self.trial}: {self.scores}"


def thumbnails(view: DatasetView) -> Iterator[Thumbnail]:
    """A thumbnail for each method that has finished, for real data and for noise."""
    if view.images is None and view.plane is None:
        return
    for method, row in view.sample_rows.iterrows():
        name = trial_name(str(method), row)
        if view.images is not None and "samples" in view.images[str(method)]:
            sheet = Image.fromarray(sample_sheet(view.images[str(method)]["samples"]))
            yield Thumbnail(name, trial_scores(row), "pixels", _data_address(sheet))
        elif view.plane is not None and method in view.plane.points:
            picture, outside = _picture_of_points(view.plane, str(method))
            yield Thumbnail(name, trial_scores(row, outside), "points", picture)
        else:
            yield Thumbnail(name, trial_scores(row), "none", "")


def _picture_of_points(plane: PlaneView, method: str) -> tuple[str, float]:
    """The picture, and the share of the samples outside it."""
    figure = Figure(figsize=(SIDE_INCHES, SIDE_INCHES), dpi=DOTS_PER_INCH)
    canvas = FigureCanvasAgg(figure)
    figure.patch.set_alpha(0)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    outside = draw_samples(axes, plane, method, size=6)
    canvas.draw()
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba()))
    return _data_address(picture.quantize(COLOURS_OF_POINTS, method=Image.Quantize.FASTOCTREE)), outside


def _data_address(picture: Image.Image) -> str:
    stream = io.BytesIO()
    picture.save(stream, format="PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"
