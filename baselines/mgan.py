"""The GAN with several generators."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, softplus

from baselines.networks import discriminator, generator
from benchmark.method import Adam, Batch, DataSpec, Latents, Method, Networks, Noise, Player
from benchmark.method.space import LEARNING_RATES, MOMENTA, Choice, LogUniform
from benchmark.registry import Count, NotNegative, register_method

__all__ = ["MGAN", "Generators"]


class Generators(nn.Module):
    """Generators that share all layers but the first.

    Arguments:
        data: What they generate.
        number: How many there are.
    """

    def __init__(self, data: DataSpec, number: int) -> None:
        super().__init__()
        first, *others = _layers(data)
        firsts = [first, *(_layers(data)[0] for _ in range(number - 1))]
        self.weight = nn.Parameter(torch.stack([layer.weight.detach() for layer in firsts]))
        self.bias = None
        if first.bias is not None:
            self.bias = nn.Parameter(torch.stack([layer.bias.detach() for layer in firsts]))
        self.shared = nn.Sequential(*others)

    def forward(self, z: Tensor, which: Tensor) -> Tensor:
        """Maps latents $(B, L)$ and numbers of generators $(B,)$ to data $(B, *)$."""
        features = (self.weight[which] @ z[:, :, None]).squeeze(2)
        if self.bias is not None:
            features = features + self.bias[which]
        return self.shared(features)


def _layers(data: DataSpec) -> list[Any]:
    """The layers of a generator; the first is linear."""
    network = generator(data)
    if not isinstance(network, nn.Sequential) or not isinstance(network[0], nn.Linear):
        raise TypeError(f"{type(network).__name__} has no first linear layer that is known")
    return list(network)


@register_method("mgan")
@dataclass(frozen=True)
class MGAN(Method):
    """Mixture of generators that a classifier must be able to tell apart.

    References:
        MGAN: Training Generative Adversarial Nets with Multiple Generators (Hoang et al., 2018),
        arXiv:1708.02556, equation 5. Details and settings from the authors' public code for CIFAR-10.

    Deviations:
        Each sample of a batch is of a generator that is drawn at random, from a latent of its own; the code
        has as many of each, from the same latents. The first layer's normalisation is shared. The shared
        networks.
    """

    family = "adversarial"
    space = {
        "lr": LEARNING_RATES,
        "beta1": MOMENTA,
        "diversity": LogUniform(0.01, 1),
        "generators": Choice(4, 10, 30),
    }

    lr: float = 2e-4
    beta1: float = 0.5
    diversity: NotNegative = 0.01
    generators: Count = 10

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        judge = discriminator(data, outputs=1 + self.generators)
        return {"generator": Generators(data, self.generators), "discriminator": judge}

    def players(self, data: DataSpec) -> dict[str, Player]:
        adam = Adam(self.lr, (self.beta1, 0.999))
        which = {"which": Noise((), "uniform")}
        return {
            "discriminator": Player(("discriminator",), self.discriminator_loss, adam, noise=which),
            "generator": Player(("generator",), self.generator_loss, adam, real=False, noise=which),
        }

    def latents(self, data: DataSpec) -> Latents:
        """One more number chooses the generator."""
        return Latents(data.latent, "uniform", noise=1)

    def at(self, share: Tensor) -> Tensor:
        """The numbers of the generators at these shares $(B,)$ of all."""
        return (share * self.generators).long().clamp(max=self.generators - 1)

    def generated(self, nets: Networks, batch: Batch) -> tuple[Tensor, Tensor]:
        """Data $(B, *)$, and the numbers of the generators $(B,)$."""
        which = self.at(batch.noise["which"])
        return nets.generator(batch.z, which), which

    def discriminator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        fake, which = self.generated(nets, batch)
        real, judged = nets.discriminator(batch.x), nets.discriminator(fake)
        surprise = softplus(-real[:, 0]).mean() + softplus(judged[:, 0]).mean()
        return surprise + cross_entropy(judged[:, 1:], which)

    def generator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        fake, which = self.generated(nets, batch)
        judged = nets.discriminator(fake)
        return softplus(-judged[:, 0]).mean() + self.diversity * cross_entropy(judged[:, 1:], which)

    def sample(self, nets: Networks, z: Tensor, noise: Tensor) -> Tensor:
        return nets.generator(z, self.at(torch.special.ndtr(noise[:, 0])))
