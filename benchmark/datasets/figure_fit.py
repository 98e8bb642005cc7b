"""Which figures a picture shows, and where: the rendering of `figures`, inverted."""

from functools import lru_cache
from itertools import product
from math import pi
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from benchmark.datasets.figures import COUNTS, FIGURES, PIXELS, Pose, coverage

__all__ = ["KINDS", "Fit", "Limits", "fit_figures"]

KINDS = tuple(product(FIGURES, range(1, COUNTS + 1)))
"""The groups of figures: the figure and the number of them."""

ROTATIONS, SIZES = 60, 4
"""The poses of each kind that a picture is compared with: all combinations."""

BACKGROUND = 0.25
"""What is darker than this does not count for where a picture has its middle."""

STEPS = 6
"""Gauss-Newton steps from each start."""

STARTS = 4
"""The nearest of these poses that are tried one after the other."""

ON_MANIFOLD, OFF_MANIFOLD = 0.02, 0.6
"""A picture is done with if the relative distance of the best rendering is less, or more: it is found, or
there is nothing to find.
"""

DIFFERENCES = (1e-2, 1e-2, 2e-3, 2e-3)
"""By which the numbers of a pose are changed for their derivatives."""


class Limits(NamedTuple):
    """The poses that occur: `x` and `y` up to `offset` from 0, sizes from `least_size` to 1."""

    offset: float
    least_size: float


class Fit(NamedTuple):
    """The rendering that is nearest to a picture.

    Attributes:
        kind: The place of its figures in `KINDS`, shape $(n,)$.
        pose: Where they are: the numbers of a `Pose`, shape $(n, 4)$.
        rendering: What is rendered from that, shape $(n, 32, 32)$.
    """

    kind: Tensor
    pose: Tensor
    rendering: Tensor


class _Templates(NamedTuple):
    """Renderings with their middle in that of the picture.

    Attributes:
        pictures: Of Euclidean norm 1, shape $(T, 1024)$.
        kinds: The places of their figures in `KINDS`, shape $(T,)$.
        poses: Where their middle is, their size and their rotation, shape $(T, 4)$.
    """

    pictures: Tensor
    kinds: Tensor
    poses: Tensor


def fit_figures(pictures: Tensor, limits: Limits) -> Fit:
    """Finds, for each picture, the figures and the pose whose rendering is nearest by Euclidean distance.

    The picture is moved to its middle and compared with renderings of all kinds in many poses; the best of
    them are starts of Gauss-Newton iterations within the limits. The figures of a rendering and its pose are
    found again; of other pictures the best rendering may be missed.

    Arguments:
        pictures: How much of each pixel is covered, shape $(n, 32, 32)$.
        limits: The poses to choose from.
    """
    templates = _templates(limits, pictures.device)
    centred, middle = _centre(pictures)
    likeness = centred.flatten(1) @ templates.pictures.T
    best = Fit(
        kind=torch.zeros(len(pictures), dtype=torch.long, device=pictures.device),
        pose=torch.zeros(len(pictures), 4, device=pictures.device),
        rendering=torch.zeros_like(pictures),
    )
    error = torch.full((len(pictures),), torch.inf, device=pictures.device)
    undecided = torch.arange(len(pictures), device=pictures.device)
    for template in likeness.topk(STARTS, dim=1).indices.T:
        chosen = template[undecided]
        start = templates.poses[chosen].clone()
        start[:, :2] = middle[undecided] - start[:, :2]
        found = _refine_all(templates.kinds[chosen], pictures[undecided], start, limits)
        new_error = _relative_error(found.rendering, pictures[undecided])
        better = new_error < error[undecided]
        error[undecided[better]] = new_error[better]
        for part, new in zip(best, found, strict=True):
            part[undecided[better]] = new[better]
        undecided = ((error > ON_MANIFOLD) & (error < OFF_MANIFOLD)).nonzero()[:, 0]
    return best


def _relative_error(rendering: Tensor, pictures: Tensor) -> Tensor:
    """The distance of renderings from pictures over the norm of the rendering, shape $(n,)$."""
    return (_squares(rendering - pictures) / _squares(rendering)).sqrt()


def _refine_all(kinds: Tensor, pictures: Tensor, start: Tensor, limits: Limits) -> Fit:
    """The best fit of the given kinds, each from its start."""
    pose, rendering = start.clone(), torch.empty_like(pictures)
    for kind in kinds.unique().tolist():
        members = kinds == kind
        pose[members], rendering[members] = _refine(kind, pictures[members], start[members], limits)
    return Fit(kinds, pose, rendering)


def _refine(kind: int, pictures: Tensor, pose: Tensor, limits: Limits) -> tuple[Tensor, Tensor]:
    """The best pose of figures of one kind and its rendering, by Gauss-Newton steps from a first pose."""
    free = float("inf")
    least = pose.new_tensor([-limits.offset, -limits.offset, limits.least_size, -free])
    greatest = pose.new_tensor([limits.offset, limits.offset, 1.0, free])
    pose = pose.clamp(least, greatest)
    rendering = _render(kind, pose)
    best_pose, best_rendering = pose, rendering
    error = _squares(rendering - pictures)
    for _ in range(STEPS):
        pose = (pose - _gauss_newton_step(kind, pose, rendering, pictures)).clamp(least, greatest)
        rendering = _render(kind, pose)
        new_error = _squares(rendering - pictures)
        better = new_error < error
        error = torch.where(better, new_error, error)
        best_pose = torch.where(better[:, None], pose, best_pose)
        best_rendering = torch.where(better[:, None, None], rendering, best_rendering)
    return best_pose, best_rendering


def _gauss_newton_step(kind: int, pose: Tensor, rendering: Tensor, pictures: Tensor) -> Tensor:
    """What to subtract from poses, shape $(n, 4)$."""
    slopes = []
    for place, difference in enumerate(DIFFERENCES):
        moved = pose.clone()
        moved[:, place] += difference
        slopes.append((_render(kind, moved) - rendering) / difference)
    jacobian = torch.stack(slopes, dim=-1).flatten(1, 2)
    residual = (rendering - pictures).flatten(1)[..., None]
    normal = jacobian.mT @ jacobian
    # A little damping: where nothing depends on a number, it stays.
    damping = 1e-3 * normal.diagonal(dim1=1, dim2=2) + 1e-6
    return torch.linalg.solve(normal + damping.diag_embed(), jacobian.mT @ residual)[..., 0]


def _render(kind: int, pose: Tensor) -> Tensor:
    figure, count = KINDS[kind]
    return coverage(figure, count, Pose(*pose.T))


def _squares(pictures: Tensor) -> Tensor:
    return pictures.square().sum(dim=(1, 2))


def _centre(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Pictures with their middle moved to that of the picture, and where it was, shape $(n, 2)$."""
    bright = (pictures - BACKGROUND).clamp(min=0)
    places = torch.arange(PIXELS, dtype=bright.dtype, device=bright.device) - (PIXELS - 1) / 2
    mass = bright.sum(dim=(1, 2)).clamp(min=1e-6)
    x = (bright.sum(dim=1) * places).sum(dim=1) / mass
    y = (bright.sum(dim=2) * places).sum(dim=1) / mass
    middle = torch.stack([x, y], dim=1)
    shift = torch.eye(2, 3, dtype=bright.dtype, device=bright.device).repeat(len(bright), 1, 1)
    shift[:, :, 2] = middle / (PIXELS / 2)
    grid = affine_grid(shift, [len(bright), 1, PIXELS, PIXELS], align_corners=False)
    return grid_sample(bright[:, None], grid, align_corners=False)[:, 0], middle


@lru_cache(maxsize=2)
def _templates(limits: Limits, device: torch.device) -> _Templates:
    """The renderings that pictures are compared with."""
    middles = (torch.arange(SIZES, device=device) + 0.5) / SIZES
    size = (limits.least_size + middles * (1 - limits.least_size)).repeat_interleave(ROTATIONS)
    rotation = (2 * pi * torch.arange(ROTATIONS, device=device) / ROTATIONS).repeat(SIZES)
    zero = torch.zeros_like(size)
    pictures, kinds, poses = [], [], []
    for kind, (figure, count) in enumerate(KINDS):
        picture, middle = _centre(coverage(figure, count, Pose(zero, zero, size, rotation)))
        flat = picture.flatten(1)
        pictures.append(flat / flat.norm(dim=1, keepdim=True))
        kinds.append(torch.full((len(flat),), kind, device=device))
        poses.append(torch.cat([middle, size[:, None], rotation[:, None]], dim=1))
    return _Templates(torch.cat(pictures), torch.cat(kinds), torch.cat(poses))
