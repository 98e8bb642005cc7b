"""Mixtures of Gaussians whose modes, density and held-out stream are exact."""

from abc import abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from math import inf
from typing import Annotated

import torch
from msgspec import Meta
from scipy.spatial.distance import pdist
from scipy.stats import chi2
from torch import Tensor
from torch.nn.functional import pad

from benchmark.datasets.base import Assignment, Dataset, Split
from benchmark.datasets.weights import parse_weights
from benchmark.registry import Length, OptionalSampleSize, Size, register_dataset

__all__ = ["Grid", "HighDimensional", "Mixture", "Ring", "UnbalancedGrid", "UnbalancedRing"]

NUMBERS_TOGETHER = 1 << 18
"""Numbers of samples that are assigned at a time."""

SMALLEST_SEPARATION = 0.1
"""In standard deviations: nobody could tell apart modes that are nearer to each other."""

SMALLEST_STD = 1e-6
"""Relative to the coordinates of the means: float32 has no room for less noise."""

Dimension = Annotated[int, Meta(ge=2, le=100_000)]


@dataclass(frozen=True)
class Mixture(Dataset):
    r"""Gaussians $\mathcal{N}(\mu_k, \sigma^2 I)$ in the first `noisy` coordinates, constant $\mu_k$ in the
    others.

    A sample is of high quality if its Euclidean distance from the nearest mean, over all coordinates, is at
    most `radius` standard deviations.

    Arguments:
        std: The standard deviation $\sigma$.
        separation: The distance of the two nearest means, in standard deviations: all means are moved away
            from, or towards, the origin in proportion. 0 leaves them where they are.
        weights: The weights of the modes: `equal`, `geometric:RATIO` or `minority:NUMBER:FACTOR`; see
            `benchmark.datasets.weights`.
        training_set: Training data is drawn, with replacement, from a fixed set of so many samples, the same
            for all methods and seeds; 0 for fresh samples without end.
    """

    kind = "points"

    std: Length = 1.0
    separation: Annotated[float, Meta(ge=0, le=1e4)] = 0.0
    weights: str = "equal"
    training_set: OptionalSampleSize = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if type(self).mode_weights is Mixture.mode_weights:
            parse_weights(self.weights, len(self.means))
        elif self.weights != "equal":
            raise ValueError(f"{type(self).__name__} has weights of its own; leave weights at equal")
        self._check_scale()

    def _check_scale(self) -> None:
        farthest = float(self.centres.abs().max())
        if self.std < SMALLEST_STD * farthest:
            raise ValueError(
                f"std is {self.std:g}, too little for means with a coordinate of {farthest:g}; "
                f"it must be at least {SMALLEST_STD * farthest:g}"
            )
        nearest = _smallest_distance(self.centres) / self.std
        if nearest < SMALLEST_SEPARATION:
            raise ValueError(
                f"two modes are {nearest:g} standard deviations apart; "
                f"they must be at least {SMALLEST_SEPARATION}"
            )

    @property
    @abstractmethod
    def means(self) -> Tensor:
        """The modes' centres before `separation` moves them, shape $(K, D)$, float32."""

    @cached_property
    def centres(self) -> Tensor:
        """The modes' centres, shape $(K, D)$, float32."""
        if not self.separation:
            return self.means
        return self.means * (self.separation * self.std / _smallest_distance(self.means))

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.centres.shape[1],)

    @property
    def noisy(self) -> int:
        """The number of leading coordinates that carry noise."""
        return self.shape[0]

    @property
    def radius(self) -> float:
        """The largest distance of a high-quality sample from its mode, in standard deviations: 3 in the
        plane, and in more dimensions the distance within which as much of real data lies as there.
        """
        if self.noisy <= 2:
            return 3.0
        return float(chi2.ppf(chi2.cdf(9, 2), self.noisy) ** 0.5)

    @property
    def legacy_radius(self) -> float | None:
        """The Euclidean radius of the literature in data units, where it makes another rule."""
        return None

    @property
    def mode_weights(self) -> Tensor:
        """By `weights`, unless a subclass overrides it."""
        return self._law

    @cached_property
    def _law(self) -> Tensor:
        return parse_weights(self.weights, len(self.centres))

    @property
    def training_pool(self) -> Tensor | None:
        return _training_set(self, torch.device("cpu")) if self.training_set else None

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
        means = self.centres.to(rng.device)
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
        means = self.centres.to(samples)
        mode = torch.cdist(samples, means).argmin(dim=-1)
        return mode, (samples - means[mode]).norm(dim=-1)

    @property
    def landmarks(self) -> Tensor:
        return self.project(self.centres)


@register_dataset("ring")
@dataclass(frozen=True)
class Ring(Mixture):
    """Eight Gaussians on a circle, of radius 1 by default, at the angles $2 \\pi k / 8$, each of standard
    deviation 0.01.

    Arguments:
        circle: The radius of the circle.
        dimension: Dimensions of the space. The circle lies in the first two, and all carry noise.
    """

    std: Length = 0.01
    circle: Length = 1.0
    dimension: Dimension = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.separation and self.circle != type(self).circle:
            raise ValueError("circle and separation say the same; give one of them")

    @property
    def means(self) -> Tensor:
        angles = 2 * torch.pi * torch.arange(8, dtype=torch.float64) / 8
        plane = self.circle * torch.stack([angles.cos(), angles.sin()], dim=1).float()
        return pad(plane, (0, self.dimension - 2))


@register_dataset("grid")
@dataclass(frozen=True)
class Grid(Mixture):
    """Twenty-five Gaussians at $\\{-4, -2, 0, 2, 4\\}^2$, a spacing of 2 by default, each of standard
    deviation 0.05.

    Arguments:
        spacing: The distance of neighbours.
        dimension: Dimensions of the space. The grid lies in the first two, and all carry noise.
    """

    std: Length = 0.05
    spacing: Length = 2.0
    dimension: Dimension = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.separation and self.spacing != type(self).spacing:
            raise ValueError("spacing and separation say the same; give one of them")

    @property
    def means(self) -> Tensor:
        side = self.spacing * torch.arange(-2.0, 3.0)
        return pad(torch.cartesian_prod(side, side), (0, self.dimension - 2))


@register_dataset("unbalanced-ring")
@dataclass(frozen=True)
class UnbalancedRing(Ring):
    """The ring of radius 2.5 and standard deviation 0.05, whose first four modes are rare: each has a
    twentieth of the weight of each of the others.

    References:
        Leverage Score Sampling for Complete Mode Coverage in Generative Adversarial Networks (Schreurs et
        al., 2021), arXiv:2104.02373.
    """

    std: Length = 0.05
    weights: str = "minority:4:0.05"
    circle: Length = 2.5


@register_dataset("unbalanced-grid")
@dataclass(frozen=True)
class UnbalancedGrid(Grid):
    """The grid, whose first ten modes are rare: each has a twentieth of the weight of each of the others.

    References:
        Leverage Score Sampling for Complete Mode Coverage in Generative Adversarial Networks (Schreurs et
        al., 2021), arXiv:2104.02373.
    """

    weights: str = "minority:10:0.05"


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

    Arguments:
        dimension: Dimensions of the space; in others than 1200, seven twelfths of them carry noise, too.
    """

    std: Length = 1.0
    latent: Size = 64
    samples_large: OptionalSampleSize = 10_000
    dimension: Dimension = 1200

    @property
    def means(self) -> Tensor:
        constants = torch.tensor([-1.0, -0.5, 0.0, 0.5, -2.0, -2.5, 10.0, 0.25, -13.0, -5.5])
        return constants[:, None].expand(-1, self.dimension).contiguous()

    @property
    def noisy(self) -> int:
        return self.dimension * 7 // 12

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
        constant = self.dimension - self.noisy
        return (
            f"mean of the {constant} constant coordinates",
            f"standard deviation over the {self.noisy} noisy coordinates",
        )

    @property
    def landmarks(self) -> Tensor:
        """A real sample's deviation over the noisy coordinates is about `std`, not the centre's 0."""
        return torch.stack([self.centres[:, 0], torch.full((self.modes,), self.std)], dim=1)


def _smallest_distance(means: Tensor) -> float:
    """The distance of the two nearest of some points $(K, D)$; infinite if there is only one."""
    return float(pdist(means.double().numpy()).min(initial=inf))


@lru_cache(maxsize=4)
def _training_set(data: Mixture, device: torch.device) -> Tensor:
    """The fixed training set of a mixture that has one, shape $(N, D)$, on a device; drawn on the CPU."""
    return (
        replace(data, training_set=0).draw(data.training_set, data.stream("all", "training set")).to(device)
    )
