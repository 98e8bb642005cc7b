"""What the measurements have in common: short trainings, seconds of a device, its peak."""

import time
from collections.abc import Callable, Sequence

import torch

from benchmark.datasets.base import Dataset
from benchmark.registry import METHODS
from benchmark.suites.budget import Budget
from benchmark.training.cost import cost_of
from benchmark.training.repeatable import ask_for_repeatable_results
from benchmark.training.settings import Settings
from benchmark.training.trainer import Standing, train

__all__ = ["peak", "seconds_of", "train_briefly"]

SIDES = (512, 1024, 2048)
"""Sides of the square matrices whose product is the peak."""


def seconds_of(function: Callable[[], object], device: torch.device) -> float:
    """Seconds that a function takes, until the device has done all of it."""
    _wait_for(device)
    began = time.perf_counter()
    function()
    _wait_for(device)
    return time.perf_counter() - began


def _wait_for(device: torch.device) -> None:
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


def peak(device: torch.device, threads: int) -> float:
    """The most FLOPs per second that square float32 matrix products reach here, over several sizes."""
    torch.set_num_threads(threads)
    best = 0.0
    for n in SIDES:
        a, b = torch.randn(n, n, device=device), torch.randn(n, n, device=device)
        repeats = max(1, SIDES[-1] ** 3 // n**3 // 8)

        def products(a: torch.Tensor = a, b: torch.Tensor = b, repeats: int = repeats) -> None:
            for _ in range(repeats):
                a @ b

        seconds = min(seconds_of(products, device) for _ in range(5))
        best = max(best, repeats * 2 * n**3 / seconds)
    return best


def train_briefly(
    name: str,
    data: Dataset,
    seeds: Sequence[int],
    cycles: int,
    device: torch.device,
    settings: Sequence[Settings] | None = None,
) -> float:
    """Trains models of a method side by side, compiled and without scores.

    Returns:
        The device-seconds of one of them.
    """
    ask_for_repeatable_results(device)  # as in a run
    method = METHODS.get(name)()
    cost = cost_of(method, data)
    standings: list[Standing] = []
    train(
        method,
        data,
        seeds,
        Budget(cycles * cost.generator_steps, "steps"),
        cost,
        evaluate=standings.append,
        progress=lambda share, stage: None,
        device=device,
        compile=True,
        settings=settings,
    )
    return standings[-1].seconds
