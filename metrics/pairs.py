"""Means over all pairs of points, in parts."""

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = [
    "ROWS_AT_A_TIME",
    "energy_distance",
    "mean_between",
    "mean_distance",
    "mean_within",
    "median_distance",
]

ROWS_AT_A_TIME = 1000
"""Rows of a matrix of pairs that are computed at a time."""

POINTS_FOR_THE_MEDIAN = 2000
"""As many points are enough for the median of their distances."""

PairFunction = Callable[[Tensor, Tensor], Tensor]
"""Maps points $(n, F)$ and $(m, F)$ to a number for each pair, shape $(n, m)$; symmetric."""


def mean_between(x: Tensor, y: Tensor, function: PairFunction) -> Tensor:
    """The mean over all pairs of a point of `x` $(N, F)$ and one of `y` $(M, F)$, float64."""
    x, y = x.double(), y.double()
    total = x.new_zeros(())
    for part in x.split(ROWS_AT_A_TIME):
        total += function(part, y).sum()
    return total / (len(x) * len(y))


def mean_within(x: Tensor, function: PairFunction) -> Tensor:
    """The mean over all pairs of two different points of `x` $(N, F)$, float64; NaN for a single point."""
    return _sum_within(x, function) / (len(x) * (len(x) - 1))


def mean_distance(x: Tensor) -> Tensor:
    """The mean distance over all pairs of points of `x` $(N, F)$, a point and itself included; float64."""
    return _sum_within(x, torch.cdist) / len(x) ** 2


def _sum_within(x: Tensor, function: PairFunction) -> Tensor:
    """The sum over all pairs of two different points, of a symmetric function: half of them are computed."""
    x = x.double()
    total = x.new_zeros(())
    for start in range(0, len(x), ROWS_AT_A_TIME):
        part = x[start : start + ROWS_AT_A_TIME]
        own, others = function(part, x[start:]).split((len(part), len(x) - start - len(part)), dim=1)
        total += own.sum() - own.diagonal().sum() + 2 * others.sum()
    return total


def energy_distance(x: Tensor, y: Tensor, mean_distance_of_y: Tensor) -> Tensor:
    """The energy distance of points `x` $(N, F)$ and `y` $(M, F)$, float64.

    The means are over all pairs, a point and itself included.

    Arguments:
        x: The points.
        y: The others.
        mean_distance_of_y: That of the others from each other.
    """
    across = mean_between(x, y, torch.cdist)
    # Of equal points, rounding may leave a sum below 0.
    return (2 * across - mean_distance(x) - mean_distance_of_y).clamp(min=0).sqrt()


def median_distance(x: Tensor) -> float:
    """The median distance of two different points of `x` $(N, F)$, of the first 2000 at most."""
    return float(torch.pdist(x[:POINTS_FOR_THE_MEDIAN].double()).median())
