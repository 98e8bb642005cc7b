"""Functions of trees of tensors, compiled."""

import logging
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmark.training.thin_products import rewrite_thin_products
from benchmark.training.trees import tensors_in, tree_flatten, tree_unflatten

__all__ = ["Compiled", "traced"]

Function = Callable[..., Tensor]


def traced(function: Function, *trees: Any) -> torch.fx.GraphModule:
    """All that a function does to tensors, as one graph of torch's operations, a function of all leaves.

    The function is run once. What it does in Python is done then, and is no part of the graph.

    Arguments:
        function: A function of trees of tensors. It may write into them.
        trees: Its arguments; they stay as they are.
    """
    from torch.fx.experimental.proxy_tensor import make_fx  # heavy, and not every run compiles

    leaves, form = tree_flatten(trees)

    def of_leaves(*tensors: Tensor) -> Tensor:
        present = iter(tensors)
        filled = [None if leaf is None else next(present) for leaf in leaves]
        return function(*tree_unflatten(filled, form))

    with torch.no_grad():
        return make_fx(of_leaves)(*[tensor.clone() for tensor in tensors_in(trees)])


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
        first, *rest = trees
        return self.on(first)(*rest)

    def on(self, first: Any) -> Function:
        """The function of all arguments but the first, which is always this tree of the same tensors."""
        leaves = tensors_in(first)  # once: it takes a tenth of the time of a small network's step

        def function(*rest: Any) -> Tensor:
            if self.compiled is None:
                self.compiled = self._compile((first, *rest))
            with torch.no_grad():
                return self.compiled(*leaves, *tensors_in(rest))

        return function

    def _compile(self, trees: Any) -> Function:
        # This module of torch warns where there is no GPU.
        logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)

        from torch._inductor import standalone_compile  # heavy, and not every run compiles

        graph = traced(self.function, *trees)
        examples: list[Any] = [tensor.clone() for tensor in tensors_in(trees)]
        if examples[0].device.type == "cpu":
            rewrite_thin_products(graph)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # torch's compiler uses what torch has deprecated
            return standalone_compile(graph, examples, dynamic_shapes="from_example_inputs")
