"""Architectures that the methods share, so that a comparison of methods is not one of networks."""

from collections.abc import Callable
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from benchmark.method import DataSpec

__all__ = ["MLP", "discriminator", "encoder", "generator", "joint_discriminator"]


class MLP(nn.Sequential):
    """A multilayer perceptron; several inputs are concatenated along their last axis.

    Arguments:
        inputs: The number of input features, over all inputs.
        outputs: The number of output features.
        data: Gives the width and the number of the hidden layers.
        activation: Builds the nonlinearity.
        norm: Builds the normalisation that precedes each nonlinearity, given the width.
        norm_first: Whether the first hidden layer is normalised, too.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        data: DataSpec,
        activation: Callable[[], nn.Module] = nn.ReLU,
        norm: Callable[[int], nn.Module] | None = None,
        norm_first: bool = True,
    ) -> None:
        layers: list[nn.Module] = []
        for i in range(data.depth):
            layers.append(nn.Linear(inputs if i == 0 else data.width, data.width))
            if norm is not None and (norm_first or i > 0):
                layers.append(norm(data.width))
            layers.append(activation())
        super().__init__(*layers, nn.Linear(data.width, outputs))

    def forward(self, *inputs: Tensor) -> Tensor:
        """Maps inputs of shape $(B, d_i)$ to an output of shape $(B, d)$."""
        return super().forward(torch.cat(inputs, dim=-1) if len(inputs) > 1 else inputs[0])


def generator(data: DataSpec, **options: Any) -> nn.Module:
    """$G$: latents $(B, L)$ to data $(B, d)$. Options are those of `MLP`."""
    return MLP(data.latent, _features(data), data, **options)


def encoder(data: DataSpec, outputs: int | None = None, **options: Any) -> nn.Module:
    """$E$: data $(B, d)$ to `outputs` features, $L$ by default. Options are those of `MLP`."""
    return MLP(_features(data), data.latent if outputs is None else outputs, data, **options)


def discriminator(data: DataSpec, inputs: int | None = None, **options: Any) -> nn.Module:
    """$D$: data of shape $(B, d)$, or inputs of `inputs` features in all, to one logit $(B, 1)$. Options are those of `MLP`."""
    return MLP(_features(data) if inputs is None else inputs, 1, data, **options)


def joint_discriminator(data: DataSpec, **options: Any) -> nn.Module:
    """$D$: data $(B, d)$ and codes $(B, L)$ to one logit $(B, 1)$. Options are those of `MLP`."""
    return discriminator(data, _features(data) + data.latent, **options)


def _features(data: DataSpec) -> int:
    if data.kind != "points":
        raise ValueError(f"no networks for data of kind {data.kind!r}; there are networks for 'points'")
    return prod(data.shape)
