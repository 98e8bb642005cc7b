"""Figures that can be drawn at any place, size and rotation, and the pictures of several of them."""

from collections.abc import Callable
from math import pi
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["COUNTS", "FIGURES", "PIXELS", "Pose", "coverage"]

PIXELS = 32
"""The side of a picture."""

CIRCUMRADIUS = 4.6
"""The unit of figures of size 1 in pixels: about the radius of the circle around them."""

RADII = (0.0, 5.3, 6.1, 7.5)
"""The distance in pixels of the figures from the middle of a group of size 1, for one to four figures:
neighbours do not overlap.
"""

COUNTS = len(RADII)
"""The largest number of figures in a picture; the smallest is 1."""


class Pose(NamedTuple):
    """Where a group of figures is.

    Attributes:
        x: The middle of the group, in pixels from the middle of the picture, to the right; shape $(n,)$.
        y: As `x`, downwards.
        size: The size of the figures and of the group, 1 for the largest.
        rotation: The angle by which the whole group is turned, in radians.
    """

    x: Tensor
    y: Tensor
    size: Tensor
    rotation: Tensor


def _disc(x: Tensor, y: Tensor, centre: float, radius: float) -> Tensor:
    return ((x - centre).square() + y.square() + 1e-12).sqrt() - radius


def _box(x: Tensor, y: Tensor, left: float, bottom: float, right: float, top: float) -> Tensor:
    across = torch.maximum(left - x, x - right)
    along = torch.maximum(bottom - y, y - top)
    return torch.maximum(across, along)


def _triangle(x: Tensor, y: Tensor, tip: float, base: float, half_width: float) -> Tensor:
    """An isosceles triangle whose axis is that of `x`."""
    length = tip - base
    slant = (length**2 + half_width**2) ** 0.5
    side = (half_width * (x - tip) + length * y.abs()) / slant
    return torch.maximum(base - x, side)


def _half_disc(x: Tensor, y: Tensor) -> Tensor:
    return torch.maximum(_disc(x, y, 0.0, 1.0), -0.1 - x)


def _wedge(x: Tensor, y: Tensor) -> Tensor:
    return _triangle(x, y, 1.0, -0.75, 0.65)


def _chevron(x: Tensor, y: Tensor) -> Tensor:
    return torch.maximum(_triangle(x, y, 1.0, -0.75, 0.8), -_triangle(x, y, 0.1, -2.0, 0.96))


def _crescent(x: Tensor, y: Tensor) -> Tensor:
    return torch.maximum(_disc(x, y, 0.0, 1.0), -_disc(x, y, 0.5, 0.75))


def _open_disc(x: Tensor, y: Tensor) -> Tensor:
    mouth = (y.abs() - x) / 2**0.5
    return torch.maximum(_disc(x, y, 0.0, 1.0), -mouth)


def _key(x: Tensor, y: Tensor) -> Tensor:
    return torch.minimum(_disc(x, y, -0.45, 0.55), _box(x, y, -0.45, -0.17, 1.0, 0.17))


def _letter_l(x: Tensor, y: Tensor) -> Tensor:
    return torch.minimum(_box(x, y, -0.6, -0.8, -0.15, 0.8), _box(x, y, -0.6, -0.8, 0.6, -0.35))


def _letter_t(x: Tensor, y: Tensor) -> Tensor:
    return torch.minimum(_box(x, y, -0.8, 0.15, 0.8, 0.6), _box(x, y, -0.22, -0.97, 0.22, 0.6))


FIGURES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "half-disc": _half_disc,
    "wedge": _wedge,
    "chevron": _chevron,
    "crescent": _crescent,
    "open-disc": _open_disc,
    "key": _key,
    "letter-l": _letter_l,
    "letter-t": _letter_t,
}
"""Signed distances from the outlines of figures, negative inside, as functions of the coordinates in units of
the circumradius. No figure is like itself when it is turned, so that every rotation shows.
"""


def coverage(figure: str, count: int, pose: Pose) -> Tensor:
    """How much of each pixel the figures cover, from 0 to 1, shape $(n, 32, 32)$: 0.5 less the signed
    distance of the pixel's middle from the outline, in pixels.

    Arguments:
        figure: A name in `FIGURES`.
        count: The number of figures, from 1 to `COUNTS`. They lie on a circle, evenly spaced, each turned as
            the group is.
        pose: Where the groups are.
    """
    unit = CIRCUMRADIUS * pose.size
    cos, sin = pose.rotation.cos() / unit, pose.rotation.sin() / unit
    middles = torch.arange(PIXELS, dtype=unit.dtype, device=unit.device) - (PIXELS - 1) / 2
    covered = torch.zeros(len(unit), PIXELS, PIXELS, dtype=unit.dtype, device=unit.device)
    for place in range(count):
        angle = pose.rotation + 2 * pi * place / count
        radius = RADII[count - 1] * pose.size
        across = middles - (pose.x + radius * angle.cos())[:, None]
        down = middles - (pose.y + radius * angle.sin())[:, None]
        # In the frame of the figure, in units of its circumradius.
        x = (cos[:, None] * across)[:, None, :] + (sin[:, None] * down)[:, :, None]
        y = (cos[:, None] * down)[:, :, None] - (sin[:, None] * across)[:, None, :]
        distance = unit[:, None, None] * FIGURES[figure](x, y)
        covered += (0.5 - distance).clamp(0, 1)
    return covered
