"""The denoising diffusion model."""

from dataclasses import dataclass
from math import prod
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from baselines.denoisers import denoiser
from baselines.diffusions import Noising
from baselines.standardised import Standardised
from benchmark.method import Adam, Batch, DataSpec, Latents, Networks, Noise, Player
from benchmark.method.space import LEARNING_RATES, Choice
from benchmark.registry import Count, register_method

__all__ = ["DDPM", "data_share"]

MOST_DATA, MOST_NOISE = 12.0, -10.0
"""The logarithm of the signal-to-noise ratio at the beginning and at the end: noise of a standard deviation
of 0.0025, and next to nothing but noise, as at the end of the paper's schedule.
"""

LARGEST_WEIGHT = 400.0
"""Of an error where the network predicts data: the ratio at noise of a standard deviation of 0.05."""


def data_share(t: Tensor) -> Tensor:
    """The share $\\bar\\alpha$ of the variance that is data's at times in [0, 1]."""
    return torch.sigmoid(MOST_DATA + (MOST_NOISE - MOST_DATA) * t)


@register_method("ddpm")
@dataclass(frozen=True)
class DDPM(Standardised):
    """Network that predicts the noise in data; samples are noise from which it is taken step by step.

    A latent is the noise at the end, of the size of the data. With `sampler` `ancestral`, each step adds
    fresh noise; with `ddim` none does, and samples are a function of their latents. With `prediction` `data`,
    the network predicts the data, and errors count as those of the noise that follows from it, up to a
    bound; a network whose layers are narrower than the data can do that, but cannot carry all of the noise.

    References:
        Denoising Diffusion Probabilistic Models (Ho et al., 2020), arXiv:2006.11239, algorithms 1 and 2.
        Denoising Diffusion Implicit Models (Song et al., 2020), arXiv:2010.02502, equation 12, for both
        samplers. Progressive Distillation for Fast Sampling of Diffusion Models (Salimans & Ho, 2022),
        arXiv:2202.00512, section 4, for the prediction of data.

    Deviations:
        Data is standardised. Time is continuous, and the logarithm of the signal-to-noise ratio falls evenly
        in it, in the training and over the `evaluations` that a sample takes: the paper's schedule ends at
        noise of a standard deviation of 0.01, as wide as narrow modes. A perceptron, on images a small U-Net
        without attention, that sees the time as sines and cosines. As in the authors' code, images that a
        step guesses are kept within the range of pixels. Where data is predicted, errors are weighted by the
        signal-to-noise ratio, which is bounded above by 400; Salimans & Ho bound it below. A sample takes 100
        steps by default, the paper's 1000. The paper averages weights with a decay of 0.9999; averages are a
        setting of all methods here, and off by default.
    """

    family = "diffusion and flows"
    space = {
        "lr": LEARNING_RATES,
        "prediction": Choice("noise", "data"),
    }

    lr: float = 1e-3
    prediction: Literal["noise", "data"] = "noise"
    sampler: Literal["ancestral", "ddim"] = "ancestral"
    evaluations: Count = 100

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
        t = batch.noise["time"]
        kept = data_share(t)[:, None]
        x = self.standard(nets, batch.x)
        noisy = kept.sqrt() * x + (1 - kept).sqrt() * batch.z
        predicted = nets.generator(noisy, t)
        if self.prediction == "noise":
            return mse_loss(predicted, batch.z)
        ratio = (kept / (1 - kept)).clamp(max=LARGEST_WEIGHT).sqrt()
        return mse_loss(ratio * predicted, ratio * x)

    def guessed(self, nets: Networks, x: Tensor, t: Tensor, kept: Tensor) -> Tensor:
        """The data behind noisy data $(B, D)$ at a time, and the share of it there, scalars."""
        predicted = nets.generator(x, t.expand(len(x)))
        data = predicted if self.prediction == "data" else (x - (1 - kept).sqrt() * predicted) / kept.sqrt()
        return self.possible(nets, data)

    def undone(self, x: Tensor, data: Tensor, step: Noising, added: Tensor) -> Tensor:
        """What was before a step, from what is after it and the data behind both, $(B, D)$ each, and noise
        to add, $(B, D)$; DDIM adds none.
        """
        if self.sampler == "ancestral":
            mean, std = step.undone(x, data)
            return mean + std * added
        noise = (x - step.after.sqrt() * data) / (1 - step.after).sqrt()
        return step.before.sqrt() * data + (1 - step.before).sqrt() * noise

    def sample(self, nets: Networks, z: Tensor, noise: Tensor) -> Tensor:
        times = torch.linspace(1, 0, self.evaluations, device=z.device, dtype=z.dtype)
        shares = data_share(times)
        # The last step leads from the least noise to none.
        befores = torch.cat([shares[1:], torch.ones_like(shares[:1])])
        drawn = noise.unflatten(1, (noise.shape[1] // z.shape[1], z.shape[1])).unbind(1)
        without_noise = self.evaluations - len(drawn)
        fresh = [*drawn, *[torch.zeros_like(z)] * without_noise]
        x = z
        for t, after, before, added in zip(times, shares, befores, fresh, strict=True):
            data = self.guessed(nets, x, t, after)
            x = self.undone(x, data, Noising(before, after), added)
        return self.restored(nets, x)
