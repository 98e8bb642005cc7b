"""The effective number of different samples."""

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.metric import Evaluation
from benchmark.registry import Positive, register_metric
from metrics.mmd import gaussian_kernel
from metrics.on_features import OnFeatures
from metrics.pairs import mean_between, median_distance

__all__ = ["VendiRatio", "vendi_of_order_2"]


def vendi_of_order_2(x: Tensor, bandwidth: float) -> Tensor:
    r"""The Vendi score of order 2 by a Gaussian kernel, from 1 to $N$, float64.

    With the eigenvalues $\lambda_i$ of the matrix of similarities $K / N$ it is $1 / \sum_i \lambda_i^2$,
    that is $N^2 / \sum_{ij} K_{ij}^2$: no eigenvalue has to be computed.

    Arguments:
        x: Points, shape $(N, F)$.
        bandwidth: The bandwidth of the kernel.
    """
    # The square of a Gaussian kernel is one of a smaller bandwidth.
    return 1 / mean_between(x, x, gaussian_kernel(bandwidth / 2**0.5))


@register_metric("vendi_ratio")
@dataclass(frozen=True)
class VendiRatio(OnFeatures):
    """The Vendi score of order 2 of the samples over that of as many held-out data: the effective number of
    different samples, where two are alike if they are nearer than a fraction of the median distance.

    Below 1 samples are less diverse than real data, above 1 more, as noise is. It does not see whether
    samples are good.

    References:
        Cousins of the Vendi Score (Pasarkar & Dieng, 2024), arXiv:2310.12952.

    Arguments:
        bandwidth: The bandwidth of the Gaussian kernel, as a fraction of the median distance of held-out
            data.
    """

    aspect = "diversity"
    better = "one"
    bounds = (0.0, float("inf"))

    bandwidth: Positive = 0.1

    def best(self, data: Dataset) -> float:
        return 1.0

    def score(self, evaluation: Evaluation) -> Tensor:
        samples, real = self.features_in(evaluation)
        n = min(samples.shape[1], len(real))
        key = ("vendi", self.features, self.bandwidth, n)
        bandwidth, of_real = evaluation.held_out.once(key, lambda: self._of_real(real[:n]))
        return torch.stack([vendi_of_order_2(x[:n], bandwidth) for x in samples]) / of_real

    def _of_real(self, real: Tensor) -> tuple[float, Tensor]:
        """The bandwidth and the score of held-out data."""
        bandwidth = self.bandwidth * median_distance(real)
        return bandwidth, vendi_of_order_2(real, bandwidth)
