"""How much of what is rare is reproduced."""

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmark.metric import Evaluation, Metric
from benchmark.registry import register_metric

__all__ = ["MinorityRecall", "rare_shares"]


@register_metric("minority_recall")
@dataclass(frozen=True)
class MinorityRecall(Metric):
    r"""The share of the rarest tenth of the true distribution that the samples reproduce.

    The rarest modes that together have the probability `share` are compared as `overlap` compares all modes:
    with the generated shares $p_k$ of samples of high quality and the true ones $t_k$ it is
    $\sum_k f_k \min(p_k, t_k) / \sum_k f_k t_k$. Here $f_k$ is the fraction of mode $k$ that belongs to the
    rarest tenth: 1, or 0, or between for the modes at the limit, the same for modes of equal weight. Where
    all modes have equal weights, all count alike.

    Arguments:
        share: The probability of the modes that count as rare.
    """

    needs_modes = True
    better = "higher"
    bounds = (0.0, 1.0)

    share: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError("share must lie in (0, 1]")

    def score(self, evaluation: Evaluation) -> Tensor:
        truth = evaluation.joint_weights[:-1]
        generated = evaluation.high_quality_counts / evaluation.samples.shape[1]
        rare = rare_shares(evaluation.data.mode_weights, self.share).to(truth)
        return (rare * torch.minimum(generated, truth)).sum(dim=1) / (rare * truth).sum()


def rare_shares(weights: Tensor, share: float) -> Tensor:
    """The fraction of each mode that belongs to the rarest modes of that probability, shape $(K,)$."""
    rare = torch.zeros_like(weights)
    left = share
    # Weights that differ by rounding alone are equal.
    ranks = (weights * 1e12).round().unique(return_inverse=True)[1]
    for rank in range(int(ranks.max()) + 1):
        members = ranks == rank
        mass = float(weights[members].sum())
        rare[members] = min(1.0, max(left, 0.0) / mass)
        left -= mass
    return rare
