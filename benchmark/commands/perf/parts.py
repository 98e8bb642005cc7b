"""What a training cycle is made of, in one run."""

from functools import partial

import torch
from torch import Tensor

from benchmark.commands.perf.timing import seconds_of, train_briefly
from benchmark.datasets.base import Dataset
from benchmark.registry import METHODS
from benchmark.training.compiled import traced
from benchmark.training.step import Cycle, initialise
from benchmark.training.streams import Batches
from benchmark.training.thin_products import rewrite_thin_products

__all__ = ["measure_parts"]

aten = torch.ops.aten

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
    """The matrix products of a cycle, of random matrices that lie in memory as its own do."""
    method = METHODS.get(name)()
    cycle = Cycle(method, data.spec)
    state = initialise(method, data, SEEDS, device)
    batches = iter(next(Batches(data, cycle.draws, SEEDS, device)))
    products: Products = []
    for phase, function in zip(cycle.phases, cycle.functions, strict=True):
        graph = traced(function, state, [next(batches) for _ in phase.draws])
        if device.type == "cpu":
            rewrite_thin_products(graph)
        nodes = [node for node in graph.graph.nodes if node.target is aten.bmm.default]
        for node in nodes:
            a, b = (_random_like(factor.meta["val"]) for factor in node.args)
            products += phase.repeats * [(a, b)]
        for _ in range((phase.repeats - 1) * len(phase.draws)):
            next(batches)
    return products


def _random_like(example: Tensor) -> Tensor:
    return torch.empty_strided(example.shape, example.stride(), device=example.device).normal_()


def _seconds_of_batches(name: str, data: Dataset, cycles: int, device: torch.device) -> float:
    """Seconds that it takes to draw the batches of a cycle."""
    batches = Batches(data, Cycle(METHODS.get(name)(), data.spec).draws, SEEDS, device)

    def draw() -> None:
        for _ in range(cycles):
            next(batches)

    return seconds_of(draw, device) / cycles
