"""The contract of a dataset whose modes are known."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from benchmark.method import DataSpec
from benchmark.seeding import stream_seed

__all__ = ["Assignment", "Dataset"]


class Assignment(NamedTuple):
    """Which mode each sample belongs to, and how well.

    Attributes:
        mode: Index of the nearest mode, shape $(*, N)$.
        high_quality: Whether the sample passes the dataset's rule, shape $(*, N)$.
        legacy: Whether it passes the rule as literally worded in the literature, shape $(*, N)$; `None` where that is the same rule.
    """

    mode: Tensor
    high_quality: Tensor
    legacy: Tensor | None


@dataclass(frozen=True)
class Dataset(ABC):
    """A distribution with known modes, and the settings that go with it.

    Arguments:
        batch: Real samples per update.
        latent: The number of latent dimensions.
        width: Units per hidden layer of the shared networks.
        depth: Hidden layers of the shared networks.
        samples: Samples per evaluation.
        samples_large: Samples of the additional, more precise evaluation at the end.
        held_out: Held-out real samples that samples are compared with.
    """

    name: ClassVar[str]
    kind: ClassVar[str]

    batch: int = 64
    latent: int = 8
    width: int = 64
    depth: int = 2
    samples: int = 2500
    samples_large: int = 25_000
    held_out: int = 10_000

    def __post_init__(self) -> None:
        for setting in ("batch", "latent", "width", "depth"):
            if getattr(self, setting) < 1:
                raise ValueError(f"{setting} must be at least 1")
        for setting in ("samples", "samples_large", "held_out"):
            if getattr(self, setting) < 2:
                raise ValueError(f"{setting} must be at least 2, for fewer have no covariance")

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """The shape of one datum."""

    @property
    @abstractmethod
    def mode_weights(self) -> Tensor:
        """The true probability of each mode, shape $(K,)$."""

    @abstractmethod
    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draws `n` data, shape $(n, *)$, on the generator's device."""

    @abstractmethod
    def assign(self, samples: Tensor) -> Assignment:
        """Assigns samples of shape $(*, N, D)$ to modes."""

    @abstractmethod
    def project(self, samples: Tensor) -> Tensor:
        """A view of samples $(N, *)$ in the plane, for pictures, shape $(N, 2)$."""

    @property
    @abstractmethod
    def axes(self) -> tuple[str, str]:
        """What the two axes of `project` show."""

    @property
    @abstractmethod
    def landmarks(self) -> Tensor:
        """Where the modes' centres lie in `project`, shape $(K, 2)$."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the first 1000 draws of a stream of its own: equal data, equal fingerprint."""
        return sha256(self.sample(1000, self.stream("all", "fingerprint")).numpy().tobytes()).hexdigest()

    @property
    def modes(self) -> int:
        """The number of modes $K$."""
        return len(self.mode_weights)

    @property
    def spec(self) -> DataSpec:
        return DataSpec(self.kind, self.shape, self.latent, self.width, self.depth)

    def stream(self, seed: int | str, kind: str, device: torch.device | str = "cpu") -> torch.Generator:
        """The random stream of that kind for a seed, the same for every method."""
        return torch.Generator(device).manual_seed(stream_seed(self.name, seed, kind))
