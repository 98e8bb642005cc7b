"""Maximum mean discrepancies, estimated without bias."""

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.metric import Evaluation
from benchmark.registry import register_metric
from metrics.on_features import OnFeatures
from metrics.pairs import PairFunction, mean_between, mean_within, median_distance

__all__ = ["KID", "MMD", "gaussian_kernel", "polynomial_kernel", "squared_mmd"]


def squared_mmd(x: Tensor, y: Tensor, kernel: PairFunction, within_y: Tensor | None = None) -> Tensor:
    """The unbiased estimate of the squared maximum mean discrepancy, float64. It may be negative.

    References:
        A Kernel Two-Sample Test (Gretton et al., 2012), equation 3.

    Arguments:
        x: Points, shape $(N, F)$.
        y: Points, shape $(M, F)$.
        kernel: The kernel of each pair of points.
        within_y: `mean_within(y, kernel)`, where it is known.
    """
    if within_y is None:
        within_y = mean_within(y, kernel)
    return mean_within(x, kernel) + within_y - 2 * mean_between(x, y, kernel)


def gaussian_kernel(bandwidth: float) -> PairFunction:
    r"""$\exp(-|x - y|^2 / 2 h^2)$ with the bandwidth $h$."""

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        return (-torch.cdist(x, y).square() / (2 * bandwidth**2)).exp()

    return kernel


def polynomial_kernel(x: Tensor, y: Tensor) -> Tensor:
    """$(x^T y / F + 1)^3$ for features of $F$ dimensions."""
    return (x @ y.T / x.shape[1] + 1) ** 3


@dataclass(frozen=True)
class _Discrepancy(OnFeatures):
    """A squared discrepancy by some kernel."""

    better = "lower"

    def best(self, data: Dataset) -> float:
        return 0.0

    def kernel(self, evaluation: Evaluation, real: Tensor) -> PairFunction:
        raise NotImplementedError

    def score(self, evaluation: Evaluation) -> Tensor:
        samples, real = self.features_in(evaluation)
        kernel = self.kernel(evaluation, real)
        key = ("mean kernel", self.name, self.features, self.points)
        within = evaluation.held_out.once(key, lambda: mean_within(real, kernel))
        return torch.stack([squared_mmd(x, real, kernel, within) for x in samples])


@register_metric("mmd")
@dataclass(frozen=True)
class MMD(_Discrepancy):
    """The squared maximum mean discrepancy of samples and held-out data by a Gaussian kernel whose bandwidth
    is the median distance of held-out data. It is estimated without bias, so that real data scores 0 on
    average, and may score less.

    References:
        A Kernel Two-Sample Test (Gretton et al., 2012).
    """

    bounds = (-2.0, 2.0)

    def kernel(self, evaluation: Evaluation, real: Tensor) -> PairFunction:
        key = ("median distance", self.features, self.points)
        return gaussian_kernel(evaluation.held_out.once(key, lambda: median_distance(real)))


@register_metric("kid")
@dataclass(frozen=True)
class KID(_Discrepancy):
    """The kernel distance: the squared maximum mean discrepancy by the cubic kernel $(x^T y / F + 1)^3$. It
    is estimated without bias, so that real data scores 0 on average, and may score less.

    All samples are used at once, where the paper's code averages over subsets.

    References:
        Demystifying MMD GANs (Bińkowski et al., 2018), arXiv:1801.01401.
    """

    bounds = (-float("inf"), float("inf"))

    def kernel(self, evaluation: Evaluation, real: Tensor) -> PairFunction:
        return polynomial_kernel
