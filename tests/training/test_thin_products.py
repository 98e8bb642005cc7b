"""Products of thin matrices are rewritten, and stay products."""

import pytest
import torch

from benchmark.training.compiled import Compiled, traced
from benchmark.training.thin_products import NARROW, THIN, rewrite_thin_products

SHAPES = [
    (1, 64, 8),
    (64, THIN, 8),
    (16, 64, THIN),
    (THIN, 64, 64),
    (16, 8, NARROW),
    (32, 64, 10),
    (10, 64, 10),
    (64, 64, 64),
]


def product(a, b):
    return torch.bmm(a, b) + 1


def factors(rows, inner, columns, a_transposed, b_transposed):
    a, b = torch.randn(3, rows, inner), torch.randn(3, inner, columns)
    if a_transposed:
        a = a.mT.contiguous().mT
    if b_transposed:
        b = b.mT.contiguous().mT
    return a, b


@pytest.mark.parametrize("b_transposed", [False, True])
@pytest.mark.parametrize("a_transposed", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_result_is_the_product(shape, a_transposed, b_transposed):
    a, b = factors(*shape, a_transposed, b_transposed)
    graph = traced(product, a, b)
    rewrite_thin_products(graph)
    torch.testing.assert_close(graph(a, b), product(a, b))


@pytest.mark.parametrize("shape", [(64, 64, THIN), (64, 64, 10)])
def test_it_is_when_compiled(shape):
    a, b = factors(*shape, False, False)
    torch.testing.assert_close(Compiled(product)(a, b), product(a, b))


def products_in(shape, a_transposed=False, b_transposed=False):
    """How many products the library is left with."""
    graph = traced(product, *factors(*shape, a_transposed, b_transposed))
    rewrite_thin_products(graph)
    nodes = [node for node in graph.graph.nodes if node.target is torch.ops.aten.bmm.default]
    return len(nodes)


def test_a_product_that_is_thin_and_quick_becomes_a_sum():
    assert products_in((64, THIN, 8)) == 0
    assert products_in((THIN, 64, 64)) == 0
    assert products_in((64, 64, THIN), b_transposed=True) == 0
    assert products_in((64, 64, THIN), a_transposed=True) == 0
    assert products_in((64, 64, THIN)) == 1
    assert products_in((64, 64, 64)) == 1


def test_a_narrow_product_is_that_of_the_transposes():
    """The library is asked for few rows in place of few columns."""
    rows = []

    def noted(a, b):
        rows.append(a.shape[1])
        return torch.matmul(a, b)

    for shape in [(64, 64, 10), (64, 64, NARROW), (8, 64, 10)]:
        a, b = factors(*shape, False, False)
        graph = traced(product, a, b)
        rewrite_thin_products(graph)
        for node in graph.graph.nodes:
            if node.target is torch.ops.aten.bmm.default:
                node.target = noted
        graph.recompile()
        graph(a, b)
    assert rows == [10, 64, 8]


def test_the_square_of_a_thin_matrix():
    a = torch.randn(3, 2, 2)
    graph = traced(lambda a: torch.bmm(a, a), a)
    rewrite_thin_products(graph)
    torch.testing.assert_close(graph(a), a @ a)


def test_products_of_products():
    def function(a, b, c):
        return torch.bmm(torch.bmm(a, b), c)

    a, b, c = torch.randn(3, 32, 16), torch.randn(3, 16, 10), torch.randn(3, 10, 2)
    torch.testing.assert_close(Compiled(function)(a, b, c), function(a, b, c))


@pytest.mark.parametrize("columns", [2, 10])
def test_a_view_of_a_product_may_merge_rows_and_columns(columns):
    """As a packing method sees generated data."""

    def function(a, b):
        return torch.bmm(a, b).view(3, 16, 2 * columns) + 1

    a, b = torch.randn(3, 32, 64), torch.randn(3, 64, columns)
    torch.testing.assert_close(Compiled(function)(a, b), function(a, b))
