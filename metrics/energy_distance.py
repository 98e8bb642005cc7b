"""The energy distance of samples and real data."""

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.metric import Evaluation
from benchmark.registry import register_metric
from metrics.on_features import OnFeatures
from metrics.pairs import mean_between

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
        of_real = evaluation.held_out.once(key, lambda: mean_between(real, real, torch.cdist))
        scores = []
        for x in samples:
            across, of_samples = mean_between(x, real, torch.cdist), mean_between(x, x, torch.cdist)
            # Of equal points, rounding may leave a sum below 0.
            scores.append((2 * across - of_samples - of_real).clamp(min=0).sqrt())
        return torch.stack(scores)
