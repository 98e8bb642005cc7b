"""Cells in worker processes on this machine."""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import TYPE_CHECKING

import psutil

from benchmark.running.executors.base import Event, Executor, Lost, Report, Task
from benchmark.running.executors.worker import TaskLink, run_task, use_one_thread
from benchmark.running.interruption import ending_signals

if TYPE_CHECKING:
    from benchmark.records.cell import Cell

__all__ = ["LocalExecutor"]

CHECK_MEMORY_EVERY = 0.5
"""Seconds between two checks of the workers' memory."""

GIBIBYTE = 2**30


@dataclass
class _Worker:
    """A worker process, and what it does.

    Attributes:
        process: The process.
        connection: Our end of its pipe.
        cell: The cell that it runs; `None` if it is idle.
        kill_reason: Why we killed it, if we did.
    """

    process: BaseProcess
    connection: Connection
    cell: "Cell | None" = None
    kill_reason: str | None = None


class LocalExecutor(Executor):
    """Worker processes of one thread each, spawned so that they inherit no state and no threads.

    A worker that dies takes one cell with it. They all end with this process, however it ends.

    Arguments:
        workers: The number of processes.
        memory: Bytes that a worker may hold; one that holds more is killed.
    """

    def __init__(self, workers: int, memory: float = float("inf")) -> None:
        self.capacity: int = workers
        self.memory = memory
        self.workers: list[_Worker] = []
        self.memory_checked = time.monotonic()

    def describe(self) -> str:
        noun = "worker" if self.capacity == 1 else "workers"
        return f"{self.capacity} {noun} of at most {self.memory / GIBIBYTE:.1f} GiB"

    def start(self, task: Task) -> None:
        worker = self._idle_worker() or self._new_worker()
        worker.cell = task.cell
        # If it has just died, the next reading of its pipe will show that.
        with contextlib.suppress(OSError):
            worker.connection.send(task)

    def poll(self, timeout: float) -> list[Event]:
        busy = [worker for worker in self.workers if worker.cell is not None]
        readable = wait([worker.connection for worker in busy], timeout)
        events = [self._receive(worker) for worker in busy if worker.connection in readable]
        if time.monotonic() - self.memory_checked > CHECK_MEMORY_EVERY:
            self.memory_checked = time.monotonic()
            for worker in self.workers:
                self._check_memory(worker)
        return events

    def kill(self, cell: "Cell", reason: str) -> None:
        for worker in self.workers:
            if worker.cell is not None and worker.cell.key == cell.key:
                worker.kill_reason = reason
                worker.process.kill()

    def stop(self) -> None:
        for worker in self.workers:
            with contextlib.suppress(OSError):
                worker.connection.send("stop")

    def close(self) -> None:
        for worker in self.workers:
            worker.connection.close()
            if worker.cell is not None:
                worker.process.kill()
        for worker in self.workers:
            worker.process.join(timeout=5)
            worker.process.kill()
            worker.process.join()
        self.workers = []

    def _idle_worker(self) -> _Worker | None:
        for worker in self.workers:
            if worker.cell is None and worker.kill_reason is None:
                return worker
        return None

    def _new_worker(self) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs,), daemon=True)
        with _clean_start():
            process.start()
        theirs.close()
        worker = _Worker(process, ours)
        self.workers.append(worker)
        return worker

    def _receive(self, worker: _Worker) -> Event:
        """The next event of a worker whose pipe can be read."""
        cell = worker.cell
        assert cell is not None
        try:
            event: Event = worker.connection.recv()
        except (EOFError, OSError):
            worker.process.join()
            worker.connection.close()
            self.workers.remove(worker)
            return Lost(cell, worker.kill_reason or f"its worker process {_ending(worker.process.exitcode)}")
        if not isinstance(event, Report):
            worker.cell = None
        return event

    def _check_memory(self, worker: _Worker) -> None:
        """Kills a worker that holds more memory than it may."""
        if worker.cell is None or worker.kill_reason is not None:
            return
        try:
            memory = psutil.Process(worker.process.pid).memory_info().rss
        except psutil.Error:  # if it has just died, the next reading of its pipe will show that
            return
        if memory > self.memory:
            reason = (
                f"its worker held {memory / GIBIBYTE:.1f} GiB of memory, "
                f"more than the {self.memory / GIBIBYTE:.1f} GiB that it may"
            )
            self.kill(worker.cell, reason)


@contextlib.contextmanager
def _clean_start() -> Iterator[None]:
    """Within it, a new process imports nothing from the working directory while it starts, and not this
    process's script, which might start a run of its own.
    """
    script = sys.modules["__main__"]
    safe_path = os.environ.get("PYTHONSAFEPATH")
    sys.modules["__main__"] = ModuleType("__main__")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        sys.modules["__main__"] = script
        del os.environ["PYTHONSAFEPATH"]
        if safe_path is not None:
            os.environ["PYTHONSAFEPATH"] = safe_path


def _ending(code: int | None) -> str:
    """How a process ended, in words."""
    if code is None or code >= 0:
        return f"ended with exit code {code}"
    if -code == signal.SIGKILL:
        return "was killed by SIGKILL, as the system does when memory runs out"
    return f"was killed by signal {-code} ({signal.strsignal(-code)})"


def _work(connection: Connection) -> None:
    """A worker: takes tasks and sends events until the other end closes."""
    # Signals from a terminal or a job's end reach the whole process group; the driver alone reacts to them.
    for number in ending_signals():
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_driver, daemon=True).start()

    use_one_thread()

    def stopping() -> bool:
        return connection.poll() and connection.recv() == "stop"

    while True:
        try:
            task = connection.recv()
        except EOFError:
            return
        if isinstance(task, Task):
            connection.send(run_task(task, TaskLink(task, connection.send, stopping)))


def _end_with_driver() -> None:
    """Ends this process as soon as the driver's has ended, whatever it is doing."""
    driver = multiprocessing.parent_process()
    assert driver is not None
    wait([driver.sentinel])
    os._exit(1)
