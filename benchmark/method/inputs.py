"""What a method is given: the form of the data, batches, noise and latents."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import torch
from torch import Tensor

from benchmark.method.state import Tensors

__all__ = ["Batch", "DataSpec", "Latents", "Noise"]


class Batch(NamedTuple):
    """The data and the noise of one update of one model.

    Attributes:
        x: Real data, shape $(B, *)$, or $(mB, *)$ for a player that sees $m$ batches, and likewise for all
            other tensors; `None` for a player that declares `real=False`.
        z: Latents of the method's law, shape $(B, L)$: see `Method.latents`.
        noise: The extra noise that the player declared, by name, each of shape $(B, *)$.
        progress: The share of the budget that is spent, a scalar in [0, 1].
    """

    x: Any
    z: Tensor
    noise: Tensors
    progress: Any = None

    def map(self, function: Callable[[Tensor], Tensor]) -> "Batch":
        """The batch with `function` applied to each of its tensors but the progress."""
        x = None if self.x is None else function(self.x)
        noise = {name: function(tensor) for name, tensor in self.noise.items()}
        return self._replace(x=x, z=function(self.z), noise=noise)


Law = Literal["normal", "uniform"]


def _check_law(what: str, law: str) -> None:
    if law not in get_args(Law):
        raise ValueError(f"the law of {what} must be normal or uniform, not {law}")


@dataclass(frozen=True)
class Noise:
    """Extra random input of a loss: `shape` per sample, standard normal or uniform on [0, 1)."""

    shape: tuple[int, ...]
    kind: Law = "normal"

    def __post_init__(self) -> None:
        if not all(isinstance(size, int) for size in self.shape):
            raise ValueError(f"the shape of noise must be whole numbers, not {self.shape}")
        _check_law("noise", self.kind)


@dataclass(frozen=True)
class Latents:
    """The random numbers that one sample is made of.

    Arguments:
        size: The number of latent dimensions $L$.
        law: Their law: standard normal, or uniform on (-1, 1).
        noise: Further standard normal numbers that a sample takes beside its latents. A sampler that takes
            any is no function of a point in $R^L$: its range is not searched (IvOM).
    """

    size: int
    law: Law = "normal"
    noise: int = 0

    def __post_init__(self) -> None:
        whole = isinstance(self.size, int) and isinstance(self.noise, int)
        if not whole or self.size < 1 or self.noise < 0:
            raise ValueError(
                f"a sample takes at least 1 latent and 0 further numbers, not {self.size} and {self.noise}"
            )
        _check_law("latents", self.law)

    @property
    def numbers(self) -> int:
        """How many random numbers a sample takes."""
        return self.size + self.noise

    def of_normal(self, numbers: Tensor) -> Tensor:
        """Standard normal numbers as numbers of this law, of the same shape."""
        if self.law == "normal":
            return numbers
        return torch.erf(numbers * math.sqrt(0.5))


@dataclass(frozen=True)
class DataSpec:
    """What a method may know about a dataset when it builds its networks.

    Attributes:
        kind: `points` for vectors, or `images`.
        shape: The shape of one sample: $(D,)$ for points, $(C, H, W)$ for images, whose pixels lie in $[-1,
            1]$.
        latent: The number of latent dimensions $L$.
        width: The number of units of a hidden layer, or of channels of the first convolution.
        depth: The number of hidden layers of a perceptron.
        architecture: The name of the architecture that the networks are to have.
    """

    kind: str
    shape: tuple[int, ...]
    latent: int
    width: int
    depth: int
    architecture: str = "shared"
