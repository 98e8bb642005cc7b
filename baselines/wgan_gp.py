"""The Wasserstein GAN with a gradient penalty."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn
from torch.func import grad

from baselines.networks import discriminator, generator
from benchmark.method import Adam, Batch, DataSpec, Method, Networks, Noise, Player
from benchmark.method.space import LEARNING_RATES, MOMENTA, Choice, LogUniform
from benchmark.registry import Count, NotNegative, register_method

__all__ = ["WGANGP", "slope_penalty"]


def slope_penalty(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """The mean of $(|\\nabla f(x)| - 1)^2$, the norm over all of a sample's dimensions."""
    slope = grad(lambda x: function(x).sum())(x).flatten(1)
    # Where the function is flat, the norm has no gradient; the small constant gives 0 there instead of NaN.
    norm = (slope.square().sum(dim=1) + 1e-12).sqrt()
    return (norm - 1).square().mean()


@register_method("wgan-gp")
@dataclass(frozen=True)
class WGANGP(Method):
    """Wasserstein GAN whose critic is held near 1-Lipschitz by a penalty on its gradient.

    References:
        Improved Training of Wasserstein GANs (Gulrajani et al., 2017), arXiv:1704.00028, algorithm 1.

    Deviations:
        None in the algorithm. The shared networks instead of 3 x 512 units; for images, batch
        normalisation in the generator only.
    """

    family = "adversarial"
    space = {
        "lr": LEARNING_RATES,
        "beta1": MOMENTA,
        "penalty": LogUniform(0.1, 100),
        "critic_steps": Choice(1, 5),
    }

    penalty: NotNegative = 10.0
    critic_steps: Count = 5
    lr: float = 1e-4
    beta1: float = 0.5
    beta2: float = 0.9

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        return {"generator": generator(data), "critic": discriminator(data, norm=None)}

    def players(self, data: DataSpec) -> dict[str, Player]:
        adam = Adam(self.lr, (self.beta1, self.beta2))
        mix = {"mix": Noise((1,) * len(data.shape), "uniform")}
        return {
            "critic": Player(("critic",), self.critic_loss, adam, steps=self.critic_steps, noise=mix),
            "generator": Player(("generator",), self.generator_loss, adam, real=False),
        }

    def critic_loss(self, nets: Networks, batch: Batch) -> Tensor:
        """Equation 3, with one mixing coefficient per sample."""
        fake = nets.generator(batch.z)
        mixed = fake + batch.noise["mix"] * (batch.x - fake)
        penalty = slope_penalty(nets.critic, mixed)
        return nets.critic(fake).mean() - nets.critic(batch.x).mean() + self.penalty * penalty

    def generator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        return -nets.critic(nets.generator(batch.z)).mean()
