"""How much a search tries. Imports nothing heavy."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
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

    def has(self, seed: int) -> bool:
        """Whether it is the seed of one of its points."""
        point = self.point_of(seed)
        return 0 <= point < self.points and seed in self.seeds_of(point)


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
        points: The points that are tried, by dataset and method; empty for all points of all of them.
    """

    search: Search
    number: int
    points: Mapping[tuple[str, str], tuple[int, ...]] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """The share of the budget that a trial has."""
        return float(self.search.halving) ** (self.number - self.search.rungs)

    @property
    def is_last(self) -> bool:
        return self.number == self.search.rungs

    @property
    def promoted(self) -> int:
        """How many points of each method go on; the published one does besides."""
        return math.ceil(self.search.points / self.search.halving**self.number)
