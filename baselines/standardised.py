"""Data in a unit of its own: what diffusions and flows train on."""

import torch
from torch import Tensor

from benchmark.method import DataSpec, Method, Networks, Tensors

__all__ = ["Standardised"]


class Standardised(Method):
    """A method whose networks see data with the mean 0, and a mean square of 1 over all coordinates.

    Mean and scale are those of training samples. One scale for all coordinates keeps the data's shape.
    """

    def variables(self, data: DataSpec) -> Tensors:
        return {"mean": torch.zeros(data.shape), "scale": torch.ones(())}

    def begin(self, data: DataSpec, x: Tensor) -> Tensors:
        mean = x.mean(dim=0)
        return {"mean": mean, "scale": (x - mean).square().mean().sqrt()}

    def standard(self, nets: Networks, x: Tensor) -> Tensor:
        """Data $(B, *)$ as networks see it."""
        return (x - nets.variables["mean"]) / nets.variables["scale"]

    def restored(self, nets: Networks, x: Tensor) -> Tensor:
        """What networks make $(B, *)$, in the data's own unit."""
        return nets.variables["mean"] + nets.variables["scale"] * x
