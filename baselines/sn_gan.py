"""The GAN with a spectrally normalised discriminator."""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.functional import relu

from baselines.networks import discriminator, generator
from baselines.spectral_norm import normalise_layers
from benchmark.method import Adam, Batch, DataSpec, Linear, Method, Networks, Player
from benchmark.method.space import LEARNING_RATES, MOMENTA, Choice
from benchmark.registry import Count, register_method

__all__ = ["SNGAN"]


@register_method("sn-gan")
@dataclass(frozen=True)
class SNGAN(Method):
    """GAN with the hinge loss, whose discriminator has layers of spectral norm 1.

    As in the authors' code, the generator moves first in a cycle, on twice as many samples as the
    discriminator sees of either kind, and the learning rate falls linearly to 0 over the training.

    References:
        Spectral Normalization for Generative Adversarial Networks (Miyato et al., 2018), arXiv:1802.05957,
        algorithm 1. The hinge loss and all settings from the authors' public code, with its networks for
        CIFAR-10.

    Deviations:
        The shared networks, without batch normalisation in the discriminator, instead of residual ones. The
        power iteration takes 15 steps before the training, where the code starts at a random vector. Its
        steps in updates of the generator are not kept; in the code they are.
    """

    family = "adversarial"
    space = {
        "lr": LEARNING_RATES,
        "beta1": MOMENTA,
        "discriminator_steps": Choice(1, 5),
    }

    lr: float = 2e-4
    beta1: float = 0.0
    beta2: float = 0.9
    discriminator_steps: Count = 5

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        judge = normalise_layers(discriminator(data, norm=None))
        return {"generator": generator(data), "discriminator": judge}

    def players(self, data: DataSpec) -> dict[str, Player]:
        adam = Adam(self.lr, (self.beta1, self.beta2), schedule=Linear())
        return {
            "generator": Player(("generator",), self.generator_loss, adam, batches=2, real=False),
            "discriminator": Player(
                ("discriminator",), self.discriminator_loss, adam, steps=self.discriminator_steps
            ),
        }

    def discriminator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        """Real data is to lie above 1, generated data below -1; beyond, there is no gradient."""
        real = nets.discriminator(batch.x)
        fake = nets.discriminator(nets.generator(batch.z))
        return relu(1 - real).mean() + relu(1 + fake).mean()

    def generator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        return -nets.discriminator(nets.generator(batch.z)).mean()
