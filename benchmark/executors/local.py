"""Cells in worker processes on this machine."""

import contextlib
import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmark.cell import Cell, Trial

__all__ = ["Done", "Event", "Failed", "Progress", "run_cells"]


@dataclass(frozen=True)
class Progress:
    """A cell has spent that share of its budget."""

    cell: "Cell"
    share: float


@dataclass(frozen=True)
class Done:
    """A cell is finished."""

    cell: "Cell"
    trials: "list[Trial]"


@dataclass(frozen=True)
class Failed:
    """A cell raised an error or lost its process."""

    cell: "Cell"
    reason: str


Event = Progress | Done | Failed


def run_cells(cells: Sequence["Cell"], workers: int) -> Iterator[Event]:
    """Runs cells in at most `workers` processes and yields what happens, as it happens.

    The processes are started afresh, so that no state and no threads are inherited, and compute with one thread each.
    They end with the iterator.
    """
    context = multiprocessing.get_context("spawn")
    waiting = list(reversed(cells))
    busy: dict[Connection, tuple[Cell, multiprocessing.process.BaseProcess]] = {}

    def start() -> None:
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs,), daemon=True)
        process.start()
        theirs.close()
        give(ours, process)

    def give(connection: Connection, process: multiprocessing.process.BaseProcess) -> None:
        """The next cell for an idle worker; a worker that has died meanwhile costs nothing."""
        cell = waiting.pop()
        busy[connection] = (cell, process)
        with contextlib.suppress(OSError):  # its end of the pipe is read next, and tells how it ended
            connection.send(cell)

    try:
        for _ in range(min(workers, len(cells))):
            start()
        while busy:
            for ready in wait(list(busy)):
                assert isinstance(ready, Connection)
                cell, process = busy[ready]
                try:
                    event = ready.recv()
                except (EOFError, OSError):
                    process.join()
                    del busy[ready]
                    yield Failed(cell, f"the worker process ended with exit code {process.exitcode}")
                    if waiting:
                        start()
                    continue
                yield event
                if isinstance(event, Progress):
                    continue
                del busy[ready]
                if waiting:
                    give(ready, process)
                else:
                    ready.close()
                    process.join(timeout=10)
    finally:
        for connection, (_, process) in busy.items():
            process.terminate()
            process.join()
            connection.close()


def _work(connection: Connection) -> None:
    """A worker: takes cells and sends events until the other end closes."""
    # Before torch is imported, which reads them once.
    os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", TORCHINDUCTOR_COMPILE_THREADS="1")
    # An interrupt from the keyboard reaches the whole process group; the parent decides what becomes of the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import logging

    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)

    import torch

    from benchmark.cell import run_cell

    torch.set_num_threads(1)
    while True:
        try:
            cell = connection.recv()
        except EOFError:
            return
        reported = 0.0

        def progress(share: float, cell: "Cell" = cell) -> None:
            nonlocal reported
            if time.monotonic() - reported > 0.5:
                reported = time.monotonic()
                connection.send(Progress(cell, share))

        try:
            event: Event = Done(cell, run_cell(cell, progress))
        except Exception:  # whatever a method raises costs its own cell only
            event = Failed(cell, traceback.format_exc())
        connection.send(event)
