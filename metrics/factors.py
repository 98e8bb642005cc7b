"""Whether each continuous factor of the samples has the right law."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from msgspec import Meta
from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.metric import Evaluation, Metric
from benchmark.registry import register_metric

__all__ = ["FactorOverlap", "OverlapRotation", "OverlapSize", "OverlapX", "OverlapY"]


@dataclass(frozen=True)
class FactorOverlap(Metric):
    r"""The overlap of a factor's histogram with the true law, from the samples of high quality:
    $\sum_b \min(p_b, 1 / B)$ over $B$ bins of equal true probability. Not defined where there are none.

    Arguments:
        bins: The number of bins $B$.

    Attributes:
        factor: The name of the factor, in `Dataset.factors`.
    """

    factor: ClassVar[str]
    aspect = "diversity"
    better = "higher"
    bounds = (0.0, 1.0)

    bins: Annotated[int, Meta(ge=2, le=10_000)] = 20

    def applies(self, data: Dataset) -> bool:
        return self.factor in data.factors

    def score(self, evaluation: Evaluation) -> Tensor:
        place = evaluation.data.factors.index(self.factor)
        assignment = evaluation.assignment
        assert assignment.factors is not None  # by `applies`
        scores = []
        for factors, good in zip(assignment.factors, assignment.high_quality, strict=True):
            bins = (factors[good, place].double() * self.bins).long().clamp(0, self.bins - 1)
            shares = bins.bincount(minlength=self.bins) / good.double().sum()
            scores.append(shares.clamp(max=1 / self.bins).sum())
        return torch.stack(scores)


@register_metric("overlap_x")
@dataclass(frozen=True)
class OverlapX(FactorOverlap):
    """The overlap of the samples' places from left to right with their true law."""

    factor = "x"


@register_metric("overlap_y")
@dataclass(frozen=True)
class OverlapY(FactorOverlap):
    """The overlap of the samples' places from top to bottom with their true law."""

    factor = "y"


@register_metric("overlap_size")
@dataclass(frozen=True)
class OverlapSize(FactorOverlap):
    """The overlap of the samples' sizes with their true law."""

    factor = "size"


@register_metric("overlap_rotation")
@dataclass(frozen=True)
class OverlapRotation(FactorOverlap):
    """The overlap of the samples' rotations with their true law."""

    factor = "rotation"
