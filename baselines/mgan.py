"""The GAN with several generators."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, softplus

from baselines.networks import discriminator, generator
from benchmark.method import Adam, Batch, DataSpec, Latents, Method, Networks, Player
from benchmark.method.space import LEARNING_RATES, MOMENTA, Choice, LogUniform
from benchmark.registry import register_method

__all__ = ["MGAN", "Generators"]


class Generators(nn.Module):
    """Generators that share all layers but the first.

    Arguments:
        data: What they generate.
        number: How many there are.
    """

    def __init__(self, data: DataSpec, number: int) -> None:
        super().__init__()
        self.number = number
        # A linear layer of inputs of which all but one generator's are 0 is that generator's own layer.
        self.shared = generator(replace(data, latent=number * (data.latent + 1)))
        first = next(layer for layer in self.shared.modules() if isinstance(layer, nn.Linear))
        with torch.no_grad():
            first.weight.mul_(number**0.5)  # as if it had as many inputs as are not 0

    def forward(self, z: Tensor, which: Tensor) -> Tensor:
        """Maps latents $(B, L)$ and numbers of generators $(B,)$ to data $(B, *)$."""
        chosen = which[:, None] == torch.arange(self.number, device=z.device)
        inputs = torch.cat([z, torch.ones_like(z[:, :1])], dim=1)
        return self.shared((chosen[:, :, None] * inputs[:, None, :]).flatten(1))


@register_method("mgan")
@dataclass(frozen=True)
class MGAN(Method):
    """Mixture of generators that a classifier must be able to tell apart.

    References:
        MGAN: Training Generative Adversarial Nets with Multiple Generators (Hoang et al., 2018),
        arXiv:1708.02556, equation 5. Details and settings from the authors' public code for CIFAR-10.

    Deviations:
        A batch holds equally many samples of all generators, each from a latent of its own. The first layer's
        normalisation is shared. The shared networks.
    """

    family = "adversarial"
    space = {
        "lr": LEARNING_RATES,
        "beta1": MOMENTA,
        "diversity": LogUniform(0.01, 1),
        "generators": Choice(4, 10, 30),
    }

    lr: float = 2e-4
    beta1: float = 0.5
    diversity: float = 0.01
    generators: int = 10

    def __post_init__(self) -> None:
        if self.generators < 1:
            raise ValueError(f"generators must be at least 1, not {self.generators}")
        if self.diversity < 0:
            raise ValueError(f"diversity must be at least 0, not {self.diversity}")

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        judge = discriminator(data, outputs=1 + self.generators)
        return {"generator": Generators(data, self.generators), "discriminator": judge}

    def players(self, data: DataSpec) -> dict[str, Player]:
        adam = Adam(self.lr, (self.beta1, 0.999))
        return {
            "discriminator": Player(("discriminator",), self.discriminator_loss, adam),
            "generator": Player(("generator",), self.generator_loss, adam, real=False),
        }

    def latents(self, data: DataSpec) -> Latents:
        """One more number chooses the generator."""
        return Latents(data.latent, "uniform", noise=1)

    def generated(self, nets: Networks, z: Tensor) -> tuple[Tensor, Tensor]:
        """Data $(B, *)$, and the numbers of the generators $(B,)$, which take turns."""
        which = torch.arange(len(z), device=z.device) % self.generators
        return nets.generator(z, which), which

    def discriminator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        fake, which = self.generated(nets, batch.z)
        real, judged = nets.discriminator(batch.x), nets.discriminator(fake)
        surprise = softplus(-real[:, 0]).mean() + softplus(judged[:, 0]).mean()
        return surprise + cross_entropy(judged[:, 1:], which)

    def generator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        fake, which = self.generated(nets, batch.z)
        judged = nets.discriminator(fake)
        return softplus(-judged[:, 0]).mean() + self.diversity * cross_entropy(judged[:, 1:], which)

    def sample(self, nets: Networks, z: Tensor, noise: Tensor) -> Tensor:
        share = torch.special.ndtr(noise[:, 0])
        which = (share * self.generators).floor().clamp(max=self.generators - 1)
        return nets.generator(z, which)
