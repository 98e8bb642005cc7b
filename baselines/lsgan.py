"""The GAN with least squares."""

from dataclasses import dataclass

from torch import Tensor, nn

from baselines.networks import discriminator, generator
from benchmark.method import Adam, Batch, DataSpec, Method, Networks, Player
from benchmark.method.space import LEARNING_RATES, MOMENTA
from benchmark.registry import register_method

__all__ = ["LSGAN"]


@register_method("lsgan")
@dataclass(frozen=True)
class LSGAN(Method):
    """GAN whose discriminator fits the labels 1 and 0 by least squares.

    References:
        Least Squares Generative Adversarial Networks (Mao et al., 2016), arXiv:1611.04076, equation 9. Rates
        from the authors' public code for mixtures.

    Deviations:
        Players take turns, each with a batch of its own; the code updates both at once from one batch. The
        loss is a mean over the batch, in the code a sum: Adam's steps do not depend on such a factor. The
        shared networks.
    """

    family = "adversarial"
    space = {
        "lr": LEARNING_RATES,
        "discriminator_lr": LEARNING_RATES,
        "beta1": MOMENTA,
    }

    lr: float = 1e-3
    discriminator_lr: float = 1e-4
    beta1: float = 0.5

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        return {"generator": generator(data), "discriminator": discriminator(data)}

    def players(self, data: DataSpec) -> dict[str, Player]:
        judge = Adam(self.discriminator_lr, (self.beta1, 0.999))
        maker = Adam(self.lr, (self.beta1, 0.999))
        return {
            "discriminator": Player(("discriminator",), self.discriminator_loss, judge),
            "generator": Player(("generator",), self.generator_loss, maker, real=False),
        }

    def discriminator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        real, fake = nets.discriminator(batch.x), nets.discriminator(nets.generator(batch.z))
        return ((real - 1).square() + fake.square()).mean() / 2

    def generator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        return (nets.discriminator(nets.generator(batch.z)) - 1).square().mean() / 2
