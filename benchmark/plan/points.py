"""The settings that a search tries."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.stats import qmc

from benchmark.datasets.base import stream_seed
from benchmark.errors import UsageError
from benchmark.method import LEARNING_RATES, Choice, Distribution, Space
from benchmark.registry import METHODS

__all__ = ["COMMON_SPACE", "Point", "points_of", "space_of"]

COMMON_SPACE: Space = {
    "fall": Choice("none", "linear", "cosine"),
    "average_half_life": Choice(0.0, 0.003, 0.01, 0.03),
}
"""What belongs to no method, and is searched for all of them."""

Point = Mapping[str, Any]
"""Values by setting."""


def space_of(method: str) -> Space:
    """The space of a registered method: its own, and what is searched for all methods.

    A method without a space is searched over `lr`, if it has one.

    Raises:
        UsageError: If it has a distribution for what is no setting, or values that the setting refuses.
    """
    declared = METHODS.get_class(method).space
    if not isinstance(declared, Mapping):
        raise UsageError(f"the space of method {method!r}: is {declared!r}; give a dictionary")
    own = dict(declared)
    if not own and METHODS.has_setting(method, "lr"):
        own = {"lr": LEARNING_RATES}
    for name, distribution in own.items():
        _check(method, name, distribution)
    return {**own, **COMMON_SPACE}


def _check(method: str, name: str, distribution: object) -> None:
    """Raises a `UsageError` if a method cannot have some of the values."""
    if name in (*COMMON_SPACE, "average"):
        raise UsageError(
            f"the space of method {method!r}: {name} is no setting of a method's own; "
            f"{' and '.join(COMMON_SPACE)} are searched for all methods alike"
        )
    if not isinstance(distribution, Distribution):
        raise UsageError(
            f"the space of method {method!r}: {name} is {distribution!r}; give Uniform, LogUniform or Choice"
        )
    for value in distribution.examples:
        try:
            METHODS.build(method, {name: value})
        except UsageError as error:
            problem = str(error).removeprefix("--set ")
            raise UsageError(f"the space of method {method!r}: {problem}") from error


def points_of(method: str, number: int) -> list[Point]:
    """Points of the space of a registered method: its published settings, then quasi-random ones.

    The others are those of a scrambled Sobol sequence; how it is scrambled depends on the method alone. More
    points go on where fewer end.

    Arguments:
        method: Its name.
        number: The number of points, the published settings included.
    """
    space = space_of(method)
    sobol = qmc.Sobol(len(space), rng=np.random.default_rng(stream_seed("search", method)))
    shares = sobol.random_base2(math.ceil(math.log2(max(number, 2))))
    points: list[Point] = [{}]
    for row in shares[1:number]:
        point = {}
        for (name, distribution), share in zip(space.items(), row.tolist(), strict=True):
            point[name] = distribution.at(share)
        points.append(point)
    return points
