"""How many samples lie on the data's manifold, and how much of that manifold they cover."""

from dataclasses import dataclass
from math import nan
from typing import NamedTuple

import torch
from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.metric import Evaluation
from benchmark.registry import register_metric
from metrics import neighbourhoods
from metrics.neighbourhoods import Neighbourhoods, radii

__all__ = ["PRDC", "Coverage", "Density", "Precision", "Recall", "prdc"]


class PRDC(NamedTuple):
    """Precision, recall and coverage in [0, 1], and density from 0, where 1 is that of real data."""

    precision: float
    recall: float
    density: float
    coverage: float


UNDEFINED = PRDC(nan, nan, nan, nan)


def prdc(real: Tensor, generated: Tensor, k: int, real_radii: Tensor | None = None) -> PRDC:
    """Precision, recall, density and coverage from balls that reach to the `k`-th nearest neighbour.

    Distances come from inner products: in float32 these lose distances that are small beside the coordinates,
    hence float64.

    References:
        Improved Precision and Recall Metric for Assessing Generative Models (Kynkäänniemi et al., 2019),
        arXiv:1904.06991.
        Reliable Fidelity and Diversity Metrics for Generative Models (Naeem et al., 2020), arXiv:2002.09797.

    Arguments:
        real: Features of real data, shape $(M, F)$.
        generated: Features of samples, shape $(N, F)$.
        k: Which neighbour, not counting the point itself.
        real_radii: `radii(real, k)`, where it is known.
    """
    real, generated = real.double(), generated.double()
    if real_radii is None:
        real_radii = radii(real, k)
    generated_radii = radii(generated, k)
    inside = torch.zeros(len(generated), dtype=torch.long, device=real.device)
    recalled, covered = [], []
    size = neighbourhoods.DISTANCE_ROWS_AT_A_TIME
    for part, reach in zip(real.split(size), real_radii.split(size), strict=True):
        distances = torch.cdist(part, generated)
        inside += (distances < reach[:, None]).sum(dim=0)
        recalled.append((distances < generated_radii).any(dim=1))
        covered.append(distances.amin(dim=1) < reach)
    return PRDC(
        precision=float((inside > 0).double().mean()),
        recall=float(torch.cat(recalled).double().mean()),
        density=float(inside.double().mean() / k),
        coverage=float(torch.cat(covered).double().mean()),
    )


@dataclass(frozen=True)
class _OneOfFour(Neighbourhoods):
    """The computation that the four metrics share."""

    bounds = (0.0, 1.0)

    def score(self, evaluation: Evaluation) -> Tensor:
        key = ("prdc", self.features, self.k, self.points)
        values = evaluation.once(key, lambda: self._all_four(evaluation))
        return torch.tensor([getattr(value, self.name) for value in values], dtype=torch.float64)

    def _all_four(self, evaluation: Evaluation) -> list[PRDC]:
        """All four metrics, for each seed."""
        samples, real = self.features_in(evaluation)
        # Fewer points than neighbours have no such balls.
        if len(real) <= self.k:
            return [UNDEFINED] * len(samples)
        real_radii = self.real_radii(evaluation, real)
        return [prdc(real, x, self.k, real_radii) for x in samples]


@register_metric("precision")
@dataclass(frozen=True)
class Precision(_OneOfFour):
    """The share of samples within reach of the nearest neighbours of real data, on features.

    References:
        Improved Precision and Recall Metric for Assessing Generative Models (Kynkäänniemi et al., 2019),
        arXiv:1904.06991.
    """

    aspect = "fidelity"
    better = "higher"


@register_metric("recall")
@dataclass(frozen=True)
class Recall(_OneOfFour):
    """The share of real data within reach of the nearest neighbours of samples, on features.

    References:
        Improved Precision and Recall Metric for Assessing Generative Models (Kynkäänniemi et al., 2019),
        arXiv:1904.06991.
    """

    aspect = "diversity"
    better = "higher"


@register_metric("density")
@dataclass(frozen=True)
class Density(_OneOfFour):
    """How many neighbourhoods of real data a sample lies in, over `k`: about 1 for real data, and not bounded
    by it.

    References:
        Reliable Fidelity and Diversity Metrics for Generative Models (Naeem et al., 2020), arXiv:2002.09797.
    """

    aspect = "fidelity"
    better = "one"
    bounds = (0.0, float("inf"))

    def best(self, data: Dataset) -> float:
        return 1.0


@register_metric("coverage")
@dataclass(frozen=True)
class Coverage(_OneOfFour):
    """The share of real data whose neighbourhood holds a sample, on features.

    References:
        Reliable Fidelity and Diversity Metrics for Generative Models (Naeem et al., 2020), arXiv:2002.09797.
    """

    aspect = "diversity"
    better = "higher"
