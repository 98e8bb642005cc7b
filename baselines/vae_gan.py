"""The variational autoencoder whose decoder is the generator of a GAN."""

from dataclasses import dataclass
from typing import Annotated, NamedTuple

import torch
from msgspec import Meta
from torch import Tensor, nn
from torch.nn.functional import softplus

from baselines.gaussian_encoder import GaussianEncoder
from baselines.networks import WithFeatures, discriminator, encoder, generator
from baselines.vae_gan_updates import Gated, falling, movers
from benchmark.method import Batch, DataSpec, Networks, Noise, Player
from benchmark.method.space import LEARNING_RATES, LogUniform
from benchmark.registry import NotNegative, Positive, register_method

__all__ = ["VAEGAN"]


class Judged(NamedTuple):
    """What the discriminator says.

    Attributes:
        real: Its logits of data, shape $(B, *)$.
        made: Its logits of what is made of codes, shape $(C, *)$.
        error: Half the squared error between its features of data and of reconstructions, a scalar.
    """

    real: Tensor
    made: Tensor
    error: Tensor


@register_method("vae-gan")
@dataclass(frozen=True)
class VAEGAN(GaussianEncoder):
    """Variational autoencoder that compares data with its reconstruction in the features of a discriminator.

    Its decoder is the generator. Discriminator and generator move only while neither has the upper hand.

    References:
        Autoencoding beyond pixels using a learned similarity metric (Larsen et al., 2015), arXiv:1512.09300.
        Losses, settings and the rule of who moves from the authors' public code.

    Deviations:
        The paper is known from its code only. The shared networks, and no weight decay. The features are the
        last hidden layer; the weight of reconstructions is the code's for ten thousand features or more. As
        by its defaults the discriminator sees reconstructions and samples, at half the weight each; its last
        scripts show samples only. Nothing is added to probabilities. Of a player at rest the loss reads 0.
    """

    family = "with an encoder"
    space = {
        "lr": LEARNING_RATES,
        "reconstruction": LogUniform(1e-6, 0.9),
    }
    simultaneous = True

    lr: float = 0.025 / 64
    decay: Annotated[float, Meta(ge=0, lt=1)] = 0.9
    reconstruction: Annotated[float, Meta(ge=0, lt=1)] = 5e-5
    equilibrium: Positive = 0.68
    margin: NotNegative = 0.35

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        judge = WithFeatures(discriminator(data))
        encoder_network = encoder(data, outputs=2 * data.latent)
        return {"encoder": encoder_network, "generator": generator(data), "discriminator": judge}

    def players(self, data: DataSpec) -> dict[str, Player]:
        rmsprop = Gated(self.lr, self.decay, schedule=falling)
        noise = {"code": Noise((data.latent,))}
        return {
            "encoder": Player(("encoder",), self.encoder_loss, rmsprop, noise=noise),
            "discriminator": Player(("discriminator",), self.discriminator_loss, rmsprop, noise=noise),
            "generator": Player(("generator",), self.generator_loss, rmsprop, noise=noise),
        }

    def judged(self, nets: Networks, x: Tensor, codes: Tensor) -> Judged:
        """What the discriminator says of data, and of what is made of codes: first of the data's, then of
        others.
        """
        logits, features = nets.discriminator(torch.cat([x, nets.generator(codes)]))
        original, reconstructed, *_ = features.split(len(x))
        error = (original - reconstructed).square().sum(dim=1).mean() / 2
        return Judged(logits[: len(x)], logits[len(x) :], error)

    def encoder_loss(self, nets: Networks, batch: Batch) -> Tensor:
        code, divergence = self.encoded(nets, batch)
        return divergence.mean() + self.judged(nets, batch.x, code).error

    def game(self, nets: Networks, batch: Batch) -> tuple[Tensor, Tensor]:
        """The losses of discriminator and generator; 0 for one that does not move."""
        code, _ = self.encoded(nets, batch)
        judged = self.judged(nets, batch.x, torch.cat([code, batch.z]))
        real_cost, made_cost = softplus(-judged.real).mean(), softplus(judged.made).mean()
        discriminator_moves, generator_moves = movers(real_cost, made_cost, self.equilibrium, self.margin)
        # The generator counts reconstructions and samples once each, the discriminator half.
        joint = self.reconstruction * judged.error - (1 - self.reconstruction) * 2 * made_cost
        return discriminator_moves * (real_cost + made_cost), generator_moves * joint

    def discriminator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        loss, _ = self.game(nets, batch)
        return loss

    def generator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        _, loss = self.game(nets, batch)
        return loss
