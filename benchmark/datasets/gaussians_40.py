"""Forty Gaussians at random places, in any dimension."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import softplus

from benchmark.datasets.mixtures import Mixture
from benchmark.registry import Length, Size, register_dataset

__all__ = ["Gaussians40"]

HALF_SIDE = 40.0
"""Half of the side of the cube in which the means lie."""


@register_dataset("gaussians-40")
@dataclass(frozen=True)
class Gaussians40(Mixture):
    """Forty Gaussians whose means were drawn uniformly from a cube, the target `GMM40` of benchmarks of
    samplers, here a distribution to learn.

    The means are those of the public code: torch's generator of seed 0, $[-40, 40]^D$. The standard deviation
    is $\\ln(1 + e) \\approx 1.313$.

    References:
        Flow Annealed Importance Sampling Bootstrap (Midgley et al., 2023), arXiv:2208.01893, in
        two dimensions; Beyond ELBOs (Blessing et al., 2024), arXiv:2406.07423, in more.

    Arguments:
        dimension: Dimensions of the space, all of which carry noise. Each dimension has other means.
    """

    std: Length = float(softplus(torch.tensor(1.0, dtype=torch.float64)))
    dimension: Size = 2

    @property
    def means(self) -> Tensor:
        rng = torch.Generator().manual_seed(0)
        return 2 * HALF_SIDE * (torch.rand(40, self.dimension, generator=rng) - 0.5)
