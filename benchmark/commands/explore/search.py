"""The latents of given data, searched by gradients."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from benchmark.commands.explore.models import Model
from benchmark.datasets.base import Dataset
from benchmark.errors import UsageError
from metrics.features import inception_features, resolve_features
from metrics.lbfgs import minimise

__all__ = ["Found", "Loss", "loss_of", "search"]

POOL = 1000
"""Random samples among which half of the starts are chosen."""

NUMBERS_AT_A_TIME = 1 << 20
"""Numbers of generated data that are handled at a time."""

INCEPTION_AT_A_TIME = 48
"""Images that Inception sees at a time: it enlarges them to 299 pixels."""


class Loss(NamedTuple):
    """What a search compares. The error is the mean squared difference.

    Attributes:
        features: Maps data $(n, *)$ to what is compared of it, shape $(n, F)$.
        at_a_time: The largest number of data that it is given at a time.
    """

    features: Callable[[Tensor], Tensor]
    at_a_time: int

    def of(self, x: Tensor) -> Tensor:
        """What is compared of data $(n, *)$, shape $(n, F)$."""
        return torch.cat([self.features(part) for part in x.split(self.at_a_time)])

    def error(self, x: Tensor, wanted: Tensor) -> Tensor:
        """The errors $(n,)$ of data, where `wanted` $(n, F)$ is what is compared of the targets."""
        return (self.of(x) - wanted).square().mean(dim=1)


class Found(NamedTuple):
    """The best that a search has found for some targets.

    Attributes:
        z: The latents, shape $(n, L)$.
        x: What the generator makes of them, shape $(n, *)$.
        error: The errors by the loss, shape $(n,)$.
    """

    z: Tensor
    x: Tensor
    error: Tensor


def loss_of(name: str, data: Dataset) -> Loss:
    """The loss of that name: `pixels` compares data itself, in units of its range, as IvOM does; `features`
    compares the features of the dataset's classifier, or else of Inception.

    Raises:
        UsageError: If the data has no features, or Inception's weights are missing.
    """
    at_a_time = max(1, NUMBERS_AT_A_TIME // math.prod(data.shape))
    if name == "pixels":
        return Loss(lambda x: x.flatten(1) / data.span, at_a_time)
    extractor = resolve_features("default", data)
    if extractor == "raw" or (extractor == "classifier" and not data.has_learned_features):
        raise UsageError(f"--loss features: {data.name} has no features with gradients; choose pixels")
    if extractor == "classifier":
        return Loss(data.learned_features, at_a_time)
    return Loss(inception_features, INCEPTION_AT_A_TIME)


def search(
    model: Model, targets: Tensor, loss: Loss, starts: int, iterations: int, rng: torch.Generator
) -> Found:
    """Searches the latents whose samples are nearest to targets, by L-BFGS from several starts.

    Half of the starts, at least one, are the nearest of a thousand random samples, the others are random.
    Uniform latents are searched as functions of normal ones, as IvOM does.

    Arguments:
        model: The model; its samples take no noise beside the latents.
        targets: What to search, as networks see it, shape $(n, *)$.
        loss: What is compared.
        starts: Starts per target.
        iterations: Evaluations from each start.
        rng: Draws the starts.
    """
    pool = torch.randn(POOL, model.latents.size, generator=rng, device=rng.device)
    with torch.no_grad():
        wanted = loss.of(targets)
        made = torch.cat([loss.of(_sample(model, part)) for part in pool.split(min(250, loss.at_a_time))])
    numbers = _starts(pool, made, wanted, starts, rng)
    # In units of the samples' variance the first steps are neither tiny nor huge.
    unit = made.var(dim=0).mean().clamp(min=1e-12)
    size = max(1, loss.at_a_time // starts)
    best = []
    for start, want in zip(numbers.split(size), wanted.split(size), strict=True):
        rows = want.repeat_interleave(starts, dim=0)

        def objective(u: Tensor, rows: Tensor = rows) -> Tensor:
            return loss.error(_sample(model, u), rows) / unit

        found, error = minimise(objective, start.flatten(0, 1), iterations)
        place = error.view(len(want), starts).argmin(dim=1)
        best.append(found.view(len(want), starts, -1)[torch.arange(len(want)), place])
    u = torch.cat(best)
    with torch.no_grad():
        x = _sample(model, u)
        errors = [
            loss.error(part, want) for part, want in zip(x.split(size), wanted.split(size), strict=True)
        ]
        return Found(model.latents.of_normal(u), x, torch.cat(errors))


def _starts(pool: Tensor, made: Tensor, wanted: Tensor, starts: int, rng: torch.Generator) -> Tensor:
    """Normal numbers to start from, shape $(n, starts, L)$.

    Arguments:
        pool: Normal numbers, shape $(N, L)$.
        made: What is compared of their samples, shape $(N, F)$.
        wanted: What is compared of the targets, shape $(n, F)$.
        starts: Starts per target.
        rng: Draws those that are not from the pool.
    """
    near = min((starts + 1) // 2, len(pool))
    # Distances in float32 would lose those that are small beside coordinates.
    nearest = torch.cdist(wanted.double(), made.double()).topk(near, largest=False).indices
    others = torch.randn(len(wanted), starts - near, pool.shape[1], generator=rng, device=rng.device)
    return torch.cat([pool[nearest], others], dim=1)


def _sample(model: Model, u: Tensor) -> Tensor:
    """Data of normal numbers $(n, L)$."""
    return model.sample_normal(u, u.new_zeros(len(u), 0))
