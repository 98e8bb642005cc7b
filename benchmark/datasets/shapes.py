"""Pictures whose manifold is known: figures of some colour at some place, size and rotation."""

from dataclasses import dataclass
from math import pi
from typing import Annotated

import torch
from msgspec import Meta
from torch import Tensor

from benchmark.datasets.base import Assignment, Split
from benchmark.datasets.figure_fit import KINDS, Limits, fit_figures
from benchmark.datasets.figures import PIXELS, Pose, coverage
from benchmark.datasets.images import Images
from benchmark.datasets.weights import parse_weights
from benchmark.registry import SampleSize, register_dataset

__all__ = ["COLOURS", "Shapes"]

COLOURS = {
    "red": (1, 0, 0),
    "green": (0, 1, 0),
    "blue": (0, 0, 1),
    "yellow": (1, 1, 0),
    "magenta": (1, 0, 1),
    "cyan": (0, 1, 1),
    "white": (1, 1, 1),
}
"""Red, green and blue of each colour."""

LIMITS = Limits(offset=3.0, least_size=0.75)

ROUNDING = 0.01
"""The relative distance from the manifold that 8 bits leave of a picture of it, at most."""

PICTURES_TOGETHER = 1000
"""Pictures that are inverted at a time."""


@register_dataset("shapes")
@dataclass(frozen=True)
class Shapes(Images):
    """Coloured figures on black, 32 x 32 pixels: a designed manifold of images.

    A picture has three discrete factors: which of eight figures, in which of seven colours, and how many of
    them, one to four. Their 224 combinations are the modes. Four continuous factors are independent of them
    and uniform: the place of the group in both directions, its size, and its rotation. Pictures are rendered
    on the fly, without end.

    The rendering is inverted, by search and Gauss-Newton steps, and not by a classifier: the mode of a sample
    is that of the nearest picture that is found, and the sample is of high quality if its Euclidean
    distance from it is at most `tolerance` times the norm of that picture. Pictures of two figures, colours
    or counts at the same place and of the same size are at least 0.3 times their norm apart.

    Arguments:
        tolerance: The largest relative distance of a high-quality sample from the manifold.
        weights: The weights of the modes, in the order of figures, counts and colours: `equal`,
            `geometric:RATIO` or `minority:NUMBER:FACTOR`; see `benchmark.datasets.weights`.
    """

    factors = ("x", "y", "size", "rotation")

    samples: SampleSize = 5000
    tolerance: Annotated[float, Meta(gt=0, lt=1)] = 0.25
    weights: str = "equal"

    def __post_init__(self) -> None:
        super().__post_init__()
        parse_weights(self.weights, len(KINDS) * len(COLOURS))

    @property
    def shape(self) -> tuple[int, ...]:
        return (3, PIXELS, PIXELS)

    @property
    def mode_weights(self) -> Tensor:
        return parse_weights(self.weights, len(KINDS) * len(COLOURS))

    def draw(self, n: int, rng: torch.Generator, split: Split = "train") -> Tensor:
        weights = self.mode_weights.to(rng.device)
        mode = weights.multinomial(n, replacement=True, generator=rng)
        factors = torch.rand(n, len(self.factors), generator=rng, device=rng.device)
        return self.render(mode, factors)

    def render(self, mode: Tensor, factors: Tensor) -> Tensor:
        """The pictures of modes and continuous factors, packed, shape $(n, 3, 32, 32)$.

        Arguments:
            mode: Shape $(n,)$.
            factors: Each factor as a fraction of its range, shape $(n, 4)$.
        """
        kind, colour = mode // len(COLOURS), mode % len(COLOURS)
        covered = torch.empty(len(mode), PIXELS, PIXELS, device=mode.device)
        for k in kind.unique().tolist():
            figure, count = KINDS[k]
            members = kind == k
            covered[members] = coverage(figure, count, _pose(factors[members]))
        palette = _palette(mode.device)
        coloured = covered[:, None] * palette[colour][:, :, None, None]
        return (255 * coloured).round().to(torch.uint8)

    def assign(self, samples: Tensor) -> Assignment:
        pictures = samples.flatten(0, -4)
        parts = [self._assign(part) for part in pictures.split(PICTURES_TOGETHER)]
        mode, distance, factors = (torch.cat(column) for column in zip(*parts, strict=True))
        shape = samples.shape[:-3]
        return Assignment(
            mode.view(shape),
            (distance <= self.tolerance).view(shape),
            factors=factors.view(*shape, -1),
            off_manifold=distance.view(shape),
        )

    def _assign(self, packed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Modes $(n,)$, relative distances from the manifold $(n,)$ and factors $(n, 4)$ of some pictures."""
        pictures = packed.float() / 255
        colour, covered = _split_colour(pictures)
        fit = fit_figures(covered, LIMITS)
        nearest = fit.rendering[:, None] * _palette(packed.device)[colour][:, :, None, None]
        distance = (pictures - nearest).flatten(1).norm(dim=1) / nearest.flatten(1).norm(dim=1)
        return fit.kind * len(COLOURS) + colour, distance, _factors(fit.pose)

    def nearest_training(self, packed: Tensor) -> Tensor:
        """The nearest picture of the manifold, since every one of them can occur; a picture of the manifold
        is its own.
        """
        pictures = packed.cpu()
        assigned = self.assign(pictures)
        assert assigned.factors is not None
        assert assigned.off_manifold is not None
        rendered = self.render(assigned.mode, assigned.factors)
        is_rendered = (assigned.off_manifold < ROUNDING)[:, None, None, None]
        return torch.where(is_rendered, pictures, rendered)


def _palette(device: torch.device) -> Tensor:
    """Red, green and blue of all colours, shape $(7, 3)$."""
    return torch.tensor(list(COLOURS.values()), dtype=torch.float32, device=device)


def _split_colour(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """The colour that is nearest to each picture $(n, 3, 32, 32)$, shape $(n,)$, and how much of each pixel
    is covered then, shape $(n, 32, 32)$.
    """
    palette = _palette(pictures.device)
    lit = palette.sum(dim=1)
    covered = torch.einsum("nchw,kc->nkhw", pictures, palette) / lit[:, None, None]
    explained = covered.square().sum(dim=(2, 3)) * lit
    colour = explained.argmax(dim=1)
    return colour, covered[torch.arange(len(pictures), device=pictures.device), colour]


def _pose(factors: Tensor) -> Pose:
    """The pose of factors, each a fraction of its range, shape $(n, 4)$."""
    x, y, size, rotation = factors.T
    offset, least_size = LIMITS
    return Pose(
        offset * (2 * x - 1),
        offset * (2 * y - 1),
        least_size + (1 - least_size) * size,
        2 * pi * rotation,
    )


def _factors(pose: Tensor) -> Tensor:
    """The factors of poses $(n, 4)$, each as a fraction of its range, shape $(n, 4)$."""
    x, y, size, rotation = pose.T
    offset, least_size = LIMITS
    fractions = (
        (x / offset + 1) / 2,
        (y / offset + 1) / 2,
        (size - least_size) / (1 - least_size),
        (rotation / (2 * pi)) % 1,
    )
    return torch.stack(fractions, dim=1)
