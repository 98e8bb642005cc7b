"""The average of a generator's weights over its training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from benchmark.method import Method, Tensors

__all__ = ["Average", "Averaging"]


@dataclass(frozen=True)
class Averaging:
    """Which averages models ask for, of arrays $(S,)$; both 0 for a model that asks for none.

    Attributes:
        decay: By what the weight of a cycle falls with each later cycle; 0 if that depends on the budget.
        half_life: The share of the budget that halves it; 0 if that does not depend on the budget.
    """

    decay: np.ndarray
    half_life: np.ndarray

    @classmethod
    def of(cls, methods: Sequence[Method], generator_steps: int) -> "Averaging | None":
        """The averages that methods ask for, whose cycle updates the generator that often; `None` for none.

        Raises:
            ValueError: If a method asks for both.
        """
        for method in methods:
            _check(method)
        decay = np.array([method.average**generator_steps for method in methods])
        half_life = np.array([method.average_half_life for method in methods])
        if not decay.any() and not half_life.any():
            return None
        return cls(decay, half_life)

    def decay_over(self, progress: float) -> np.ndarray:
        """The decays $(S,)$ of a cycle that takes that share of the budget."""
        halving = np.where(self.half_life > 0, self.half_life, np.inf)
        return np.where(self.half_life > 0, 0.5 ** (progress / halving), self.decay)


def _check(method: Method) -> None:
    if method.average and method.average_half_life:
        raise ValueError("average and average_half_life exclude each other; leave one of them at 0")


class Average:
    """Weighted means of weights, in which those from before the training have no part.

    For a model that asks for none, it is the weights themselves.

    References:
        Adam (Kingma & Ba, 2014), arXiv:1412.6980, section 3, for the correction of its start.

    Arguments:
        averaging: Gives the weights of cycles.
        parameters: Gives the shapes.
    """

    def __init__(self, averaging: Averaging, parameters: Mapping[str, Tensor]) -> None:
        self.averaging = averaging
        self.mean: Tensors = {key: parameter.clone() for key, parameter in parameters.items()}
        self.total = np.zeros(len(averaging.decay))

    def add(self, parameters: Mapping[str, Tensor], progress: float) -> None:
        """Takes in the weights after one more cycle, which took that share of the budget; its weight is 1."""
        self.total = self.averaging.decay_over(progress) * self.total + 1
        first = next(iter(self.mean.values()))
        share = torch.as_tensor(1 / self.total, dtype=first.dtype, device=first.device)
        for key, mean in self.mean.items():
            mean.lerp_(parameters[key], share.view(-1, *[1] * (mean.dim() - 1)))
