"""Weights of modes, from a short text such as `geometric:0.8`."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["LAWS", "parse_weights"]


class Law(NamedTuple):
    """A law of weights.

    Attributes:
        form: How it is written.
        parameters: The number of its parameters.
        weights: Maps the number of modes $K$ and the parameters to positive numbers in proportion to the
            weights, shape $(K,)$. It raises a `ValueError` for parameters that it cannot have.
    """

    form: str
    parameters: int
    weights: Callable[..., Tensor]


def _equal(modes: int) -> Tensor:
    return torch.ones(modes, dtype=torch.float64)


def _geometric(modes: int, ratio: float) -> Tensor:
    if not 0 < ratio <= 1:
        raise ValueError("RATIO must lie in (0, 1]")
    return ratio ** torch.arange(modes, dtype=torch.float64)


def _minority(modes: int, number: float, factor: float) -> Tensor:
    if number not in range(1, modes):
        raise ValueError(f"NUMBER must be a whole number from 1 to {modes - 1}")
    if not 0 < factor <= 1:
        raise ValueError("FACTOR must lie in (0, 1]")
    weights = torch.ones(modes, dtype=torch.float64)
    weights[: int(number)] = factor
    return weights


LAWS = {
    "equal": Law("equal", 0, _equal),
    "geometric": Law("geometric:RATIO", 1, _geometric),
    "minority": Law("minority:NUMBER:FACTOR", 2, _minority),
}
"""`equal`: all modes alike. `geometric`: each mode has `RATIO` times the weight of the one before.
`minority`: each of the first `NUMBER` modes has `FACTOR` times the weight of each of the others.
"""


def parse_weights(text: str, modes: int) -> Tensor:
    """The weights of modes that a text stands for, float64, shape $(K,)$, of sum 1.

    Arguments:
        text: The name of a law in `LAWS` and its parameters, with colons between.
        modes: The number of modes $K$.

    Raises:
        ValueError: If there is no such law, or it cannot have these parameters.
    """
    name, *parameters = text.split(":")
    law = LAWS.get(name)
    if law is None or len(parameters) != law.parameters:
        forms = ", ".join(law.form for law in LAWS.values())
        raise ValueError(f"weights {text!r}: give {forms}")
    try:
        weights = law.weights(modes, *map(float, parameters))
    except ValueError as error:
        raise ValueError(f"weights {text!r}: {error}; give {law.form}") from None
    weights = weights / weights.sum()
    if not bool((weights > 0).all()):
        raise ValueError(f"weights {text!r}: leaves some of {modes} modes no weight; give larger parameters")
    return weights
