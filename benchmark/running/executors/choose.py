"""The executor that was asked for."""

from benchmark.running.executors.base import Executor
from benchmark.running.executors.local import LocalExecutor
from benchmark.running.executors.machine import WORKERS_MEMORY_SHARE, default_workers, memory_of_machine
from benchmark.running.executors.options import ExecutorOptions, require_worker_processes

__all__ = ["make_executor"]


def make_executor(options: ExecutorOptions, device: str) -> Executor:
    """The executor that was asked for, whose cells compute on a device.

    Raises:
        UsageError: If Ray's cluster does not answer, or this process may start no processes.
        ImportError: If Ray is not installed.
    """
    if options.name == "ray":
        from benchmark.running.executors.ray import RayExecutor

        return RayExecutor(device, options.ray_address, options.workers)
    require_worker_processes()
    workers = options.workers or default_workers(device)
    memory = options.worker_memory or WORKERS_MEMORY_SHARE * memory_of_machine() / workers
    return LocalExecutor(workers, memory)
