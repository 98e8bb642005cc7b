"""Whether the modes have the right width."""

from dataclasses import dataclass
from typing import Annotated

import torch
from msgspec import Meta
from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.datasets.mixtures import Mixture
from benchmark.metric import Evaluation, Metric
from benchmark.registry import register_metric

__all__ = ["WithinModeStd"]


@register_metric("within_mode_std")
@dataclass(frozen=True)
class WithinModeStd(Metric):
    """Generated over true standard deviation inside the captured modes; below 1 is collapse within modes.

    For every mode with at least `least` high-quality samples: the root of their mean squared deviation per
    noisy coordinate from their own mean, over that of real data which passes the same rule of quality;
    averaged over those modes. Not defined where there is no such mode.
    """

    aspect = "diversity"
    better = "one"
    bounds = (0.0, float("inf"))

    least: Annotated[int, Meta(ge=2, le=10_000)] = 10

    def applies(self, data: Dataset) -> bool:
        return isinstance(data, Mixture)

    def best(self, data: Dataset) -> float:
        return 1.0

    def score(self, evaluation: Evaluation) -> Tensor:
        data = evaluation.data
        assert isinstance(data, Mixture)  # by `applies`
        assignment = evaluation.assignment
        scores = []
        for x, mode, good in zip(evaluation.samples, assignment.mode, assignment.high_quality, strict=True):
            stds = []
            for k in range(data.modes):
                members = x[good & (mode == k), : data.noisy].double()
                if len(members) >= self.least:
                    stds.append(members.var(dim=0).mean().sqrt())
            if stds:
                ratio = torch.stack(stds).mean() / data.truncated_std
            else:
                ratio = torch.tensor(torch.nan, dtype=torch.float64)
            scores.append(ratio.to(x.device))
        return torch.stack(scores)
