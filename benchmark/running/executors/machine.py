"""The CPU cores and the memory of this machine."""

import os
from pathlib import Path

import psutil

__all__ = ["WORKERS_MEMORY_SHARE", "cpu_cores", "default_workers", "memory_of_machine"]

WORKERS_MEMORY_SHARE = 0.9
"""The part of the machine's memory that workers may hold together."""

CONTAINER_MEMORY_FILE = Path("/sys/fs/cgroup/memory.max")
"""Where Linux gives the memory limit of a container, in bytes."""


def default_workers(device: str) -> int:
    """One worker per CPU core that this process may use; on an accelerator, one."""
    return cpu_cores() if device == "cpu" else 1


def cpu_cores() -> int:
    """How many CPU cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_of_machine() -> int:
    """Bytes of memory of this machine, or of the container in which this process runs."""
    total = psutil.virtual_memory().total
    try:
        return min(total, int(CONTAINER_MEMORY_FILE.read_text()))
    except (OSError, ValueError):  # there is no such file, or it says "max"
        return total
