"""How many different samples there are, by how often two are alike."""

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.metric import Evaluation
from benchmark.registry import SampleSize, register_metric
from metrics import pairs
from metrics.on_features import OnFeatures
from metrics.pairs import mean_within

__all__ = ["SupportSize"]


@register_metric("support_size")
@dataclass(frozen=True)
class SupportSize(OnFeatures):
    """The size of the support by the birthday paradox: one over the share of pairs of samples that are
    duplicates.

    Uniform draws from $n$ things are pairwise equal in one of $n$ pairs. Two samples are called duplicates if
    they are as near as the nearest pairs of held-out data, one in `pairs`; so real data has a support of
    about `pairs`, which is also the most that is reported. A hundred memorised samples have a support of 100.

    References:
        Do GANs actually learn the distribution? An empirical study (Arora & Zhang, 2017), arXiv:1706.08224.

    Arguments:
        pairs: Of so many pairs of held-out data, one is a duplicate.
    """

    aspect = "diversity"
    better = "higher"
    bounds = (1.0, float("inf"))
    scale = "log"

    pairs: SampleSize = 10_000

    def range(self, data: Dataset) -> tuple[float, float]:
        return 1.0, float(self.pairs)

    def score(self, evaluation: Evaluation) -> Tensor:
        samples, real = self.features_in(evaluation)
        key = ("duplicates", self.features, self.points, self.pairs)
        reach = evaluation.held_out.once(key, lambda: _small_distance(real, 1 / self.pairs))

        def duplicates(x: Tensor, y: Tensor) -> Tensor:
            return torch.cdist(x, y) <= reach

        shares = torch.stack([mean_within(x, duplicates) for x in samples])
        return (1 / shares.clamp(min=1 / self.pairs)).double()


def _small_distance(x: Tensor, share: float) -> float:
    """The distance that this share of all pairs of points $(N, F)$ do not exceed."""
    x = x.double()
    wanted = max(1, round(share * len(x) * (len(x) - 1) / 2))
    smallest = x.new_empty(0)
    rows = pairs.ROWS_AT_A_TIME
    for start in range(0, len(x), rows):
        part = torch.cdist(x[start : start + rows], x[start:])
        distances = part[torch.ones_like(part, dtype=torch.bool).triu(diagonal=1)]
        both = torch.cat([smallest, distances])
        smallest = both.topk(min(wanted, len(both)), largest=False).values
    return float(smallest.max())
