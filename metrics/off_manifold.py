"""How far samples are from the data's manifold."""

from dataclasses import dataclass

from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.metric import Evaluation, Metric
from benchmark.registry import register_metric

__all__ = ["OffManifold"]


@register_metric("off_manifold")
@dataclass(frozen=True)
class OffManifold(Metric):
    """The mean distance of samples from the nearest point of the data's manifold, relative to the norm of
    that point, where the manifold is known. Real data scores next to 0.
    """

    aspect = "fidelity"
    better = "lower"
    bounds = (0.0, float("inf"))

    def applies(self, data: Dataset) -> bool:
        return bool(data.factors)

    def score(self, evaluation: Evaluation) -> Tensor:
        assert evaluation.assignment.off_manifold is not None  # by `applies`
        return evaluation.assignment.off_manifold.double().mean(dim=1)
