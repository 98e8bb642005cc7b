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
        """Data $(B, *)$ as networks see it: vectors $(B, D)$."""
        return ((x - nets.variables["mean"]) / nets.variables["scale"]).flatten(1)

    def restored(self, nets: Networks, x: Tensor) -> Tensor:
        """What networks make $(B, D)$, as data $(B, *)$ in its own unit."""
        mean = nets.variables["mean"]
        return mean + nets.variables["scale"] * x.unflatten(1, mean.shape)

    def possible(self, nets: Networks, x: Tensor) -> Tensor:
        """What networks make $(B, D)$, moved to the nearest data that there can be: pixels lie in [-1, 1]."""
        mean = nets.variables["mean"]
        if mean.dim() == 1:
            return x
        return self.standard(nets, self.restored(nets, x).clamp(-1, 1))
