"""How much of the distribution is reproduced."""

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmark.metric import Evaluation, Metric
from benchmark.registry import register_metric

__all__ = ["Overlap"]


@register_metric("overlap")
@dataclass(frozen=True)
class Overlap(Metric):
    r"""The share of the true distribution that the samples reproduce, mode by mode: quality, balance and
    coverage in one number.

    Samples of high quality fall into the bin of their mode, all others into one more bin. With the generated
    shares $p_k$ and the true ones $t_k$ of these $K + 1$ bins it is $\sum_k \min(p_k, t_k)$, that is 1 less
    the total variation of the two histograms. Half of the modes score about one half, one mode about its
    weight; noise, on ring and grid, hardly more than the share of real data that is not of high quality, and
    in 1200 dimensions a quarter. Samples are too few to fill all bins evenly: the `real-data` row shows the
    most that can be reached. It does not see where in a mode the samples lie; `within_mode_std` does.
    """

    needs_modes = True
    better = "higher"
    bounds = (0.0, 1.0)
    large = True

    def score(self, evaluation: Evaluation) -> Tensor:
        shares = evaluation.joint_counts / evaluation.samples.shape[1]
        return torch.minimum(shares, evaluation.joint_weights).sum(dim=1)
