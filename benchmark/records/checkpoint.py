"""Where a training stands, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["Checkpoint"]


@dataclass(frozen=True)
class Checkpoint:
    """Arrays by name, and facts as JSON has them.

    A checkpoint is made of the parts that those who have a state make of it: `join` puts them together, `part` takes one out.
    """

    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def join(cls, parts: Mapping[str, "Checkpoint"]) -> "Checkpoint":
        """One checkpoint with named parts."""
        arrays = {
            f"{name}/{key}": array for name, part in parts.items() for key, array in part.arrays.items()
        }
        return cls(arrays, {name: dict(part.facts) for name, part in parts.items()})

    def part(self, name: str) -> "Checkpoint":
        """The part of that name; a `KeyError` if there are no facts of it."""
        prefix = f"{name}/"
        arrays = {
            key.removeprefix(prefix): array for key, array in self.arrays.items() if key.startswith(prefix)
        }
        return Checkpoint(arrays, self.facts[name])
