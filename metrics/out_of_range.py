"""Whether samples have left the data's range."""

from dataclasses import dataclass
from typing import Annotated

import torch
from msgspec import Meta
from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.metric import Evaluation, Metric
from benchmark.registry import register_metric

__all__ = ["OutOfRange"]


@register_metric("out_of_range")
@dataclass(frozen=True)
class OutOfRange(Metric):
    """The share of samples that are more than `times` as far from the mean of the held-out data as any
    held-out datum.

    It tells of a training that has gone astray and did not diverge. Methods are not compared by it. Pixels
    have a range, so that images have no such metric.
    """

    aspect = "fidelity"
    better = "lower"
    bounds = (0.0, 1.0)
    ranked = False

    times: Annotated[float, Meta(ge=1)] = 2.0

    def applies(self, data: Dataset) -> bool:
        return data.kind == "points"

    def best(self, data: Dataset) -> float:
        return 0.0

    def score(self, evaluation: Evaluation) -> Tensor:
        real = evaluation.held_out.x.double()
        mean = real.mean(dim=0)
        reach = self.times * (real - mean).norm(dim=1).max()
        distances = torch.stack([(x.double() - mean).norm(dim=1) for x in evaluation.samples])
        return (distances > reach).double().mean(dim=1)
