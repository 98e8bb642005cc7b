"""The neural spline flow."""

import math
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from baselines.architectures import architecture_of
from baselines.standardised import Standardised
from benchmark.errors import UsageError
from benchmark.method import Adam, Batch, DataSpec, Latents, Networks, Player
from benchmark.method.space import LEARNING_RATES, Choice
from benchmark.registry import Count, register_method

__all__ = ["Flow", "SplineFlow"]


class Flow(nn.Module):
    """An invertible network of zuko.

    Arguments:
        flow: zuko's flow, which maps data to noise.
    """

    def __init__(self, flow: Any) -> None:
        super().__init__()
        self.transform = flow.transform

    def forward(self, points: Tensor, to_noise: bool = False) -> Any:
        """Noise $(B, D)$ to data $(B, D)$; or data to noise, and the logarithm $(B,)$ of how much that
        stretches.
        """
        transform = self.transform()
        if to_noise:
            return transform.call_and_ladj(points)
        return transform.inv(points)


@register_method("spline-flow")
@dataclass(frozen=True)
class SplineFlow(Standardised):
    """Normalising flow of monotone splines, trained by maximum likelihood.

    References:
        Neural Spline Flows (Durkan et al., 2019), arXiv:1906.04032, with coupling layers, as zuko builds it
        (`zuko.flows.NSF`, `passes=2`). Settings from zuko's tutorial.

    Deviations:
        Perceptrons of the shared width and depth, whatever the architecture, instead of residual networks.
        Three coupling layers; the authors' code has two on points of the plane and ten on tables. The two
        halves of the numbers change roles from layer to layer; on tables the authors mix the numbers
        linearly, too. Data is standardised, since zuko's splines transform the numbers from -5 to 5 alone.
        Adam at a constant rate, without the authors' cosine schedule and clipped gradients. Needs the extra
        `flows`.
    """

    family = "likelihood-based"
    kinds = ("points",)
    space = {
        "lr": LEARNING_RATES,
        "bins": Choice(8, 16),
    }

    lr: float = 1e-3
    transforms: Count = 3
    bins: Count = 8

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        architecture_of(data)  # refuses one that is not for points
        layout = _layout(prod(data.shape), self.transforms, self.bins, (data.width,) * data.depth)
        flow = deepcopy(layout).to(torch.get_default_device(), torch.get_default_dtype())
        for layer in flow.modules():
            if isinstance(layer, nn.Linear):
                layer.reset_parameters()
        return {"generator": Flow(flow)}

    def players(self, data: DataSpec) -> dict[str, Player]:
        return {"generator": Player(("generator",), self.generator_loss, Adam(self.lr))}

    def latents(self, data: DataSpec) -> Latents:
        return Latents(prod(data.shape))

    def generator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        """The negative logarithm of the likelihood of standardised data."""
        noise, stretch = nets.generator(self.standard(nets, batch.x), True)
        surprise = (noise.square() + math.log(2 * math.pi)).sum(dim=1) / 2
        return (surprise - stretch).mean()

    def sample(self, nets: Networks, z: Tensor, noise: Tensor) -> Tensor:
        return self.restored(nets, nets.generator(z))


@cache
def _layout(features: int, transforms: int, bins: int, hidden: tuple[int, ...]) -> nn.Module:
    """Zuko's flow, to be copied and given weights.

    It is kept: zuko sorts the rows of its masks, which takes seconds where features are many.
    """
    try:
        from zuko.flows import NSF
    except ImportError:
        raise UsageError(
            "spline-flow needs zuko; install it with pip install 'mode-collapse-benchmark[flows]'"
        ) from None
    # zuko looks at values of its masks, and the meta device has none.
    with torch.device("cpu"), torch.random.fork_rng(devices=()):
        return NSF(features, transforms=transforms, bins=bins, passes=2, hidden_features=hidden)
