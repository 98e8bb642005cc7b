"""Distributions along curves in the plane. They have no modes to count."""

from abc import abstractmethod
from dataclasses import dataclass
from math import pi

import torch
from torch import Tensor

from benchmark.datasets.base import Dataset, Split
from benchmark.registry import Length, register_dataset

__all__ = ["Curve", "RingOfRings", "Spirals", "TwoMoons"]


@dataclass(frozen=True)
class Curve(Dataset):
    """Points on curves in the plane, with Gaussian noise: a support that is curved or nested.

    There are no modes: distances between samples judge.

    Arguments:
        std: The standard deviation of the noise in each coordinate.
    """

    kind = "points"

    std: Length = 0.05

    @property
    def shape(self) -> tuple[int, ...]:
        return (2,)

    @abstractmethod
    def place(self, curve: Tensor, t: Tensor) -> Tensor:
        """Points on the curves without noise, shape $(n, 2)$.

        Arguments:
            curve: Uniform numbers in $[0, 1)$ that choose one of the curves, shape $(n,)$.
            t: Uniform numbers in $[0, 1)$ that choose a point of it, shape $(n,)$.
        """

    def draw(self, n: int, rng: torch.Generator, split: Split = "train") -> Tensor:
        curve, t = torch.rand(2, n, generator=rng, device=rng.device)
        noise = torch.randn(n, 2, generator=rng, device=rng.device)
        return self.place(curve, t) + self.std * noise


@register_dataset("two-moons")
@dataclass(frozen=True)
class TwoMoons(Curve):
    """Two half circles of radius 1 that reach into each other, as in scikit-learn's `make_moons`; points are
    evenly spread along each.
    """

    def place(self, curve: Tensor, t: Tensor) -> Tensor:
        arc = _circle(t / 2)
        lower = torch.stack([1 - arc[:, 0], 0.5 - arc[:, 1]], dim=1)
        return torch.where((curve < 0.5)[:, None], arc, lower)


@register_dataset("spirals")
@dataclass(frozen=True)
class Spirals(Curve):
    r"""Two spirals around each other, $r = 2 \sqrt t$ at the angle $3 \pi \sqrt t$ with $t$ uniform in
    $[0, 1]$, and the same turned by $\pi$.
    """

    def place(self, curve: Tensor, t: Tensor) -> Tensor:
        root = t.sqrt()
        half_turn = (curve < 0.5) / 2
        return 2 * root[:, None] * _circle(1.5 * root + half_turn)


@register_dataset("ring-of-rings")
@dataclass(frozen=True)
class RingOfRings(Curve):
    """Eight circles of radius 0.3 whose centres lie on a circle of radius 1, at the angles of `ring`; each
    has an eighth of the probability, evenly spread along it.
    """

    std: Length = 0.02

    def place(self, curve: Tensor, t: Tensor) -> Tensor:
        centre = (8 * curve).floor() / 8
        return _circle(centre) + 0.3 * _circle(t)


def _circle(turn: Tensor) -> Tensor:
    """Points of the unit circle at angles in full turns, shape $(n, 2)$."""
    angle = 2 * pi * turn
    return torch.stack([angle.cos(), angle.sin()], dim=1)
