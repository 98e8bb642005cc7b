"""A hybrid of the variational autoencoder and the GAN."""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.functional import l1_loss, softplus

from baselines.gaussian_encoder import GaussianEncoder
from baselines.networks import discriminator, encoder, generator
from benchmark.method import Adam, Batch, DataSpec, Networks, Noise, Player
from benchmark.method.space import LEARNING_RATES, MOMENTA, LogUniform
from benchmark.registry import Count, NotNegative, register_method

__all__ = ["VGH"]


@register_method("vgh")
@dataclass(frozen=True)
class VGH(GaussianEncoder):
    """Variational autoencoder whose decoder also has to deceive a discriminator of its samples.

    References:
        Distribution Matching in Variational Inference (Rosca et al., 2018), arXiv:1802.06847, names the
        hybrid. Losses and settings of Variational Approaches for Auto-Encoding Generative Adversarial
        Networks (Rosca et al., 2017), arXiv:1706.04987, in public code.

    Deviations:
        No reproduction of the 2018 paper, of which only the abstract was seen. From memory, the hybrid has
        the losses of the 2017 paper with the KL divergence in place of the discriminator of codes, and a
        discriminator that sees samples only. The mean absolute error stands for a Laplace likelihood per
        coordinate; so the divergence is divided by the number of coordinates, too. Each update sees a batch
        of its own; the code has one for all steps of a cycle. The shared networks.
    """

    family = "with an encoder"
    space = {
        "lr": LEARNING_RATES,
        "beta1": MOMENTA,
        "reconstruction": LogUniform(0.1, 10),
    }

    lr: float = 8e-4
    beta1: float = 0.5
    beta2: float = 0.9
    reconstruction: NotNegative = 1.0
    generator_steps: Count = 2

    @property
    def adam(self) -> Adam:
        return Adam(self.lr, (self.beta1, self.beta2))

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        return {
            "generator": generator(data),
            "encoder": encoder(data, outputs=2 * data.latent),
            "discriminator": discriminator(data),
        }

    def players(self, data: DataSpec) -> dict[str, Player]:
        trained, noise = ("generator", "encoder"), {"code": Noise((data.latent,))}
        steps = self.generator_steps
        return {
            "autoencoder": Player(trained, self.autoencoder_loss, self.adam, steps=steps, noise=noise),
            "discriminator": Player(("discriminator",), self.discriminator_loss, self.adam),
        }

    def autoencoder_loss(self, nets: Networks, batch: Batch) -> Tensor:
        code, divergence = self.encoded(nets, batch)
        error = l1_loss(nets.generator(code), batch.x)
        complexity = divergence.mean() / batch.x[0].numel()
        deception = softplus(-nets.discriminator(nets.generator(batch.z))).mean()
        return self.reconstruction * error + complexity + deception

    def discriminator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        fake = nets.discriminator(nets.generator(batch.z))
        return (softplus(-nets.discriminator(batch.x)) + softplus(fake)).mean()
