"""Density and coverage with every contribution clipped, so that one point counts for one point at most."""

from dataclasses import dataclass
from math import nan

import numpy as np
import torch
from scipy.stats import betabinom
from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.metric import Evaluation
from benchmark.registry import register_metric
from metrics import neighbourhoods
from metrics.neighbourhoods import Neighbourhoods

__all__ = [
    "ClippedCoverage",
    "ClippedDensity",
    "clipped_coverage",
    "clipped_density",
    "expected_coverage",
    "share_of_balls",
]


def clipped_density(
    real: Tensor, generated: Tensor, k: int, real_radii: Tensor, of_real: float | None = None
) -> float:
    """How many balls of real data a sample lies in, over `k` and at most 1, relative to real data.

    Balls reach to the `k`-th neighbour, and no farther than the median of these distances. The score is at
    most 1.

    Arguments:
        real: Features of real data, shape $(M, F)$.
        generated: Features of samples, shape $(N, F)$.
        k: Which neighbour, not counting the point itself.
        real_radii: `radii(real, k)`.
        of_real: `share_of_balls(real, k, real_radii)`, where it is known.
    """
    if of_real is None:
        of_real = share_of_balls(real, k, real_radii)
    reach = _clipped_reach(real_radii)
    of_samples = (_balls_around(generated, real, reach) / k).clamp(max=1).mean()
    return min(float(of_samples) / of_real, 1.0)


def share_of_balls(real: Tensor, k: int, real_radii: Tensor) -> float:
    """How many balls of other real data a real point lies in, over `k` and at most 1, on average."""
    # A real point lies in its own ball, which does not count.
    others = _balls_around(real, real, _clipped_reach(real_radii)) - 1
    return float((others / k).clamp(max=1).mean())


def _clipped_reach(real_radii: Tensor) -> Tensor:
    return real_radii.clamp(max=float(real_radii.quantile(0.5)))


def _balls_around(points: Tensor, centres: Tensor, reach: Tensor) -> Tensor:
    """The number of balls that each point lies in, float64, shape $(N,)$."""
    points, centres = points.double(), centres.double()
    counts = torch.zeros(len(points), dtype=torch.float64, device=points.device)
    size = neighbourhoods.DISTANCE_ROWS_AT_A_TIME
    for part, part_reach in zip(centres.split(size), reach.split(size), strict=True):
        counts += (torch.cdist(part, points) <= part_reach[:, None]).sum(dim=0)
    return counts


def clipped_coverage(real: Tensor, generated: Tensor, k: int, real_radii: Tensor) -> float:
    """The share of good samples with which real data would be covered as it is.

    A real point is covered by the samples in its ball, over `k` and at most 1. The mean over real points is
    turned into a share by `expected_coverage`. Arguments are those of `clipped_density`.
    """
    real, generated = real.double(), generated.double()
    size = neighbourhoods.DISTANCE_ROWS_AT_A_TIME
    covered = []
    for part, reach in zip(real.split(size), real_radii.split(size), strict=True):
        inside = (torch.cdist(part, generated) < reach[:, None]).sum(dim=1)
        covered.append((inside / k).clamp(max=1))
    coverage = float(torch.cat(covered).double().mean())
    good = np.arange(len(generated) + 1)
    expected = expected_coverage(good, len(real), k)
    return float(np.interp(coverage, expected, good / len(generated)))


def expected_coverage(good: "np.ndarray", real: int, k: int) -> "np.ndarray":
    r"""The expected coverage of real data by so many samples of its own distribution, and no others.

    The ball of a real point that reaches to the `k`-th of the others holds a share of the distribution that
    is of law $\mathrm{Beta}(k, N - k)$, so that $J$, the samples in it, is of a beta-binomial law. What is
    expected is $E[\min(J, k)] / k$.

    Arguments:
        good: Numbers of samples, shape $(m,)$.
        real: The number of real points $N$.
        k: Which neighbour the balls reach to.
    """
    missing = np.zeros(len(good))
    for j in range(k):
        missing += (1 - j / k) * betabinom.pmf(j, good, k, real - k)
    return 1 - missing


@dataclass(frozen=True)
class _Clipped(Neighbourhoods):
    """What both metrics share: they are from 0 to 1, and real data scores about 1."""

    better = "higher"
    bounds = (0.0, 1.0)

    def best(self, data: Dataset) -> float:
        return 1.0

    def compare(self, evaluation: Evaluation, real: Tensor, generated: Tensor, real_radii: Tensor) -> float:
        """The score of the features of one seed's samples."""
        raise NotImplementedError

    def score(self, evaluation: Evaluation) -> Tensor:
        samples, real = self.features_in(evaluation)
        # Fewer points than neighbours have no such balls.
        if len(real) <= self.k:
            return torch.full((len(samples),), nan, dtype=torch.float64)
        reach = self.real_radii(evaluation, real)
        scores = [self.compare(evaluation, real, x, reach) for x in samples]
        return torch.tensor(scores, dtype=torch.float64)


@register_metric("clipped_density")
@dataclass(frozen=True)
class ClippedDensity(_Clipped):
    """The share of samples that are as good as real data: how many neighbourhoods of real data a sample lies
    in, at most as many as make it good.

    It falls in proportion to the share of bad samples, wherever these are.

    References:
        Enhanced Generative Model Evaluation with Clipped Density and Coverage (Salvy et al., 2025),
        arXiv:2507.01761.
    """

    aspect = "fidelity"

    def compare(self, evaluation: Evaluation, real: Tensor, generated: Tensor, real_radii: Tensor) -> float:
        key = ("share of balls", self.features, self.k, len(real))
        of_real = evaluation.held_out.once(key, lambda: share_of_balls(real, self.k, real_radii))
        return clipped_density(real, generated, self.k, real_radii, of_real)


@register_metric("clipped_coverage")
@dataclass(frozen=True)
class ClippedCoverage(_Clipped):
    """The share of good samples that would cover real data as much as the samples do.

    It falls in proportion to the share of bad samples, as long as the others come from the whole
    distribution.

    References:
        Enhanced Generative Model Evaluation with Clipped Density and Coverage (Salvy et al., 2025),
        arXiv:2507.01761.
    """

    aspect = "diversity"

    def compare(self, evaluation: Evaluation, real: Tensor, generated: Tensor, real_radii: Tensor) -> float:
        return clipped_coverage(real, generated, self.k, real_radii)
