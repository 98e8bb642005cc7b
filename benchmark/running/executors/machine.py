"""What this machine has to offer: processors and memory."""

import os
from pathlib import Path

import psutil

__all__ = ["default_workers", "processors"]

SHARE = 0.9
"""The part of the machine's memory that workers may hold together."""

CGROUP = Path("/sys/fs/cgroup/memory.max")


def default_workers(device: str) -> int:
    """One worker per processor that this process may use; on an accelerator, one."""
    return processors() if device == "cpu" else 1


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_of_machine() -> int:
    """Bytes of memory that this machine, or the container that this is, has."""
    total = psutil.virtual_memory().total
    try:
        return min(total, int(CGROUP.read_text()))
    except (OSError, ValueError):  # there is no such file, or it says "max"
        return total
