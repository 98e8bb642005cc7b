"""Cells in worker processes on this machine."""

import contextlib
import logging
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

from benchmark.running.executors.base import Event, Executor, Lost, Message, Progress, Saved, Task
from benchmark.running.executors.worker import TaskLink, run_task, use_one_thread

if TYPE_CHECKING:
    from benchmark.records.cell import Cell

__all__ = ["LocalExecutor"]

WATCH_EVERY = 0.5
"""Seconds between two looks at the workers' memory."""


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    cell: "Cell | None" = None
    verdict: str | None = None
    """Why we killed it."""


class LocalExecutor(Executor):
    """Worker processes that are started afresh, so that no state and no threads are inherited, and compute with one thread each.

    A worker that dies takes one cell with it. They all end with this process, however it ends.

    Arguments:
        workers: The number of processes.
        memory: Bytes that a worker may hold; one that holds more is killed.
    """

    def __init__(self, workers: int, memory: float = float("inf")) -> None:
        self.capacity: int = workers
        self.memory = memory
        self.workers: list[_Worker] = []
        self.watched = time.monotonic()

    def describe(self) -> str:
        return f"{self.capacity} worker{'s'[: self.capacity > 1]} of at most {self.memory / 2**30:.1f} GiB"

    def start(self, task: Task) -> None:
        worker = next((w for w in self.workers if w.cell is None), None) or self._hire()
        worker.cell = task.cell
        with contextlib.suppress(
            OSError
        ):  # if it has died meanwhile, its end of the pipe tells so when it is read
            worker.connection.send(task)

    def poll(self, timeout: float) -> list[Event]:
        events = [
            event
            for ready in wait([w.connection for w in self.workers if w.cell], timeout)
            if (event := self._receive(ready))
        ]
        if time.monotonic() - self.watched > WATCH_EVERY:
            self.watched = time.monotonic()
            for worker in self.workers:
                self._watch(worker)
        return events

    def kill(self, cell: "Cell", reason: str) -> None:
        for worker in self.workers:
            if worker.cell is not None and worker.cell.key == cell.key:
                worker.verdict = reason
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

    def _hire(self) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs,), daemon=True)
        with _nameless_main():
            process.start()
        theirs.close()
        worker = _Worker(process, ours)
        self.workers.append(worker)
        return worker

    def _receive(self, ready: object) -> Event | None:
        worker = next(w for w in self.workers if w.connection is ready)
        cell = worker.cell
        assert cell is not None
        try:
            event: Event = worker.connection.recv()
        except (EOFError, OSError):
            worker.process.join()
            worker.connection.close()
            self.workers.remove(worker)
            return Lost(cell, worker.verdict or f"its worker process {_ending(worker.process.exitcode)}")
        if not isinstance(event, Progress | Message | Saved):
            worker.cell = None
        return event

    def _watch(self, worker: _Worker) -> None:
        with contextlib.suppress(
            psutil.Error
        ):  # if it has just died, that is found out when its pipe is read
            held = psutil.Process(worker.process.pid).memory_info().rss
            if worker.cell is not None and worker.verdict is None and held > self.memory:
                self.kill(
                    worker.cell,
                    f"its worker held {held / 2**30:.1f} GiB of memory, more than the {self.memory / 2**30:.1f} GiB that it may",
                )


@contextlib.contextmanager
def _nameless_main() -> Iterator[None]:
    """Within it, a new process does not import the script that this one was started with, which might start a run of its own."""
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        return f"was killed by {name}" + (
            ", as the system does when memory runs out" if name == "SIGKILL" else ""
        )
    return f"ended with exit code {code}"


def _work(connection: Connection) -> None:
    """A worker: takes tasks and sends events until the other end closes."""
    # Signals from a terminal or a job's end reach the whole process group; the driver decides what becomes of the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_end_with_driver, daemon=True).start()
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)

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
