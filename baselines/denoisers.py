"""Networks that look at data and a time: those of diffusions and flows."""

from math import pi, prod

import torch
from torch import Tensor, nn

from baselines.architectures import architecture_of
from baselines.image_denoisers import JudgeOfImages, UNet
from baselines.networks import MLP, Role
from benchmark.method import DataSpec

__all__ = ["WithTime", "denoiser", "judge_of_steps", "time_features"]

FREQUENCIES = 6
TIME_FEATURES = 2 * FREQUENCIES


def time_features(t: Tensor) -> Tensor:
    """Sines and cosines of times $(B,)$ in [0, 1], of half a turn and of twice as much each time, shape $(B,
    12)$.
    """
    turns = 2.0 ** torch.arange(FREQUENCIES, device=t.device)
    angles = pi * t[:, None] * turns.to(t.dtype)
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class WithTime(nn.Module):
    """A network that sees a time $(B,)$ as sines and cosines, behind its first input.

    Arguments:
        network: Takes vectors $(B, D)$, features of the time $(B, 12)$ and further vectors $(B, *)$.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, t: Tensor, *others: Tensor) -> Tensor:
        return self.network(x, time_features(t), *others)


def denoiser(data: DataSpec, codes: int = 0) -> nn.Module:
    """Data as vectors $(B, D)$, times $(B,)$ and as many codes $(B, codes)$ to vectors $(B, D)$."""
    known = TIME_FEATURES + codes
    if data.kind == "images":
        return WithTime(architecture_of(data).initialise(UNet(data, known)))
    size = prod(data.shape)
    return WithTime(_perceptron("generator", size + known, size, data))


def judge_of_steps(data: DataSpec) -> nn.Module:
    """Data as vectors $(B, D)$, times $(B,)$ and the data one step later $(B, D)$ to one logit $(B, 1)$."""
    if data.kind == "images":
        return WithTime(architecture_of(data).initialise(JudgeOfImages(data, TIME_FEATURES)))
    return WithTime(_perceptron("discriminator", 2 * prod(data.shape) + TIME_FEATURES, 1, data))


def _perceptron(role: Role, inputs: int, outputs: int, data: DataSpec) -> nn.Module:
    """It is like the architecture's networks of that role; the nonlinearity is SiLU by default."""
    architecture = architecture_of(data)
    style = {"width": data.width, "depth": data.depth, "activation": nn.SiLU}
    return architecture.initialise(MLP(inputs, outputs, **{**style, **getattr(architecture, role)}))
