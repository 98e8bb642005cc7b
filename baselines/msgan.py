"""The GAN that seeks modes."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from baselines.networks import discriminator, generator
from benchmark.method import Adam, Batch, DataSpec, Method, Networks, Noise, Player
from benchmark.method.space import LEARNING_RATES, MOMENTA, LogUniform
from benchmark.registry import NotNegative, register_method

__all__ = ["MSGAN"]

EPSILON = 1e-5
"""Added to the ratio of distances, as in the authors' code."""


@register_method("msgan")
@dataclass(frozen=True)
class MSGAN(Method):
    """GAN that is rewarded for samples that lie far apart, compared to their latents.

    References:
        Mode Seeking Generative Adversarial Networks for Diverse Image Synthesis (Mao et al., 2019),
        arXiv:1903.05628, equation 2. Details from the authors' public code for CIFAR-10, which has labels.

    Deviations:
        As in the code, both distances are means of absolute differences over the whole batch, and what is
        minimised is the inverse of their ratio. No labels. In the code, the generator is updated from the
        discriminator's batch and latents, here from its own. The shared networks.
    """

    family = "adversarial"
    space = {
        "lr": LEARNING_RATES,
        "beta1": MOMENTA,
        "weight": LogUniform(0.01, 10),
    }

    lr: float = 2e-4
    beta1: float = 0.5
    weight: NotNegative = 1.0
    weight_decay: NotNegative = 1e-4

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        return {"generator": generator(data), "discriminator": discriminator(data)}

    def players(self, data: DataSpec) -> dict[str, Player]:
        adam = Adam(self.lr, (self.beta1, 0.999), weight_decay=self.weight_decay)
        other = {"other": Noise((data.latent,))}
        return {
            "discriminator": Player(("discriminator",), self.discriminator_loss, adam, noise=other),
            "generator": Player(("generator",), self.generator_loss, adam, real=False, noise=other),
        }

    def discriminator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        """Real data counts twice, for there are two generated batches."""
        fake = torch.cat([nets.generator(batch.z), nets.generator(batch.noise["other"])])
        surprise = softplus(-nets.discriminator(batch.x)).mean() + softplus(nets.discriminator(fake)).mean()
        return 2 * surprise

    def generator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        z, other = batch.z, batch.noise["other"]
        one, two = nets.generator(z), nets.generator(other)
        deception = 2 * softplus(-nets.discriminator(torch.cat([one, two]))).mean()
        ratio = (one - two).abs().mean() / (z - other).abs().mean()
        return deception + self.weight / (ratio + EPSILON)
