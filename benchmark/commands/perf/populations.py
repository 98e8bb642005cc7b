"""What it saves to train models side by side, in one run."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import torch

from benchmark.commands.perf.caches import empty_compile_cache
from benchmark.commands.perf.timing import seconds_of, train_briefly
from benchmark.datasets.base import Dataset
from benchmark.registry import DATASETS
from benchmark.training.settings import Settings

__all__ = ["measure_populations"]

RATES = [1e-4 * 1.3**i for i in range(16)]
"""The learning rates of the population that is compared with cells."""

SEEDS = (0, 1)
"""The seeds of each."""


def measure_populations(device: torch.device, quick: bool = False) -> None:
    """Prints what a population takes, and cells of its own for each of its settings.

    Arguments:
        device: Where to train.
        quick: Whether to take few models and short trainings.
    """
    data = replace(DATASETS.get("grid")(), evaluations=1)
    print("\npopulation: GAN on the grid, one worker, with an empty compile cache", flush=True)
    rates, cycles = (RATES[:2], 300) if quick else (RATES, 3000)
    with empty_compile_cache():
        _compare(data, rates, cycles, device)


def _compare(data: Dataset, rates: Sequence[float], cycles: int, device: torch.device) -> None:
    def seconds(rates: Sequence[float]) -> float:
        settings: list[Settings] = []
        for rate in rates:
            settings += len(SEEDS) * [{"lr": rate}]
        seeds = SEEDS * len(rates)
        return seconds_of(partial(train_briefly, "gan", data, seeds, cycles, device, settings), device)

    together = seconds(rates)
    apart = [seconds([rate]) for rate in rates]
    print(
        f"{len(rates)} learning rates, {len(SEEDS)} seeds, {cycles} cycles: in one step {together:.1f} s; "
        f"in {len(rates)} cells {sum(apart):.1f} s, of which the first, which compiles, takes "
        f"{apart[0]:.1f} s; if each compiled, {apart[0] * len(rates):.1f} s"
    )
