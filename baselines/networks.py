"""Architectures that the methods share, so that a comparison of methods is not one of networks.

Unless a method asks for something else, networks for points are plain ReLU perceptrons, and networks for
images follow DCGAN: strided convolutions, batch normalisation except at a generator's output and a
discriminator's input, ReLU in the generator, LeakyReLU(0.2) elsewhere, tanh at the output. A dataset's
setting `architecture` puts the networks of a paper in their place, again for all methods alike; what a method
itself asks for still comes first, but for nonlinearities that maxout units replace.
"""

from collections.abc import Callable, Mapping
from functools import partial
from math import prod
from typing import Any, Literal

import torch
from torch import Tensor, nn

from baselines.architectures import LEAKY_RELU, Maxout, architecture_of
from benchmark.method import DataSpec

__all__ = [
    "MLP",
    "Autoencoder",
    "ConvolutionalGenerator",
    "ConvolutionalJudge",
    "Learnt",
    "Role",
    "WithFeatures",
    "autoencoder",
    "code_discriminator",
    "discriminator",
    "doubling",
    "encoder",
    "generator",
    "halving",
    "joint_discriminator",
    "pyramid",
]

Activation = Callable[[], nn.Module]
Norm = Literal["batch", "layer"]
Role = Literal["generator", "encoder", "discriminator"]

DENSE_UNITS_PER_CHANNEL = 16
"""Units of a fully connected layer per channel of the first convolution."""

VECTOR_NORMS: dict[Norm, Callable[[int], nn.Module]] = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}
IMAGE_NORMS: dict[Norm, Callable[[int], nn.Module]] = {
    "batch": nn.BatchNorm2d,
    "layer": partial(nn.GroupNorm, 1),
}


class MLP(nn.Sequential):
    """A multilayer perceptron; several inputs are concatenated along their last axis.

    Arguments:
        inputs: The number of input features, over all inputs.
        outputs: The number of output features.
        width: The number of units of a hidden layer.
        depth: The number of hidden layers.
        activation: Builds the nonlinearity.
        norm: The normalisation that precedes each nonlinearity.
        bias: Whether hidden layers have biases.
        pieces: If more than 1, each hidden unit is the largest of that many linear ones, without any other
            nonlinearity.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        width: int,
        depth: int,
        activation: Activation = nn.ReLU,
        norm: Norm | Callable[[int], nn.Module] | None = None,
        bias: bool = True,
        pieces: int = 1,
    ) -> None:
        if isinstance(norm, str):
            norm = VECTOR_NORMS[norm]
        layers: list[nn.Module] = []
        features = inputs
        for _ in range(depth):
            layers.append(nn.Linear(features, width * pieces, bias=bias))
            if norm is not None:
                layers.append(norm(width * pieces))
            layers.append(Maxout(pieces) if pieces > 1 else activation())
            features = width
        super().__init__(*layers, nn.Linear(features, outputs))

    def forward(self, *inputs: Tensor) -> Tensor:
        """Maps inputs of shape $(B, d_i)$ to an output of shape $(B, d)$."""
        x = torch.cat(inputs, dim=-1) if len(inputs) > 1 else inputs[0]
        return super().forward(x)


class Learnt(nn.Module):
    """Numbers that are learnt as they are, without an input; they start at 0.

    Arguments:
        shape: Their shape.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.numbers = nn.Parameter(torch.zeros(shape))

    def forward(self) -> Tensor:
        return self.numbers


class ConvolutionalGenerator(nn.Sequential):
    """Latents $(B, L)$ to images $(B, C, H, W)$ in $[-1, 1]$.

    A linear layer, then transposed convolutions, each doubling the size.

    References:
        Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks (Radford
        et al., 2015), arXiv:1511.06434, figure 1, at the image's own size.

    Arguments:
        data: Gives the shape of an image, the latent size and the width: the channels of the widest feature
            maps but one.
        activation: Builds the nonlinearity.
        norm: The normalisation that precedes each nonlinearity.
    """

    def __init__(self, data: DataSpec, activation: Activation = nn.ReLU, norm: Norm | None = "batch") -> None:
        sizes, channels = pyramid(data)
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
            doubled = doubling(data, sizes[i + 1])
            layers.append(nn.ConvTranspose2d(channels[i], channels[i + 1], **doubled, bias=bias))
        super().__init__(*layers, nn.Tanh())


class ConvolutionalJudge(nn.Module):
    """Images $(B, C, H, W)$, and codes where it judges pairs, to features $(B, d)$.

    Strided convolutions, then linear layers.

    Arguments:
        data: Gives the shape of an image, the latent size and the width: the channels of the first
            convolution, doubled with each.
        outputs: The number of output features.
        codes: The number of codes that it takes; they join the images' features ahead of a hidden layer.
        activation: Builds the nonlinearity.
        norm: The normalisation that precedes each nonlinearity, except behind the first convolution.
    """

    def __init__(
        self,
        data: DataSpec,
        outputs: int,
        codes: int = 0,
        activation: Activation = LEAKY_RELU,
        norm: Norm | None = "batch",
    ) -> None:
        super().__init__()
        sizes, channels = pyramid(data)
        layers: list[nn.Module] = []
        for i in range(len(channels) - 1):
            own_norm = norm if i > 0 else None
            halved = halving(data, sizes[i])
            layers.append(nn.Conv2d(channels[i], channels[i + 1], **halved, bias=own_norm is None))
            if own_norm is not None:
                layers.append(IMAGE_NORMS[own_norm](channels[i + 1]))
            layers.append(activation())
        self.convolutions = nn.Sequential(*layers, nn.Flatten())
        features = channels[-1] * prod(sizes[-1])
        if codes:
            units = _units(data)
            self.head = nn.Sequential(
                nn.Linear(features + codes, units), activation(), nn.Linear(units, outputs)
            )
        else:
            self.head = nn.Sequential(nn.Linear(features, outputs))

    def forward(self, x: Tensor, *codes: Tensor) -> Tensor:
        return self.head(torch.cat([self.convolutions(x), *codes], dim=-1))


class Autoencoder(nn.Module):
    """Data $(B, *)$ to its reconstruction $(B, *)$ and its codes $(B, L)$.

    Arguments:
        encoder: Data to codes.
        decoder: Codes to data.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        codes = self.encoder(x)
        return self.decoder(codes), codes


class WithFeatures(nn.Module):
    """A discriminator that gives its last hidden layer $(B, d)$, too: behind the logit $(B, 1)$.

    Arguments:
        judge: The discriminator, as `discriminator` builds it.

    Raises:
        TypeError: If it is of another class.
    """

    def __init__(self, judge: nn.Module) -> None:
        super().__init__()
        self.head: nn.Module
        if isinstance(judge, ConvolutionalJudge):
            self.features, self.head = judge.convolutions, judge.head
        elif isinstance(judge, MLP):
            *hidden, self.head = judge
            self.features = nn.Sequential(*hidden)
        else:
            raise TypeError(f"{type(judge).__name__} has no last hidden layer that is known")

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.features(x)
        return self.head(features), features


def generator(data: DataSpec, dense: bool = False, **style: Any) -> nn.Module:
    """$G$: latents $(B, L)$ to data $(B, *)$.

    Arguments:
        data: What it generates.
        dense: Whether to use fully connected layers for images, too.
        style: `activation` and `norm`, where they differ from the default.

    Raises:
        ValueError: If the data is neither points nor images, or there is no such architecture for its kind.
    """
    if data.kind == "images" and not dense:
        return architecture_of(data).initialise(ConvolutionalGenerator(data, **style))
    perceptron = _perceptron("generator", data.latent, prod(data.shape), data, style)
    if data.kind == "points":
        return perceptron
    return nn.Sequential(perceptron, nn.Tanh(), nn.Unflatten(1, data.shape))


def encoder(data: DataSpec, outputs: int | None = None, noise: int = 0, **style: Any) -> nn.Module:
    """$E$: data $(B, *)$ to `outputs` features, $L$ by default. `style` is that of `generator`.

    For points it may take $n$ features of noise $(B, n)$ beside the data.

    Raises:
        ValueError: If it is to have no outputs, or to take noise beside images.
    """
    if outputs is None:
        outputs = data.latent
    if outputs < 1:
        raise ValueError(f"an encoder has at least 1 output, not {outputs}")
    if data.kind == "images":
        if noise:
            raise ValueError("an encoder of images takes no noise at its input")
        return architecture_of(data).initialise(ConvolutionalJudge(data, outputs, **style))
    return _perceptron("encoder", prod(data.shape) + noise, outputs, data, style)


def discriminator(data: DataSpec, dense: bool = False, outputs: int = 1, **style: Any) -> nn.Module:
    """$D$: data $(B, *)$ to logits $(B, outputs)$. `dense` and `style` are those of `generator`."""
    if data.kind == "images" and not dense:
        return architecture_of(data).initialise(ConvolutionalJudge(data, outputs, **style))
    perceptron = _perceptron("discriminator", prod(data.shape), outputs, data, style)
    if data.kind == "points":
        return perceptron
    return nn.Sequential(nn.Flatten(), perceptron)


def joint_discriminator(data: DataSpec, codes: int | None = None, **style: Any) -> nn.Module:
    """$D$: data $(B, *)$ and codes $(B, codes)$, by default $(B, L)$, to one logit $(B, 1)$.

    `style` is that of `generator`.
    """
    if codes is None:
        codes = data.latent
    if data.kind == "images":
        return architecture_of(data).initialise(ConvolutionalJudge(data, 1, codes, **style))
    return _perceptron("discriminator", prod(data.shape) + codes, 1, data, style)


def autoencoder(data: DataSpec, **style: Any) -> Autoencoder:
    """Data $(B, *)$ to its reconstruction and its codes $(B, L)$. `style` is that of `generator`."""
    return Autoencoder(encoder(data, **style), generator(data, **style))


def code_discriminator(data: DataSpec, **style: Any) -> nn.Module:
    """$D$: codes $(B, L)$ to one logit $(B, 1)$. `style` is that of `generator`."""
    return _perceptron("discriminator", data.latent, 1, data, style)


def _perceptron(role: Role, inputs: int, outputs: int, data: DataSpec, style: Mapping[str, Any]) -> nn.Module:
    if data.kind not in ("points", "images"):
        raise ValueError(
            f"no networks for data of kind {data.kind!r}; there are networks for points and images"
        )
    architecture = architecture_of(data)
    style = {"width": _units(data), "depth": data.depth, **getattr(architecture, role), **style}
    return architecture.initialise(MLP(inputs, outputs, **style))


def _units(data: DataSpec) -> int:
    """Units of a fully connected layer."""
    return data.width if data.kind == "points" else DENSE_UNITS_PER_CHANNEL * data.width


def pyramid(data: DataSpec) -> tuple[list[tuple[int, int]], list[int]]:
    """Sizes $(H, W)$ and channels of the feature maps, from the image to the architecture's smallest side."""
    depth, height, width = data.shape
    smallest = architecture_of(data).smallest
    sizes, channels = [(height, width)], [depth]
    while max(sizes[-1]) > smallest:
        height, width = sizes[-1]
        sizes.append((-(-height // 2), -(-width // 2)))
        channels.append(data.width * 2 ** (len(sizes) - 2))
    return sizes, channels


def halving(data: DataSpec, size: tuple[int, int]) -> dict[str, Any]:
    """The arguments of a convolution that maps from a side of this length to half of it, rounded up."""
    kernel = architecture_of(data).kernel
    if kernel is None:
        return {"kernel_size": tuple(4 - side % 2 for side in size), "stride": 2, "padding": 1}
    return {"kernel_size": kernel, "stride": 2, "padding": kernel // 2}


def doubling(data: DataSpec, size: tuple[int, int]) -> dict[str, Any]:
    """The arguments of the transposed convolution that maps the other way, to a side of this length."""
    halved = halving(data, size)
    if architecture_of(data).kernel is None:
        return halved
    return {**halved, "output_padding": tuple(1 - side % 2 for side in size)}
