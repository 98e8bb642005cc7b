"""Training throughput: the harness against a plain PyTorch loop and the machine's peak, in one run."""

import multiprocessing
import queue
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from multiprocessing.synchronize import Barrier
from typing import Any

import torch

from benchmark.commands.perf.plain_loops import PLAIN_LOOPS
from benchmark.commands.perf.timing import peak, seconds_of, train_briefly
from benchmark.datasets.base import Dataset
from benchmark.registry import DATASETS, METHODS
from benchmark.training.cost import cost_of

__all__ = ["SEEDS", "SIZES", "measure_throughput"]

SIZES = ((64, 64), (128, 128), (512, 256))
"""Batch size and width of the networks, of each measurement."""

SEEDS = 5
"""Seeds that a worker trains side by side."""

CYCLES = 200
"""Cycles of the training that tells how long one takes."""

TABLE_ROW = "{:<10}{:>7}{:>7}{:>12}{:>12}{:>9}{:>9}{:>15}"
TABLE_HEADS = (
    "method",
    "batch",
    "width",
    "MFLOP/step",
    "plain ms",
    "ours ms",
    "ratio",
    "share of peak",
)


def measure_throughput(
    names: Sequence[str], device: torch.device, workers: int, quick: bool = False
) -> Mapping[str, float]:
    """Prints the table.

    Arguments:
        names: The methods.
        device: Where to train.
        workers: How many workers train at the same time.
        quick: Whether to measure the smallest size alone, for a short time.

    Returns:
        The plain loop's seconds per generator step on the ring as it is in the suites, by method.
    """
    print(TABLE_ROW.format(*TABLE_HEADS), flush=True)
    ring = DATASETS.get("ring")()
    plain_seconds: dict[str, float] = {}
    for batch, width in SIZES[:1] if quick else SIZES:
        for name in names:
            data = replace(ring, batch=batch, width=width)
            plain = _compare(name, data, device, workers, quick)
            if data == ring:
                plain_seconds[name] = plain
    print(
        f"\nms are per generator step and seed, with {workers} workers at work; the plain loop has one "
        "thread or all, whichever is faster; FLOPs are those of matrix products."
    )
    return plain_seconds


def _compare(name: str, data: Dataset, device: torch.device, workers: int, quick: bool) -> float:
    """Prints a row of the table; returns the plain loop's seconds per generator step."""
    cost = cost_of(METHODS.get(name)(), data)
    # Measured right before the two, since a shared machine drifts.
    top = peak(device, threads=workers)
    plain = _plain_seconds(name, data, device, workers, 0.5 if quick else 3.0)
    ours = _harness_seconds(name, data, device, workers, 1.0 if quick else 4.0)
    row = (
        name,
        data.batch,
        data.width,
        f"{cost.flops / 1e6:.1f}",
        f"{plain * 1e3:.3f}",
        f"{ours * 1e3:.3f}",
        f"{plain / ours:.1f}",
        f"{cost.flops / ours / top:.2f}",
    )
    print(TABLE_ROW.format(*row), flush=True)
    return plain


def _plain_seconds(name: str, data: Dataset, device: torch.device, threads: int, seconds: float) -> float:
    """Seconds per generator step of one seed after another, with the number of threads that is best."""
    return min(_plain_seconds_with(count, name, data, device, seconds) for count in {1, threads})


def _plain_seconds_with(
    threads: int, name: str, data: Dataset, device: torch.device, seconds: float
) -> float:
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    step = PLAIN_LOOPS[name](data, device)

    def run(steps: int) -> None:
        for _ in range(steps):
            step()

    run(20)
    estimate = seconds_of(partial(run, 20), device) / 20
    steps = max(20, int(seconds / estimate))
    return seconds_of(partial(run, steps), device) / steps


def _harness_seconds(name: str, data: Dataset, device: torch.device, workers: int, seconds: float) -> float:
    """Seconds per generator step and seed: the mean over workers that train at the same time, divided by
    their number.
    """
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(workers), context.Queue()
    arguments = (name, data, device, seconds, barrier, results)
    processes = [context.Process(target=_harness_worker, args=arguments) for _ in range(workers)]
    for process in processes:
        process.start()
    measured: list[float] = []
    while len(measured) < workers:
        try:
            measured.append(results.get(timeout=1))
        except queue.Empty:
            if any(process.exitcode for process in processes):
                for process in processes:
                    process.kill()
                raise RuntimeError(f"a worker of the measurement of {name} has died") from None
    for process in processes:
        process.join()
    return sum(measured) / workers**2


def _harness_worker(
    name: str, data: Dataset, device: torch.device, seconds: float, barrier: Barrier, results: Any
) -> None:
    """Measures one worker, at the same time as the others."""
    torch.set_num_threads(1)
    per_seed = train_briefly(name, data, range(SEEDS), CYCLES, device)
    estimate = per_seed * SEEDS / CYCLES
    cycles = max(CYCLES, int(seconds / estimate))
    barrier.wait()
    per_cycle = train_briefly(name, data, range(SEEDS), cycles, device) / cycles
    results.put(per_cycle / cost_of(METHODS.get(name)(), data).generator_steps)
