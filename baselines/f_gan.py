"""The GAN that minimises an f-divergence of choice."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from torch import Tensor, nn
from torch.nn.functional import softplus

from baselines.networks import discriminator, generator
from benchmark.method import Adam, Batch, DataSpec, Method, Networks, Player
from benchmark.method.space import LEARNING_RATES, MOMENTA, Choice
from benchmark.registry import register_method

__all__ = ["DIVERGENCES", "FGAN", "Divergence"]

Name = Literal["kl", "reverse-kl", "pearson", "hellinger", "js", "gan", "total-variation"]


class Divergence(NamedTuple):
    """A divergence, by what becomes of the discriminator's output $v$.

    Attributes:
        activation: $g(v)$, on which nothing but its range is demanded: that of the derivative of $f$.
        conjugate: $f^*(g(v))$, simplified, since the conjugate of a large activation may overflow.
    """

    activation: Callable[[Tensor], Tensor]
    conjugate: Callable[[Tensor], Tensor]


LOG2 = math.log(2)

DIVERGENCES: dict[Name, Divergence] = {
    "kl": Divergence(lambda v: v, lambda v: (v - 1).exp()),
    "reverse-kl": Divergence(lambda v: -(-v).exp(), lambda v: v - 1),
    "pearson": Divergence(lambda v: v, lambda v: v.square() / 4 + v),
    "hellinger": Divergence(lambda v: -(-v).expm1(), lambda v: v.expm1()),
    "js": Divergence(lambda v: LOG2 - softplus(-v), lambda v: softplus(v) - LOG2),
    "gan": Divergence(lambda v: -softplus(-v), softplus),
    "total-variation": Divergence(lambda v: v.tanh() / 2, lambda v: v.tanh() / 2),
}


@register_method("f-gan")
@dataclass(frozen=True)
class FGAN(Method):
    """GAN whose discriminator estimates an f-divergence of data and samples, which the generator minimises.

    The discriminator maximises $E_x g(v) - E_{\\tilde x} f^*(g(v))$, which is at most the divergence of the
    data from the samples. The generator minimises its last term; with `trick`, it maximises $E_{\\tilde x}
    g(v)$ instead, as the non-saturating loss of the GAN does.

    References:
        f-GAN: Training Generative Neural Samplers using Variational Divergence Minimization (Nowozin et al.,
        2016), arXiv:1606.00709, section 3.2. Settings from a public reimplementation
        (LynnHo/f-GAN-Tensorflow).

    Deviations:
        None in the algorithm. The shared networks, and one batch of latents for each player, where that code
        has one for both. $f^*(g(v))$ is one simplified function. That code has no total variation; its
        activation here is $\\tanh(v) / 2$, with which both losses of the generator are the same. That code
        meets NaN with the Hellinger divergence, whose two terms grow exponentially; nothing is done here
        against it.
    """

    family = "adversarial"
    space = {
        "lr": LEARNING_RATES,
        "beta1": MOMENTA,
        "trick": Choice(False, True),
    }

    divergence: Name = "js"
    trick: bool = False
    lr: float = 2e-4
    beta1: float = 0.5

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        return {"generator": generator(data), "discriminator": discriminator(data)}

    def players(self, data: DataSpec) -> dict[str, Player]:
        adam = Adam(self.lr, (self.beta1, 0.999))
        return {
            "discriminator": Player(("discriminator",), self.discriminator_loss, adam),
            "generator": Player(("generator",), self.generator_loss, adam, real=False),
        }

    def discriminator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        activation, conjugate = DIVERGENCES[self.divergence]
        real = nets.discriminator(batch.x)
        fake = nets.discriminator(nets.generator(batch.z))
        return conjugate(fake).mean() - activation(real).mean()

    def generator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        activation, conjugate = DIVERGENCES[self.divergence]
        fake = nets.discriminator(nets.generator(batch.z))
        if self.trick:
            return -activation(fake).mean()
        return -conjugate(fake).mean()
