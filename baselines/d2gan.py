"""The GAN with two discriminators."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from baselines.networks import discriminator, generator
from benchmark.method import Adam, Batch, DataSpec, Method, Networks, Player
from benchmark.method.space import LEARNING_RATES, MOMENTA, LogUniform
from benchmark.registry import Positive, register_method

__all__ = ["D2GAN", "log_softplus"]


@register_method("d2gan")
@dataclass(frozen=True)
class D2GAN(Method):
    """GAN with one discriminator that rewards real data and one that rewards generated data.

    Both are positive. At their best they are $\\alpha p / q$ and $\\beta q / p$ for the densities $p$ of the
    data and $q$ of the generator, which then minimises a sum of both Kullback-Leibler divergences.

    References:
        Dual Discriminator Generative Adversarial Nets (Nguyen et al., 2017), arXiv:1709.03831, equation 1.
        Settings from the authors' public code for mixtures.

    Deviations:
        None in the algorithm. The shared networks; the code's discriminators have one hidden layer.
    """

    family = "adversarial"
    space = {
        "lr": LEARNING_RATES,
        "beta1": MOMENTA,
        "alpha": LogUniform(0.1, 1),
        "beta": LogUniform(0.1, 1),
    }

    lr: float = 2e-4
    beta1: float = 0.5
    alpha: Positive = 1.0
    beta: Positive = 1.0

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        return {
            "generator": generator(data),
            "discriminator_real": discriminator(data),
            "discriminator_fake": discriminator(data),
        }

    def players(self, data: DataSpec) -> dict[str, Player]:
        adam = Adam(self.lr, (self.beta1, 0.999))
        judges = ("discriminator_real", "discriminator_fake")
        return {
            "discriminators": Player(judges, self.discriminator_loss, adam),
            "generator": Player(("generator",), self.generator_loss, adam, real=False),
        }

    def discriminator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        real, fake = batch.x, nets.generator(batch.z)
        of_real = softplus(nets.discriminator_real(fake)) - self.alpha * log_softplus(
            nets.discriminator_real(real)
        )
        of_fake = softplus(nets.discriminator_fake(real)) - self.beta * log_softplus(
            nets.discriminator_fake(fake)
        )
        return (of_real + of_fake).mean()

    def generator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        fake = nets.generator(batch.z)
        towards_real = softplus(nets.discriminator_real(fake))
        away_from_fake = log_softplus(nets.discriminator_fake(fake))
        return (self.beta * away_from_fake - towards_real).mean()


def log_softplus(x: Tensor) -> Tensor:
    """The logarithm of softplus, which is $x$ itself far below 0, where softplus vanishes in rounding."""
    return torch.where(x < -15, x, softplus(x.clamp(min=-15)).log())
