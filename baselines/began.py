"""The boundary equilibrium GAN."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from baselines.networks import autoencoder, generator
from benchmark.method import Adam, Batch, DataSpec, Latents, Method, Networks, Player, Tensors
from benchmark.method.space import LEARNING_RATES, LogUniform, Uniform
from benchmark.registry import NotNegative, PositiveShare, register_method

__all__ = ["BEGAN"]


@register_method("began")
@dataclass(frozen=True)
class BEGAN(Method):
    """GAN whose discriminator is an autoencoder, held in balance with the generator by a running weight.

    The weight $k$ is what the error of generated data counts for in the discriminator's loss. It rises while
    that error is less than `gamma` times the error of real data, and falls while it is more.

    References:
        BEGAN: Boundary Equilibrium Generative Adversarial Networks (Berthelot et al., 2017),
        arXiv:1703.10717. Settings from the public code of carpedm20 (BEGAN-tensorflow).

    Deviations:
        The paper is known from public code only. The shared networks with their nonlinearities instead of
        ELU, and a tanh at the generator's output for images; without batch normalisation, as in the code.
        Codes are as long as latents, on points longer than the data. The code halves the learning rate after
        100,000 and 200,000 of its 500,000 steps; here that is after one and two fifths of the training.
    """

    family = "energy-based"
    space = {
        "lr": LEARNING_RATES,
        "gamma": Uniform(0.1, 1.0),
        "gain": LogUniform(1e-4, 1e-1),
    }

    lr: float = 8e-5
    gamma: PositiveShare = 0.5
    gain: NotNegative = 0.001
    simultaneous: bool = True

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        return {"generator": generator(data, norm=None), "discriminator": autoencoder(data, norm=None)}

    def players(self, data: DataSpec) -> dict[str, Player]:
        adam = Adam(self.lr, schedule=halved_twice)
        return {
            "discriminator": Player(("discriminator",), self.discriminator_loss, adam),
            "generator": Player(("generator",), self.generator_loss, adam, real=False),
        }

    def variables(self, data: DataSpec) -> Tensors:
        return {"k": torch.zeros(())}

    def latents(self, data: DataSpec) -> Latents:
        return Latents(data.latent, "uniform")

    def error(self, nets: Networks, x: Tensor) -> Tensor:
        """The mean absolute error of the discriminator's reconstruction."""
        reconstruction, _ = nets.discriminator(x)
        return (reconstruction - x).abs().mean()

    def discriminator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        """The loss takes the weight as it was; the new one is for the next update."""
        k = nets.variables["k"]
        real, fake = self.error(nets, batch.x), self.error(nets, nets.generator(batch.z))
        nets.assign(k=(k + self.gain * (self.gamma * real - fake)).clamp(0, 1))
        return real - k * fake

    def generator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        return self.error(nets, nets.generator(batch.z))


def halved_twice(progress: Tensor) -> Tensor:
    """A half after a fifth of the training, and a quarter after two fifths."""
    return (0.5 ** (5 * progress).floor()).clamp(min=0.25)
