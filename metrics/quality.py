"""How many samples lie on a mode."""

from dataclasses import dataclass

from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.metric import Evaluation, Metric
from benchmark.registry import register_metric

__all__ = ["HighQuality", "HighQualityLegacy"]


@register_metric("high_quality")
@dataclass(frozen=True)
class HighQuality(Metric):
    """The share of samples that pass the dataset's rule of quality.

    Real data does not reach 1: 98.89 % of a Gaussian in the plane lies within 3 standard deviations. A value
    above that of the `real-data` row means too little spread within the modes.

    References:
        VEEGAN (Srivastava et al., 2017), arXiv:1705.07761, section 4.1.
    """

    needs_modes = True
    aspect = "fidelity"
    better = "higher"
    bounds = (0.0, 1.0)
    large = True

    def score(self, evaluation: Evaluation) -> Tensor:
        return evaluation.assignment.high_quality.double().mean(dim=1)


@register_metric("high_quality_legacy")
@dataclass(frozen=True)
class HighQualityLegacy(Metric):
    """The share of samples that pass the rule as the literature words it, where that differs. Real data may
    score 0, so that methods are not compared by it.
    """

    needs_modes = True
    aspect = "fidelity"
    better = "higher"
    bounds = (0.0, 1.0)
    ranked = False

    def applies(self, data: Dataset) -> bool:
        return getattr(data, "legacy_radius", None) is not None

    def score(self, evaluation: Evaluation) -> Tensor:
        assert evaluation.assignment.legacy is not None  # by `applies`
        return evaluation.assignment.legacy.double().mean(dim=1)
