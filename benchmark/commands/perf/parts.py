"""What a training cycle is made of, in one run."""

from functools import partial
from typing import Any

import torch
from torch import Tensor

from benchmark.commands.perf.timing import seconds_of, train_briefly
from benchmark.datasets.base import Dataset
from benchmark.registry import METHODS
from benchmark.training.compiled import traced
from benchmark.training.step import Cycle, initialise
from benchmark.training.streams import Batches
from benchmark.training.thin_products import rewrite_thin_products
from benchmark.training.trees import tree_leaves

__all__ = ["measure_parts"]

SEEDS = range(5)

Products = list[tuple[Tensor, Tensor]]
"""Factors of batched matrix products."""


def measure_parts(names: list[str], data: Dataset, device: torch.device, quick: bool = False) -> None:
    """Prints the share of each part in a compiled cycle of five models.

    Matrix products and the drawing of batches are run alone; loops and calls are what remains.

    Arguments:
        names: The methods.
        data: The dataset.
        device: Where to train.
        quick: Whether to train for a short time.
    """
    print(f"\nparts of a cycle, batches of {data.batch}, width {data.width}; one worker, 5 seeds")
    heads = ("method", "ms per cycle", "products", "batches", "loops and calls")
    print("{:<10}{:>14}{:>10}{:>10}{:>17}".format(*heads), flush=True)
    cycles = 100 if quick else 1000
    for name in names:
        train_briefly(name, data, SEEDS, cycles, device)
        # Before and after the parts: machines drift.
        first = train_briefly(name, data, SEEDS, cycles, device)
        products = _seconds_of_products(name, data, cycles, device)
        batches = _seconds_of_batches(name, data, cycles, device)
        second = train_briefly(name, data, SEEDS, cycles, device)
        whole = min(first, second) * len(SEEDS) / cycles
        rest = 1 - (products + batches) / whole
        print(
            f"{name:<10}{whole * 1e3:>14.3f}{products / whole:>10.0%}{batches / whole:>10.0%}{rest:>17.0%}",
            flush=True,
        )


def _seconds_of_products(name: str, data: Dataset, cycles: int, device: torch.device) -> float:
    """Seconds that all matrix products of a cycle take alone."""
    products = _products(name, data, device)

    def multiply(times: int) -> None:
        for _ in range(times):
            for a, b in products:
                torch.bmm(a, b)

    multiply(10)
    return min(seconds_of(partial(multiply, cycles // 5), device) for _ in range(5)) / (cycles // 5)


def _products(name: str, data: Dataset, device: torch.device) -> Products:
    """The matrix products of a cycle, as the library is asked for them."""
    method = METHODS.get(name)()
    cycle = Cycle(method, data.spec)
    state = initialise(method, data, SEEDS, device)
    batches = iter(next(Batches(data, cycle.draws, SEEDS, device)))
    products: Products = []
    for phase, function in zip(cycle.phases, cycle.functions, strict=True):
        trees = (state, [next(batches) for _ in phase.draws])
        tensors = [leaf for leaf in tree_leaves(trees) if leaf is not None]
        graph = traced(function, *trees)
        if device.type == "cpu":
            rewrite_thin_products(graph)
        recorder = _Recorder(graph)
        recorder.run(*tensors)
        products += phase.repeats * recorder.products
        for _ in range((phase.repeats - 1) * len(phase.draws)):
            next(batches)
    return products


class _Recorder(torch.fx.Interpreter):
    """Runs a graph and notes the factors of its batched matrix products."""

    def __init__(self, graph: torch.fx.GraphModule) -> None:
        super().__init__(graph)
        self.products: Products = []

    def call_function(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if target is torch.ops.aten.bmm.default:
            a, b = args
            self.products.append((a, b))
        return super().call_function(target, args, kwargs)


def _seconds_of_batches(name: str, data: Dataset, cycles: int, device: torch.device) -> float:
    """Seconds that it takes to draw the batches of a cycle."""
    batches = Batches(data, Cycle(METHODS.get(name)(), data.spec).draws, SEEDS, device)

    def draw() -> None:
        for _ in range(cycles):
            next(batches)

    return seconds_of(draw, device) / cycles
