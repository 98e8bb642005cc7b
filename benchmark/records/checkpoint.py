"""Where a training stands, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["Checkpoint"]


@dataclass(frozen=True)
class Checkpoint:
    """Arrays by name, and values that JSON can hold.

    Each object with a state makes a part of the checkpoint: `join` puts the parts together, `part` takes one
    out.
    """

    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def join(cls, parts: Mapping[str, "Checkpoint"]) -> "Checkpoint":
        """One checkpoint with named parts."""
        arrays, values = {}, {}
        for name, part in parts.items():
            values[name] = dict(part.values)
            for key, array in part.arrays.items():
                arrays[f"{name}/{key}"] = array
        return cls(arrays, values)

    def part(self, name: str) -> "Checkpoint":
        """The part of that name.

        Raises:
            KeyError: If the checkpoint has no values of that part.
        """
        prefix = f"{name}/"
        arrays = {}
        for key, array in self.arrays.items():
            if key.startswith(prefix):
                arrays[key.removeprefix(prefix)] = array
        return Checkpoint(arrays, self.values[name])
