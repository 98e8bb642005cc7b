"""All measurements of `perf` but that of executors, one after another."""

import psutil
import torch

from benchmark.commands.perf.end_to_end import measure_end_to_end
from benchmark.commands.perf.growth import measure_growth
from benchmark.commands.perf.metrics import measure_metrics
from benchmark.commands.perf.parts import measure_parts
from benchmark.commands.perf.plain_loops import PLAIN_LOOPS
from benchmark.commands.perf.populations import measure_populations
from benchmark.commands.perf.scoring import measure_scoring
from benchmark.commands.perf.throughput import SEEDS, SIZES, measure_throughput
from benchmark.commands.perf.timing import peak
from benchmark.datasets.mixtures import Ring
from benchmark.errors import UsageError, complain
from benchmark.plan.devices import choose_device, compilation_fault
from benchmark.running.executors.machine import cpu_cores

__all__ = ["measure"]

BUSY_PERCENT = 20
"""Per cent of the CPU cores that other programs may use."""


def measure(device: str = "cpu", quick: bool = False) -> None:
    """Prints the tables.

    Arguments:
        device: The device to measure.
        quick: Whether to measure one method at the smallest sizes for a short time, without the end-to-end
            run.

    Raises:
        UsageError: If there is no such device, or nothing can be compiled for it.
    """
    name = choose_device(device)
    if not name.startswith(("cpu", "cuda")):
        raise UsageError(f"perf: --device {device}: give cpu, cuda or cuda:N")
    fault = compilation_fault(name)
    if fault:
        raise UsageError(f"perf: compiling does not work here: {fault}")
    place = torch.device(name)
    workers = cpu_cores() if place.type == "cpu" else 1
    busy = psutil.cpu_percent(interval=1.0)
    if busy > BUSY_PERCENT:
        complain(f"other programs use {busy:.0f} % of the CPU cores; measure again when they have ended")
    print(
        f"torch {torch.__version__}, {_description(place)}; "
        f"{SEEDS} seeds in each of {workers} single-threaded workers",
        flush=True,
    )
    print(f"matrix-product peak, float32: {peak(place, threads=workers) / 1e9:.0f} GFLOP/s\n")
    names = ["gan"] if quick else list(PLAIN_LOOPS)
    plain_seconds = measure_throughput(names, place, workers, quick)
    torch.set_num_threads(1)
    if place.type == "cpu":
        for batch, width in SIZES[: 1 if quick else 2]:
            measure_parts(names, Ring(batch=batch, width=width, evaluations=1), quick)
    measure_populations(place, quick)
    measure_growth(place, quick)
    measure_scoring(place, quick)
    torch.set_num_threads(cpu_cores())
    measure_metrics(quick)
    if not quick:
        measure_end_to_end(plain_seconds, name, workers)


def _description(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{cpu_cores()} CPU cores"
