"""Trees of tensors: nested dictionaries, named tuples, lists and tuples whose leaves are tensors.

This is the one module that uses torch's own tree functions, which torch keeps in a private module.
"""

from typing import Any

from torch import Tensor
from torch.utils._pytree import (
    keystr,
    tree_flatten,
    tree_leaves,
    tree_leaves_with_path,
    tree_map,
    tree_unflatten,
)

__all__ = [
    "keystr",
    "tensors_in",
    "tree_flatten",
    "tree_leaves",
    "tree_leaves_with_path",
    "tree_map",
    "tree_unflatten",
]


def tensors_in(tree: Any) -> list[Tensor]:
    """The leaves of a tree but those that are `None`."""
    return [leaf for leaf in tree_leaves(tree) if leaf is not None]
