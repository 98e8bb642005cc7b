"""How a learning rate follows the progress of the training."""

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

__all__ = ["Cosine", "Linear", "Schedule", "WarmUp", "is_number"]


def is_number(value: float | Tensor) -> bool:
    """Whether a setting is a number, whose range can be checked.

    In a training step it is a tensor of many models, which was checked when it was a number.
    """
    return not isinstance(value, Tensor)


class Schedule(Protocol):
    """Maps the progress, a scalar in [0, 1], to the share of the learning rate that applies then."""

    def __call__(self, progress: Tensor) -> Tensor:
        """A scalar of at least 0, made by torch's operations."""


@dataclass(frozen=True)
class Linear:
    """1 until `start`, then linear to `end` at the end of the training.

    Arguments:
        start: The progress at which the fall begins, in [0, 1).
        end: The last share.
    """

    start: float = 0.0
    end: float = 0.0

    def __post_init__(self) -> None:
        if is_number(self.start) and not 0 <= self.start < 1:
            raise ValueError(f"a schedule must start to fall in [0, 1), not at {self.start}")

    def __call__(self, progress: Tensor) -> Tensor:
        fallen = ((progress - self.start) / (1 - self.start)).clamp(min=0)
        return 1 - fallen * (1 - self.end)


@dataclass(frozen=True)
class Cosine:
    """Half a cosine, from 1 to `end`.

    References:
        SGDR: Stochastic Gradient Descent with Warm Restarts (Loshchilov & Hutter, 2016), arXiv:1608.03983,
        equation 5 without restarts.
    """

    end: float = 0.0

    def __call__(self, progress: Tensor) -> Tensor:
        return self.end + (1 - self.end) * 0.5 * (1 + torch.cos(math.pi * progress))


@dataclass(frozen=True)
class WarmUp:
    """A linear rise from 0 in the first `share` of the training, times another schedule if there is one."""

    share: float
    then: Schedule | None = None

    def __post_init__(self) -> None:
        if is_number(self.share) and not 0 < self.share <= 1:
            raise ValueError(f"a warm-up must take a share of the training in (0, 1], not {self.share}")

    def __call__(self, progress: Tensor) -> Tensor:
        risen = (progress / self.share).clamp(max=1)
        return risen if self.then is None else risen * self.then(progress)
