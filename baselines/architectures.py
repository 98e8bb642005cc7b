"""The networks in the sources of the methods, as data: how each role differs from the shared networks.

A dataset's setting `architecture` chooses one by name. Widths and numbers of hidden layers that are the same
for all roles are settings of the dataset.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from torch import Tensor, nn

from benchmark.method import DataSpec

__all__ = ["ARCHITECTURES", "LEAKY_RELU", "Architecture", "Maxout", "architecture_of"]

Style = Mapping[str, Any]
"""Arguments of `baselines.networks.MLP`."""


class Maxout(nn.Module):
    """The largest of `pieces` neighbouring features: $(B, d \\cdot pieces)$ to $(B, d)$.

    References:
        Maxout Networks (Goodfellow et al., 2013), arXiv:1302.4389.
    """

    def __init__(self, pieces: int) -> None:
        super().__init__()
        self.pieces = pieces

    def forward(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (-1, self.pieces)).amax(dim=-1)


@dataclass(frozen=True)
class Architecture:
    """How networks differ from the shared ones.

    Arguments:
        generator: How perceptrons that generate differ.
        encoder: How those that encode differ.
        discriminator: How those that judge differ.
        kind: The kind of data that it fits, `points` or `images`; by default both.
        kernel: The side of the kernels of convolutions; by default the 3 or 4 that halve a side exactly.
        smallest: The side of feature maps, in pixels, at which convolutions end.
        weights: Initialises the weights of linear layers and convolutions; biases are 0 then. By default as
            PyTorch does.
    """

    generator: Style = field(default_factory=dict)
    encoder: Style = field(default_factory=dict)
    discriminator: Style = field(default_factory=dict)
    kind: str | None = None
    kernel: int | None = None
    smallest: int = 4
    weights: Callable[[Tensor], Any] | None = None

    def initialise(self, network: nn.Module) -> nn.Module:
        """Gives the network the architecture's own initial weights, in place."""
        if self.weights is None:
            return network
        for layer in network.modules():
            if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
                self.weights(layer.weight)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        return network


LEAKY_RELU = partial(nn.LeakyReLU, 0.2)

# Blocks, the library of PacGAN's and ALI's code, adds 1e-4 to the variance; the momentum is that of the code.
BLOCKS_NORM = partial(nn.BatchNorm1d, eps=1e-4, momentum=0.05)

ARCHITECTURES = {
    "shared": Architecture(),
    "veegan-2017": Architecture(kind="points", discriminator={"depth": 1}, weights=nn.init.xavier_uniform_),
    "veegan-2017-images": Architecture(
        kind="images", kernel=5, smallest=2, weights=partial(nn.init.normal_, std=0.02)
    ),
    "pacgan-2018": Architecture(
        kind="points",
        generator={"norm": BLOCKS_NORM, "bias": False},
        encoder={"norm": BLOCKS_NORM, "bias": False, "depth": 2},
        discriminator={"width": 200, "depth": 3, "pieces": 5},
        weights=partial(nn.init.normal_, std=0.02),
    ),
    "unrolled-2017": Architecture(
        kind="points",
        generator={"activation": nn.Tanh},
        encoder={"activation": nn.Tanh},
        discriminator={"activation": nn.Tanh},
        weights=partial(nn.init.orthogonal_, gain=1.4),
    ),
    "rls-gan-2021": Architecture(
        kind="points",
        generator={"activation": nn.Tanh},
        encoder={"activation": nn.Tanh},
        discriminator={"activation": nn.Tanh},
        weights=nn.init.xavier_uniform_,
    ),
    "wgan-gp-2017": Architecture(
        kind="points", weights=partial(nn.init.kaiming_uniform_, nonlinearity="relu")
    ),
    # Of the textbook that has the grid.
    "r3gan-2024": Architecture(kind="points", discriminator={"activation": LEAKY_RELU}),
}


def architecture_of(data: DataSpec) -> Architecture:
    """The architecture that a dataset asks for.

    Raises:
        ValueError: If there is none of that name for data of that kind.
    """
    choices = [name for name, architecture in ARCHITECTURES.items() if architecture.kind in (None, data.kind)]
    if data.architecture not in choices:
        raise ValueError(
            f"architecture = {data.architecture!r} is none for {data.kind}; choose from {', '.join(choices)}"
        )
    return ARCHITECTURES[data.architecture]
