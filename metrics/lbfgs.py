"""L-BFGS on many independent problems at once."""

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["minimise"]

MEMORY = 10
"""Pairs of differences that are kept."""


def minimise(objective: Callable[[Tensor], Tensor], start: Tensor, iterations: int) -> tuple[Tensor, Tensor]:
    r"""Minimises each row's objective by L-BFGS with a backtracking line search of its own.

    Every iteration evaluates every row once: a row whose trial step lowers its value enough takes it and
    chooses a new direction, another one tries a shorter step next. So no row waits for another, none
    influences another, and no value ever rises.

    References:
        Updating Quasi-Newton Matrices with Limited Storage (Nocedal, 1980).
        Numerical Optimization (Nocedal & Wright, 2006), algorithms 7.4 and 3.1.

    Arguments:
        objective: Maps $(R, L)$ to the $R$ rows' values, of which each depends on its own row alone.
        start: Where to start, shape $(R, L)$.
        iterations: Evaluations of every row.

    Returns:
        The minimisers, shape $(R, L)$, and their values, shape $(R,)$.
    """

    def evaluate(x: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            values = objective(x)
            (gradient,) = torch.autograd.grad(values.sum(), x)
        return values.detach(), gradient

    x = start
    value, gradient = evaluate(x)
    direction = -gradient / gradient.norm(dim=1, keepdim=True).clamp(min=1.0)
    step = torch.ones_like(value)
    pairs: list[tuple[Tensor, Tensor, Tensor]] = []
    for _ in range(iterations):
        trial = x + step[:, None] * direction
        trial_value, trial_gradient = evaluate(trial)
        takes = trial_value <= value + 1e-4 * step * (direction * gradient).sum(dim=1)
        s, y = trial - x, trial_gradient - gradient
        curvature = (s * y).sum(dim=1)
        # A pair without positive curvature, or of a step not taken, gets the weight 0, which leaves it out.
        usable = takes & (curvature > 1e-10 * y.square().sum(dim=1))
        y = torch.where(usable[:, None], y, 0.0)  # it may not be finite
        pairs = [*pairs[-(MEMORY - 1) :], (s, y, torch.where(usable, 1 / curvature, 0.0))]
        x = torch.where(takes[:, None], trial, x)
        gradient = torch.where(takes[:, None], trial_gradient, gradient)
        value = torch.where(takes, trial_value, value)
        new = -_precondition(gradient, pairs)
        # Where curvature information has gone bad, fall back on steepest descent.
        descends = (new * gradient).sum(dim=1) < 0
        new = torch.where(descends[:, None], new, -gradient)
        direction = torch.where(takes[:, None], new, direction)
        step = torch.where(takes, 1.0, 0.3 * step)
    return x, value


def _precondition(gradient: Tensor, pairs: list[tuple[Tensor, Tensor, Tensor]]) -> Tensor:
    """The two-loop recursion: the inverse Hessian's estimate times the gradient, row by row."""
    q = gradient
    weights = []
    for s, y, rho in reversed(pairs):
        a = rho * (s * q).sum(dim=1)
        q = q - a[:, None] * y
        weights.append(a)
    scale = torch.ones_like(gradient[:, 0])
    for _, y, rho in pairs:
        scale = torch.where(rho > 0, 1 / (rho * y.square().sum(dim=1)).clamp(min=1e-30), scale)
    q = scale[:, None] * q
    for (s, y, rho), a in zip(pairs, reversed(weights), strict=True):
        b = rho * (y * q).sum(dim=1)
        q = q + (a - b)[:, None] * s
    return q
