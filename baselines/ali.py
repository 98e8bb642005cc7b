"""Adversarially learned inference."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn
from torch.nn.functional import softplus

from baselines.networks import encoder, generator, joint_discriminator
from benchmark.method import Adam, Batch, DataSpec, Method, Networks, Noise, Player
from benchmark.registry import register_method

__all__ = ["ALI"]


@register_method("ali")
@dataclass(frozen=True)
class ALI(Method):
    """Adversarial game over pairs: real data with its inferred code against generated data with its own code.

    References:
        Adversarially Learned Inference (Dumoulin et al., 2016), arXiv:1606.00704, algorithm 1.

    Deviations:
        The shared ReLU networks instead of maxout discriminators and batch-normalised generators and encoders. The
        decoder is deterministic, as in the authors' code for images. Learning rate 5e-4 instead of the authors' 1e-4, with
        which the budget ends within the transient.
    """

    simultaneous: ClassVar[bool] = True

    lr: float = 5e-4
    beta1: float = 0.8

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        return {
            "generator": generator(data),
            "encoder": encoder(data, outputs=2 * data.latent),
            "discriminator": joint_discriminator(data),
        }

    def players(self, data: DataSpec) -> dict[str, Player]:
        adam = Adam(self.lr, (self.beta1, 0.999))
        noise = {"code": Noise((data.latent,))}
        return {
            "discriminator": Player(("discriminator",), self.discriminator_loss, adam, noise=noise),
            "generator": Player(("generator", "encoder"), self.generator_loss, adam, noise=noise),
        }

    def encode(self, nets: Networks, x: Tensor) -> Tensor:
        """The mean of $q(z|x)$."""
        return nets.encoder(x).chunk(2, dim=-1)[0]

    def logits(self, nets: Networks, batch: Batch) -> tuple[Tensor, Tensor]:
        """The discriminator's logits of pairs $(x, \\hat z)$ with $\\hat z \\sim q(z|x)$, and of pairs $(\\tilde x, z)$."""
        mean, log_std = nets.encoder(batch.x).chunk(2, dim=-1)
        code = mean + log_std.exp() * batch.noise["code"]
        return nets.discriminator(batch.x, code), nets.discriminator(nets.generator(batch.z), batch.z)

    def discriminator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        real, fake = self.logits(nets, batch)
        return (softplus(-real) + softplus(fake)).mean()

    def generator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        """The flipped labels of algorithm 1, for the generator and the encoder alike."""
        real, fake = self.logits(nets, batch)
        return (softplus(real) + softplus(-fake)).mean()
