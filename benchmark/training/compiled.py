"""Functions of trees of tensors, compiled."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch._inductor import standalone_compile
from torch.fx.experimental.proxy_tensor import make_fx

from benchmark.training.trees import tree_flatten, tree_leaves, tree_unflatten

__all__ = ["Compiled", "traced"]

Function = Callable[..., Tensor]


def traced(function: Function, *trees: Any) -> torch.fx.GraphModule:
    """All that a function does to tensors, as one graph of torch's operations, a function of all leaves.

    The function is run once. What it does in Python is done then, and is no part of the graph.

    Arguments:
        function: A function of trees of tensors. It may write into them.
        trees: Its arguments; they stay as they are.
    """
    leaves, form = tree_flatten(trees)

    def of_leaves(*tensors: Tensor) -> Tensor:
        present = iter(tensors)
        filled = [None if leaf is None else next(present) for leaf in leaves]
        return function(*tree_unflatten(filled, form))

    with torch.no_grad():
        return make_fx(of_leaves)(*[tensor.clone() for tensor in _tensors(trees)])


class Compiled:
    """A function of trees of tensors, compiled at its first call for tensors of the shapes that it has then.

    A graph that was compiled on this machine before is read from torch's cache.

    Arguments:
        function: What to compile. It may write into its arguments.
    """

    def __init__(self, function: Function) -> None:
        self.function = function
        self.compiled: Function | None = None

    def __call__(self, *trees: Any) -> Tensor:
        tensors = _tensors(trees)
        if self.compiled is None:
            graph = traced(self.function, *trees)
            examples: list[Any] = [tensor.clone() for tensor in tensors]
            self.compiled = standalone_compile(graph, examples, dynamic_shapes="from_example_inputs")
        with torch.no_grad():
            return self.compiled(*tensors)


def _tensors(trees: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(trees) if leaf is not None]
