"""Paths between latents, and what is measured along them."""

import torch
from torch import Tensor

from benchmark.datasets.base import Dataset

__all__ = ["along_paths", "spherical", "straight"]

PARALLEL = 1e-4
"""The sine of the angle below which two latents count as parallel, and the straight path is taken."""


def straight(a: Tensor, b: Tensor, points: int) -> Tensor:
    """Evenly spaced points from $a$ to $b$, both $(P, L)$, ends included, shape $(P, points, L)$."""
    t = torch.linspace(0, 1, points, dtype=a.dtype, device=a.device)[:, None]
    return (1 - t) * a[:, None] + t * b[:, None]


def spherical(a: Tensor, b: Tensor, points: int) -> Tensor:
    r"""Points from $a$ to $b$, both $(P, L)$, at even angles, shape $(P, points, L)$.

    $(\sin((1 - t) \omega) a + \sin(t \omega) b) / \sin \omega$, where $\omega$ is the angle between the ends.
    Unlike a straight path, it does not pass through lengths that are rare among normal latents.

    References:
        Animating rotation with quaternion curves (Shoemake, 1985);
        Sampling Generative Networks (White, 2016), arXiv:1609.04468.
    """
    if a.dtype != torch.float64:  # where angles below a thousandth would be lost
        return spherical(a.double(), b.double(), points).to(a.dtype)
    t = torch.linspace(0, 1, points, dtype=a.dtype, device=a.device)
    cosine = torch.cosine_similarity(a, b, dim=1).clamp(-1, 1)
    angle = cosine.acos()[:, None]
    sine = angle.sin()
    of_a, of_b = ((1 - t) * angle).sin() / sine, (t * angle).sin() / sine
    path = of_a[:, :, None] * a[:, None] + of_b[:, :, None] * b[:, None]
    return torch.where((sine < PARALLEL)[:, :, None], straight(a, b, points), path)


def along_paths(data: Dataset, frames: Tensor, resolution: float = 0.0) -> dict[str, Tensor]:
    """What is measured along paths of data as networks see it $(P, T, *)$: numbers $(P,)$ by name.

    `on_modes` is the share of the points that are of high quality: on a mode, or sure to the classifier.
    `modes_met` is the number of different modes among those. Both are absent where no modes are known.
    `stretch` is the length of the path over the distance of its ends, 1 for a straight line. `largest_jump`
    is the longest step over the mean step, 1 for even steps. These two are NaN for a path that stands still,
    and `stretch` for one that returns to where it began.

    Arguments:
        data: The dataset.
        frames: The paths.
        resolution: Points no farther from each other than this count as one.
    """
    measured = {}
    if data.modes:
        assignment = data.assign(data.pack(frames.flatten(0, 1)))
        good = assignment.high_quality.view(frames.shape[:2])
        mode = assignment.mode.view(frames.shape[:2])
        measured["on_modes"] = good.double().mean(dim=1)
        measured["modes_met"] = _different(mode, good).double()
    x = frames.flatten(2).double()
    steps = (x[:, 1:] - x[:, :-1]).norm(dim=2)
    from_start = (x - x[:, :1]).norm(dim=2)
    between_ends, farthest = from_start[:, -1], from_start.amax(dim=1)
    stretch = steps.sum(dim=1) / between_ends
    largest_jump = steps.amax(dim=1) / steps.mean(dim=1)
    measured["stretch"] = torch.where(between_ends > resolution, stretch, torch.nan)
    measured["largest_jump"] = torch.where(farthest > resolution, largest_jump, torch.nan)
    return measured


def _different(mode: Tensor, counts: Tensor) -> Tensor:
    """How many different modes $(P, T)$ there are in each row, among those that count."""
    numbers = [len(row[use].unique()) for row, use in zip(mode, counts, strict=True)]
    return torch.tensor(numbers, device=mode.device)
