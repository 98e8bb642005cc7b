"""Trees of tensors: nested dictionaries, named tuples, lists and tuples whose leaves are tensors.

This is the one module that uses torch's own tree functions, which torch keeps in a private module.
"""

from torch.utils._pytree import (
    keystr,
    tree_flatten,
    tree_leaves,
    tree_leaves_with_path,
    tree_map,
    tree_unflatten,
)

__all__ = ["keystr", "tree_flatten", "tree_leaves", "tree_leaves_with_path", "tree_map", "tree_unflatten"]
