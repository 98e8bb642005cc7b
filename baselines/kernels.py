"""Kernels, and how far apart they see two batches: the maximum mean discrepancy.

All kernels are functions of the squared distance of two points, less their value at distance 0. Such a
constant cancels in a discrepancy; without it, rounding does not hide small distances.
"""

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["Kernel", "gaussians", "mmd2", "rational_quadratics", "squared_distances", "witness"]

Kernel = Callable[[Tensor], Tensor]

WIDTHS = (1.0, 2.0, 4.0, 8.0, 16.0)
EXPONENTS = (0.1, 1.0, 10.0)


def gaussians(squared: Tensor) -> Tensor:
    """The sum of $\\exp(-d^2 / 2 \\sigma^2)$ over `WIDTHS`, less its value at 0."""
    terms = [torch.expm1(squared / (-2 * width**2)) for width in WIDTHS]
    return torch.stack(terms).sum(dim=0)


def rational_quadratics(squared: Tensor) -> Tensor:
    """The sum of $(1 + d^2 / 2 \\alpha)^{-\\alpha}$ over `EXPONENTS`, less its value at 0."""
    terms = [torch.expm1(-alpha * torch.log1p(squared / (2 * alpha))) for alpha in EXPONENTS]
    return torch.stack(terms).sum(dim=0)


def squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """Of points $(m, d)$ to points $(n, d)$, shape $(m, n)$."""
    # The product of matrices is fast, and exact enough for points around 0.
    middle = b.detach().mean(dim=0)
    a, b = a - middle, b - middle
    squared = a.square().sum(dim=1, keepdim=True) + b.square().sum(dim=1) - 2 * a @ b.mT
    return squared.clamp(min=0)


def mmd2(kernel: Kernel, x: Tensor, y: Tensor, unbiased: bool = False) -> Tensor:
    """The square of the maximum mean discrepancy of two laws, from samples $(m, d)$ and $(n, d)$ of them.

    References:
        A Kernel Two-Sample Test (Gretton et al., 2012).

    Arguments:
        kernel: The kernel.
        x: Samples of one law.
        y: Samples of the other law.
        unbiased: Whether the estimate is right on average. If not, it is never negative.
    """
    within_x = kernel(squared_distances(x, x)).mean()
    within_y = kernel(squared_distances(y, y)).mean()
    between = kernel(squared_distances(x, y)).mean()
    if unbiased:
        # Pairs of a sample with itself, for which the kernels here are 0, do not count.
        within_x = within_x * len(x) / (len(x) - 1)
        within_y = within_y * len(y) / (len(y) - 1)
    return within_x + within_y - 2 * between


def witness(kernel: Kernel, points: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """How much closer points $(k, d)$ are to samples $(m, d)$ than to samples $(n, d)$, shape $(k,)$."""
    to_x = kernel(squared_distances(points, x)).mean(dim=1)
    to_y = kernel(squared_distances(points, y)).mean(dim=1)
    return to_x - to_y
