"""The prescribed GAN."""

import math
from dataclasses import dataclass
from math import prod
from typing import Annotated, Literal, NamedTuple, TypeVar

import torch
from msgspec import Meta
from torch import Tensor, nn
from torch.func import grad
from torch.nn.functional import softplus

from baselines.networks import Learnt, discriminator, generator
from benchmark.method import Adam, Batch, DataSpec, Latents, Method, Networks, Noise, Player, Tensors
from benchmark.method.space import LEARNING_RATES, MOMENTA, LogUniform
from benchmark.registry import NotNegative, register_method

__all__ = ["PresGAN"]

BURN_IN, DRAWS, LEAPFROGS = 2, 2, 5
TRANSITIONS = BURN_IN + DRAWS
WANTED_ACCEPTANCE, ADAPTATION = 0.67, 0.02
LEAST_SCALE, LARGEST_SCALE = 0.01, 0.3
"""Of the Hamiltonian Monte Carlo and of the noise, as in the authors' code."""


Number = TypeVar("Number", float, Tensor)


def unbounded(scale: Number) -> Number:
    """The number of which softplus is that scale."""
    if isinstance(scale, Tensor):
        return scale.expm1().log()
    return math.log(math.expm1(scale))


class Chain(NamedTuple):
    """A Markov chain per sample.

    Attributes:
        latents: Where it is, shape $(B, L)$.
        step: The size of its steps, a scalar.
    """

    latents: Tensor
    step: Tensor


@register_method("presgan")
@dataclass(frozen=True)
class PresGAN(Method):
    """GAN with noise of a learnt scale on its samples, and the entropy of their density in its loss.

    The gradient of the entropy takes the latents that could have made a sample, which Hamiltonian Monte Carlo
    draws.

    References:
        Prescribed Generative Adversarial Networks (Dieng et al., 2019), arXiv:1910.04302, equations 4 to 10.
        Settings of the sampler from the authors' public code.

    Deviations:
        In the code, the sampler's steps do not see the generator, by an oversight: they follow the latents'
        prior; here they follow the posterior. The scale of the noise starts at `scale` (0.31 in the code) and
        stays within the bounds that the code offers as an option, from 0.01 to 0.3; in the code, channels
        share it. Samples are means, as in the code; `samples=draw` adds the noise. The shared networks, on
        images without normalisation in the generator, so that a sample's density is its own.
    """

    family = "adversarial"
    space = {
        "lr": LEARNING_RATES,
        "beta1": MOMENTA,
        "entropy": LogUniform(1e-4, 1),
        "scale": LogUniform(LEAST_SCALE, LARGEST_SCALE),
    }

    lr: float = 2e-4
    beta1: float = 0.5
    entropy: NotNegative = 0.01
    scale: Annotated[float, Meta(ge=LEAST_SCALE, le=LARGEST_SCALE)] = 0.1
    samples: Literal["mean", "draw"] = "mean"

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        return {
            "generator": generator(data, norm=None),
            # What has been added to the unbounded scale of the noise in each coordinate.
            "noise_scale": Learnt(data.shape),
            "discriminator": discriminator(data),
        }

    def players(self, data: DataSpec) -> dict[str, Player]:
        adam = Adam(self.lr, (self.beta1, 0.999))
        pixels = Noise(data.shape)
        chain = {
            "momentum": Noise((TRANSITIONS, data.latent)),
            "acceptance": Noise((TRANSITIONS,), "uniform"),
        }
        maker = Player(
            ("generator", "noise_scale"),
            self.generator_loss,
            adam,
            real=False,
            noise={"pixels": pixels, **chain},
            project={"noise_scale": self.within_bounds},
        )
        judge = Player(("discriminator",), self.discriminator_loss, adam, noise={"pixels": pixels})
        return {"discriminator": judge, "generator": maker}

    def within_bounds(self, parameters: Tensors) -> Tensors:
        """The parameters of the noise's scale, moved to where the scales are within their bounds."""
        start = unbounded(self.scale)
        least, largest = (unbounded(scale) - start for scale in (LEAST_SCALE, LARGEST_SCALE))
        return {"numbers": parameters["numbers"].clamp(least, largest)}

    def noise_std(self, nets: Networks) -> Tensor:
        """The standard deviation of the noise, of the shape of a sample."""
        return softplus(unbounded(self.scale) + nets.noise_scale())

    def variables(self, data: DataSpec) -> Tensors:
        return {"step": torch.tensor(1 / data.latent)}

    def latents(self, data: DataSpec) -> Latents:
        return Latents(data.latent, noise=prod(data.shape) if self.samples == "draw" else 0)

    def discriminator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        """Real and generated data have the same noise."""
        noise = self.noise_std(nets) * batch.noise["pixels"]
        real, fake = batch.x + noise, nets.generator(batch.z) + noise
        return (softplus(-nets.discriminator(real)) + softplus(nets.discriminator(fake))).mean()

    def generator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        scale = self.noise_std(nets)
        fake = nets.generator(batch.z) + scale * batch.noise["pixels"]
        deception = softplus(-nets.discriminator(fake)).mean()
        slope = self.score(nets, batch, fake.detach(), scale.detach())
        entropy = -(slope * fake).flatten(1).sum(dim=1).mean()
        return deception - self.entropy * entropy

    def score(self, nets: Networks, batch: Batch, fake: Tensor, scale: Tensor) -> Tensor:
        """The gradient of the logarithm of the density of samples $(B, *)$ there, of the same shape."""
        chain = Chain(batch.z, nets.variables["step"])
        means = []
        for index in range(TRANSITIONS):
            momentum = batch.noise["momentum"][:, index]
            uniform = batch.noise["acceptance"][:, index]
            moved = self.transition(nets, chain, fake, scale, momentum, uniform)
            if index < BURN_IN:
                chain = moved
                continue
            chain = moved._replace(step=chain.step)
            means.append(nets.generator(chain.latents))
        nets.assign(step=chain.step)
        posterior_mean = torch.stack(means).mean(dim=0).detach()
        return (posterior_mean - fake) / scale.square()

    def transition(
        self, nets: Networks, chain: Chain, fake: Tensor, scale: Tensor, momentum: Tensor, uniform: Tensor
    ) -> Chain:
        """One step of Hamiltonian Monte Carlo, and the size of steps after it."""

        def energy(z: Tensor) -> Tensor:
            """The negative logarithm of the joint density of sample and latents, but for a constant."""
            misfit = (fake - nets.generator(z)) / scale
            return (z.square().sum(dim=1) + misfit.flatten(1).square().sum(dim=1)) / 2

        def force(z: Tensor) -> Tensor:
            return -grad(lambda z: energy(z).sum())(z)

        z, p, step = chain.latents, momentum, chain.step
        p = p + step / 2 * force(z)
        for _ in range(LEAPFROGS - 1):
            z = z + step * p
            p = p + step * force(z)
        z = z + step * p
        p = p + step / 2 * force(z)
        before = energy(chain.latents) + momentum.square().sum(dim=1) / 2
        after = energy(z) + p.square().sum(dim=1) / 2
        accepted = uniform < (before - after).exp()
        latents = torch.where(accepted[:, None], z, chain.latents).detach()
        rate = accepted.to(step.dtype).mean()
        return Chain(latents, step * (1 + ADAPTATION * (rate - WANTED_ACCEPTANCE)))

    def sample(self, nets: Networks, z: Tensor, noise: Tensor) -> Tensor:
        mean = nets.generator(z)
        if self.samples == "mean":
            return mean
        return mean + self.noise_std(nets) * noise.view_as(mean)
