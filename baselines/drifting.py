"""The generator whose samples drift towards data."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from baselines.kernels import squared_distances
from baselines.networks import generator
from benchmark.method import Adam, Batch, DataSpec, Method, Networks, Player
from benchmark.method.space import LEARNING_RATES, Choice, LogUniform
from benchmark.registry import Count, Positive, register_method

__all__ = ["Drifting", "drift", "forces"]

SELF = 100.0
"""The distance of a sample from itself, in mean distances: no force."""


def forces(distances: Tensor) -> Tensor:
    """The forces of samples on points, from their distances $(m, n)$ in units of their range.

    A force falls exponentially. It is a share of all forces on the point, and of all those of the sample, and
    so the geometric mean of both.
    """
    logits = -distances
    return (logits.log_softmax(dim=1) / 2 + logits.log_softmax(dim=0) / 2).exp()


def drift(pull: Tensor, attracting: Tensor, push: Tensor, repelling: Tensor) -> Tensor:
    """Where points move; nowhere if the samples that attract and repel are the same.

    Arguments:
        pull: The forces of attracting samples on the points, shape $(m, p)$.
        attracting: Shape $(p, d)$.
        push: The forces of repelling samples, shape $(m, n)$.
        repelling: Shape $(n, d)$.

    Returns:
        The displacements, shape $(m, d)$.
    """
    # Each side counts as much as the other one has force, so that the point's own place cancels.
    towards = push.sum(dim=1, keepdim=True) * (pull @ attracting)
    away = pull.sum(dim=1, keepdim=True) * (push @ repelling)
    return towards - away


@register_method("drifting")
@dataclass(frozen=True)
class Drifting(Method):
    """Generator of one step that follows a field: attracted by real samples, repelled by its own.

    The range of the forces is `temperature`, in units of the mean distance of a batch.

    References:
        Generative Modeling via Drifting (Deng et al., 2026), arXiv:2602.04770. The field of the authors'
        notebook for points in the plane.

    Deviations:
        Distances of data itself, not of features of a trained encoder, relative to their mean. The batch is
        that of the suite, times `batches`; the notebook's has 2048. The shared networks.
    """

    family = "kernel-based"
    space = {
        "lr": LEARNING_RATES,
        "temperature": LogUniform(0.01, 1),
        "batches": Choice(1, 4),
    }

    lr: float = 1e-3
    temperature: Positive = 0.05
    batches: Count = 1

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        return {"generator": generator(data)}

    def players(self, data: DataSpec) -> dict[str, Player]:
        adam = Adam(self.lr)
        return {"generator": Player(("generator",), self.generator_loss, adam, batches=self.batches)}

    def generator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        fake = nets.generator(batch.z).flatten(1)
        return mse_loss(fake, self.goal(fake.detach(), batch.x.flatten(1)))

    def goal(self, fake: Tensor, real: Tensor) -> Tensor:
        """Where generated data $(m, d)$ drifts to."""
        distances = squared_distances(fake, torch.cat([fake, real])).clamp(min=1e-12).sqrt()
        itself = torch.eye(*distances.shape, device=fake.device, dtype=fake.dtype)
        relative = distances / distances.mean() + SELF * itself
        push, pull = forces(relative / self.temperature).split([len(fake), len(real)], dim=1)
        return fake + drift(pull, real, push, fake)
