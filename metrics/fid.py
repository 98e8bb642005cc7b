"""The Fréchet distance between two samples."""

from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.metric import Evaluation, Metric
from benchmark.registry import register_metric

__all__ = ["FID", "frechet_distance"]


def frechet_distance(mean1: Tensor, cov1: Tensor, mean2: Tensor, cov2: Tensor) -> Tensor:
    r"""The squared Fréchet distance of two Gaussians, $|\mu_1 - \mu_2|^2 + \mathrm{tr}(C_1 + C_2 - 2 (C_1 C_2)^{1/2})$.

    The trace of the root is the sum of the roots of the eigenvalues of the symmetric $C_2^{1/2} C_1 C_2^{1/2}$, which are
    real and non-negative whatever the ranks, so no complex matrix root is needed.

    References:
        The Fréchet distance between multivariate normal distributions (Dowson & Landau, 1982).

    Arguments:
        mean1: Mean, shape $(D,)$; float64 is advised throughout.
        cov1: Covariance, shape $(D, D)$.
        mean2: Mean, shape $(D,)$.
        cov2: Covariance, shape $(D, D)$.
    """
    values, vectors = torch.linalg.eigh(cov2)
    root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    cross = torch.linalg.eigvalsh(root @ cov1 @ root).clamp(min=0).sqrt().sum()
    distance = (mean1 - mean2).square().sum() + cov1.trace() + cov2.trace() - 2 * cross
    return distance.clamp(min=0)


@register_metric("fid")
@dataclass(frozen=True)
class FID(Metric):
    """Fréchet distance between samples and held-out data on raw coordinates, in squared data units.

    It is biased upwards, more so for fewer samples per dimension; compare at equal sample sizes only, and with the
    `real-data` row.

    Arguments:
        features: What the distance is taken on: `raw` coordinates.

    References:
        GANs Trained by a Two Time-Scale Update Rule (Heusel et al., 2017), arXiv:1706.08500, equation 6.
    """

    better = "lower"
    bounds = (0.0, float("inf"))

    features: str = "raw"

    def __post_init__(self) -> None:
        if self.features != "raw":
            raise ValueError(f"there are no features {self.features!r}; choose from raw")

    def applies(self, data: Dataset) -> bool:
        return data.kind == "points"

    def on_curve(self, data: Dataset) -> bool:
        return prod(data.shape) <= 64

    def score(self, evaluation: Evaluation) -> Tensor:
        # On the CPU, since not every device has float64 or a fast eigensolver.
        mean, cov = _moments(evaluation.held_out)
        return torch.stack([frechet_distance(*_moments(x), mean, cov) for x in evaluation.samples])


def _moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and covariance in float64, in parts, so that no copy of the whole is made."""
    parts = x.cpu().flatten(1).split(1000)
    mean = torch.stack([part.double().sum(dim=0) for part in parts]).sum(dim=0) / len(x)
    scatter = torch.zeros(len(mean), len(mean), dtype=torch.float64)
    for part in parts:
        centred = part.double() - mean
        scatter.addmm_(centred.T, centred)
    return mean, scatter / (len(x) - 1)
