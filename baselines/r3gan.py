"""The relativistic GAN with two gradient penalties."""

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import Tensor, nn
from torch.func import grad
from torch.nn.functional import softplus

from baselines.networks import discriminator, generator
from benchmark.method import Adam, Batch, Cosine, DataSpec, Method, Networks, Player, State, Tensors
from benchmark.method.method import COMMON
from benchmark.method.space import LEARNING_RATES, LogUniform
from benchmark.registry import register_method

__all__ = ["R3GAN", "squared_slope"]

RATE = Cosine(end=0.25)
PENALTY = Cosine(end=0.1)
FORGETTING = Cosine(end=0.1)
"""What is left of the first values of the learning rate, of the penalty, and of $1 - \\beta_2$."""


@dataclass(frozen=True)
class LengtheningAdam:
    """Adam without a first moment, whose second one remembers ever longer: $\\beta_2$ from 0.9 to 0.99.

    Arguments:
        lr: The first learning rate.
    """

    lr: float

    def apply(self, state: State, network: str, gradients: Tensors) -> State:
        beta2 = 1 - 0.1 * FORGETTING(state.progress)
        return Adam(self.lr, (0.0, beta2), schedule=RATE).apply(state, network, gradients)  # type: ignore[arg-type]


def squared_slope(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """The mean of $|\\nabla f(x)|^2$, over all of a sample's dimensions."""
    slope = grad(lambda x: function(x).sum())(x).flatten(1)
    return slope.square().sum(dim=1).mean()


@register_method("r3gan")
@dataclass(frozen=True)
class R3GAN(Method):
    """GAN whose discriminator compares each generated sample with a real one, and is kept flat at both.

    References:
        The GAN is dead; long live the GAN! A Modern GAN Baseline (Huang et al., 2024), arXiv:2501.05441,
        equations 2 and 4. Schedules from the authors' public code.

    Deviations:
        The shared networks, on images without normalisation, instead of the paper's residual ones, and no
        augmentation. The code's schedules end after a part of the training, here with it. Its averages
        remember ever longer, here always a fortieth of the training, where those for faces end. The penalty
        is that of no paper's dataset.
    """

    family = "adversarial"
    space = {
        "lr": LEARNING_RATES,
        "penalty": LogUniform(0.01, 100),
    }

    lr: float = 2e-4
    penalty: float = 1.0
    average_half_life: float = field(default=0.025, kw_only=True, metadata=COMMON)

    def __post_init__(self) -> None:
        if self.penalty < 0:
            raise ValueError(f"penalty must be at least 0, not {self.penalty}")

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        return {"generator": generator(data, norm=None), "discriminator": discriminator(data, norm=None)}

    def players(self, data: DataSpec) -> dict[str, Player]:
        adam = LengtheningAdam(self.lr)
        return {
            "discriminator": Player(("discriminator",), self.discriminator_loss, adam),
            "generator": Player(("generator",), self.generator_loss, adam),
        }

    def discriminator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        real, fake = batch.x, nets.generator(batch.z)
        lead = nets.discriminator(real) - nets.discriminator(fake)
        slopes = squared_slope(nets.discriminator, real) + squared_slope(nets.discriminator, fake)
        return softplus(-lead).mean() + self.penalty / 2 * PENALTY(batch.progress) * slopes

    def generator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        lead = nets.discriminator(nets.generator(batch.z)) - nets.discriminator(batch.x)
        return softplus(-lead).mean()
