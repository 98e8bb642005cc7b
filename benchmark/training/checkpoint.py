"""What is kept of a training so that it can go on elsewhere exactly as here."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import keystr, tree_leaves_with_path

__all__ = ["Checkpoint", "UnfitError", "fitting", "load_tree", "tree_arrays"]


class UnfitError(Exception):
    """A checkpoint is not one of this training."""


@contextmanager
def fitting() -> Iterator[None]:
    """Within it, whatever a checkpoint of another form breaks is an `UnfitError`."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, OverflowError, RuntimeError, TypeError, ValueError) as error:
        raise UnfitError(f"{type(error).__name__}: {error}") from error


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
        arrays = {f"{name}/{key}": array for name, part in parts.items() for key, array in part.arrays.items()}
        return cls(arrays, {name: dict(part.facts) for name, part in parts.items()})

    def part(self, name: str) -> "Checkpoint":
        """The part of that name; a `KeyError` if there are no facts of it."""
        prefix = f"{name}/"
        arrays = {key.removeprefix(prefix): array for key, array in self.arrays.items() if key.startswith(prefix)}
        return Checkpoint(arrays, self.facts[name])


def tree_arrays(tree: Any) -> dict[str, np.ndarray]:
    """Copies of a tree's tensors, by their paths in it."""
    return {keystr(path): leaf.detach().cpu().numpy().copy() for path, leaf in tree_leaves_with_path(tree)}


def load_tree(tree: Any, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes arrays by `tree_arrays` into the tensors of a tree of the same form.

    Raises:
        ValueError: If they do not fit.
    """
    leaves: dict[str, Tensor] = {keystr(path): leaf for path, leaf in tree_leaves_with_path(tree)}
    if leaves.keys() != arrays.keys():
        raise ValueError(f"holds other tensors than the training: {sorted(leaves.keys() ^ arrays.keys())[:3]}")
    for key, leaf in leaves.items():
        tensor = torch.from_numpy(arrays[key])
        if tensor.shape != leaf.shape or tensor.dtype != leaf.dtype:
            raise ValueError(f"{key} has shape {tuple(tensor.shape)} and type {tensor.dtype}, not {tuple(leaf.shape)} and {leaf.dtype}")
        leaf.copy_(tensor)
