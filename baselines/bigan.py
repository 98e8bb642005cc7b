"""The bidirectional GAN."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from baselines.networks import encoder, generator, joint_discriminator
from benchmark.method import Adam, Batch, DataSpec, Latents, Method, Networks, Player
from benchmark.method.space import LEARNING_RATES, MOMENTA, LogUniform
from benchmark.registry import NotNegative, PositiveShare, register_method

__all__ = ["BiGAN"]


@dataclass(frozen=True)
class LateDecay:
    """1 in the first half of the training, then an exponential fall to `end`."""

    end: float

    def __call__(self, progress: Tensor) -> Tensor:
        return self.end ** (2 * progress - 1).clamp(min=0)


@register_method("bigan")
@dataclass(frozen=True)
class BiGAN(Method):
    """Adversarial game over pairs of data and codes, with a deterministic encoder and uniform latents.

    References:
        Adversarial Feature Learning (Donahue et al., 2016), arXiv:1605.09782. Losses, updates and settings
        from the authors' public code: all networks are updated at once, from one batch; each loss is the mean
        of its two terms; the learning rate falls to `end_rate` of itself in the second half.

    Deviations:
        None in the algorithm. The shared networks.
    """

    family = "with an encoder"
    space = {
        "lr": LEARNING_RATES,
        "beta1": MOMENTA,
        "end_rate": LogUniform(0.001, 1),
    }

    lr: float = 2e-4
    beta1: float = 0.5
    weight_decay: NotNegative = 2.5e-5
    end_rate: PositiveShare = 0.01
    simultaneous: bool = True

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        return {
            "generator": generator(data),
            "encoder": encoder(data),
            "discriminator": joint_discriminator(data),
        }

    def players(self, data: DataSpec) -> dict[str, Player]:
        schedule = LateDecay(self.end_rate)
        adam = Adam(self.lr, (self.beta1, 0.999), weight_decay=self.weight_decay, schedule=schedule)
        return {
            "discriminator": Player(("discriminator",), self.discriminator_loss, adam),
            "generator": Player(("generator", "encoder"), self.generator_loss, adam),
        }

    def latents(self, data: DataSpec) -> Latents:
        return Latents(data.latent, "uniform")

    def encode(self, nets: Networks, x: Tensor) -> Tensor:
        """Codes in (-1, 1), as latents are: a sigmoid, stretched."""
        return 2 * torch.sigmoid(nets.encoder(x)) - 1

    def logits(self, nets: Networks, batch: Batch) -> tuple[Tensor, Tensor]:
        """Logits of real pairs $(x, E(x))$ and of fake pairs $(G(z), z)$."""
        real = nets.discriminator(batch.x, self.encode(nets, batch.x))
        return real, nets.discriminator(nets.generator(batch.z), batch.z)

    def discriminator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        real, fake = self.logits(nets, batch)
        return (softplus(-real) + softplus(fake)).mean() / 2

    def generator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        """The flipped labels, for the generator and the encoder alike."""
        real, fake = self.logits(nets, batch)
        return (softplus(real) + softplus(-fake)).mean() / 2
