"""Flow matching."""

from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Annotated, Literal

import torch
from msgspec import Meta
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from baselines.denoisers import denoiser
from baselines.kernels import squared_distances
from baselines.standardised import Standardised
from benchmark.method import Adam, Batch, DataSpec, Latents, Networks, Noise, Player
from benchmark.method.space import LEARNING_RATES, Choice
from benchmark.registry import register_method

__all__ = ["FlowMatching", "transport_plan"]

LEAST_TIME_LEFT = 0.05
"""Where data is predicted, the loss is as if at least this much time were left, as in Li & He's code."""

SINKHORN_ROUNDS = 20
SINKHORN_REGULARISATION = 0.1
"""The entropy's weight, in standard deviations of what differs between the costs of pairs."""


def transport_plan(costs: Tensor) -> Tensor:
    """Where the mass of each point goes: the plan of entropic optimal transport, each row summing to 1.

    References:
        Sinkhorn Distances: Lightspeed Computation of Optimal Transport (Cuturi, 2013), arXiv:1306.0895.

    Arguments:
        costs: Of moving each of $m$ points to each of $n$ others, shape $(m, n)$.
    """
    # What a point costs wherever its mass goes does not matter.
    of_pairs = costs - costs.mean(dim=1, keepdim=True) - costs.mean(dim=0, keepdim=True)
    plan = -of_pairs / (SINKHORN_REGULARISATION * of_pairs.std())
    for _ in range(SINKHORN_ROUNDS):
        plan = plan - plan.logsumexp(dim=0, keepdim=True)
        plan = plan - plan.logsumexp(dim=1, keepdim=True)
    return plan.exp()


@register_method("flow-matching")
@dataclass(frozen=True)
class FlowMatching(Standardised):
    """Velocity field that carries noise to data along straight lines.

    A latent is the noise at which a path begins, of the size of the data. Samples are integrated from it by
    the midpoint rule, with `evaluations` of the network, in steps that are shorter near the data. With
    `coupling` `optimal-transport`, noise is paired with data of its batch by a plan of optimal transport;
    else at random. With `prediction` `data`, the network predicts the end of a path, and the velocity is what
    leads there; a network whose layers are narrower than the data can do that, but cannot carry all of the
    noise that is part of a velocity.

    References:
        Flow Matching for Generative Modeling (Lipman et al., 2022), arXiv:2210.02747, equation 23 with
        $\\sigma_{min} = 0$. Improving and generalizing flow-based generative models with minibatch optimal
        transport (Tong et al., 2023), arXiv:2302.00482, algorithm 3. Back to Basics: Let Denoising Generative
        Models Denoise (Li & He, 2025), arXiv:2511.13720, for the prediction of data.

    Deviations:
        Data is standardised. A perceptron, on images a small U-Net without attention, that sees the time as
        sines and cosines. The authors integrate with steps of adaptive size; here steps of the time $1 - (1 -
        u)^2$ are even in $u$. The authors' plan of transport is exact; here it is Sinkhorn's, each noise
        drawing its partner by its own row. Of that, FLOPs of the distances alone are counted. Where data is
        predicted, the time that is left is bounded in the loss alone; Li & He bound it in the sampler, too.
    """

    family = "diffusion and flows"
    space = {
        "lr": LEARNING_RATES,
        "coupling": Choice("independent", "optimal-transport"),
        "prediction": Choice("velocity", "data"),
    }

    lr: float = 1e-3
    coupling: Literal["independent", "optimal-transport"] = "independent"
    prediction: Literal["velocity", "data"] = "velocity"
    evaluations: Annotated[int, Meta(ge=2, le=1000, multiple_of=2)] = 40

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        return {"generator": denoiser(data)}

    def players(self, data: DataSpec) -> dict[str, Player]:
        noise = {"time": Noise((), "uniform"), "partner": Noise((), "uniform")}
        return {"generator": Player(("generator",), self.generator_loss, Adam(self.lr), noise=noise)}

    def latents(self, data: DataSpec) -> Latents:
        return Latents(prod(data.shape))

    def generator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        start, end, t = batch.z, self.standard(nets, batch.x), batch.noise["time"]
        if self.coupling == "optimal-transport":
            end = self.partners(start, end, batch.noise["partner"])
        on_the_way = start + t[:, None] * (end - start)
        predicted = nets.generator(on_the_way, t)
        if self.prediction == "velocity":
            return mse_loss(predicted, end - start)
        left = (1 - t).clamp(min=LEAST_TIME_LEFT)[:, None]
        return mse_loss(predicted / left, end / left)

    def velocity(self, nets: Networks, x: Tensor, t: Tensor) -> Tensor:
        """The velocities at places $(B, D)$ at a time, a scalar before 1."""
        predicted = nets.generator(x, t.expand(len(x)))
        return predicted if self.prediction == "velocity" else (predicted - x) / (1 - t)

    def partners(self, start: Tensor, end: Tensor, uniform: Tensor) -> Tensor:
        """For each of the starts $(B, D)$ an end $(B, D)$, drawn by uniform numbers $(B,)$."""
        shares = transport_plan(squared_distances(start, end)).cumsum(dim=1)
        index = (shares < uniform[:, None]).sum(dim=1).clamp(max=len(end) - 1)
        return end[index]

    def sample(self, nets: Networks, z: Tensor, noise: Tensor) -> Tensor:
        even = torch.linspace(0, 1, self.evaluations // 2 + 1, device=z.device, dtype=z.dtype)
        times = 1 - (1 - even).square()
        x = z
        for t, later in pairwise(times):
            width = later - t
            middle = x + width / 2 * self.velocity(nets, x, t)
            x = x + width * self.velocity(nets, middle, t + width / 2)
        return self.restored(nets, x)
