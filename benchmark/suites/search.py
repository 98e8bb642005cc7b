"""How much a search tries. Imports nothing heavy."""

from typing import NamedTuple

__all__ = ["FIRST_TUNING_SEED", "Search"]

FIRST_TUNING_SEED = 1_000_000
"""The least seed of a search. No run uses it or one above it."""


class Search(NamedTuple):
    """How many settings are tried of every method, and with how many seeds each."""

    points: int
    seeds: int

    def seeds_of(self, point: int) -> tuple[int, ...]:
        """The seeds of a point. Each has seeds of its own, so that no two of them share their luck."""
        first = FIRST_TUNING_SEED + point * self.seeds
        return tuple(range(first, first + self.seeds))

    def point_of(self, seed: int) -> int:
        return (seed - FIRST_TUNING_SEED) // self.seeds

    @property
    def all_seeds(self) -> tuple[int, ...]:
        return tuple(range(FIRST_TUNING_SEED, FIRST_TUNING_SEED + self.points * self.seeds))
