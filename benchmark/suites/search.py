"""How much a search tries. Imports nothing heavy."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["FIRST_TUNING_SEED", "MOST_SEEDS_OF_A_POINT", "Rung", "Search", "most_rungs"]

FIRST_TUNING_SEED = 1_000_000
"""The least seed of a search. No run uses it or one above it."""

MOST_SEEDS_OF_A_POINT = 100
"""The seeds of a point lie so far from those of the next, so that a search can grow by seeds, too."""


class Search(NamedTuple):
    """How many settings are tried of every method on every dataset, and how.

    Attributes:
        points: The number of settings.
        seeds: The seeds of each.
        halving: If more than 1, successive halving: all settings are tried at a small share of the budget,
            and one in so many of them at so many times the share, until the share is whole.
        rungs: At how many budgets settings are tried; 1 without halving.

    References:
        Non-stochastic Best Arm Identification and Hyperparameter Optimization (Jamieson and Talwalkar,
        2016), arXiv:1502.07943, algorithm 1, with a factor in place of 2.
    """

    points: int
    seeds: int
    halving: int = 1
    rungs: int = 1

    def seeds_of(self, point: int) -> tuple[int, ...]:
        """The seeds of a point. Each has seeds of its own, so that no two of them share their luck."""
        first = FIRST_TUNING_SEED + point * MOST_SEEDS_OF_A_POINT
        return tuple(range(first, first + self.seeds))

    @staticmethod
    def point_of(seed: int) -> int:
        return (seed - FIRST_TUNING_SEED) // MOST_SEEDS_OF_A_POINT


def most_rungs(points: int, halving: int) -> int:
    """At how many budgets so many settings can be tried at the most: until one of them is left."""
    rungs = 1
    while points >= halving:
        points //= halving
        rungs += 1
    return rungs


@dataclass(frozen=True)
class Rung:
    """What a search tries at one budget.

    Attributes:
        search: The search.
        number: The rungs are counted from 1; the last one has the whole budget.
        promoted: The points that have come here, by dataset and method; all points of all of them by default.
    """

    search: Search
    number: int
    promoted: Mapping[tuple[str, str], tuple[int, ...]] | None = None

    def points_of(self, dataset: str, method: str) -> Sequence[int]:
        """The points that are tried; none of a method of which none has come here."""
        if self.promoted is None:
            return range(self.search.points)
        return self.promoted.get((dataset, method), ())

    @property
    def share(self) -> float:
        """The share of the budget that a trial has."""
        return float(self.search.halving) ** -self.above

    @property
    def is_last(self) -> bool:
        return self.above == 0

    @property
    def above(self) -> int:
        """How many rungs are above it."""
        return self.search.rungs - self.number

    @property
    def places(self) -> int:
        """How many points of each method go on; the published one does besides."""
        return math.ceil(self.search.points / self.search.halving**self.number)
