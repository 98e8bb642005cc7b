"""What was found of one model, to be drawn."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from benchmark.report.numbers import NO_NUMBER, number

__all__ = ["FACTORS", "PATHS", "Compared", "Findings", "LatentMap", "Paths", "Plane", "Walks"]

PATHS = {
    "real": "straight between two held-out data themselves",
    "straight": "straight between drawn latents",
    "spherical": "spherical between drawn latents",
    "encoded": "straight between the codes of two held-out data",
    "searched": "straight between the latents that a search has found for two held-out data",
}
"""The kinds of paths, in words."""


FACTORS = ("stretch", "largest_jump", "encoder_over_search")
"""Measures of which the geometric mean is taken: a few large values would decide the arithmetic one."""


class Paths(NamedTuple):
    """Paths of one kind.

    Attributes:
        kind: A key of `PATHS`.
        steps: How many of their points are pictured.
        frames: The packed data along them, shape (P, T, *).
        measures: What was measured along them, shape (P,), by name.
        nearest: The training images nearest to their ends, shape (P, 2, *); `None` for points.
        targets: The held-out data that their ends stand for, shape (P, 2, *); `None` for drawn latents.
    """

    kind: str
    steps: int
    frames: np.ndarray
    measures: Mapping[str, np.ndarray]
    nearest: np.ndarray | None
    targets: np.ndarray | None

    @property
    def pictured(self) -> np.ndarray:
        """The points that are pictured, evenly spaced, shape (P, steps, *)."""
        last = self.frames.shape[1] - 1
        return self.frames[:, np.linspace(0, last, self.steps).round().astype(int)]

    @property
    def caption(self) -> str:
        """Their kind and the means of what was measured, in words."""
        parts = []
        for name, values in self.measures.items():
            parts.append(f"{name} {_mean_text(name, values[np.isfinite(values)])}")
        return f"{PATHS[self.kind]}: {', '.join(parts)}"


def _mean_text(measure: str, values: np.ndarray) -> str:
    """The mean of a measure, as tables take it."""
    if len(values) == 0:
        return NO_NUMBER
    mean = np.exp(np.log(values).mean()) if measure in FACTORS else values.mean()
    return number(float(mean), 2)


class Compared(NamedTuple):
    """Given data beside what a model makes of it.

    Attributes:
        targets: The packed data, shape (n, *).
        made: What the model makes, of the same shape, by how: `encoder` or `search`.
        errors: The errors, shape (n,), by how; 0 for what is rounding.
        variance: The error of the mean of held-out data in place of each datum, averaged.
    """

    targets: np.ndarray
    made: Mapping[str, np.ndarray]
    errors: Mapping[str, np.ndarray]
    variance: float


class Walks(NamedTuple):
    """Images along single latent coordinates.

    Attributes:
        frames: Packed images, shape (k, steps, *).
        reach: How far each walk goes from 0, either way, in standard deviations of normal numbers.
        coordinates: The coordinates.
        shares: The share of the sum of all coordinates' effects that each has.
    """

    frames: np.ndarray
    reach: float
    coordinates: Sequence[int]
    shares: Sequence[float]


class Plane(NamedTuple):
    """The modes over a plane of two latent coordinates, from the lower left.

    Attributes:
        modes: The nearest mode at each place, shape (G, G).
        on_mode: Whether the sample there is on it, of the same shape.
    """

    modes: np.ndarray
    on_mode: np.ndarray


class LatentMap(NamedTuple):
    """The modes of points, over the plane of two latent coordinates.

    Attributes:
        coordinates: The coordinates across and upwards.
        shares: As of `Walks`.
        side: Half of the side of the plane, in standard deviations of normal numbers.
        planes: Planes by where the other coordinates are.
        volumes: The share of the latent volume of each mode, shape (K,).
        weights: The modes' weights, shape (K,).
    """

    coordinates: tuple[int, int]
    shares: tuple[float, float]
    side: float
    planes: Mapping[str, Plane]
    volumes: np.ndarray
    weights: np.ndarray


class Findings(NamedTuple):
    """All that was found of one model.

    Attributes:
        method: The method.
        seed: The seed.
        paths: Its paths.
        reconstructions: Held-out data beside what the encoder and the search make of it.
        given: The user's own data beside what the encoder and the search make of it; `None` without any.
        walks: Walks along latent coordinates; `None` for points.
        map: The map of the latent plane; `None` for images, and where no modes are known.
        measures: What was measured of the model as a whole, by name.
    """

    method: str
    seed: int
    paths: Sequence[Paths]
    reconstructions: Compared
    given: Compared | None
    walks: Walks | None
    map: LatentMap | None
    measures: Mapping[str, float]

    @property
    def model(self) -> str:
        """The model in words."""
        return f"{self.method}, seed {self.seed}"
