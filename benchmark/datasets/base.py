"""The contract of a dataset."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, ClassVar, Literal, NamedTuple

import torch
from torch import Tensor

from benchmark.method import DataSpec
from benchmark.registry import Count, OptionalSampleSize, SampleSize, Size, check_ranges

__all__ = ["Assignment", "Dataset", "Preparation", "Split", "check_mode_weights", "stream_seed"]

Split = Literal["train", "held-out", "calibration"]
"""Data to train on, to compare samples with, and to show in the `real-data` row. Nothing held out is in
another split.
"""


def stream_seed(*names: str | int) -> int:
    """A 63-bit seed for the stream of that name, such as `("ring", 3, "data")`."""
    return int.from_bytes(sha256("/".join(map(str, names)).encode()).digest()[:8], "big") >> 1


class Assignment(NamedTuple):
    """Which mode each sample belongs to, and how well.

    Attributes:
        mode: Index of the nearest mode, shape $(*, N)$.
        high_quality: Whether the sample passes the dataset's rule, shape $(*, N)$.
        legacy: Whether it passes the rule as literally worded in the literature, shape $(*, N)$; `None` where
            that is the same rule.
        features: The features that a classifier has of the sample, shape $(*, N, F)$; `None` without a
            classifier.
        factors: The continuous factors of the sample, in the order of `Dataset.factors`, each as the share of
            real data whose factor is smaller, shape $(*, N, F)$; `None` where there are none.
        off_manifold: The distance of the sample from the nearest point of the data's manifold, relative to
            the norm of that point, shape $(*, N)$; `None` where the manifold is not known.
    """

    mode: Tensor
    high_quality: Tensor
    legacy: Tensor | None = None
    features: Tensor | None = None
    factors: Tensor | None = None
    off_manifold: Tensor | None = None


def check_mode_weights(weights: Tensor) -> None:
    """Raises a `ValueError` unless these are the probabilities of modes, or of none."""
    if weights.ndim != 1:
        raise ValueError(f"mode_weights has shape {tuple(weights.shape)}; it must be (K,)")
    if len(weights) == 0:
        return
    if not bool((weights > 0).all()):
        raise ValueError(f"mode_weights has a weight of {float(weights.min()):.6g}; each must be positive")
    total = float(weights.sum())
    if not abs(total - 1) < 1e-6:
        raise ValueError(f"mode_weights sum to {total:.6g}; they must sum to 1")


class Preparation(NamedTuple):
    """What a dataset has to make before its first use.

    Attributes:
        what: What it makes, in words, such as `the digit classifier is trained`.
        seconds: About the seconds that it takes on two CPU cores.
    """

    what: str
    seconds: float


@dataclass(frozen=True)
class Dataset(ABC):
    """A distribution, its modes where it has any, and the settings that go with it.

    Data has two forms: floating-point, as networks see it, and packed, as it is kept and scored. For points
    they are the same.

    Arguments:
        batch: Real samples per update.
        latent: The number of latent dimensions.
        width: Units per hidden layer of the shared networks.
        depth: Hidden layers of the shared networks.
        architecture: The architecture of the networks: the shared one, or that of a paper.
        samples: Samples per evaluation.
        samples_large: Samples of the additional, more precise evaluation at the end; 0 for none.
        held_out: Held-out real samples that samples are compared with.
        evaluations: Evaluations over a budget, evenly spaced.

    Attributes:
        name: The registered name.
        kind: `points` for vectors, or `images`.
        span: The length of the range of a coordinate where it has one, else 1. Squared errors are in units of
            its square.
        features: The feature extractor of Fréchet distances and the like, unless another one is asked for.
        captured_by: Which samples capture a mode: those of high quality, or any.
        packed_bytes: Bytes of a packed number.
        seeds_together: Seeds that are trained side by side at most; fewer where models are large. Small
            networks gain by it; convolutions use a CPU core fully by themselves.
        factors: The names of the continuous factors that a sample can be taken apart into, if there are any.
    """

    name: ClassVar[str]
    kind: ClassVar[str]
    span: ClassVar[float] = 1.0
    features: ClassVar[str] = "raw"
    captured_by: ClassVar[Literal["high_quality", "any"]] = "high_quality"
    packed_bytes: ClassVar[int] = 4
    seeds_together: ClassVar[int] = 16
    factors: ClassVar[tuple[str, ...]] = ()

    batch: Size = 64
    latent: Size = 8
    width: Size = 64
    depth: Count = 2
    architecture: str = "shared"
    samples: SampleSize = 2500
    samples_large: OptionalSampleSize = 25_000
    held_out: SampleSize = 10_000
    evaluations: Size = 20

    def __post_init__(self) -> None:
        check_ranges(self)
        if self.samples_large == 1:
            raise ValueError("samples_large must be 0 or at least 2, not 1")

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample."""

    @property
    def mode_weights(self) -> Tensor:
        """The true probability of each mode, float64, shape $(K,)$; empty, as here, where there are none or
        they are not known.
        """
        return torch.empty(0, dtype=torch.float64)

    @property
    def training_pool(self) -> Tensor | None:
        """All training data, packed, shape $(N, *)$, on the CPU, where it is a set of data that is drawn from
        again and again; `None` where it is drawn fresh without end.
        """
        return None

    @abstractmethod
    def draw(self, n: int, rng: torch.Generator, split: Split = "train") -> Tensor:
        """Draws `n` packed samples, shape $(n, *)$, on the device of `rng`."""

    def assign(self, samples: Tensor) -> Assignment:
        """Assigns packed samples of shape $(*, N, D)$ to modes. Not called where `mode_weights` is empty."""
        raise NotImplementedError(f"{self.name} has no known modes")

    def learned_features(self, x: Tensor) -> Tensor:
        """The features of `Assignment`, of data $(n, *)$ as networks see it, shape $(n, F)$; gradients flow
        through them. Not called unless a dataset overrides it.
        """
        raise NotImplementedError(f"{self.name} has no features of a classifier")

    @property
    def has_learned_features(self) -> bool:
        """Whether the dataset defines `learned_features`."""
        return type(self).learned_features is not Dataset.learned_features

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """Draws `n` training samples as networks see them, shape $(n, *)$, on the device of `rng`."""
        return self.unpack(self.draw(n, rng))

    def pack(self, x: Tensor) -> Tensor:
        """Samples that networks made, in the form in which they are kept and scored."""
        return x

    def unpack(self, packed: Tensor) -> Tensor:
        """Packed samples as networks see them."""
        return packed

    def prepare(self) -> Mapping[str, Any]:
        """Makes sure that all files are there that the dataset needs. It may take minutes the first time.

        Returns:
            What identifies the files, such as checksums, by name.

        Raises:
            UsageError: If they are not there, and cannot be had, or hold too little for the settings.
        """
        return {}

    @property
    def preparation(self) -> Preparation | None:
        """What `prepare` would have to make first that takes long; `None` if nothing."""
        return None

    def project(self, samples: Tensor) -> Tensor:
        """A view of points $(N, D)$ in the plane, for pictures, shape $(N, 2)$: by default the first two
        coordinates.

        With a single coordinate the other one is 0.
        """
        if samples.shape[1] == 1:
            return torch.cat([samples, torch.zeros_like(samples)], dim=1)
        return samples[:, :2]

    @property
    def axes(self) -> tuple[str, str]:
        """What the two axes of `project` show."""
        if self.shape == (1,):
            return "coordinate", "no coordinate"
        return "first coordinate", "second coordinate"

    @property
    def landmarks(self) -> Tensor:
        """The centres of the modes in `project`, shape $(K, 2)$; empty, shape $(0, 2)$, where they are not
        known.
        """
        return torch.empty(0, 2)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the first 1000 draws of a stream of its own: equal data, equal fingerprint."""
        return sha256(self.draw(1000, self.stream("all", "fingerprint")).numpy().tobytes()).hexdigest()

    @property
    def modes(self) -> int:
        """The number of modes $K$; 0 where they are not known."""
        return len(self.mode_weights)

    @property
    def spec(self) -> DataSpec:
        """What methods may know when they build their networks."""
        return DataSpec(self.kind, self.shape, self.latent, self.width, self.depth, self.architecture)

    def stream(self, seed: int | str, kind: str, device: torch.device | str = "cpu") -> torch.Generator:
        """The random stream of that kind for a seed, the same for every method."""
        return torch.Generator(device).manual_seed(stream_seed(self.name, seed, kind))
