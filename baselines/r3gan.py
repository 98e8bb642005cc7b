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
from benchmark.registry import NotNegative, Positive, Share, register_method

__all__ = ["R3GAN", "squared_slope"]


TINY = 1e-9
"""Makes a burn-in of 0 end before the first update."""


@dataclass(frozen=True)
class LengtheningAdam:
    """Adam without a first moment, whose second one remembers ever longer: $\\beta_2$ from 0.9 to 0.99.

    Arguments:
        lr: The first learning rate.
        end: What is left of it at the end of the schedule.
        burn_in: The share of the training in which schedules run.
    """

    lr: float
    end: float
    burn_in: float

    def apply(self, state: State, network: str, gradients: Tensors) -> State:
        share = fallen(state.progress, self.burn_in, self.end)
        beta2 = 1 - 0.1 * fallen(state.progress, self.burn_in, 0.1)
        return Adam(self.lr * share, (0.0, beta2)).apply(state, network, gradients)  # type: ignore[arg-type]


def fallen(progress: Tensor, burn_in: float, end: float) -> Tensor:
    """Half a cosine from 1 to `end` in the first share `burn_in` of the training, and constant then."""
    return Cosine(end)(((progress + TINY) / (burn_in + TINY)).clamp(max=1))


def squared_slope(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """The mean of $|\\nabla f(x)|^2$, over all of a sample's dimensions."""
    slope = grad(lambda x: function(x).sum())(x).flatten(1)
    return slope.square().sum(dim=1).mean()


@register_method("r3gan")
@dataclass(frozen=True)
class R3GAN(Method):
    """GAN whose discriminator compares each generated sample with a real one, and is kept flat at both.

    In the first share `burn_in` of the training, the learning rate falls to `end_rate` of it, and the penalty
    to `end_penalty` of it, along half a cosine. If not `relativistic`, the loss is GAN's, with the same
    penalties: the paper's ablation.

    References:
        The GAN is dead; long live the GAN! A Modern GAN Baseline (Huang et al., 2024), arXiv:2501.05441,
        equations 2 and 4; table 1 for the ablation. Schedules from the authors' public code.

    Deviations:
        The generator's loss is non-saturating, as in the code; equation 2 is a minimax. The shared networks,
        on images without normalisation, instead of the paper's residual ones, and no augmentation. By default
        schedules end with the training. The half-life of the code's averages grows; here it is a fortieth of
        the training throughout, which is the last one in the code's settings for faces. The penalty is that
        of the paper's Stacked MNIST.
    """

    family = "adversarial"
    space = {
        "lr": LEARNING_RATES,
        "penalty": LogUniform(0.01, 100),
    }

    lr: Positive = 2e-4
    end_rate: Share = 0.25
    penalty: NotNegative = 1.0
    end_penalty: NotNegative = 0.1
    burn_in: Share = 1.0
    relativistic: bool = True
    average_half_life: NotNegative = field(default=0.025, kw_only=True, metadata=COMMON)

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        return {"generator": generator(data, norm=None), "discriminator": discriminator(data, norm=None)}

    def players(self, data: DataSpec) -> dict[str, Player]:
        adam = LengtheningAdam(self.lr, self.end_rate, self.burn_in)
        return {
            "discriminator": Player(("discriminator",), self.discriminator_loss, adam),
            "generator": Player(("generator",), self.generator_loss, adam, real=self.relativistic),
        }

    def discriminator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        real, fake = batch.x, nets.generator(batch.z)
        slopes = squared_slope(nets.discriminator, real) + squared_slope(nets.discriminator, fake)
        penalty = self.penalty * fallen(batch.progress, self.burn_in, self.end_penalty)
        of_real, of_fake = nets.discriminator(real), nets.discriminator(fake)
        if self.relativistic:
            loss = softplus(of_fake - of_real).mean()
        else:
            loss = (softplus(-of_real) + softplus(of_fake)).mean()
        return loss + penalty / 2 * slopes

    def generator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        lead = nets.discriminator(nets.generator(batch.z))
        if self.relativistic:
            lead = lead - nets.discriminator(batch.x)
        return softplus(-lead).mean()
