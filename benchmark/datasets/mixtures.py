"""Mixtures of Gaussians whose modes, density and held-out stream are exact."""

from abc import abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import torch
from scipy.stats import chi2
from torch import Tensor

from benchmark.datasets.base import Assignment, Dataset, Split
from benchmark.registry import register_dataset

__all__ = ["Grid", "HighDimensional", "Mixture", "Ring"]

NUMBERS_TOGETHER = 1 << 18
"""Numbers of samples that are assigned at a time."""


@dataclass(frozen=True)
class Mixture(Dataset):
    r"""Gaussians $\mathcal{N}(\mu_k, \sigma^2 I)$ in the first `noisy` coordinates, constant $\mu_k$ in the
    others.

    They are equally likely unless a subclass overrides `mode_weights`. A sample is of high quality if its
    Euclidean distance from the nearest mean, over all coordinates, is at most `radius` standard deviations.

    Arguments:
        std: The standard deviation $\sigma$.
        training_set: Training data is drawn, with replacement, from a fixed set of so many samples, the same
            for all methods and seeds; 0 for fresh samples without end.
    """

    kind = "points"

    std: float = 1.0
    training_set: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.training_set < 0:
            raise ValueError("training_set must not be negative")
        if self.std <= 0:
            raise ValueError("std must be positive")

    @property
    @abstractmethod
    def means(self) -> Tensor:
        """The modes' centres, shape $(K, D)$, float32."""

    @cached_property
    def _means(self) -> Tensor:
        return self.means

    @property
    def shape(self) -> tuple[int, ...]:
        return (self._means.shape[1],)

    @property
    def noisy(self) -> int:
        """The number of leading coordinates that carry noise."""
        return self.shape[0]

    @property
    def radius(self) -> float:
        """The largest distance of a high-quality sample from its mode, in standard deviations."""
        return 3.0

    @property
    def legacy_radius(self) -> float | None:
        """The Euclidean radius of the literature in data units, where it makes another rule."""
        return None

    @property
    def mode_weights(self) -> Tensor:
        return torch.full((len(self._means),), 1 / len(self._means), dtype=torch.float64)

    @property
    def truncated_std(self) -> float:
        """The standard deviation per noisy coordinate of real data that passes the rule of quality.

        For $d$ coordinates and radius $r$ it is $\\sigma \\sqrt{F_{d+2}(r^2) / F_d(r^2)}$, with $F$ the
        chi-square distribution functions.
        """
        square = self.radius**2
        return self.std * float((chi2.cdf(square, self.noisy + 2) / chi2.cdf(square, self.noisy)) ** 0.5)

    def draw(self, n: int, rng: torch.Generator, split: Split = "train") -> Tensor:
        """The splits are streams of one distribution; they differ where training data comes from a fixed
        set.
        """
        if split == "train" and self.training_set:
            pool = _training_set(self, rng.device)
            return pool[torch.randint(len(pool), (n,), generator=rng, device=rng.device)]
        means = self._means.to(rng.device)
        x = means[self._draw_modes(n, rng)]
        x[:, : self.noisy] += self.std * torch.randn(n, self.noisy, generator=rng, device=rng.device)
        return x

    def _draw_modes(self, n: int, rng: torch.Generator) -> Tensor:
        weights = self.mode_weights
        if bool((weights == weights[0]).all()):
            return torch.randint(len(weights), (n,), generator=rng, device=rng.device)
        return torch.multinomial(weights.to(rng.device), n, replacement=True, generator=rng)

    def assign(self, samples: Tensor) -> Assignment:
        shape = samples.shape[:-1]
        # In parts that the CPU's cache holds.
        parts = [
            self._assign(part)
            for part in samples.flatten(0, -2).split(max(1, NUMBERS_TOGETHER // samples.shape[-1]))
        ]
        mode, distance = (torch.cat(columns).view(shape) for columns in zip(*parts, strict=True))
        legacy = None if self.legacy_radius is None else distance <= self.legacy_radius
        return Assignment(mode, distance <= self.radius * self.std, legacy)

    def _assign(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """The nearest mode and the distance from it, each of shape $(N,)$."""
        means = self._means.to(samples)
        mode = torch.cdist(samples, means).argmin(dim=-1)
        return mode, (samples - means[mode]).norm(dim=-1)

    @property
    def landmarks(self) -> Tensor:
        return self.project(self._means)


@register_dataset("ring")
@dataclass(frozen=True)
class Ring(Mixture):
    """Eight Gaussians on a circle, of radius 1 by default, at the angles $2 \\pi k / 8$, each of standard
    deviation 0.01.
    """

    std: float = 0.01
    circle: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.circle <= 0:
            raise ValueError("circle, the radius, must be positive")

    @property
    def means(self) -> Tensor:
        angles = 2 * torch.pi * torch.arange(8, dtype=torch.float64) / 8
        return self.circle * torch.stack([angles.cos(), angles.sin()], dim=1).float()


@register_dataset("grid")
@dataclass(frozen=True)
class Grid(Mixture):
    """Twenty-five Gaussians at $\\{-4, -2, 0, 2, 4\\}^2$, a spacing of 2 by default, each of standard
    deviation 0.05.
    """

    std: float = 0.05
    spacing: float = 2.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.spacing <= 0:
            raise ValueError("spacing must be positive")

    @property
    def means(self) -> Tensor:
        side = self.spacing * torch.arange(-2.0, 3.0)
        return torch.cartesian_prod(side, side)


@register_dataset("high-dimensional")
@dataclass(frozen=True)
class HighDimensional(Mixture):
    """Ten Gaussians of 700 dimensions in a space of 1200, after the VEEGAN paper, with the means of PacGAN's
    code.

    In mode k all coordinates equal one constant; the first 700 carry noise of standard deviation 1.

    The literature calls a sample good within 10 standard deviations of its mode. A real sample is about 26.5
    away, so that rule rejects all real data (it is kept as `high_quality_legacy`). Here the radius is the one
    that 99.5 % of real data keep, $\\sqrt{\\chi^2_{700}(0.995)}$. Such a ball cannot see samples without
    spread, which are nearer to their mode than any real one: the metric `within_mode_std` does.
    """

    std: float = 1.0
    latent: int = 64
    samples_large: int = 10_000

    @property
    def means(self) -> Tensor:
        constants = torch.tensor([-1.0, -0.5, 0.0, 0.5, -2.0, -2.5, 10.0, 0.25, -13.0, -5.5])
        return constants[:, None].expand(-1, 1200).contiguous()

    @property
    def noisy(self) -> int:
        return 700

    @property
    def radius(self) -> float:
        return float(chi2.ppf(0.995, self.noisy) ** 0.5)

    @property
    def legacy_radius(self) -> float:
        return 10.0

    def project(self, samples: Tensor) -> Tensor:
        return torch.stack([samples[:, self.noisy :].mean(dim=1), samples[:, : self.noisy].std(dim=1)], dim=1)

    @property
    def axes(self) -> tuple[str, str]:
        return "mean of the 500 constant coordinates", "standard deviation over the 700 noisy coordinates"

    @property
    def landmarks(self) -> Tensor:
        """A real sample's deviation over the noisy coordinates is about `std`, not the centre's 0."""
        return torch.stack([self._means[:, 0], torch.full((self.modes,), self.std)], dim=1)


@lru_cache(maxsize=4)
def _training_set(data: Mixture, device: torch.device) -> Tensor:
    """The fixed training set of a mixture that has one, shape $(N, D)$, on a device; drawn on the CPU."""
    return (
        replace(data, training_set=0).draw(data.training_set, data.stream("all", "training set")).to(device)
    )
