"""Products of thin matrices in a graph, written so that a CPU is quick at them."""

from typing import NamedTuple, cast

import torch
from torch import Tensor
from torch.fx import Graph, GraphModule, Node

__all__ = ["NARROW", "THIN", "rewrite_thin_products"]

THIN = 2
"""The width up to which a product is written as a sum, which is fused with what is around it."""

NARROW = 16
"""The least width of a product for which the library is quick as it is."""

aten = torch.ops.aten


def rewrite_thin_products(graph: GraphModule) -> None:
    """Rewrites batched products of matrices of which one is thin, in place.

    The library takes as long for a product with two columns as for one with sixty-four, and for ten columns
    up to three times as long; with ten rows it is quick.
    """
    views = (aten.view.default, aten._unsafe_view.default)  # noqa: SLF001 - graphs of torch have it
    for node in list(graph.graph.nodes):
        if node.target in views:
            # A product that is rewritten lies in memory in another way, so that a view may not be possible.
            node.target = aten.reshape.default
        if node.target is not aten.bmm.default:
            continue
        product = _Product.of(node)
        with graph.graph.inserting_before(node):
            if product.is_quick_sum:
                result = product.as_sum(graph.graph)
            elif product.columns < NARROW <= product.rows:
                result = product.transposed(graph.graph)
            else:
                continue
        node.replace_all_uses_with(result, propagate_meta=True)
        graph.graph.erase_node(node)
    graph.recompile()


class _Product(NamedTuple):
    """A batched product of $A$, shape $(S, rows, inner)$, and $B$, shape $(S, inner, columns)$.

    Attributes:
        a: The node of $A$.
        b: The node of $B$.
        like_a: A tensor without values that lies in memory as $A$ did in the graph before it was rewritten.
        like_b: The same for $B$.
    """

    a: Node
    b: Node
    like_a: Tensor
    like_b: Tensor

    @classmethod
    def of(cls, node: Node) -> "_Product":
        a, b = cast(tuple[Node, Node], node.args)
        return cls(a, b, a.meta["val"], b.meta["val"])

    @property
    def rows(self) -> int:
        return self.like_a.shape[1]

    @property
    def inner(self) -> int:
        return self.like_a.shape[2]

    @property
    def columns(self) -> int:
        return self.like_b.shape[2]

    @property
    def is_quick_sum(self) -> bool:
        """Whether it is thin, and numbers that lie beside each other are used together."""
        if min(self.rows, self.inner) <= THIN:
            return True
        along_inner = self.like_a.stride(2) == self.like_b.stride(1) == 1
        along_rows = self.like_a.stride(1) == 1
        return self.columns <= THIN and (along_inner or along_rows)

    def as_sum(self, graph: Graph) -> Node:
        """The sum over the inner side; of a product with few columns that of its transpose, since loops are
        vectorised along the last side.
        """
        if self.columns <= THIN < self.rows:
            return _transpose(graph, _sum(graph, _transpose(graph, self.b), _transpose(graph, self.a)))
        return _sum(graph, self.a, self.b)

    def transposed(self, graph: Graph) -> Node:
        """$(B^\\top A^\\top)^\\top$."""
        b = _transpose(graph, self.b)
        if self.columns <= THIN:
            # The library is slow where the numbers of so few rows are far from each other.
            b = graph.call_function(aten.clone.default, (b,), {"memory_format": torch.contiguous_format})
        product = graph.call_function(aten.bmm.default, (b, _transpose(graph, self.a)))
        return _transpose(graph, product)


def _transpose(graph: Graph, node: Node) -> Node:
    return graph.call_function(aten.permute.default, (node, [0, 2, 1]))


def _sum(graph: Graph, a: Node, b: Node) -> Node:
    left = graph.call_function(aten.unsqueeze.default, (a, 3))
    right = graph.call_function(aten.unsqueeze.default, (b, 1))
    terms = graph.call_function(aten.mul.Tensor, (left, right))
    return graph.call_function(aten.sum.dim_IntList, (terms, [2]))
