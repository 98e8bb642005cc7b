"""Where the cells of a run are asked to run. Imports nothing heavy."""

import multiprocessing
from dataclasses import dataclass

from benchmark.errors import UsageError
from benchmark.registry import is_installed

__all__ = ["EXECUTORS", "ExecutorOptions", "require_ray", "require_worker_processes"]

EXECUTORS = ("local", "ray")


@dataclass(frozen=True)
class ExecutorOptions:
    """Where cells are to run.

    Attributes:
        name: One of `EXECUTORS`.
        workers: How many cells run at a time; `None` for one per CPU core, or one on a GPU.
        worker_memory: Bytes that a worker may hold; `None` for its share of the machine's.
        ray_address: The address of a Ray cluster; `None` for one on this machine.
    """

    name: str
    workers: int | None
    worker_memory: float | None
    ray_address: str | None


def require_ray() -> None:
    """Raises a `UsageError` if Ray is not installed."""
    if not is_installed("ray"):
        raise UsageError("--executor ray: Ray is not installed; pip install 'mode-collapse-benchmark[ray]'")


def require_worker_processes() -> None:
    """Raises a `UsageError` if this process may start no processes."""
    if multiprocessing.current_process().daemon:
        raise UsageError(
            "--executor local: a daemonic process, such as one of multiprocessing.Pool, cannot start workers;"
            " use concurrent.futures.ProcessPoolExecutor instead of the pool"
        )
