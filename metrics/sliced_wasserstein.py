"""The Wasserstein distance of samples and real data along random lines."""

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.metric import Evaluation
from benchmark.registry import Size, register_metric
from metrics.on_features import OnFeatures

__all__ = ["SlicedWasserstein", "sliced_wasserstein"]


def sliced_wasserstein(x: Tensor, y: Tensor, directions: Tensor) -> Tensor:
    """The root of the mean squared 2-Wasserstein distance along lines, float64.

    Arguments:
        x: Points, shape $(N, F)$.
        y: As many points.
        directions: Unit vectors, float64, shape $(F, L)$.
    """
    x_sorted = (x.double() @ directions).sort(dim=0).values
    y_sorted = (y.double() @ directions).sort(dim=0).values
    return (x_sorted - y_sorted).square().mean().sqrt()


@register_metric("sliced_wasserstein")
@dataclass(frozen=True)
class SlicedWasserstein(OnFeatures):
    """The 2-Wasserstein distance of samples and held-out data along random lines: how far mass has to be
    moved. It needs no modes. The lines are the same for all samples, and as many of both are compared.

    References:
        Sliced and Radon Wasserstein Barycenters of Measures (Bonneel et al., 2015).

    Arguments:
        lines: The number of lines.
    """

    better = "lower"
    bounds = (0.0, float("inf"))
    scale = "log"

    lines: Size = 200

    def applies(self, data: Dataset) -> bool:
        return data.kind == "points"

    def score(self, evaluation: Evaluation) -> Tensor:
        samples, real = self.features_in(evaluation)
        n = min(samples.shape[1], len(real))
        directions = _directions(real.shape[1], self.lines).to(real.device)
        return torch.stack([sliced_wasserstein(x[:n], real[:n], directions) for x in samples])


def _directions(dimensions: int, lines: int) -> Tensor:
    """Unit vectors of all directions alike, shape $(F, L)$."""
    rng = torch.Generator().manual_seed(0)
    normal = torch.randn(dimensions, lines, generator=rng, dtype=torch.float64)
    return normal / normal.norm(dim=0)
