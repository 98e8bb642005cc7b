"""How far the shares of the modes are from the truth."""

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.metric import Evaluation, Metric
from benchmark.registry import register_metric

__all__ = ["KL", "KLHighQuality", "KLJoint", "histogram_kl"]


def histogram_kl(counts: Tensor, weights: Tensor) -> Tensor:
    """KL(counts, normalised || weights) in nats, shape $(S,)$; NaN for a row without counts.

    Arguments:
        counts: Samples per bin, shape $(S, K)$.
        weights: The true share of each bin, shape $(K,)$.
    """
    p = counts / counts.sum(dim=1, keepdim=True)
    # An empty bin adds nothing, not even where its weight is 0.
    ratio = torch.where(p == 0, 1.0, p / weights)
    # Of equal distributions, rounding may leave a sum below 0.
    return torch.special.xlogy(p, ratio).sum(dim=1).clamp(min=0)


@register_metric("kl")
@dataclass(frozen=True)
class KL(Metric):
    """KL(histogram of generated modes || true mode distribution) in nats, each sample counted to its nearest
    mode.

    All samples count, good or not. A perfect sampler of $N$ samples and $K$ modes scores about
    $(K - 1) / 2N$.

    References:
        PacGAN (Lin et al., 2018), arXiv:1712.04086, calls it the reverse KL divergence.
    """

    needs_modes = True
    aspect = "diversity"
    better = "lower"
    bounds = (0.0, float("inf"))
    large = True
    scale = "log"

    def score(self, evaluation: Evaluation) -> Tensor:
        return histogram_kl(evaluation.counts, evaluation.data.mode_weights.to(evaluation.counts))

    def best(self, data: Dataset) -> float:
        return (data.modes - 1) / (2 * data.samples)


@register_metric("kl_high_quality")
@dataclass(frozen=True)
class KLHighQuality(Metric):
    """As `kl`, from the high-quality samples alone, as PacGAN's code has it. Not defined where there are
    none.
    """

    needs_modes = True
    aspect = "diversity"
    better = "lower"
    bounds = (0.0, float("inf"))
    scale = "log"

    def score(self, evaluation: Evaluation) -> Tensor:
        weights = evaluation.data.mode_weights.to(evaluation.counts)
        return histogram_kl(evaluation.high_quality_counts, weights)

    def best(self, data: Dataset) -> float:
        return (data.modes - 1) / (2 * data.samples)


@register_metric("kl_joint")
@dataclass(frozen=True)
class KLJoint(Metric):
    """As `kl`, with one more bin: the high-quality samples of each mode, and all other samples together.

    So it sees quality and balance at once, as `overlap` does, but weighs an absent mode more. Infinite where
    no held-out datum fails the rule of quality and a sample does.
    """

    needs_modes = True
    better = "lower"
    bounds = (0.0, float("inf"))
    scale = "log"

    def score(self, evaluation: Evaluation) -> Tensor:
        return histogram_kl(evaluation.joint_counts, evaluation.joint_weights)

    def best(self, data: Dataset) -> float:
        return data.modes / (2 * data.samples)
