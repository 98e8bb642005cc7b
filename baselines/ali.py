"""Adversarially learned inference."""

from dataclasses import dataclass
from math import prod

from torch import Tensor, nn
from torch.nn.functional import softplus

from baselines.networks import encoder, generator, joint_discriminator
from benchmark.method import Adam, Batch, DataSpec, Method, Networks, Noise, Player
from benchmark.method.space import LEARNING_RATES, MOMENTA, Choice
from benchmark.registry import register_method

__all__ = ["ALI"]


@register_method("ali")
@dataclass(frozen=True)
class ALI(Method):
    """Adversarial game over pairs: real data with its inferred code against generated data with its own code.

    References:
        Adversarially Learned Inference (Dumoulin et al., 2016), arXiv:1606.00704, algorithm 1.

    Deviations:
        The shared ReLU networks instead of maxout discriminators and batch-normalised generators and
        encoders. The decoder is deterministic, as in the authors' code for images. The encoder gives mean and
        scale of a Gaussian; with `noisy_input` it takes as many features of noise as a sample has beside the
        sample, and gives the code, as in the authors' code for mixtures. Learning rate 5e-4 instead of the
        authors' 1e-4, with which the budget ends within the transient.
    """

    family = "with an encoder"
    space = {
        "lr": LEARNING_RATES,
        "beta1": MOMENTA,
        "simultaneous": Choice(False, True),
    }

    lr: float = 5e-4
    beta1: float = 0.8
    simultaneous: bool = True
    noisy_input: bool = False

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        generator_network = generator(data)
        if self.noisy_input:
            encoder_network = encoder(data, noise=prod(data.shape))
        else:
            encoder_network = encoder(data, outputs=2 * data.latent)
        return {
            "generator": generator_network,
            "encoder": encoder_network,
            "discriminator": joint_discriminator(data),
        }

    def players(self, data: DataSpec) -> dict[str, Player]:
        adam = Adam(self.lr, (self.beta1, 0.999))
        noise = {"code": Noise(data.shape if self.noisy_input else (data.latent,))}
        return {
            "discriminator": Player(("discriminator",), self.discriminator_loss, adam, noise=noise),
            "generator": Player(("generator", "encoder"), self.generator_loss, adam, noise=noise),
        }

    def encode(self, nets: Networks, x: Tensor) -> Tensor:
        """The mean of $q(z|x)$, or the code where the encoder's noise is 0."""
        return self.code(nets, x, None)

    def code(self, nets: Networks, x: Tensor, noise: Tensor | None) -> Tensor:
        """A sample of $q(z|x)$, made of standard normal noise; `None` stands for noise of 0."""
        if self.noisy_input:
            return nets.encoder(x, x.new_zeros(x.shape) if noise is None else noise)
        mean, log_std = nets.encoder(x).chunk(2, dim=-1)
        if noise is None:
            return mean
        return mean + log_std.exp() * noise

    def logits(self, nets: Networks, batch: Batch) -> tuple[Tensor, Tensor]:
        """Logits of real pairs $(x, \\hat z)$, $\\hat z \\sim q(z|x)$, and of fake pairs $(\\tilde x, z)$."""
        code = self.code(nets, batch.x, batch.noise["code"])
        return nets.discriminator(batch.x, code), nets.discriminator(nets.generator(batch.z), batch.z)

    def discriminator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        real, fake = self.logits(nets, batch)
        return (softplus(-real) + softplus(fake)).mean()

    def generator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        """The flipped labels of algorithm 1, for the generator and the encoder alike."""
        real, fake = self.logits(nets, batch)
        return (softplus(real) + softplus(-fake)).mean()
