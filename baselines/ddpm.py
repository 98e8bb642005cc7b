"""The denoising diffusion model."""

from dataclasses import dataclass
from math import prod
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from baselines.denoisers import denoiser
from baselines.diffusions import Noising, kept_share
from benchmark.method import Adam, Batch, DataSpec, Latents, Method, Networks, Noise, Player
from benchmark.method.space import LEARNING_RATES
from benchmark.registry import register_method

__all__ = ["DDPM"]

SOONEST = 1e-3
"""The least time that is trained, a thousandth: the first of Ho et al.'s steps."""


@register_method("ddpm")
@dataclass(frozen=True)
class DDPM(Method):
    """Network that predicts the noise in data; samples are noise from which it is taken step by step.

    A latent is the noise at the end, of the size of the data. With `sampler` `ancestral`, each step adds
    fresh noise; with `ddim` none does, and samples are a function of their latents.

    References:
        Denoising Diffusion Probabilistic Models (Ho et al., 2020), arXiv:2006.11239, algorithms 1 and 2.
        Denoising Diffusion Implicit Models (Song et al., 2020), arXiv:2010.02502, equation 12, for both
        samplers.

    Deviations:
        The time is continuous, on a schedule that a thousand steps of the paper's give; samples take as many
        steps, evenly spaced, as there are `evaluations`. A perceptron that sees the time as sines and
        cosines. Averages are a setting of all methods.
    """

    family = "diffusion and flows"
    kinds = ("points",)
    space = {"lr": LEARNING_RATES}

    lr: float = 1e-3
    sampler: Literal["ancestral", "ddim"] = "ancestral"
    evaluations: int = 50

    def __post_init__(self) -> None:
        if self.evaluations < 1:
            raise ValueError(f"evaluations must be at least 1, not {self.evaluations}")

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        return {"generator": denoiser(data)}

    def players(self, data: DataSpec) -> dict[str, Player]:
        time = {"time": Noise((), "uniform")}
        return {"generator": Player(("generator",), self.generator_loss, Adam(self.lr), noise=time)}

    def latents(self, data: DataSpec) -> Latents:
        size = prod(data.shape)
        steps_with_noise = self.evaluations - 1 if self.sampler == "ancestral" else 0
        return Latents(size, noise=steps_with_noise * size)

    def generator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        t = SOONEST + (1 - SOONEST) * batch.noise["time"]
        kept = kept_share(t)[:, None]
        noisy = kept.sqrt() * batch.x + (1 - kept).sqrt() * batch.z
        return mse_loss(nets.generator(noisy, t), batch.z)

    def sample(self, nets: Networks, z: Tensor, noise: Tensor) -> Tensor:
        times = torch.linspace(1, 0, self.evaluations + 1, device=z.device, dtype=z.dtype)
        shares = kept_share(times)
        fresh = iter(noise.split(z.shape[1], dim=1))
        x = z
        for t, after, before in zip(times[:-1], shares[:-1], shares[1:], strict=True):
            predicted = nets.generator(x, t.expand(len(x)))
            data = (x - (1 - after).sqrt() * predicted) / after.sqrt()
            if self.sampler == "ddim":
                x = before.sqrt() * data + (1 - before).sqrt() * predicted
                continue
            mean, std = Noising(before, after).undone(x, data)
            fresh_noise = next(fresh, None)
            x = mean if fresh_noise is None else mean + std * fresh_noise
        return x
