"""The GAN whose latents are an embedding of the data."""

from dataclasses import dataclass, replace
from math import ceil, log2
from typing import Annotated

import torch
from msgspec import Meta
from torch import Tensor, nn
from torch.nn.functional import softplus

from baselines.kernels import squared_distances
from baselines.networks import discriminator, generator
from benchmark.method import Adam, Batch, DataSpec, Latents, Method, Networks, Noise, Player, Tensors
from benchmark.method.space import LEARNING_RATES, MOMENTA, LogUniform
from benchmark.registry import NotNegative, register_method

__all__ = ["BourGAN", "embedded"]

SUBSETS = 5
"""Random subsets of each level."""


def embedded(points: Tensor) -> Tensor:
    """Bourgain's embedding: the distances of points $(n, D)$ from random subsets of them, $(n, 5 \\lceil
    \\log_2 n \\rceil)$.

    A point is in a subset of level $j$, from 1, with probability $2^{-j}$; there are five of each level.
    Coordinates have mean 0, and their mean square is 1.
    """
    n = len(points)
    levels = ceil(log2(n))
    rng = torch.Generator().manual_seed(0)
    chances = (0.5 ** torch.arange(1.0, levels + 1)).repeat_interleave(SUBSETS)
    member = torch.rand(SUBSETS * levels, n, generator=rng) < chances[:, None]
    distances = squared_distances(points, points).sqrt()
    columns = []
    for subset in member.to(points.device):
        nearest = torch.where(subset, distances, torch.inf).amin(dim=1)
        columns.append(torch.where(subset.any(), nearest, torch.zeros_like(nearest)))
    embedding = torch.stack(columns, dim=1)
    embedding = embedding - embedding.mean(dim=0)
    return embedding / embedding.square().mean().sqrt()


def stretch(points: Tensor, embedding: Tensor) -> Tensor:
    """The factor of distances in the embedding, as in the authors' code: the largest root of a ratio."""
    apart = ~torch.eye(len(points), dtype=torch.bool, device=points.device)
    ratios = squared_distances(points, points)[apart] / squared_distances(embedding, embedding)[apart]
    # Points that are the same in the embedding say nothing about a ratio.
    return ratios[ratios.isfinite()].max() ** 0.25


@register_method("bourgan")
@dataclass(frozen=True)
class BourGAN(Method):
    """GAN whose latents lie near a Bourgain embedding of data, and whose generator keeps their distances.

    References:
        BourGAN: Generative Networks with Metric Embeddings (Xiao et al., 2018), arXiv:1805.07674, section 4
        and equation 5. Details and settings from the authors' public code for mixtures.

    Deviations:
        The embedding is one of `points` training samples, whose subsets are the same for all seeds. The noise
        around it is of 0.1, which is 0.01 in some versions of the code. Distances have a tiny constant, so
        that they have a logarithm. Latents have the dimensions of the embedding, 50 by default, whatever
        those of the suite. The shared networks.
    """

    family = "adversarial"
    space = {
        "lr": LEARNING_RATES,
        "beta1": MOMENTA,
        "weight": LogUniform(0.01, 1),
        "spread": LogUniform(0.01, 1),
    }

    lr: float = 1e-3
    beta1: float = 0.5
    weight: NotNegative = 0.1
    spread: NotNegative = 0.1
    points: Annotated[int, Meta(ge=2, le=10_000)] = 1024

    @property
    def size(self) -> int:
        """The number of latent dimensions."""
        return SUBSETS * ceil(log2(self.points))

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        return {
            "generator": generator(replace(data, latent=self.size)),
            "discriminator": discriminator(data),
        }

    def players(self, data: DataSpec) -> dict[str, Player]:
        adam = Adam(self.lr, (self.beta1, 0.999))
        place = Noise((), "uniform")
        others = {"place": place, "other": Noise((self.size,)), "other_place": place}
        return {
            "discriminator": Player(
                ("discriminator",), self.discriminator_loss, adam, noise={"place": place}
            ),
            "generator": Player(("generator",), self.generator_loss, adam, real=False, noise=others),
        }

    def variables(self, data: DataSpec) -> Tensors:
        return {"embedding": torch.zeros(self.points, self.size), "stretch": torch.ones(())}

    def begin(self, data: DataSpec, x: Tensor) -> Tensors:
        # The smallest distances are below what single precision leaves of a square.
        points = x[: self.points].flatten(1).double()
        embedding = embedded(points)
        return {"embedding": embedding.to(x), "stretch": stretch(points, embedding).to(x)}

    def latents(self, data: DataSpec) -> Latents:
        """Noise around an embedded point, which one more number chooses."""
        return Latents(self.size, noise=1)

    def placed(self, nets: Networks, noise: Tensor, share: Tensor) -> Tensor:
        """Latents $(B, L)$: noise $(B, L)$ around the points that lie at these shares $(B,)$ of all."""
        index = (share * self.points).long().clamp(max=self.points - 1)
        return nets.variables["embedding"][index] + self.spread * noise

    def discriminator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        fake = nets.generator(self.placed(nets, batch.z, batch.noise["place"]))
        return (softplus(-nets.discriminator(batch.x)) + softplus(nets.discriminator(fake))).mean()

    def generator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        z = self.placed(nets, batch.z, batch.noise["place"])
        other = self.placed(nets, batch.noise["other"], batch.noise["other_place"])
        fake = nets.generator(z)
        apart = log_distances(fake, nets.generator(other))
        wanted = log_distances(z, other) + nets.variables["stretch"].log()
        deception = softplus(-nets.discriminator(fake)).mean()
        return deception + self.weight * (apart - wanted).square().mean()

    def sample(self, nets: Networks, z: Tensor, noise: Tensor) -> Tensor:
        return nets.generator(self.placed(nets, z, torch.special.ndtr(noise[:, 0])))


def log_distances(a: Tensor, b: Tensor) -> Tensor:
    """The logarithms of the distances between pairs $(B, *)$, shape $(B,)$."""
    return ((a - b).flatten(1).square().sum(dim=1) + 1e-12).log() / 2
