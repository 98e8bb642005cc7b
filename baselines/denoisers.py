"""Networks that look at data and a time: those of diffusions and flows."""

from math import pi, prod

import torch
from torch import Tensor, nn

from baselines.architectures import architecture_of
from baselines.networks import MLP, Role
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
        data: Gives the size of the data, the width, the depth and the architecture.
        role: Whose networks of the architecture it is like; their nonlinearity is SiLU by default.
        inputs: The number of further features.
        outputs: The number of outputs.
    """

    def __init__(self, data: DataSpec, role: Role, inputs: int, outputs: int) -> None:
        super().__init__()
        features = prod(data.shape) + TIME_FEATURES + inputs
        architecture = architecture_of(data)
        style = {"width": data.width, "depth": data.depth, "activation": nn.SiLU}
        perceptron = MLP(features, outputs, **{**style, **getattr(architecture, role)})
        self.perceptron = architecture.initialise(perceptron)

    def forward(self, x: Tensor, t: Tensor, *others: Tensor) -> Tensor:
        return self.perceptron(x, time_features(t), *others)


def denoiser(data: DataSpec, codes: int = 0) -> nn.Module:
    """Points $(B, D)$, times $(B,)$ and as many codes $(B, codes)$ to vectors $(B, D)$."""
    return Denoiser(data, "generator", codes, prod(data.shape))


def judge_of_steps(data: DataSpec) -> nn.Module:
    """Points $(B, D)$, times $(B,)$ and the points one step later $(B, D)$ to one logit $(B, 1)$."""
    return Denoiser(data, "discriminator", prod(data.shape), 1)
