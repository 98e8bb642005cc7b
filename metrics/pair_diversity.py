"""How far samples are from each other."""

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.metric import Evaluation
from benchmark.registry import register_metric
from metrics.on_features import OnFeatures
from metrics.pairs import mean_within

__all__ = ["PairDiversity"]


@register_metric("pair_diversity")
@dataclass(frozen=True)
class PairDiversity(OnFeatures):
    """The mean distance of two samples over that of two held-out data, on features: 1 for real data, 0 for
    one point.

    It sees the spread as a whole: which modes are missing, and whether samples are good, it does not see.
    """

    aspect = "diversity"
    better = "one"
    bounds = (0.0, float("inf"))

    def best(self, data: Dataset) -> float:
        return 1.0

    def score(self, evaluation: Evaluation) -> Tensor:
        samples, real = self.features_in(evaluation)
        key = ("mean distance of two", self.features, self.points)
        of_real = evaluation.held_out.once(key, lambda: mean_within(real, torch.cdist))
        return torch.stack([mean_within(x, torch.cdist) for x in samples]) / of_real
