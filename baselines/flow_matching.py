"""Flow matching."""

from dataclasses import dataclass
from math import prod
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from baselines.denoisers import denoiser
from baselines.kernels import squared_distances
from benchmark.method import Adam, Batch, DataSpec, Latents, Method, Networks, Noise, Player
from benchmark.method.space import LEARNING_RATES, Choice
from benchmark.registry import register_method

__all__ = ["FlowMatching", "transport_plan"]

SINKHORN_ROUNDS = 20
SINKHORN_REGULARISATION = 0.05
"""The entropy's weight, in mean costs."""


def transport_plan(costs: Tensor) -> Tensor:
    """Where the mass of each point goes: the plan of entropic optimal transport, each row summing to 1.

    References:
        Sinkhorn Distances: Lightspeed Computation of Optimal Transport (Cuturi, 2013), arXiv:1306.0895.

    Arguments:
        costs: Of moving each of $m$ points to each of $n$ others, shape $(m, n)$.
    """
    plan = -costs / (SINKHORN_REGULARISATION * costs.mean())
    for _ in range(SINKHORN_ROUNDS):
        plan = plan - plan.logsumexp(dim=0, keepdim=True)
        plan = plan - plan.logsumexp(dim=1, keepdim=True)
    return plan.exp()


@register_method("flow-matching")
@dataclass(frozen=True)
class FlowMatching(Method):
    """Velocity field that carries noise to data along straight lines.

    A latent is the noise at which a path begins, of the size of the data. Samples are integrated from it by
    the midpoint rule, with `evaluations` of the network. With `coupling` `optimal-transport`, noise is paired
    with data of its batch by a plan of optimal transport; else at random.

    References:
        Flow Matching for Generative Modeling (Lipman et al., 2022), arXiv:2210.02747, equation 23 with
        $\\sigma_{min} = 0$. Improving and generalizing flow-based generative models with minibatch optimal
        transport (Tong et al., 2023), arXiv:2302.00482, algorithm 3; pairs are drawn from Sinkhorn's plan, as
        in the authors' public code.

    Deviations:
        A perceptron that sees the time as sines and cosines. The authors integrate with steps of adaptive
        size. Sinkhorn's plan takes no matrix product, and so is not counted as FLOPs.
    """

    family = "diffusion and flows"
    kinds = ("points",)
    space = {
        "lr": LEARNING_RATES,
        "coupling": Choice("independent", "optimal-transport"),
    }

    lr: float = 1e-3
    coupling: Literal["independent", "optimal-transport"] = "independent"
    evaluations: int = 40

    def __post_init__(self) -> None:
        if self.evaluations < 2 or self.evaluations % 2:
            raise ValueError(f"evaluations must be an even number of at least 2, not {self.evaluations}")

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        return {"generator": denoiser(data)}

    def players(self, data: DataSpec) -> dict[str, Player]:
        noise = {"time": Noise((), "uniform"), "partner": Noise((), "uniform")}
        return {"generator": Player(("generator",), self.generator_loss, Adam(self.lr), noise=noise)}

    def latents(self, data: DataSpec) -> Latents:
        return Latents(prod(data.shape))

    def generator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        start, end, t = batch.z, batch.x, batch.noise["time"]
        if self.coupling == "optimal-transport":
            end = self.partners(start, end, batch.noise["partner"])
        on_the_way = start + t[:, None] * (end - start)
        return mse_loss(nets.generator(on_the_way, t), end - start)

    def partners(self, start: Tensor, end: Tensor, uniform: Tensor) -> Tensor:
        """For each of the starts $(B, D)$ an end $(B, D)$, drawn by uniform numbers $(B,)$."""
        shares = transport_plan(squared_distances(start, end)).cumsum(dim=1)
        index = (shares < uniform[:, None]).sum(dim=1).clamp(max=len(end) - 1)
        return end[index]

    def sample(self, nets: Networks, z: Tensor, noise: Tensor) -> Tensor:
        steps = self.evaluations // 2
        width = 1 / steps
        x = z
        for step in range(steps):
            t = torch.full_like(x[:, 0], step * width)
            middle = x + width / 2 * nets.generator(x, t)
            x = x + width * nets.generator(middle, t + width / 2)
        return x
