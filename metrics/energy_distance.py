"""The energy distance of samples and real data."""

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.metric import Evaluation
from benchmark.registry import register_metric
from metrics.on_features import OnFeatures
from metrics.pairs import energy_distance, mean_distance

__all__ = ["EnergyDistance"]


@register_metric("energy_distance")
@dataclass(frozen=True)
class EnergyDistance(OnFeatures):
    r"""$(2 E|X - Y| - E|X - X'| - E|Y - Y'|)^{1/2}$ for samples $X$ and held-out data $Y$: 0 for equal
    distributions only. It has no settings to choose, and needs no modes.

    The means are over all pairs, a point and itself included, so that finite samples of one distribution
    score more than 0.

    References:
        Energy statistics: A class of statistics based on distances (Székely & Rizzo, 2013).
    """

    better = "lower"
    bounds = (0.0, float("inf"))
    scale = "log"

    def applies(self, data: Dataset) -> bool:
        return data.kind == "points"

    def score(self, evaluation: Evaluation) -> Tensor:
        samples, real = self.features_in(evaluation)
        key = ("mean distance", self.features, self.points)
        of_real = evaluation.held_out.once(key, lambda: mean_distance(real))
        return torch.stack([energy_distance(x, real, of_real) for x in samples])
