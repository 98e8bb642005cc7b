"""How the cost of training grows, in one run."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import torch

from benchmark.commands.perf.caches import empty_compile_cache
from benchmark.commands.perf.timing import seconds_of, train_briefly
from benchmark.datasets.base import Dataset
from benchmark.datasets.mixtures import Grid, HighDimensional
from benchmark.registry import METHODS
from benchmark.training.cost import cost_of

__all__ = ["measure_growth"]

MODELS = 5
"""Models side by side, unless it is their number that grows."""

Row = tuple[str, Dataset, int]
"""What grows and its value, the dataset, and the number of models."""


def measure_growth(device: torch.device, quick: bool = False) -> None:
    """Prints what a cycle of GAN costs as models, batch, width and dimensions grow.

    Arguments:
        device: Where to train.
        quick: Whether to take two short trainings.
    """
    rows = list(_rows())
    cycles = 500
    if quick:
        rows, cycles = rows[:2], 50
    print("\ngrowth: GAN, one worker; batches of 64, width 64 and the grid, unless the row says otherwise")
    print(f"{'':<18}{'compiling, s':>14}{'ms per model and cycle':>25}{'GFLOP/s':>9}", flush=True)
    with empty_compile_cache():
        for name, data, models in rows:
            _print_row(name, replace(data, evaluations=1), models, cycles, device)


def _rows() -> Iterator[Row]:
    grid = Grid()
    for models in (1, 5, 16, 64):
        yield f"{models} models", grid, models
    for batch in (256, 1024):
        yield f"batches of {batch}", replace(grid, batch=batch), MODELS
    for width in (128, 256, 512):
        yield f"width {width}", replace(grid, width=width), MODELS
    yield "1200 dimensions", HighDimensional(), MODELS


def _print_row(name: str, data: Dataset, models: int, cycles: int, device: torch.device) -> None:
    compiling = seconds_of(partial(train_briefly, "gan", data, range(models), 1, device), device)
    per_cycle = train_briefly("gan", data, range(models), cycles, device) / cycles
    rate = cost_of(METHODS.get("gan")(), data).flops / per_cycle
    print(f"{name:<18}{compiling:>14.1f}{per_cycle * 1e3:>25.3f}{rate / 1e9:>9.1f}", flush=True)
