"""The distributions that sanity checks are made of."""

from collections.abc import Callable
from dataclasses import dataclass
from math import pi

import torch
from torch import Tensor
from torch.nn.functional import normalize

from benchmark.datasets.base import Dataset, Split
from benchmark.datasets.mixtures import Mixture

__all__ = [
    "Gaussians",
    "Plain",
    "Sampler",
    "ball",
    "cube",
    "discrete",
    "gaussian",
    "heavy_tailed",
    "on_sphere",
    "scaled",
    "torus",
]

PARETO_EXPONENT = 1.01
"""With a mean, and without a variance."""

Sampler = Callable[[int, torch.Generator], Tensor]
"""Draws so many points, shape $(n, D)$."""


@dataclass(frozen=True)
class Gaussians(Mixture):
    """A mixture of Gaussians at given places, whose modes metrics may know.

    Arguments:
        places: The centre of each mode.
        shares: The weight of each mode, in proportion.
    """

    name = "gaussians"

    places: tuple[tuple[float, ...], ...] = ((0.0,),)
    shares: tuple[float, ...] = (1.0,)

    @property
    def means(self) -> Tensor:
        return torch.tensor(self.places)

    @property
    def mode_weights(self) -> Tensor:
        weights = torch.tensor(self.shares, dtype=torch.float64)
        return weights / weights.sum()


@dataclass(frozen=True)
class Plain(Dataset):
    """A distribution of points without modes."""

    name = "plain"
    kind = "points"

    sampler: Sampler = lambda n, rng: torch.rand(n, 1, generator=rng)
    dimensions: int = 1

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.dimensions,)

    def draw(self, n: int, rng: torch.Generator, split: Split = "train") -> Tensor:
        return self.sampler(n, rng)


def gaussian(mean: float, std: float, dimensions: int) -> Sampler:
    """All coordinates of one mean and one standard deviation."""

    def draw(n: int, rng: torch.Generator) -> Tensor:
        return mean + std * torch.randn(n, dimensions, generator=rng)

    return draw


def on_sphere(radius: float, dimensions: int) -> Sampler:
    """Uniform on the surface of a ball."""

    def draw(n: int, rng: torch.Generator) -> Tensor:
        return radius * normalize(torch.randn(n, dimensions, generator=rng), dim=1)

    return draw


def cube(start: float, dimensions: int) -> Sampler:
    """Uniform in a cube of side 1 whose coordinates begin at `start`."""

    def draw(n: int, rng: torch.Generator) -> Tensor:
        return start + torch.rand(n, dimensions, generator=rng)

    return draw


def ball(radius: float, dimensions: int) -> Sampler:
    """Uniform in a ball around the origin."""
    direction = on_sphere(1.0, dimensions)

    def draw(n: int, rng: torch.Generator) -> Tensor:
        distance = torch.rand(n, 1, generator=rng) ** (1 / dimensions)
        return radius * distance * direction(n, rng)

    return draw


def torus(n: int, rng: torch.Generator) -> Tensor:
    """A ring in three dimensions: a disc of radius 0.1 whose middle goes round the unit circle."""
    disc = ball(0.1, 2)(n, rng)
    angle = 2 * pi * torch.rand(n, generator=rng)
    reach = 1 + disc[:, 0]
    return torch.stack([reach * angle.cos(), reach * angle.sin(), disc[:, 1]], dim=1)


def scaled(mean: float, scale: float) -> Sampler:
    """A Gaussian in the plane: the first coordinate about `mean`, the second in another unit."""

    def draw(n: int, rng: torch.Generator) -> Tensor:
        x = torch.randn(n, 2, generator=rng)
        return torch.stack([mean + x[:, 0], scale * x[:, 1]], dim=1)

    return draw


def heavy_tailed(mean: float) -> Sampler:
    """A Gaussian coordinate about `mean`, and one of a Pareto law of exponent 1.01."""

    def draw(n: int, rng: torch.Generator) -> Tensor:
        tail = torch.rand(n, generator=rng).clamp(min=1e-9) ** (-1 / PARETO_EXPONENT)
        return torch.stack([mean + torch.randn(n, generator=rng), tail], dim=1)

    return draw


def discrete(scale: float, rounded: bool) -> Sampler:
    """A Gaussian of that standard deviation in one dimension, rounded to whole numbers or not."""

    def draw(n: int, rng: torch.Generator) -> Tensor:
        x = scale * torch.randn(n, 1, generator=rng)
        return x.round() if rounded else x

    return draw
