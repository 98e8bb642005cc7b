"""The GAN with distance constraints."""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.functional import softplus

from baselines.networks import WithFeatures, discriminator, encoder, generator
from baselines.wgan_gp import slope_penalty
from benchmark.method import Adam, Batch, DataSpec, Latents, Method, Networks, Noise, Player
from benchmark.method.space import LEARNING_RATES, MOMENTA, Choice, LogUniform
from benchmark.registry import Count, NotNegative, register_method

__all__ = ["DistGAN"]

RECONSTRUCTIONS = 0.05
"""How much of what the discriminator takes for real are reconstructions, as in the authors' code."""


@register_method("dist-gan")
@dataclass(frozen=True)
class DistGAN(Method):
    """GAN whose generator is the decoder of an autoencoder, and keeps distances between latents.

    The difference of the mean features of reconstructions and samples is to be that of their latents. The
    generator makes the discriminator's mean scores of real and generated data equal.

    References:
        Dist-GAN: An Improved GAN using Distance Constraints (Tran et al., 2018), arXiv:1803.08887, equations
        3 to 7. Details from the authors' public code for images.

    Deviations:
        As in the code, distances are those of signed means over a batch, in features of the discriminator.
        The autoencoder's loss trains encoder and generator, as in the code for MNIST and points; in that for
        photographs it trains the encoder alone. The weight of reconstructions stays 0.05; in the code it
        falls to 0. The slope of the penalty is the norm over all dimensions, not their root mean square. On
        points, too, settings and distances are those of the code for images; the one for points compares
        data, at a rate of 1e-3 and with five discriminator steps. The shared networks.
    """

    family = "with an encoder"
    space = {
        "lr": LEARNING_RATES,
        "beta1": MOMENTA,
        "penalty": LogUniform(0.01, 10),
        "regularisation": LogUniform(0.01, 10),
        "discriminator_steps": Choice(1, 5),
    }

    lr: float = 2e-4
    beta1: float = 0.5
    beta2: float = 0.9
    penalty: NotNegative = 1.0
    regularisation: NotNegative = 1.0
    discriminator_steps: Count = 1

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        return {
            "generator": generator(data),
            "encoder": encoder(data),
            "discriminator": WithFeatures(discriminator(data, norm=None)),
        }

    def players(self, data: DataSpec) -> dict[str, Player]:
        adam = Adam(self.lr, (self.beta1, self.beta2))
        mix = {"mix": Noise((1,) * len(data.shape), "uniform")}
        judge = Player(
            ("discriminator",), self.discriminator_loss, adam, steps=self.discriminator_steps, noise=mix
        )
        return {
            "autoencoder": Player(("encoder", "generator"), self.autoencoder_loss, adam),
            "discriminator": judge,
            "generator": Player(("generator",), self.generator_loss, adam, optimiser_name="adversarial"),
        }

    def latents(self, data: DataSpec) -> Latents:
        return Latents(data.latent, "uniform")

    def encode(self, nets: Networks, x: Tensor) -> Tensor:
        return nets.encoder(x)

    def autoencoder_loss(self, nets: Networks, batch: Batch) -> Tensor:
        codes = nets.encoder(batch.x)
        _, real = nets.discriminator(batch.x)
        _, again = nets.discriminator(nets.generator(codes))
        _, fake = nets.discriminator(nets.generator(batch.z))
        scale = (codes.shape[1] / real.shape[1]) ** 0.5
        apart = (again - fake).mean() - scale * (codes - batch.z).mean()
        return (real - again).square().mean() + self.regularisation * apart.square()

    def discriminator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        def judge(x: Tensor) -> Tensor:
            return nets.discriminator(x)[0]

        fake, again = nets.generator(batch.z), nets.generator(nets.encoder(batch.x))
        of_real = (1 - RECONSTRUCTIONS) * softplus(-judge(batch.x)).mean()
        of_again = RECONSTRUCTIONS * softplus(-judge(again)).mean()
        mixed = fake + batch.noise["mix"] * (batch.x - fake)
        penalty = self.penalty * slope_penalty(judge, mixed)
        return of_real + of_again + softplus(judge(fake)).mean() + penalty

    def generator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        real, _ = nets.discriminator(batch.x)
        fake, _ = nets.discriminator(nets.generator(batch.z))
        return (real.sigmoid().mean() - fake.sigmoid().mean()).abs()
