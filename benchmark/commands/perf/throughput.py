"""Training throughput: the harness against a plain PyTorch loop and against the machine's matrix-product peak, in one run."""

import json
import multiprocessing
import os
import queue
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import torch

from benchmark.commands.perf.metrics import measure_metrics
from benchmark.commands.perf.plain_loops import PLAIN
from benchmark.datasets.base import Dataset
from benchmark.errors import UsageError
from benchmark.plan.devices import can_compile
from benchmark.plan.dry_run import duration
from benchmark.registry import DATASETS, METHODS
from benchmark.running.executors.machine import processors
from benchmark.suites import get_suite
from benchmark.suites.budget import Budget
from benchmark.training.cost import cost_of
from benchmark.training.trainer import train

__all__ = ["measure"]

SIZES = ((64, 64), (128, 128), (512, 256))

SEEDS = 5


def measure(quick: bool = False) -> None:
    """Prints the tables; `quick` measures the smallest size for a short time, without the end-to-end run."""
    if not can_compile("cpu"):
        raise UsageError("perf: no C++ compiler was found; install one, such as g++")
    workers = processors()
    torch.set_num_threads(workers)
    print(
        f"torch {torch.__version__}, {workers} processors; {SEEDS} seeds in each of {workers} single-threaded workers",
        flush=True,
    )
    print(f"matrix-product peak, float32: {peak(workers) / 1e9:.0f} GFLOP/s\n")
    columns = "{:<10}{:>7}{:>7}{:>12}{:>12}{:>9}{:>9}{:>13}{:>11}"
    heads = (
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
    print(columns.format(*heads), flush=True)
    plain_ms: dict[str, float] = {}
    for batch, width in SIZES[:1] if quick else SIZES:
        for name in PLAIN:
            data = replace(DATASETS.get("ring")(), batch=batch, width=width)
            cost = cost_of(METHODS.get(name)(), data)
            # Measured between the two, since a shared machine drifts.
            top = peak(workers)
            plain = _plain_seconds(name, data, 0.5 if quick else 3.0)
            ours, drawing = _harness_seconds(name, data, workers, 1.0 if quick else 4.0)
            if (batch, width) == (DATASETS.get("ring")().batch, DATASETS.get("ring")().width):
                plain_ms[name] = plain
            row = (name, batch, width, f"{cost.flops / 1e6:.1f}", f"{plain * 1e3:.3f}", f"{ours * 1e3:.3f}")
            print(
                columns.format(
                    *row, f"{plain / ours:.1f}", f"{cost.flops / ours / top:.2f}", f"{drawing / ours:.1%}"
                ),
                flush=True,
            )
    print("\nms are per generator step and seed, all processors at work; FLOPs are those of matrix products.")
    if not quick:
        _end_to_end(plain_ms)
    torch.set_num_threads(workers)
    measure_metrics(quick)


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
    """Seconds per generator step of one seed after another, all processors in each matrix product."""
    torch.manual_seed(0)
    step = PLAIN[name](data)
    for _ in range(20):
        step()
    began, steps = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        step()
        steps += 1
    return (time.perf_counter() - began) / steps


def _harness_seconds(name: str, data: Dataset, workers: int, seconds: float) -> tuple[float, float]:
    """Seconds per generator step and seed, and those of them in which batches are drawn."""
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(workers), context.Queue()
    processes = [
        context.Process(target=_harness_worker, args=(name, data, seconds, barrier, results))
        for _ in range(workers)
    ]
    for process in processes:
        process.start()
    rates: list[tuple[float, float]] = []
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
    training, drawing = (sum(values) / workers / workers for values in zip(*rates, strict=True))
    return training, drawing


def _harness_worker(name: str, data: Dataset, seconds: float, barrier: Barrier, results: Any) -> None:
    torch.set_num_threads(1)
    from benchmark.training.streams import Batches

    method, device, cycles = METHODS.get(name)(), torch.device("cpu"), 200
    cost = cost_of(method, data)
    spent: list[float] = []

    def run(cycles: int) -> float:
        budget = Budget(cycles * cost.generator_steps, "steps")
        train(
            method,
            data,
            range(SEEDS),
            budget,
            cost,
            lambda standing: spent.append(standing.seconds),
            lambda share: None,
            device,
            True,
        )
        return spent[-1] / (cycles * cost.generator_steps)

    estimate = run(cycles)
    barrier.wait()
    result = run(max(cycles, int(seconds / (estimate * SEEDS * cost.generator_steps))))
    from benchmark.training.step import Cycle

    stream = Batches(data, Cycle(method, data.spec).draws, range(SEEDS), device)
    next(stream)
    began = time.perf_counter()
    for _ in range(1024):
        next(stream)
    drawing = (time.perf_counter() - began) / 1024 / SEEDS / cost.generator_steps
    results.put((result, drawing))


def _end_to_end(plain: dict[str, float]) -> None:
    """The program as a user runs it, with an empty compile cache, against the plain loop's projected time."""
    suite = get_suite("synthetic")
    budget = suite.budgets["ring"]
    print(
        f"\nend to end: {', '.join(plain)} on the ring, {SEEDS} seeds at {budget}, start-up, compilation, scores and plots included",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        command = [
            sys.executable,
            "-m",
            "benchmark",
            "run",
            "--suite",
            "synthetic",
            "--datasets",
            "ring",
            "--methods",
            ",".join(plain),
        ]
        began = time.perf_counter()
        subprocess.run(
            [*command, "--seeds", str(SEEDS), "--out", str(out)],
            check=True,
            env={**os.environ, "TORCHINDUCTOR_CACHE_DIR": str(Path(folder) / "cache")},
        )
        ours = time.perf_counter() - began
        manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
        records = [
            json.loads(
                (out / "trials" / "ring" / name / "seed-0" / "result.json").read_text(encoding="utf-8")
            )
            for name in plain
        ]
    costs = manifest["costs"]["ring"]
    projected = sum(
        plain[name] * costs[name]["cycles"] * costs[name]["generator_steps"] * SEEDS for name in plain
    )
    parts = {
        key: sum(record["audit"]["group_seconds"][key] for record in records)
        for key in ("training", "evaluation", "rest")
    }
    print(
        f"plain loop (projected from its ms per step): {duration(projected)}; ours: {duration(ours)}; ratio {projected / ours:.1f}"
    )
    print(
        f"ours, seconds of one processor: training {parts['training']:.0f}, scores {parts['evaluation']:.0f} "
        f"({parts['evaluation'] / parts['training']:.1%} of training), compilation and set-up {parts['rest']:.0f}"
    )
