"""The generative adversarial network."""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.functional import softplus

from baselines.networks import discriminator, generator
from benchmark.method import Adam, Batch, DataSpec, Method, Networks, Player
from benchmark.method.space import LEARNING_RATES, MOMENTA, Choice
from benchmark.registry import register_method

__all__ = ["GAN"]


@register_method("gan")
@dataclass(frozen=True)
class GAN(Method):
    """Generative adversarial network with the non-saturating generator loss.

    References:
        Generative Adversarial Networks (Goodfellow et al., 2014), arXiv:1406.2661, algorithm 1 and section 3.

    Deviations:
        ReLU networks without dropout instead of maxout networks with dropout; Adam at its default settings
        instead of momentum. One discriminator step per generator step, as in the paper's experiments; if
        `simultaneous`, both from one batch and from the same networks, as in PacGAN's code. On images, too,
        the networks are fully connected.
    """

    family = "adversarial"
    space = {
        "lr": LEARNING_RATES,
        "beta1": MOMENTA,
        "simultaneous": Choice(False, True),
    }

    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    simultaneous: bool = False

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        return {"generator": generator(data, dense=True), "discriminator": discriminator(data, dense=True)}

    def players(self, data: DataSpec) -> dict[str, Player]:
        adam = Adam(self.lr, (self.beta1, self.beta2))
        return {
            "discriminator": Player(("discriminator",), self.discriminator_loss, adam),
            "generator": Player(("generator",), self.generator_loss, adam, real=False),
        }

    def discriminator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        return self.discrimination(nets, batch.x, nets.generator(batch.z))

    def generator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        return self.deception(nets, nets.generator(batch.z))

    def discrimination(self, nets: Networks, real: Tensor, generated: Tensor) -> Tensor:
        """Equation 1, negated, on logits."""
        return (softplus(-nets.discriminator(real)) + softplus(nets.discriminator(generated))).mean()

    def deception(self, nets: Networks, generated: Tensor) -> Tensor:
        """The non-saturating loss of section 3: maximise $\\log D(G(z))$."""
        return softplus(-nets.discriminator(generated)).mean()
