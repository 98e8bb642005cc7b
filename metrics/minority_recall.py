"""How much of what is rare is reproduced."""

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmark.metric import Evaluation, Metric
from benchmark.registry import register_metric

__all__ = ["MinorityRecall", "rare_modes"]


@register_metric("minority_recall")
@dataclass(frozen=True)
class MinorityRecall(Metric):
    r"""The share of the rare modes' probability that the samples reproduce.

    Modes that are rarer than the average one, $w_k < 1 / K$, are compared as `overlap` compares all modes:
    with the generated shares $p_k$ of samples of high quality and the true ones $t_k$ it is
    $\sum_k \min(p_k, t_k) / \sum_k t_k$ over the rare modes. Where all modes have equal weights, all count.
    """

    needs_modes = True
    better = "higher"
    bounds = (0.0, 1.0)

    def score(self, evaluation: Evaluation) -> Tensor:
        truth = evaluation.joint_weights[:-1]
        generated = evaluation.high_quality_counts / evaluation.samples.shape[1]
        rare = rare_modes(evaluation.data.mode_weights).to(truth.device)
        return torch.minimum(generated, truth)[:, rare].sum(dim=1) / truth[rare].sum()


def rare_modes(weights: Tensor) -> Tensor:
    """Which modes are rarer than the average one, bool, shape $(K,)$; all if their weights are equal."""
    average = 1 / len(weights)
    # Weights that differ by rounding alone are equal.
    rare = weights < average * (1 - 1e-9)
    return rare if bool(rare.any()) else torch.ones_like(rare)
