"""What proofs of methods with a time share: linear networks, networks that are formulas, a unit of data."""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

MEAN, STD = 1.5, 0.4
"""Of the Gaussian data whose best field and noise are known."""

UNIT = {"mean": torch.tensor([0.3, -0.2]), "scale": torch.tensor(1.7)}


class Timed(nn.Linear):
    """Linear in data, time and whatever else there is."""

    def forward(self, x, t, *others):
        return super().forward(torch.cat([x, t[:, None], *others], dim=1))


def timed(state, network, x, t, *others):
    p = state.parameters[network]
    return np.concatenate([x, t[:, None], *others], axis=1) @ p["weight"].T + p["bias"]


@dataclass
class Nets:
    """A network that is a formula, of one-dimensional data that is standardised already."""

    generator: object
    variables: dict = field(default_factory=lambda: {"mean": torch.zeros(1), "scale": torch.ones(())})


def normal(n, size=1, seed=0):
    return torch.randn(n, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def in_a_unit(method):
    """A method of `on_networks`, which has a class of its own, on data of another mean and scale."""
    type(method).variables = lambda self, data: UNIT
    return method


def standard(state, batch):
    """Data as networks see it."""
    return (batch.x - state.variables["mean"]) / state.variables["scale"]
