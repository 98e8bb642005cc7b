"""How the learning rates of models fall over their training."""

from collections.abc import Sequence
from typing import get_args

import numpy as np
from torch import Tensor

from benchmark.method import Fall, Method

__all__ = ["Falls"]


class Falls:
    """What the learning rates of models are multiplied with.

    Arguments:
        methods: The method of each model, of which `Method.fall` counts.

    Raises:
        ValueError: If a fall is unknown.
    """

    def __init__(self, methods: Sequence[Method]) -> None:
        for method in methods:
            if method.fall not in get_args(Fall):
                raise ValueError(f"fall must be {', '.join(get_args(Fall))}, not {method.fall}")
        self.kinds = np.array([method.fall for method in methods])
        self.constant = bool((self.kinds == "none").all())

    def at(self, progress: float) -> np.ndarray:
        """The factors $(S,)$ at a share of the budget."""
        linear = min(2 * (1 - progress), 1.0)
        cosine = (1 + np.cos(np.pi * progress)) / 2
        return np.select([self.kinds == "linear", self.kinds == "cosine"], [linear, cosine], 1.0)

    def write(self, rate: Tensor, progress: float) -> None:
        """Writes the factors of a cycle that begins at that share of the budget into a tensor $(S,)$."""
        if not self.constant:
            rate.copy_(rate.new_tensor(self.at(progress)))
