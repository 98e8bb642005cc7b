"""What it saves to train models side by side, in one run."""

import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from unittest.mock import patch

import torch

from benchmark.datasets.base import Dataset
from benchmark.registry import DATASETS, METHODS
from benchmark.suites.budget import Budget
from benchmark.training.cost import cost_of
from benchmark.training.settings import Settings
from benchmark.training.trainer import Standing, train

__all__ = ["measure_populations"]

MODELS = (1, 5, 16, 64)
"""Numbers of models side by side."""

RATES = [1e-4 * 1.3**i for i in range(16)]
"""The learning rates of the population that is compared with cells."""

SEEDS = (0, 1)
"""The seeds of each."""


def measure_populations(quick: bool = False) -> None:
    """Prints how the cost of a model falls with those beside it, and a population against cells of its own.

    Arguments:
        quick: Whether to take few models and short trainings.
    """
    torch.set_num_threads(1)
    data = replace(DATASETS.get("grid")(), evaluations=1)
    print("\npopulations: GAN on the grid, one worker, with an empty compile cache", flush=True)
    with tempfile.TemporaryDirectory() as cache, patch.dict(os.environ, TORCHINDUCTOR_CACHE_DIR=cache):
        if quick:
            _print_population_against_cells(data, RATES[:2], cycles=300)
        else:
            _print_population_against_cells(data, RATES, cycles=3000)
        print(f"{'models':>7}{'compiling, s':>14}{'ms per model and cycle':>25}{'GFLOP/s':>9}")
        for models in MODELS[:2] if quick else MODELS:
            _print_growth(data, models, cycles=100 if quick else 1000)


def _print_population_against_cells(data: Dataset, rates: Sequence[float], cycles: int) -> None:
    settings: list[Settings] = []
    for rate in rates:
        settings += len(SEEDS) * [{"lr": rate}]
    began = time.perf_counter()
    _train(data, SEEDS * len(rates), cycles, settings)
    together = time.perf_counter() - began
    seconds = []
    for rate in rates:
        began = time.perf_counter()
        _train(data, SEEDS, cycles, len(SEEDS) * [{"lr": rate}])
        seconds.append(time.perf_counter() - began)
    print(
        f"{len(rates)} learning rates, {len(SEEDS)} seeds, {cycles} cycles: in one step {together:.1f} s; "
        f"in {len(rates)} cells {sum(seconds):.1f} s, of which the first, which compiles, takes "
        f"{seconds[0]:.1f} s; if each compiled, {seconds[0] * len(rates):.1f} s"
    )


def _print_growth(data: Dataset, models: int, cycles: int) -> None:
    began = time.perf_counter()
    _train(data, range(models), cycles=1)
    compiling = time.perf_counter() - began
    seconds = _train(data, range(models), cycles)
    flops = cost_of(METHODS.get("gan")(), data).flops
    per_cycle = seconds / cycles
    print(f"{models:>7}{compiling:>14.1f}{per_cycle * 1e3:>25.3f}{flops / per_cycle / 1e9:>9.1f}", flush=True)


def _train(
    data: Dataset, seeds: Sequence[int], cycles: int, settings: Sequence[Settings] | None = None
) -> float:
    """Trains GANs side by side; returns the device-seconds of one of them."""
    method = METHODS.get("gan")()
    standings: list[Standing] = []
    train(
        method,
        data,
        seeds,
        Budget(cycles, "steps"),
        cost_of(method, data),
        evaluate=standings.append,
        progress=lambda share, stage: None,
        device=torch.device("cpu"),
        compile=True,
        settings=settings,
    )
    return standings[-1].seconds
