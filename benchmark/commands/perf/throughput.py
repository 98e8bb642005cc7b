"""Training throughput: the harness against a plain PyTorch loop and the machine's peak, in one run."""

import json
import multiprocessing
import os
import queue
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import torch

from benchmark.commands.perf.metrics import measure_metrics
from benchmark.commands.perf.plain_loops import PLAIN_LOOPS
from benchmark.commands.perf.populations import measure_populations
from benchmark.datasets.base import Dataset
from benchmark.errors import UsageError, complain
from benchmark.plan.devices import compilation_fault
from benchmark.plan.dry_run import duration
from benchmark.registry import DATASETS, METHODS
from benchmark.running.executors.machine import cpu_cores
from benchmark.suites import get_suite
from benchmark.suites.budget import Budget
from benchmark.training.cost import cost_of
from benchmark.training.step import Cycle
from benchmark.training.streams import Batches
from benchmark.training.trainer import Standing, train

__all__ = ["measure"]

SIZES = ((64, 64), (128, 128), (512, 256))
"""Batch size and width of the networks, of each measurement."""

BUSY_PERCENT = 20
"""Per cent of the CPU cores that other programs may use."""

SEEDS = 5
"""Seeds that a worker trains side by side."""

TABLE_ROW = "{:<10}{:>7}{:>7}{:>12}{:>12}{:>9}{:>9}{:>13}{:>11}"
TABLE_HEADS = (
    "method",
    "batch",
    "width",
    "MFLOP/step",
    "plain ms",
    "ours ms",
    "ratio",
    "share of peak",
    "of it data",
)


class Rate(NamedTuple):
    """Seconds per generator step and seed, and those of them that draw batches."""

    training: float
    drawing: float


def measure(quick: bool = False) -> None:
    """Prints the tables; `quick` measures the smallest size for a short time, without the end-to-end run."""
    fault = compilation_fault("cpu")
    if fault:
        raise UsageError(f"perf: compiling does not work here: {fault}")
    workers = cpu_cores()
    busy = psutil.cpu_percent(interval=1.0)
    if busy > BUSY_PERCENT:
        complain(f"other programs use {busy:.0f} % of the CPU cores; measure again when they have ended")
    torch.set_num_threads(workers)
    print(
        f"torch {torch.__version__}, {workers} CPU cores; "
        f"{SEEDS} seeds in each of {workers} single-threaded workers",
        flush=True,
    )
    print(f"matrix-product peak, float32: {peak(workers) / 1e9:.0f} GFLOP/s\n")
    print(TABLE_ROW.format(*TABLE_HEADS), flush=True)
    ring = DATASETS.get("ring")()
    plain_seconds: dict[str, float] = {}
    for batch, width in SIZES[:1] if quick else SIZES:
        for name in PLAIN_LOOPS:
            data = replace(ring, batch=batch, width=width)
            plain = _compare(name, data, workers, quick)
            if data == ring:
                plain_seconds[name] = plain
    print(
        "\nms are per generator step and seed, all CPU cores at work; the plain loop has one thread or all, "
        "whichever is faster; FLOPs are those of matrix products."
    )
    if not quick:
        _end_to_end(plain_seconds)
    measure_populations(quick)
    torch.set_num_threads(workers)
    measure_metrics(quick)


def _compare(name: str, data: Dataset, workers: int, quick: bool) -> float:
    """Prints a row of the table; returns the plain loop's seconds per generator step."""
    cost = cost_of(METHODS.get(name)(), data)
    # Measured right before the two, since a shared machine drifts.
    top = peak(workers)
    plain = _plain_seconds(name, data, 0.5 if quick else 3.0)
    ours = _harness_rate(name, data, workers, 1.0 if quick else 4.0)
    row = (
        name,
        data.batch,
        data.width,
        f"{cost.flops / 1e6:.1f}",
        f"{plain * 1e3:.3f}",
        f"{ours.training * 1e3:.3f}",
        f"{plain / ours.training:.1f}",
        f"{cost.flops / ours.training / top:.2f}",
        f"{ours.drawing / ours.training:.1%}",
    )
    print(TABLE_ROW.format(*row), flush=True)
    return plain


def peak(threads: int) -> float:
    """The most FLOPs per second that square float32 matrix products reach here, over several sizes."""
    torch.set_num_threads(threads)
    best = 0.0
    for n in (512, 1024, 2048):
        a, b = torch.randn(n, n), torch.randn(n, n)
        for _ in range(5):
            began = time.perf_counter()
            repeats = max(1, 2048**3 // n**3 // 8)
            for _ in range(repeats):
                a @ b
            best = max(best, repeats * 2 * n**3 / (time.perf_counter() - began))
    return best


def _plain_seconds(name: str, data: Dataset, seconds: float) -> float:
    """Seconds per generator step of one seed after another, with the number of threads that is best."""
    return min(_plain_seconds_with(threads, name, data, seconds) for threads in {1, cpu_cores()})


def _plain_seconds_with(threads: int, name: str, data: Dataset, seconds: float) -> float:
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    step = PLAIN_LOOPS[name](data)
    for _ in range(20):
        step()
    began, steps = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        step()
        steps += 1
    return (time.perf_counter() - began) / steps


def _harness_rate(name: str, data: Dataset, workers: int, seconds: float) -> Rate:
    """The mean over workers that train at the same time, divided by their number."""
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(workers), context.Queue()
    arguments = (name, data, seconds, barrier, results)
    processes = [context.Process(target=_harness_worker, args=arguments) for _ in range(workers)]
    for process in processes:
        process.start()
    rates: list[Rate] = []
    while len(rates) < workers:
        try:
            rates.append(results.get(timeout=1))
        except queue.Empty:
            if any(process.exitcode for process in processes):
                for process in processes:
                    process.kill()
                raise RuntimeError(f"a worker of the measurement of {name} has died") from None
    for process in processes:
        process.join()
    training = sum(rate.training for rate in rates)
    drawing = sum(rate.drawing for rate in rates)
    return Rate(training / workers / workers, drawing / workers / workers)


def _harness_worker(name: str, data: Dataset, seconds: float, barrier: Barrier, results: Any) -> None:
    """Measures one worker's rate, at the same time as the others."""
    torch.set_num_threads(1)
    method, device, cycles = METHODS.get(name)(), torch.device("cpu"), 200
    cost = cost_of(method, data)

    def seconds_per_step(cycles: int) -> float:
        standings: list[Standing] = []
        train(
            method,
            data,
            range(SEEDS),
            Budget(cycles * cost.generator_steps, "steps"),
            cost,
            evaluate=standings.append,
            progress=lambda share, stage: None,
            device=device,
            compile=True,
        )
        return standings[-1].seconds / (cycles * cost.generator_steps)

    estimate = seconds_per_step(cycles)
    barrier.wait()
    training = seconds_per_step(max(cycles, int(seconds / (estimate * SEEDS * cost.generator_steps))))
    batches = Batches(data, Cycle(method, data.spec).draws, range(SEEDS), device)
    next(batches)
    began = time.perf_counter()
    for _ in range(1024):
        next(batches)
    drawing = (time.perf_counter() - began) / 1024 / SEEDS / cost.generator_steps
    results.put(Rate(training, drawing))


def _end_to_end(plain_seconds: dict[str, float]) -> None:
    """The program as a user runs it, with an empty compile cache, against the plain loop's projected time."""
    methods = list(plain_seconds)
    budget = get_suite("synthetic").budgets["ring"]
    print(
        f"\nend to end: {', '.join(methods)} on the ring, {SEEDS} seeds at {budget}, "
        "start-up, compilation, scores and plots included",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        began = time.perf_counter()
        _run_ring(methods, out, cache=Path(folder) / "cache")
        ours = time.perf_counter() - began
        costs = _read(out / "manifest.json")["costs"]["ring"]
        records = [_read(out / "trials" / "ring" / name / "seed-0" / "result.json") for name in methods]
    projected = 0.0
    for name, seconds in plain_seconds.items():
        projected += seconds * costs[name]["cycles"] * costs[name]["generator_steps"] * SEEDS
    parts: Counter[str] = Counter()
    for record in records:
        parts.update(record["audit"]["group_seconds"])
    print(
        f"plain loop (projected from its ms per step): {duration(projected)}; "
        f"ours: {duration(ours)}; ratio {projected / ours:.1f}"
    )
    print(
        f"ours, seconds of one CPU core: training {parts['training']:.0f}, scores {parts['evaluation']:.0f} "
        f"({parts['evaluation'] / parts['training']:.1%} of training), "
        f"compilation and set-up {parts['rest']:.0f}"
    )


def _run_ring(methods: list[str], out: Path, cache: Path) -> None:
    options = ["--suite", "synthetic", "--datasets", "ring", "--methods", ",".join(methods)]
    options += ["--seeds", str(SEEDS), "--out", str(out)]
    subprocess.run(
        [sys.executable, "-m", "benchmark", "run", *options],
        check=True,
        env={**os.environ, "TORCHINDUCTOR_CACHE_DIR": str(cache)},
    )


def _read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))
