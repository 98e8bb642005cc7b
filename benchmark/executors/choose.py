"""Where the cells of a run are to run."""

import os
from pathlib import Path

import psutil

from benchmark.executors.base import Executor
from benchmark.executors.local import LocalExecutor

__all__ = ["default_workers", "make_executor", "processors"]

SHARE = 0.9
"""The part of the machine's memory that workers may hold together."""

CGROUP = Path("/sys/fs/cgroup/memory.max")


def make_executor(name: str, device: str, workers: int | None, memory: float | None, address: str | None) -> Executor:
    """The executor of that name.

    Arguments:
        name: `local` or `ray`.
        device: The device that cells compute on.
        workers: The number of cells at a time; by default one per processor that this process may use, or one on an accelerator.
        memory: Bytes that a worker may hold; by default the workers share most of the machine's.
        address: Of a Ray cluster.

    Raises:
        UsageError: If Ray is not installed or not there.
    """
    if name == "ray":
        from benchmark.executors.ray import RayExecutor

        return RayExecutor(device, address, workers)
    workers = workers or default_workers(device)
    return LocalExecutor(workers, memory or SHARE * _memory() / workers)


def default_workers(device: str) -> int:
    """One worker per processor that this process may use; on an accelerator, one."""
    return processors() if device == "cpu" else 1


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory() -> int:
    """Bytes of memory that this machine, or the container that this is, has."""
    total = psutil.virtual_memory().total
    try:
        return min(total, int(CGROUP.read_text()))
    except (OSError, ValueError):  # there is no such file, or it says "max"
        return total
