"""The GAN whose generator looks ahead."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta
from torch import Tensor, nn

from baselines.gan import GAN
from baselines.networks import discriminator, generator
from benchmark.method import Adam, Batch, DataSpec, Networks, Player
from benchmark.method.space import LEARNING_RATES, MOMENTA, Choice
from benchmark.registry import register_method

__all__ = ["Unrolled"]


@register_method("unrolled")
@dataclass(frozen=True)
class Unrolled(GAN):
    """GAN whose generator is trained against the discriminator as it will be after some more updates.

    The unrolled updates are real Adam updates from the discriminator's current optimiser state, on the same
    real and generated data, and the generator's gradient flows through all of them.

    References:
        Unrolled Generative Adversarial Networks (Metz et al., 2016), arXiv:1611.02163, equations 7 to 11.

    Deviations:
        The shared ReLU networks instead of tanh networks with orthogonal initialisation. Learning rates,
        betas and the saturating generator loss (the negated loss of the unrolled discriminator, on real data
        too) are those of the authors' public notebook for mixtures. Both players are updated from the same
        batch and the same networks; the notebook leaves the order of the two updates open. On images the
        suites use the non-saturating loss, as the public code of an author of VEEGAN does.
    """

    space = {
        "lr": LEARNING_RATES,
        "discriminator_lr": LEARNING_RATES,
        "beta1": MOMENTA,
        "unrolled_steps": Choice(1, 5),
        "saturating": Choice(False, True),
    }

    lr: float = 1e-3
    discriminator_lr: float = 1e-4
    beta1: float = 0.5
    simultaneous: bool = True
    unrolled_steps: Annotated[int, Meta(ge=0, le=1000)] = 5
    saturating: bool = True

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        return {"generator": generator(data), "discriminator": discriminator(data)}

    def players(self, data: DataSpec) -> dict[str, Player]:
        betas = (self.beta1, self.beta2)
        return {
            "discriminator": Player(
                ("discriminator",), self.discriminator_loss, Adam(self.discriminator_lr, betas)
            ),
            "generator": Player(("generator",), self.generator_loss, Adam(self.lr, betas)),
        }

    def generator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        """Equation 10, $-L_D(\\theta_D^K(\\theta_G), \\theta_G)$, or the non-saturating loss.

        It is differentiated through all $K$ updates.
        """
        generated = nets.generator(batch.z)  # once: all updates look at the same samples

        def loss(judges: Networks) -> Tensor:
            return self.discrimination(judges, batch.x, generated)

        for _ in range(self.unrolled_steps):
            nets = nets.after("discriminator", loss)
        if self.saturating:
            return -loss(nets)
        return self.deception(nets, generated)
