"""How the learning rates of models fall over their training."""

from collections.abc import Sequence

import torch
from torch import Tensor

from benchmark.method import Cosine, Fall, Linear, Method, Schedule

__all__ = ["FALLS", "Falls"]

FALLS: dict[Fall, Schedule] = {"linear": Linear(start=0.5), "cosine": Cosine()}
"""The schedules by the name of the fall; without one, learning rates do not fall."""


class Falls:
    """What the learning rates of models are multiplied with.

    Arguments:
        methods: The method of each model, of which `Method.fall` counts.
    """

    def __init__(self, methods: Sequence[Method]) -> None:
        self.models: dict[Fall, list[int]] = {}
        for i, method in enumerate(methods):
            if method.fall in FALLS:
                self.models.setdefault(method.fall, []).append(i)

    def write(self, rates: Tensor, progress: float) -> None:
        """Writes the factors of a cycle that begins at that share of the budget into a tensor $(S,)$."""
        for fall, models in self.models.items():
            rates[models] = float(FALLS[fall](torch.tensor(progress, dtype=torch.float64)))
