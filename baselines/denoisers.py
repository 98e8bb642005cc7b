"""Networks that look at data and a time: those of diffusions and flows."""

from math import pi, prod

import torch
from torch import Tensor, nn

from baselines.networks import MLP
from benchmark.method import DataSpec

__all__ = ["Denoiser", "denoiser", "judge_of_steps", "time_features"]

FREQUENCIES = 6
TIME_FEATURES = 2 * FREQUENCIES


def time_features(t: Tensor) -> Tensor:
    """Sines and cosines of times $(B,)$ in [0, 1], of half a turn and of twice as much each time, shape $(B,
    12)$.
    """
    turns = 2.0 ** torch.arange(FREQUENCIES, device=t.device)
    angles = pi * t[:, None] * turns.to(t.dtype)
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class Denoiser(nn.Module):
    """Data $(B, d)$, times $(B,)$ and further vectors $(B, *)$ to vectors $(B, \\text{outputs})$.

    Arguments:
        data: Gives the size of the data, the width and the depth.
        inputs: The number of further features.
        outputs: The number of outputs.
    """

    def __init__(self, data: DataSpec, inputs: int, outputs: int) -> None:
        super().__init__()
        features = prod(data.shape) + TIME_FEATURES + inputs
        self.perceptron = MLP(features, outputs, data.width, data.depth, nn.SiLU)

    def forward(self, x: Tensor, t: Tensor, *others: Tensor) -> Tensor:
        return self.perceptron(x, time_features(t), *others)


def denoiser(data: DataSpec, codes: int = 0) -> nn.Module:
    """Points $(B, D)$, times $(B,)$ and as many codes $(B, codes)$ to vectors $(B, D)$."""
    return Denoiser(data, codes, prod(data.shape))


def judge_of_steps(data: DataSpec) -> nn.Module:
    """Points $(B, D)$, times $(B,)$ and the points one step later $(B, D)$ to one logit $(B, 1)$."""
    return Denoiser(data, prod(data.shape), 1)
