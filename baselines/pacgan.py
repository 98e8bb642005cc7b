"""The GAN whose discriminator judges several samples at once."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from baselines.gan import GAN
from baselines.networks import discriminator, generator
from benchmark.method import Batch, DataSpec, Networks, Player
from benchmark.registry import Count, register_method

__all__ = ["PacGAN2", "PacGAN3", "PacGAN4"]


@register_method("pacgan2")
@dataclass(frozen=True)
class PacGAN2(GAN):
    """GAN whose discriminator sees packs of independent samples, all real or all generated.

    In a pack a lack of diversity shows.

    Each of the m samples of a pack comes from a batch of its own: a step looks at m batches of real data, and
    the generator, with its batch statistics where it has any, makes one batch after another.

    References:
        PacGAN: The power of two samples in generative adversarial networks (Lin et al., 2017),
        arXiv:1712.04086, section 2. How packs are made from the authors' code.

    Deviations:
        On points those of `gan`. On images it is the paper's PacDCGAN on the shared networks: the samples of
        a pack are stacked as channels. A step looks at m times the data that other methods look at, as in the
        paper; a budget of FLOPs pays for fewer steps then.
    """

    packing: Count = 2

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        packed = replace(data, shape=(self.packing * data.shape[0], *data.shape[1:]))
        return {"generator": generator(data), "discriminator": discriminator(packed)}

    def players(self, data: DataSpec) -> dict[str, Player]:
        return {name: replace(player, batches=self.packing) for name, player in super().players(data).items()}

    def generated(self, nets: Networks, batch: Batch) -> Tensor:
        """Packs of generated data: $(B, m d)$ for points in $d$ dimensions, $(B, m C, H, W)$ for images."""
        return torch.cat([nets.generator(z) for z in batch.z.chunk(self.packing)], dim=1)

    def discriminator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        real = torch.cat(batch.x.chunk(self.packing), dim=1)
        return self.discrimination(nets, real, self.generated(nets, batch))

    def generator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        return self.deception(nets, self.generated(nets, batch))


@register_method("pacgan3")
@dataclass(frozen=True)
class PacGAN3(PacGAN2):
    """`pacgan2` with packs of three samples.

    References:
        PacGAN (Lin et al., 2017), arXiv:1712.04086.

    Deviations:
        Those of `pacgan2`.
    """

    packing: Count = 3


@register_method("pacgan4")
@dataclass(frozen=True)
class PacGAN4(PacGAN2):
    """`pacgan2` with packs of four samples.

    References:
        PacGAN (Lin et al., 2017), arXiv:1712.04086.

    Deviations:
        Those of `pacgan2`.
    """

    packing: Count = 4
