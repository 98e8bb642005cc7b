"""Architectures that the methods share, so that a comparison of methods is not one of networks.

Unless a method asks for something else, networks for points are plain ReLU perceptrons, and networks for images follow
DCGAN: strided convolutions, batch normalisation except at a generator's output and a discriminator's input, ReLU in the
generator, LeakyReLU(0.2) elsewhere, tanh at the output.
"""

from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any, Literal

import torch
from torch import Tensor, nn

from benchmark.method import DataSpec

__all__ = [
    "MLP",
    "ConvolutionalGenerator",
    "ConvolutionalJudge",
    "code_discriminator",
    "discriminator",
    "encoder",
    "generator",
    "joint_discriminator",
]

Activation = Callable[[], nn.Module]
Norm = Literal["batch", "layer"]

LEAKY: Activation = partial(nn.LeakyReLU, 0.2)
DENSE = 16
"""Units of a fully connected layer per channel of the first convolution."""

VECTOR_NORMS: dict[Norm, Callable[[int], nn.Module]] = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}
IMAGE_NORMS: dict[Norm, Callable[[int], nn.Module]] = {"batch": nn.BatchNorm2d, "layer": partial(nn.GroupNorm, 1)}


class MLP(nn.Sequential):
    """A multilayer perceptron; several inputs are concatenated along their last axis.

    Arguments:
        inputs: The number of input features, over all inputs.
        outputs: The number of output features.
        data: Gives the width and the number of the hidden layers.
        activation: Builds the nonlinearity.
        norm: The normalisation that precedes each nonlinearity.
        norm_first: Whether the first hidden layer is normalised, too.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        data: DataSpec,
        activation: Activation = nn.ReLU,
        norm: Norm | None = None,
        norm_first: bool = True,
    ) -> None:
        layers: list[nn.Module] = []
        for i in range(data.depth):
            layers.append(nn.Linear(inputs if i == 0 else _units(data), _units(data)))
            if norm is not None and (norm_first or i > 0):
                layers.append(VECTOR_NORMS[norm](_units(data)))
            layers.append(activation())
        super().__init__(*layers, nn.Linear(_units(data), outputs))

    def forward(self, *inputs: Tensor) -> Tensor:
        """Maps inputs of shape $(B, d_i)$ to an output of shape $(B, d)$."""
        return super().forward(torch.cat(inputs, dim=-1) if len(inputs) > 1 else inputs[0])


class ConvolutionalGenerator(nn.Sequential):
    """Latents $(B, L)$ to images $(B, C, H, W)$ in $[-1, 1]$: a linear layer, then transposed convolutions, each doubling the size.

    References:
        Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks (Radford et al.,
        2015), arXiv:1511.06434, figure 1, at the image's own size.

    Arguments:
        data: Gives the shape of an image, the latent size and the width: the channels of the widest feature maps but one.
        activation: Builds the nonlinearity.
        norm: The normalisation that precedes each nonlinearity.
    """

    def __init__(self, data: DataSpec, activation: Activation = nn.ReLU, norm: Norm | None = "batch") -> None:
        sizes, channels = _pyramid(data)
        sizes, channels = sizes[::-1], channels[::-1]
        layers: list[nn.Module] = [
            nn.Linear(data.latent, channels[0] * prod(sizes[0]), bias=norm is None),
            nn.Unflatten(1, (channels[0], *sizes[0])),
        ]
        for i in range(len(channels) - 1):
            if norm is not None:
                layers.append(IMAGE_NORMS[norm](channels[i]))
            layers.append(activation())
            bias = norm is None or i == len(channels) - 2
            layers.append(nn.ConvTranspose2d(channels[i], channels[i + 1], _kernel(sizes[i + 1]), stride=2, padding=1, bias=bias))
        super().__init__(*layers, nn.Tanh())


class ConvolutionalJudge(nn.Module):
    """Images $(B, C, H, W)$, and codes $(B, L)$ where it judges pairs, to features $(B, d)$: strided convolutions, then linear layers.

    Arguments:
        data: Gives the shape of an image, the latent size and the width: the channels of the first convolution, doubled with each.
        outputs: The number of output features.
        joint: Whether it takes codes; they join the images' features ahead of a hidden layer.
        activation: Builds the nonlinearity.
        norm: The normalisation that precedes each nonlinearity, except behind the first convolution.
    """

    def __init__(self, data: DataSpec, outputs: int, joint: bool = False, activation: Activation = LEAKY, norm: Norm | None = "batch") -> None:
        super().__init__()
        sizes, channels = _pyramid(data)
        layers: list[nn.Module] = []
        for i in range(len(channels) - 1):
            normed = norm if i > 0 else None
            layers.append(nn.Conv2d(channels[i], channels[i + 1], _kernel(sizes[i]), stride=2, padding=1, bias=normed is None))
            if normed is not None:
                layers.append(IMAGE_NORMS[normed](channels[i + 1]))
            layers.append(activation())
        self.convolutions = nn.Sequential(*layers, nn.Flatten())
        features = channels[-1] * prod(sizes[-1])
        if joint:
            self.head = nn.Sequential(nn.Linear(features + data.latent, _units(data)), activation(), nn.Linear(_units(data), outputs))
        else:
            self.head = nn.Sequential(nn.Linear(features, outputs))

    def forward(self, x: Tensor, *codes: Tensor) -> Tensor:
        return self.head(torch.cat([self.convolutions(x), *codes], dim=-1))


def generator(data: DataSpec, dense: bool = False, **style: Any) -> nn.Module:
    """$G$: latents $(B, L)$ to data $(B, *)$.

    Arguments:
        data: What it generates.
        dense: Whether to use fully connected layers for images, too.
        style: `activation` and `norm`, where they differ from the default.
    """
    if data.kind == "images" and not dense:
        return ConvolutionalGenerator(data, **style)
    perceptron = MLP(data.latent, prod(data.shape), _known(data), **style)
    return perceptron if data.kind == "points" else nn.Sequential(perceptron, nn.Tanh(), nn.Unflatten(1, data.shape))


def encoder(data: DataSpec, outputs: int | None = None, **style: Any) -> nn.Module:
    """$E$: data $(B, *)$ to `outputs` features, $L$ by default. `style` is that of `generator`."""
    return _judge(data, data.latent if outputs is None else outputs, **style)


def discriminator(data: DataSpec, dense: bool = False, **style: Any) -> nn.Module:
    """$D$: data $(B, *)$ to one logit $(B, 1)$. `dense` and `style` are those of `generator`."""
    return _judge(data, 1, dense, **style)


def joint_discriminator(data: DataSpec, **style: Any) -> nn.Module:
    """$D$: data $(B, *)$ and codes $(B, L)$ to one logit $(B, 1)$. `style` is that of `generator`."""
    if data.kind == "images":
        return ConvolutionalJudge(data, 1, joint=True, **style)
    return MLP(prod(data.shape) + data.latent, 1, _known(data), **style)


def code_discriminator(data: DataSpec, **style: Any) -> nn.Module:
    """$D$: codes $(B, L)$ to one logit $(B, 1)$. `style` is that of `generator`."""
    return MLP(data.latent, 1, _known(data), **style)


def _judge(data: DataSpec, outputs: int, dense: bool = False, **style: Any) -> nn.Module:
    if data.kind == "images" and not dense:
        return ConvolutionalJudge(data, outputs, **style)
    perceptron = MLP(prod(data.shape), outputs, _known(data), **style)
    return perceptron if data.kind == "points" else nn.Sequential(nn.Flatten(), perceptron)


def _units(data: DataSpec) -> int:
    """Units of a fully connected layer."""
    return data.width if data.kind == "points" else DENSE * data.width


def _pyramid(data: DataSpec) -> tuple[list[tuple[int, int]], list[int]]:
    """Sizes $(H, W)$ and channels of the feature maps from the image down to at most 4 pixels a side."""
    depth, height, width = data.shape
    sizes, channels = [(height, width)], [depth]
    while max(sizes[-1]) > 4:
        height, width = sizes[-1]
        sizes.append((-(-height // 2), -(-width // 2)))
        channels.append(data.width * 2 ** (len(sizes) - 2))
    return sizes, channels


def _kernel(size: tuple[int, int]) -> tuple[int, int]:
    """The kernel that, at stride 2 and padding 1, maps between a side of this length and half of it, rounded up."""
    height, width = size
    return 4 - height % 2, 4 - width % 2


def _known(data: DataSpec) -> DataSpec:
    if data.kind not in ("points", "images"):
        raise ValueError(f"no networks for data of kind {data.kind!r}; there are networks for points and images")
    return data
