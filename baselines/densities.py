"""Densities that are fitted to codes after the training."""

import warnings

import torch
from torch import Tensor

from benchmark.method import Tensors

__all__ = ["fitted_density"]

JITTER = 1e-6
"""Added to the variances of standardised codes, so that their covariance may be singular."""


def fitted_density(codes: Tensor, components: int) -> Tensors:
    """A mixture of Gaussians that is fitted to codes.

    Arguments:
        codes: Finite codes, shape $(n, L)$, best in float64.
        components: The number of Gaussians, $K$.

    Returns:
        The components' `weights` $(K)$, `means` $(K, L)$ and lower Cholesky `factors` $(K, L, L)$.
    """
    centre, scale = codes.mean(dim=0), codes.std(dim=0).clamp(min=1e-30)
    standard = (codes - centre) / scale
    fit = _gaussian(standard) if components == 1 else _mixture(standard, components)
    factors = torch.linalg.cholesky(fit["covariances"])
    return {
        "weights": fit["weights"],
        "means": centre + scale * fit["means"],
        "factors": scale[:, None] * factors,
    }


def _gaussian(codes: Tensor) -> Tensors:
    covariance = codes.T @ codes / len(codes) + JITTER * torch.eye(codes.shape[1]).to(codes)
    return {
        "weights": codes.new_ones(1),
        "means": codes.new_zeros(1, codes.shape[1]),
        "covariances": covariance[None],
    }


def _mixture(codes: Tensor, components: int) -> Tensors:
    """By expectation maximisation, always from the same start."""
    # Takes a second, and is rarely needed.
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    mixture = GaussianMixture(components, tol=1e-3, reg_covar=JITTER, max_iter=2000, random_state=0)
    with warnings.catch_warnings():
        # It warns if there are fewer different codes than components.
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture.fit(codes.cpu().numpy())
    return {
        "weights": torch.from_numpy(mixture.weights_).to(codes),
        "means": torch.from_numpy(mixture.means_).to(codes),
        "covariances": torch.from_numpy(mixture.covariances_).to(codes),
    }
