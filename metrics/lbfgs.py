"""L-BFGS on many independent problems at once."""

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["minimise"]


def minimise(objective: Callable[[Tensor], Tensor], start: Tensor, iterations: int, memory: int = 10) -> tuple[Tensor, Tensor]:
    r"""Minimises each row's objective by L-BFGS with a backtracking line search of its own.

    A row's value never rises. Rows do not influence each other, except that all of them make the same number of
    evaluations.

    References:
        Updating Quasi-Newton Matrices with Limited Storage (Nocedal, 1980).
        Numerical Optimization (Nocedal & Wright, 2006), algorithms 7.4 and 3.1.

    Arguments:
        objective: Maps $(R, L)$ to the $R$ rows' values, of which each depends on its own row alone.
        start: Where to start, shape $(R, L)$.
        iterations: Steps to take.
        memory: Pairs of differences to keep.

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
    pairs: list[tuple[Tensor, Tensor, Tensor]] = []
    for _ in range(iterations):
        direction = -_precondition(gradient, pairs)
        slope = (direction * gradient).sum(dim=1)
        # Where curvature information has gone bad, fall back on steepest descent.
        ascends = slope >= 0
        direction = torch.where(ascends[:, None], -gradient, direction)
        slope = torch.where(ascends, -gradient.square().sum(dim=1), slope)
        step = torch.ones_like(value) if pairs else 1 / gradient.norm(dim=1).clamp(min=1.0)
        accepted = torch.zeros_like(value, dtype=torch.bool)
        new_x, new_value, new_gradient = x, value, gradient
        for _ in range(12):
            trial = x + step[:, None] * direction
            trial_value, trial_gradient = evaluate(trial)
            passes = ~accepted & (trial_value <= value + 1e-4 * step * slope)
            new_x = torch.where(passes[:, None], trial, new_x)
            new_value = torch.where(passes, trial_value, new_value)
            new_gradient = torch.where(passes[:, None], trial_gradient, new_gradient)
            accepted |= passes
            if bool(accepted.all()):
                break
            step = torch.where(accepted, step, 0.5 * step)
        if not bool(accepted.any()):
            break
        s, y = new_x - x, new_gradient - gradient
        curvature = (s * y).sum(dim=1)
        # A pair without positive curvature gets the weight 0, which leaves it out.
        usable = curvature > 1e-10 * y.square().sum(dim=1)
        pairs = [*pairs[-(memory - 1) :], (s, y, torch.where(usable, 1 / curvature, 0.0))]
        x, value, gradient = new_x, new_value, new_gradient
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
