"""The GAN with a determinantal point process."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss, normalize, softplus

from baselines.networks import WithFeatures, discriminator, generator
from benchmark.method import Adam, Batch, DataSpec, Method, Networks, Player
from benchmark.method.space import LEARNING_RATES, MOMENTA, LogUniform
from benchmark.registry import NotNegative, register_method

__all__ = ["GDPP", "Spectrum", "disparity", "similarities", "spectrum"]

SIZE_WEIGHT = 1e-4
"""What eigenvalues count for beside eigenvectors, as in the authors' code."""

TIE_BREAK = 1e-2
"""Added to the diagonal, from 0 to this: without it, eigenvectors of equal eigenvalues are arbitrary."""

BROADENING = 1e-3
"""Eigenvalues that lie closer than this turn into each other at a bounded rate."""


class Spectrum(NamedTuple):
    """The eigenvalues of a symmetric matrix, ascending, shape $(n,)$, and its eigenvectors as columns."""

    values: Tensor
    vectors: Tensor


def fixed_spectrum(matrix: Tensor) -> Spectrum:
    """The spectrum of a symmetric matrix, of which no derivative is wanted.

    `torch.linalg.eigh` raises where a number is not finite, for all models at once: such numbers are taken
    for 0.
    """
    return Spectrum(*torch.linalg.eigh(matrix.detach().nan_to_num(0.0, 0.0, 0.0)))


def spectrum(matrix: Tensor) -> Spectrum:
    """The spectrum of a symmetric matrix, with derivatives that stay finite.

    They are those of first-order perturbation theory, $dv_i = \\sum_j v_j (v_j^T dM v_i) / (\\lambda_i -
    \\lambda_j)$, with $1 / g$ replaced by $g / (g^2 + \\epsilon^2)$: where eigenvalues are equal, those of
    `torch.linalg.eigh` are not finite.
    """
    values, vectors = fixed_spectrum(matrix)
    # A number that is not finite comes back here.
    turned = vectors.mT @ matrix @ vectors
    change = turned - turned.detach()
    gaps = values - values[:, None]
    rates = gaps / (gaps.square() + BROADENING**2)
    return Spectrum(values + change.diagonal(), vectors + vectors @ (rates * change))


def similarities(features: Tensor) -> Tensor:
    """The kernel of the point process: the cosines between features $(B, d)$, shape $(B, B)$, whose diagonal
    rises by a hundredth.
    """
    directions = normalize(features, dim=1)
    order = torch.linspace(0, TIE_BREAK, len(features), dtype=features.dtype, device=features.device)
    return directions @ directions.mT + order.diag()


def disparity(real: Spectrum, fake: Spectrum) -> Tensor:
    """How much two spectra differ; the eigenvectors of large real eigenvalues count most."""
    smallest, largest = real.values[0], real.values[-1]
    weights = (real.values - smallest) / (largest - smallest).clamp(min=1e-12)
    # The sign of an eigenvector is arbitrary.
    alignment = (real.vectors * fake.vectors).sum(dim=0).abs()
    return SIZE_WEIGHT * mse_loss(fake.values, real.values) - (weights * alignment).sum()


@register_method("gdpp")
@dataclass(frozen=True)
class GDPP(Method):
    """GAN whose batches are to be as diverse as real ones, as kernels of discriminator features see it.

    References:
        GDPP: Learning Diverse Generations using Determinantal Point Processes (Elfeki et al., 2018),
        arXiv:1812.00068, equation 5. Details and settings from the authors' public code for mixtures.

    Deviations:
        The code multiplies eigenvectors with their arbitrary signs; here the sign does not count. Equal
        eigenvalues, such as zeros, are told apart by a small diagonal, and derivatives of nearly equal ones
        are bounded. The shared networks.
    """

    family = "adversarial"
    space = {
        "lr": LEARNING_RATES,
        "discriminator_lr": LEARNING_RATES,
        "beta1": MOMENTA,
        "weight": LogUniform(0.01, 10),
    }

    lr: float = 1e-3
    discriminator_lr: float = 1e-4
    beta1: float = 0.5
    weight: NotNegative = 1.0
    simultaneous: bool = True

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        return {"generator": generator(data), "discriminator": WithFeatures(discriminator(data))}

    def players(self, data: DataSpec) -> dict[str, Player]:
        judge = Adam(self.discriminator_lr, (self.beta1, 0.999))
        maker = Adam(self.lr, (self.beta1, 0.999))
        return {
            "discriminator": Player(("discriminator",), self.discriminator_loss, judge),
            "generator": Player(("generator",), self.generator_loss, maker),
        }

    def discriminator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        real, _ = nets.discriminator(batch.x)
        fake, _ = nets.discriminator(nets.generator(batch.z))
        return (softplus(-real) + softplus(fake)).mean()

    def generator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        """Half of each term, as in the code."""
        _, real_features = nets.discriminator(batch.x)
        fake, fake_features = nets.discriminator(nets.generator(batch.z))
        real_spectrum = fixed_spectrum(similarities(real_features))
        fake_spectrum = spectrum(similarities(fake_features))
        deception = softplus(-fake).mean()
        return (deception + self.weight * disparity(real_spectrum, fake_spectrum)) / 2
