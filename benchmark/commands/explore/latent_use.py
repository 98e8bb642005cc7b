"""What single latents do, and whether codes are distributed as latents."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from benchmark.commands.explore.models import Model
from benchmark.method import Latents
from metrics.pairs import energy_distance, mean_distance

__all__ = ["Effects", "code_error", "code_measures", "effects_of", "latent_usage"]

VARIANCE_THAT_COUNTS = 0.95
"""The share of the variance that the latents in use carry together."""

CODED = 500
"""Samples of a model that are encoded again."""

DRAWS = 256
"""Latents that a coordinate is redrawn in."""

COORDINATES = 256
"""Coordinates that are redrawn, at most. Flows and diffusions have as many as an image has pixels."""


class Effects(NamedTuple):
    """How much of a sample's variance latent coordinates have a part in.

    Attributes:
        coordinates: All of them, or 256 that are spread evenly over more, shape $(K,)$.
        variances: What each has a part in, shape $(K,)$, float64.
    """

    coordinates: Tensor
    variances: Tensor

    def above(self, least: float) -> "Effects":
        """The same with variances of at most `least` taken for 0."""
        return self._replace(variances=self.variances.masked_fill(self.variances <= least, 0))

    def largest(self, n: int) -> tuple[list[int], list[float]]:
        """The `n` coordinates with the largest variances, and their shares of the sum; 0 where that is 0."""
        order = self.variances.argsort(descending=True)[:n]
        shares = self.variances[order] / self.variances.sum().clamp(min=1e-300)
        return self.coordinates[order].tolist(), shares.tolist()


def effects_of(model: Model, rng: torch.Generator) -> Effects:
    r"""How much of a sample's variance each latent coordinate has a part in.

    The total effect of coordinate $i$, $\frac12 E |G(z) - G(z')|^2$, where $z'$ is $z$ with a new $z_i$: the
    variance that is left when all other coordinates are known. For a linear generator it is the squared
    length of a column. What a sample takes beside latents stays as it is.

    References:
        Variance based sensitivity analysis of model output (Saltelli et al., 2010), table 2(f), of Jansen.
    """
    latents, device = model.latents, rng.device
    numbers = torch.randn(DRAWS, latents.size, generator=rng, device=device)
    noise = torch.randn(DRAWS, latents.noise, generator=rng, device=device)
    redrawn = torch.randn(DRAWS, latents.size, generator=rng, device=device)
    looked_at = min(COORDINATES, latents.size)
    coordinates = torch.linspace(0, latents.size - 1, looked_at).round().long()
    with torch.no_grad():
        x = model.sample_normal(numbers, noise)
        variances = []
        for i in coordinates.tolist():
            other = numbers.clone()
            other[:, i] = redrawn[:, i]
            change = model.sample_normal(other, noise) - x
            variances.append(change.flatten(1).double().square().sum(dim=1).mean() / 2)
    return Effects(coordinates.to(device), torch.stack(variances))


def latent_usage(variances: Tensor) -> float:
    """The share of the coordinates that are needed for 95 % of the sum of their variances; 0 if none has any.

    Arguments:
        variances: The variance that each explains, shape $(L,)$.
    """
    total = float(variances.sum())
    if not total > 0:
        return 0.0 if total == 0 else math.nan
    carried = variances.sort(descending=True).values.cumsum(dim=0) / total
    needed = int((carried < VARIANCE_THAT_COUNTS - 1e-12).sum()) + 1
    return needed / len(variances)


def code_measures(codes: Tensor, latents: Latents, rng: torch.Generator) -> Mapping[str, float]:
    """How the codes of data $(n, L)$ differ from latents: numbers by name.

    In units in which a latent has mean 0 and standard deviation 1: `code_mean`, the root mean square of the
    coordinates' means, 0 at best; `code_variance`, the mean of their variances, 1 at best; `code_covariance`,
    the Frobenius distance of the covariance from that of latents, over the norm of the latter; and
    `code_energy`, the energy distance from as many drawn latents.
    """
    deviation = _deviation(latents)
    x = codes.double() / deviation
    drawn = latents.of_normal(torch.randn(codes.shape, generator=rng, device=codes.device))
    y = drawn.double() / deviation
    covariance = x.T.cov().view(latents.size, latents.size)
    identity = torch.eye(latents.size, dtype=x.dtype, device=x.device)
    return {
        "code_mean": float(x.mean(dim=0).square().mean().sqrt()),
        "code_variance": float(covariance.diagonal().mean()),
        "code_covariance": float((covariance - identity).norm() / identity.norm()),
        "code_energy": float(energy_distance(x, y, mean_distance(y))),
    }


def code_error(model: Model, rng: torch.Generator) -> float:
    """The mean squared error of the codes of a model's own samples, per coordinate, in units of the latents'
    variance: 0 for an encoder that inverts the generator, about 1 for codes that are all 0.
    """
    latents = model.latents
    z = latents.of_normal(torch.randn(CODED, latents.size, generator=rng, device=rng.device))
    noise = torch.randn(CODED, latents.noise, generator=rng, device=rng.device)
    with torch.no_grad():
        codes = model.encode(model.sample(z, noise))
    return float((codes - z).double().square().mean()) / _deviation(latents) ** 2


def _deviation(latents: Latents) -> float:
    """The standard deviation of a latent coordinate."""
    return 1.0 if latents.law == "normal" else 1 / math.sqrt(3)
