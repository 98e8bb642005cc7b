"""How evenly the samples are spread over the modes."""

from dataclasses import dataclass
from math import log

import torch
from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.metric import Evaluation, Metric
from benchmark.registry import register_metric

__all__ = ["ModeEntropy"]


@register_metric("mode_entropy")
@dataclass(frozen=True)
class ModeEntropy(Metric):
    r"""Entropic mode coverage: $-\sum_k p_k \ln p_k / \ln K$, from the shares $p_k$ of samples whose nearest
    mode is $k$.

    1 for samples that are spread evenly over all modes, 0 for those of a single one. All samples count, good
    or not.

    References:
        Beyond ELBOs: A Large-Scale Evaluation of Variational Methods for Sampling (Blessing et al., 2024),
        arXiv:2406.07423.
    """

    needs_modes = True
    aspect = "diversity"
    better = "higher"
    bounds = (0.0, 1.0)

    def applies(self, data: Dataset) -> bool:
        return data.modes > 1

    def best(self, data: Dataset) -> float:
        return float(_entropy(data.mode_weights)) / log(data.modes)

    def score(self, evaluation: Evaluation) -> Tensor:
        shares = evaluation.counts / evaluation.samples.shape[1]
        return _entropy(shares) / log(evaluation.data.modes)


def _entropy(shares: Tensor) -> Tensor:
    """In nats, over the last axis."""
    return torch.special.entr(shares).sum(dim=-1)
