"""The denoising diffusion GAN."""

from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from baselines.denoisers import denoiser, judge_of_steps
from baselines.diffusions import Noising, kept_share
from baselines.r3gan import squared_slope
from baselines.standardised import Standardised
from benchmark.method import Adam, Batch, Cosine, DataSpec, Latents, Networks, Noise, Player
from benchmark.method.space import LEARNING_RATES, MOMENTA, Choice, LogUniform
from benchmark.registry import Count, NotNegative, register_method

__all__ = ["DDGAN"]

SOONEST = 1e-3
"""The time at which the process begins, as in the authors' code."""


@register_method("ddgan")
@dataclass(frozen=True)
class DDGAN(Standardised):
    """Diffusion of few steps, each of which a conditional GAN undoes.

    The generator guesses the data behind a noisy sample. The discriminator judges what would have been one
    step before, beside what is after it.

    References:
        Tackling the Generative Learning Trilemma with Denoising Diffusion GANs (Xiao et al., 2021),
        arXiv:2112.07804, equations 5 to 8. Details and settings from the authors' public code.

    Deviations:
        Data is standardised, and so the generator's output is not bounded on images. Perceptrons, on images a
        small U-Net without attention and DCGAN's discriminator without normalisation, that see the time as
        sines and cosines. The penalty is in every step. The code averages weights with a decay of 0.9999;
        averages are a setting of all methods here, and off by default.
    """

    family = "diffusion and flows"
    space = {
        "lr": LEARNING_RATES,
        "discriminator_lr": LEARNING_RATES,
        "beta1": MOMENTA,
        "penalty": LogUniform(0.001, 1),
        "steps": Choice(2, 4, 8),
    }

    lr: float = 1.5e-4
    discriminator_lr: float = 1e-4
    beta1: float = 0.5
    penalty: NotNegative = 0.05
    steps: Count = 4

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        return {"generator": denoiser(data, data.latent), "discriminator": judge_of_steps(data)}

    def players(self, data: DataSpec) -> dict[str, Player]:
        size = prod(data.shape)
        noise = {
            "step": Noise((), "uniform"),
            "later": Noise((size,)),
            "code": Noise((data.latent,)),
            "undone": Noise((size,)),
        }
        judge = Adam(self.discriminator_lr, (self.beta1, 0.9), schedule=Cosine(end=0.1))
        maker = Adam(self.lr, (self.beta1, 0.9), schedule=Cosine(end=0.07))
        return {
            "discriminator": Player(("discriminator",), self.discriminator_loss, judge, noise=noise),
            "generator": Player(("generator",), self.generator_loss, maker, noise=noise),
        }

    def latents(self, data: DataSpec) -> Latents:
        """The noise at the end; then a code for every step, and fresh noise for all but the last."""
        size = prod(data.shape)
        return Latents(size, noise=self.steps * data.latent + (self.steps - 1) * size)

    def time(self, step: Tensor) -> Tensor:
        """When so many steps are done, in [0, 1]."""
        return SOONEST + (1 - SOONEST) * step / self.steps

    def noising(self, step: Tensor) -> Noising:
        """The step of that number, from 0."""
        return Noising(self.share(step), self.share(step + 1))

    def share(self, step: Tensor) -> Tensor:
        """The share of data after so many steps; before the first there is no noise."""
        return torch.where(step == 0, torch.ones_like(step), kept_share(self.time(step)))

    def noisy(self, nets: Networks, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """A number of a step per sample, and data before and after that step."""
        step = (batch.noise["step"] * self.steps).floor()
        before, after = self.noising(step)
        x = before.sqrt()[:, None] * self.standard(nets, batch.x) + (1 - before).sqrt()[:, None] * batch.z
        kept = (after / before)[:, None]
        return step, x, kept.sqrt() * x + (1 - kept).sqrt() * batch.noise["later"]

    def guessed(self, nets: Networks, later: Tensor, step: Tensor, code: Tensor, noise: Tensor) -> Tensor:
        """What the generator takes for the sample before a step."""
        data = nets.generator(later, self.time(step), code)
        mean, std = self.noising(step).undone(later, data)
        return mean + std * noise

    def discriminator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        step, x, later = self.noisy(nets, batch)
        fake = self.guessed(nets, later, step, batch.noise["code"], batch.noise["undone"])
        t = self.time(step)

        def judge(before: Tensor) -> Tensor:
            return nets.discriminator(before, t, later)

        penalty = self.penalty / 2 * squared_slope(judge, x)
        return softplus(-judge(x)).mean() + softplus(judge(fake)).mean() + penalty

    def generator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        step, _, later = self.noisy(nets, batch)
        fake = self.guessed(nets, later, step, batch.noise["code"], batch.noise["undone"])
        return softplus(-nets.discriminator(fake, self.time(step), later)).mean()

    def sample(self, nets: Networks, z: Tensor, noise: Tensor) -> Tensor:
        of_codes = noise.shape[1] - (self.steps - 1) * z.shape[1]
        codes = noise[:, :of_codes].unflatten(1, (self.steps, -1))
        fresh = noise[:, of_codes:].unflatten(1, (self.steps - 1, z.shape[1]))
        # The first step is undone last, and adds no noise.
        fresh = torch.cat([torch.zeros_like(z)[:, None], fresh], dim=1)
        x = z
        for index in reversed(range(self.steps)):
            step = torch.full_like(x[:, 0], index)
            x = self.guessed(nets, x, step, codes[:, index], fresh[:, index])
        return self.restored(nets, x)
