"""The tensors of a training as arrays, so that it can go on elsewhere exactly as here."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmark.errors import in_one_line
from benchmark.training.trees import keystr, tree_leaves_with_path

__all__ = ["UnfitError", "fitting", "load_tree", "tree_arrays"]


class UnfitError(Exception):
    """A checkpoint is not one of this training."""


@contextmanager
def fitting() -> Iterator[None]:
    """Within it, every error that a checkpoint of another form causes is raised as an `UnfitError`."""
    try:
        yield
    except (
        AttributeError,
        IndexError,
        KeyError,
        OverflowError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        raise UnfitError(in_one_line(error)) from error


def tree_arrays(tree: Any) -> dict[str, np.ndarray]:
    """Copies of a tree's tensors, by their paths in it."""
    return {key: leaf.detach().cpu().numpy().copy() for key, leaf in _leaves_by_path(tree).items()}


def load_tree(tree: Any, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes arrays made by `tree_arrays` into the tensors of a tree of the same form.

    Raises:
        ValueError: If they do not fit.
    """
    leaves = _leaves_by_path(tree)
    if leaves.keys() != arrays.keys():
        different = sorted(leaves.keys() ^ arrays.keys())[:3]
        raise ValueError(f"holds other tensors than the training: {different}")
    for key, leaf in leaves.items():
        tensor = torch.from_numpy(arrays[key])
        if tensor.shape != leaf.shape or tensor.dtype != leaf.dtype:
            raise ValueError(
                f"{key} has shape {tuple(tensor.shape)} and type {tensor.dtype}, "
                f"not {tuple(leaf.shape)} and {leaf.dtype}"
            )
        leaf.copy_(tensor)


def _leaves_by_path(tree: Any) -> dict[str, Tensor]:
    return {keystr(path): leaf for path, leaf in tree_leaves_with_path(tree)}
