"""Balls around points that reach to a nearest neighbour, for the metrics that count what lies in them."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from benchmark.metric import Evaluation
from benchmark.registry import Size
from metrics.on_features import Features, OnFeatures

__all__ = ["DISTANCE_ROWS_AT_A_TIME", "Nearest", "Neighbourhoods", "nearest", "radii"]

DISTANCE_ROWS_AT_A_TIME = 1000
"""Rows of a distance matrix that are computed at a time."""


def radii(x: Tensor, k: int) -> Tensor:
    """The distance of each point of $(N, F)$ from its `k`-th neighbour, float64, shape $(N,)$."""
    x = x.double()
    distances = []
    for part in x.split(DISTANCE_ROWS_AT_A_TIME):
        nearest = torch.cdist(part, x).topk(k + 1, dim=1, largest=False).values
        distances.append(nearest[:, -1])
    return torch.cat(distances)


class Nearest(NamedTuple):
    """The nearest of some points to each of others.

    Attributes:
        distances: How far it is, float64.
        places: Its place among the points.
    """

    distances: Tensor
    places: Tensor


def nearest(x: Tensor, others: Tensor) -> Nearest:
    """The nearest of `others` $(M, F)$ to each point of `x` $(N, F)$, shapes $(N,)$."""
    x, others = x.double(), others.double()
    distances, places = [], []
    for part in x.split(DISTANCE_ROWS_AT_A_TIME):
        smallest = torch.cdist(part, others).min(dim=1)
        distances.append(smallest.values)
        places.append(smallest.indices)
    return Nearest(torch.cat(distances), torch.cat(places))


@dataclass(frozen=True)
class Neighbourhoods(OnFeatures):
    """The settings and the balls that metrics of neighbourhoods share.

    Arguments:
        features: The features on which distances are taken; see `fid`.
        points: The most samples to use, and the most held-out data; the same number of both is used.
        k: The neighbour that a ball reaches to.
    """

    k: Size = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.points <= self.k:
            raise ValueError("points must be greater than k")

    def features_in(self, evaluation: Evaluation) -> Features:
        """As many features of held-out data as of samples."""
        samples, real = super().features_in(evaluation)
        n = min(samples.shape[1], len(real))
        return Features(samples[:, :n], real[:n])

    def real_radii(self, evaluation: Evaluation, real: Tensor) -> Tensor:
        """The radii around the features of held-out data, which are computed once."""
        key = ("radii", self.features, self.k, len(real))
        return evaluation.held_out.once(key, lambda: radii(real, self.k))
