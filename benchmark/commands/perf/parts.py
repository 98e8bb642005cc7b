"""What a training cycle is made of, in one run."""

from collections.abc import Sequence
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
from benchmark.training.trees import tensors_in

__all__ = ["measure_parts"]

CPU = torch.device("cpu")

SEEDS = range(5)

STRETCHES = 3
"""How often each thing is timed; the fastest counts."""

Products = list[tuple[Tensor, Tensor]]
"""Factors of batched matrix products."""


def measure_parts(names: Sequence[str], data: Dataset, quick: bool = False) -> None:
    """Prints the share of each part in a compiled cycle on the CPU.

    Matrix products and the drawing of batches are run alone; loops and calls are what remains. On a GPU,
    where a cycle is one graph, parts alone would take longer than together.

    Arguments:
        names: The methods.
        data: The dataset.
        quick: Whether to train for a short time.
    """
    print(f"\nparts of a cycle, batches of {data.batch}, width {data.width}; one worker, {len(SEEDS)} seeds")
    heads = ("method", "ms per cycle", "products", "batches", "loops and calls")
    print("{:<10}{:>14}{:>10}{:>10}{:>17}".format(*heads), flush=True)
    cycles = 256 if quick else 1024  # blocks of batches hold 256 cycles at most
    for name in names:
        train_briefly(name, data, SEEDS, 1, CPU)
        stretches = [train_briefly(name, data, SEEDS, cycles, CPU) for _ in range(STRETCHES)]
        whole = min(stretches) * len(SEEDS) / cycles
        products = _seconds_of_products(name, data, cycles)
        batches = _seconds_of_batches(name, data, cycles)
        rest = 1 - (products + batches) / whole
        print(
            f"{name:<10}{whole * 1e3:>14.3f}{products / whole:>10.0%}{batches / whole:>10.0%}{rest:>17.0%}",
            flush=True,
        )


def _seconds_of_products(name: str, data: Dataset, cycles: int) -> float:
    """Seconds that all matrix products of a cycle take alone."""
    products = _products(name, data)

    def multiply() -> None:
        for _ in range(cycles):
            for a, b in products:
                torch.bmm(a, b)

    return min(seconds_of(multiply, CPU) for _ in range(STRETCHES)) / cycles


def _products(name: str, data: Dataset) -> Products:
    """The matrix products of a cycle, as the library is asked for them."""
    method = METHODS.get(name)()
    cycle = Cycle(method, data.spec)
    state = initialise(method, data, SEEDS, CPU)
    batches = iter(next(Batches(data, cycle.draws, SEEDS, CPU)))
    products: Products = []
    for phase, function in zip(cycle.phases, cycle.functions, strict=True):
        trees = (state, [next(batches) for _ in phase.draws])
        graph = traced(function, *trees)
        rewrite_thin_products(graph)
        recorder = _Recorder(graph)
        recorder.run(*tensors_in(trees))
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


def _seconds_of_batches(name: str, data: Dataset, cycles: int) -> float:
    """Seconds that it takes to draw the batches of a cycle."""
    batches = Batches(data, Cycle(METHODS.get(name)(), data.spec).draws, SEEDS, CPU)

    def draw() -> None:
        for _ in range(cycles):
            next(batches)

    return min(seconds_of(draw, CPU) for _ in range(STRETCHES)) / cycles
