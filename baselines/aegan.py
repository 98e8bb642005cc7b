"""The autoencoding GAN: adversaries in data space and in latent space."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn.functional import softplus

from baselines.networks import code_discriminator, discriminator, encoder, generator
from benchmark.method import Adam, Batch, DataSpec, Method, Networks, Player
from benchmark.method.space import LEARNING_RATES, MOMENTA, Choice, LogUniform
from benchmark.registry import Count, NotNegative, Positive, Share, register_method

__all__ = ["AEGAN"]


class Judgement(NamedTuple):
    """One update of a discriminator.

    Attributes:
        network: The discriminator.
        judged: What it judges.
        is_real: Whether it learns to call that real.
        takes_data: Whether what it judges is made of data.
    """

    network: str
    judged: Callable[[Networks, Batch], Tensor]
    is_real: bool
    takes_data: bool


def real_x(nets: Networks, batch: Batch) -> Tensor:
    return batch.x


def generated_x(nets: Networks, batch: Batch) -> Tensor:
    return nets.generator(batch.z)


def reconstructed_x(nets: Networks, batch: Batch) -> Tensor:
    return nets.generator(nets.encoder(batch.x))


def real_z(nets: Networks, batch: Batch) -> Tensor:
    return batch.z


def encoded_z(nets: Networks, batch: Batch) -> Tensor:
    return nets.encoder(batch.x)


def reconstructed_z(nets: Networks, batch: Batch) -> Tensor:
    return nets.encoder(nets.generator(batch.z))


JUDGEMENTS = {
    "x_real": Judgement("discriminator_x", real_x, is_real=True, takes_data=True),
    "x_generated": Judgement("discriminator_x", generated_x, is_real=False, takes_data=False),
    "x_real_again": Judgement("discriminator_x", real_x, is_real=True, takes_data=True),
    "x_reconstructed": Judgement("discriminator_x", reconstructed_x, is_real=False, takes_data=True),
    "z_real": Judgement("discriminator_z", real_z, is_real=True, takes_data=False),
    "z_encoded": Judgement("discriminator_z", encoded_z, is_real=False, takes_data=True),
    "z_real_again": Judgement("discriminator_z", real_z, is_real=True, takes_data=False),
    "z_reconstructed": Judgement("discriminator_z", reconstructed_z, is_real=False, takes_data=False),
}
"""The updates of the discriminators, by name and in order."""


@register_method("aegan")
@dataclass(frozen=True)
class AEGAN(Method):
    """Generator, encoder and two discriminators, trained by four adversarial and two reconstruction terms.

    A cycle is that of the authors' code: each discriminator is updated four times (real, generated, real,
    reconstructed), then generator and encoder jointly four times.

    References:
        Autoencoding Generative Adversarial Networks (Lazarou, 2020), arXiv:2004.05472. Weights, label
        smoothing and schedule from the author's public Keras code.

    Deviations:
        The shared networks, with the layer normalisation of the author's code, its ReLU in generator and
        encoder, and its LeakyReLU(0.02) in the discriminators. On images layer normalisation is over channels
        and pixels together, where Keras normalises the channels of each pixel. The discriminator of codes is
        the shared perceptron, where the code has 16 densely connected layers. No Gaussian noise or dropout
        inside the networks, since on points noise of 0.01 is as large as a mode of the ring.
    """

    family = "with an encoder"
    space = {
        "lr": LEARNING_RATES,
        "discriminator_lr": LEARNING_RATES,
        "beta1": MOMENTA,
        "data_weight": LogUniform(1, 100),
        "latent_weight": LogUniform(0.5, 50),
        "generator_steps": Choice(1, 4),
    }

    lr: float = 2e-4
    discriminator_lr: float = 5e-4
    beta1: float = 0.5
    clip_norm: Positive = 1.0
    data_weight: NotNegative = 10.0
    latent_weight: NotNegative = 5.0
    real_label: Share = 0.95
    fake_label: Share = 0.05
    generator_steps: Count = 4

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        leaky = partial(nn.LeakyReLU, 0.02)
        return {
            "generator": generator(data, activation=nn.ReLU, norm="layer"),
            "encoder": encoder(data, activation=nn.ReLU, norm="layer"),
            "discriminator_x": discriminator(data, activation=leaky, norm="layer"),
            "discriminator_z": code_discriminator(data, activation=leaky, norm="layer"),
        }

    def players(self, data: DataSpec) -> dict[str, Player]:
        adam = Adam(self.lr, (self.beta1, 0.999), clip_norm=self.clip_norm)
        discriminator_adam = replace(adam, lr=self.discriminator_lr)

        players = {}
        for name, judgement in JUDGEMENTS.items():
            loss = partial(self.discriminator_loss, judgement)
            networks = (judgement.network,)
            players[name] = Player(networks, loss, discriminator_adam, real=judgement.takes_data)
        joint = ("generator", "encoder")
        players["autoencoder"] = Player(joint, self.autoencoder_loss, adam, steps=self.generator_steps)
        return players

    def encode(self, nets: Networks, x: Tensor) -> Tensor:
        return nets.encoder(x)

    def discriminator_loss(self, judgement: Judgement, nets: Networks, batch: Batch) -> Tensor:
        """Binary cross-entropy of one discriminator to one label, on what it judges."""
        judge = getattr(nets, judgement.network)
        logits = judge(judgement.judged(nets, batch))
        label = self.real_label if judgement.is_real else self.fake_label
        return (softplus(logits) - label * logits).mean()

    def autoencoder_loss(self, nets: Networks, batch: Batch) -> Tensor:
        """The six terms: four adversarial, the data's mean absolute and the latents' mean squared error."""
        generated, code = nets.generator(batch.z), nets.encoder(batch.x)
        data, latent = nets.generator(code), nets.encoder(generated)
        judged = [nets.discriminator_x(generated), nets.discriminator_x(data)]
        judged += [nets.discriminator_z(code), nets.discriminator_z(latent)]
        adversarial = sum(softplus(-logits).mean() for logits in judged)
        data_error, latent_error = (batch.x - data).abs().mean(), (batch.z - latent).square().mean()
        return adversarial + (self.data_weight * data_error + self.latent_weight * latent_error)
