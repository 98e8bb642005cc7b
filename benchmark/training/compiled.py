"""Functions of trees of tensors, compiled."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx

from benchmark.training.trees import tree_flatten, tree_leaves, tree_unflatten

__all__ = ["Compiled", "traced"]


def traced(function: Callable[..., Tensor], *trees: Any) -> torch.fx.GraphModule:
    """All that a function does to tensors, as one graph of torch's operations.

    The function is run once. What Python does in it is not part of the graph.

    Arguments:
        function: A function of trees of tensors. It may write into them.
        trees: Its arguments; they stay as they are.

    Returns:
        The graph, a function of all tensors of the trees.
    """
    leaves, form = tree_flatten(trees)
    present = [i for i, leaf in enumerate(leaves) if leaf is not None]

    def flat(*tensors: Tensor) -> Tensor:
        filled = [None] * len(leaves)
        for i, tensor in zip(present, tensors, strict=True):
            filled[i] = tensor
        return function(*tree_unflatten(filled, form))

    with torch.no_grad():
        return make_fx(flat)(*[leaves[i].clone() for i in present])


class Compiled:
    """A function of trees of tensors that is compiled at its first call, for tensors of the shapes that it has then.

    Arguments:
        function: A function of trees of tensors. It may write into them.
    """

    def __init__(self, function: Callable[..., Tensor]) -> None:
        self.function = function
        self.graph: Callable[..., Tensor] | None = None

    def __call__(self, *trees: Any) -> Tensor:
        tensors = [leaf for leaf in tree_leaves(trees) if leaf is not None]
        if self.graph is None:
            self.graph = self._compile(trees, tensors)
        with torch.no_grad():
            return self.graph(*tensors)

    def _compile(self, trees, tensors):
        graph = traced(self.function, *trees)
        return torch._inductor.compile(graph, [tensor.clone() for tensor in tensors])
