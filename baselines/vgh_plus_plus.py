"""The hybrid VGH++, in the form of alpha-GAN."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss, softplus

from baselines.networks import code_discriminator, discriminator, encoder, generator
from baselines.vgh import VGH
from benchmark.method import Batch, DataSpec, Networks, Player
from benchmark.registry import register_method

__all__ = ["VGHPlusPlus"]


@register_method("vgh++")
@dataclass(frozen=True)
class VGHPlusPlus(VGH):
    """VGH++: autoencoder with adversaries of data and of codes; that of data sees reconstructions, too.

    References:
        The name is that of Distribution Matching in Variational Inference (Rosca et al., 2018),
        arXiv:1802.06847. Losses and settings are those of alpha-GAN, Variational Approaches for Auto-Encoding
        Generative Adversarial Networks (Rosca et al., 2017), arXiv:1706.04987, in public code.

    Deviations:
        No reproduction of the 2018 paper, of which only the abstract was seen: what is trained here is the
        public form of alpha-GAN. As in that code, generator and encoder are trained jointly, the encoder is
        deterministic, and the prior has the label 1 in the loss of codes: in the first version of the 2017
        paper prior and posterior are swapped there. Each update sees a batch of its own; the code has one for
        all steps of a cycle. The shared networks.
    """

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        return {
            "generator": generator(data),
            "encoder": encoder(data),
            "discriminator": discriminator(data),
            "discriminator_z": code_discriminator(data),
        }

    def players(self, data: DataSpec) -> dict[str, Player]:
        trained = ("generator", "encoder")
        return {
            "autoencoder": Player(trained, self.autoencoder_loss, self.adam, steps=self.generator_steps),
            "discriminator": Player(("discriminator",), self.discriminator_loss, self.adam),
            "discriminator_z": Player(("discriminator_z",), self.code_loss, self.adam),
        }

    def encode(self, nets: Networks, x: Tensor) -> Tensor:
        return nets.encoder(x)

    def autoencoder_loss(self, nets: Networks, batch: Batch) -> Tensor:
        code = nets.encoder(batch.x)
        fake = nets.generator(torch.cat([batch.z, code]))
        _, reconstruction = fake.chunk(2)
        error = l1_loss(reconstruction, batch.x)
        deception = softplus(-nets.discriminator(fake)).mean() + softplus(-nets.discriminator_z(code)).mean()
        return self.reconstruction * error + deception

    def discriminator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        """Samples and reconstructions have the label 0; each kind weighs half."""
        fake = nets.generator(torch.cat([batch.z, nets.encoder(batch.x)]))
        return softplus(-nets.discriminator(batch.x)).mean() + softplus(nets.discriminator(fake)).mean()

    def code_loss(self, nets: Networks, batch: Batch) -> Tensor:
        """Samples of the prior have the label 1, codes of data the label 0."""
        prior, code = nets.discriminator_z(batch.z), nets.discriminator_z(nets.encoder(batch.x))
        return (softplus(-prior) + softplus(code)).mean()
