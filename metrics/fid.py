"""The Fréchet distance between two samples."""

from dataclasses import dataclass, replace
from math import prod
from typing import NamedTuple

import torch
from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.metric import Evaluation, Metric
from benchmark.registry import register_metric
from metrics.features import check_extractor, features_of, held_out_features, resolve_features

__all__ = ["FID", "Moments", "frechet_distance", "moments"]

SAMPLES_AT_A_TIME = 1000
"""Samples that are turned to float64 at a time."""


class Moments(NamedTuple):
    r"""A sample's mean and covariance, the latter as a factor.

    Attributes:
        mean: The mean $\mu$, float64, shape $(D,)$.
        factor: $F$ with $C = F F^\top$, float64, shape $(D, R)$ with $R$ at most the dimension $D$.
    """

    mean: Tensor
    factor: Tensor

    @classmethod
    def of_covariance(cls, mean: Tensor, covariance: Tensor) -> "Moments":
        """From a mean, and a covariance of shape $(D, D)$, both float64.

        The factor is the Cholesky factor, or the symmetric root if some direction has no variance.
        """
        lower, failed = torch.linalg.cholesky_ex(covariance)
        if not failed:
            return cls(mean, lower)
        values, vectors = torch.linalg.eigh(covariance)
        return cls(mean, vectors * values.clamp(min=0).sqrt())


def moments(features: Tensor) -> Moments:
    """Mean and unbiased covariance of features $(N, D)$, in float64.

    They are computed in parts, so that no copy of all features is made. Up to as many samples as dimensions,
    the centred samples themselves are the factor: no covariance of deficient rank is formed.
    """
    n, dimensions = features.shape
    parts = features.cpu().split(SAMPLES_AT_A_TIME)
    mean = torch.stack([part.double().sum(dim=0) for part in parts]).sum(dim=0) / n
    if n <= dimensions:
        return Moments(mean, (features.cpu().double() - mean).T / (n - 1) ** 0.5)
    scatter = torch.zeros(dimensions, dimensions, dtype=torch.float64)
    for part in parts:
        centred = part.double() - mean
        scatter.addmm_(centred.T, centred)
    return Moments.of_covariance(mean, scatter / (n - 1))


def frechet_distance(a: Moments, b: Moments) -> Tensor:
    r"""The squared Fréchet distance of two Gaussians.

    It is $|\mu_a - \mu_b|^2 + \mathrm{tr}(C_a + C_b - 2 (C_a C_b)^{1/2})$. The trace of the root is the sum
    of the singular values of $F_a^\top F_b$. Where both factors are square, these are the roots of the
    eigenvalues of a symmetric matrix, which come faster, and exact to about 1e-8 of the traces at the worst
    conditioning. No complex matrix root is needed at any rank.

    References:
        The Fréchet distance between multivariate normal distributions (Dowson & Landau, 1982).
    """
    product = a.factor.T @ b.factor
    if min(product.shape) == len(a.mean):
        cross = torch.linalg.eigvalsh(product.T @ product).clamp(min=0).sqrt().sum()
    else:
        cross = torch.linalg.svdvals(product).sum()
    shift = (a.mean - b.mean).square().sum()
    distance = shift + a.factor.square().sum() + b.factor.square().sum() - 2 * cross
    return distance.clamp(min=0)


@register_metric("fid")
@dataclass(frozen=True)
class FID(Metric):
    """Squared Fréchet distance between the features of samples and of held-out data.

    It is biased upwards, more so for fewer samples per dimension; compare at equal sample sizes and
    extractors only, and with the `real-data` row.

    Arguments:
        features: `raw` coordinates (pixels in [0, 1]), the digit `classifier`'s penultimate layer, the
            channels side by side, `inception`, or the dataset's `default`.

    References:
        GANs Trained by a Two Time-Scale Update Rule (Heusel et al., 2017), arXiv:1706.08500, equation 6.
    """

    better = "lower"
    bounds = (0.0, float("inf"))
    scale = "log"

    features: str = "default"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_extractor(self.features)

    def on(self, data: Dataset) -> "FID":
        return replace(self, features=resolve_features(self.features, data))

    def on_curve(self, data: Dataset) -> bool:
        return self.features == "classifier" or (self.features == "raw" and prod(data.shape) <= 64)

    def score(self, evaluation: Evaluation) -> Tensor:
        # On the CPU, since not every device has float64 or a fast eigensolver.
        key = ("moments", self.features)
        reference = evaluation.held_out.once(
            key, lambda: moments(held_out_features(evaluation, self.features))
        )
        features = features_of(evaluation, self.features)
        return torch.stack([frechet_distance(moments(x), reference) for x in features])
