"""Spectral normalisation with its state in buffers that forward assigns, so that many seeds run at once."""

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils.parametrize import register_parametrization

__all__ = ["normalise_layers", "spectral_norm"]

LAYERS = (
    nn.Linear,
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
)

FIRST_STEPS = 15
"""Steps of the power iteration before training, so that evaluation needs none before it."""


def spectral_norm(layer: nn.Module) -> nn.Module:
    r"""A linear or convolutional layer whose weight is divided by its largest singular value.

    The singular value $\sigma$ is $u^\top W v$, where $u$ and $v$ are buffers that take one step of the power
    iteration per forward pass in training, and none in evaluation.

    References:
        Spectral Normalization for Generative Adversarial Networks (Miyato et al., 2018), arXiv:1802.05957,
        algorithm 1.

    Arguments:
        layer: The layer; it is changed in place, and returned.
    """
    transposed = isinstance(layer, nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d)
    weight = layer.get_parameter("weight")
    return register_parametrization(layer, "weight", _SpectralNorm(weight, outputs=1 if transposed else 0))


def normalise_layers(network: nn.Module) -> nn.Module:
    """A network all of whose linear and convolutional layers are spectrally normalised, in place."""
    for layer in list(network.modules()):
        if isinstance(layer, LAYERS):
            spectral_norm(layer)
    return network


class _SpectralNorm(nn.Module):
    u: Tensor
    v: Tensor

    def __init__(self, weight: Tensor, outputs: int) -> None:
        super().__init__()
        self.outputs = outputs
        rows, columns = self._matrix(weight).shape
        self.register_buffer("u", normalize(torch.randn(rows), dim=0))
        self.register_buffer("v", normalize(torch.randn(columns), dim=0))
        for _ in range(FIRST_STEPS):
            self._step(self._matrix(weight))

    def forward(self, weight: Tensor) -> Tensor:
        matrix = self._matrix(weight)
        if self.training:
            self._step(matrix)
        return weight / (self.u @ matrix @ self.v)

    def _step(self, matrix: Tensor) -> None:
        """One step of the power iteration. The vectors are constants of the gradient."""
        constant = matrix.detach()
        self.v = normalize(constant.mT @ self.u, dim=0)
        self.u = normalize(constant @ self.v, dim=0)

    def _matrix(self, weight: Tensor) -> Tensor:
        """The weight as a matrix with a row per output."""
        return weight.movedim(self.outputs, 0).flatten(1)
