"""The CPU cores and the memory of this machine, or of the part of it that this process was given."""

import os
from math import ceil
from pathlib import Path

import psutil

from benchmark.running.executors.cgroups import ROOT, memory_limit, processor_limit

__all__ = ["WORKERS_MEMORY_SHARE", "cpu_cores", "default_workers", "memory_of_machine"]

WORKERS_MEMORY_SHARE = 0.9
"""The part of the machine's memory that workers may hold together."""


def default_workers(device: str) -> int:
    """One worker per CPU core that this process may use; on an accelerator, one."""
    return cpu_cores() if device == "cpu" else 1


def cpu_cores(root: Path = ROOT) -> int:
    """How many CPU cores this process may use; parts of one count as one."""
    return ceil(min(_visible_cores(), processor_limit(root)))


def memory_of_machine(root: Path = ROOT) -> float:
    """Bytes of memory of this machine, or of the container or job in which this process runs."""
    return min(psutil.virtual_memory().total, memory_limit(root))


def _visible_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
