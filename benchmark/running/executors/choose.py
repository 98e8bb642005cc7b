"""Where the cells of a run are to run."""

from benchmark.running.executors.base import Executor
from benchmark.running.executors.local import LocalExecutor
from benchmark.running.executors.machine import WORKERS_MEMORY_SHARE, default_workers, memory_of_machine

__all__ = ["make_executor"]


def make_executor(
    name: str, device: str, workers: int | None, memory: float | None, address: str | None
) -> Executor:
    """The executor of that name.

    Arguments:
        name: `local` or `ray`.
        device: The device that cells compute on.
        workers: The number of cells at a time; by default one per CPU core that this process may use, or one
            on an accelerator.
        memory: Bytes that a worker may hold; by default the workers share most of the machine's.
        address: The address of a Ray cluster; `None` for a cluster of its own on this machine.

    Raises:
        UsageError: If Ray is not installed, or its cluster does not answer.
    """
    if name == "ray":
        from benchmark.running.executors.ray import RayExecutor

        return RayExecutor(device, address, workers)
    workers = workers or default_workers(device)
    return LocalExecutor(workers, memory or WORKERS_MEMORY_SHARE * memory_of_machine() / workers)
