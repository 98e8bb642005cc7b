"""How a running cell speaks to its driver."""

import os
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

from benchmark.running.executors.base import (
    Done,
    Event,
    Failed,
    Lost,
    Message,
    Progress,
    Saved,
    Stopped,
    Task,
)

if TYPE_CHECKING:
    from benchmark.records.checkpoint import Checkpoint

__all__ = ["Ended", "TaskLink", "run_task", "use_one_thread"]

REPORT_EVERY = 0.5
"""Seconds between two reports of progress, and between two looks for a request to stop."""


class Ended(BaseException):
    """The driver wants the cell no more. Not an error of the cell, and to be caught by nobody on the way."""


class TaskLink:
    """Tells events, makes checkpoints fall due, and ends the cell where it is asked to.

    Arguments:
        task: The task.
        tell: Sends an event.
        stopping: Whether the driver wants the cell to end.
    """

    def __init__(self, task: Task, tell: Callable[[Event], None], stopping: Callable[[], bool]) -> None:
        self.cell = task.cell
        self.every = float("inf") if task.every is None else task.every
        self.tell = tell
        self.stopping = stopping
        self.stop = False
        self.looked = self.reported = -REPORT_EVERY
        self.saved = time.monotonic()

    def progress(self, share: float) -> None:
        now = time.monotonic()
        if now - self.reported >= REPORT_EVERY:
            self.reported = now
            self.tell(Progress(self.cell, share))

    def say(self, text: str) -> None:
        self.tell(Message(self.cell, text))

    def due(self, cycles: int) -> bool:
        now = time.monotonic()
        if now - self.looked >= REPORT_EVERY:
            self.looked = now
            self.stop = self.stop or self.stopping()
        return self.stop or now - self.saved >= self.every

    def save(self, checkpoint: "Checkpoint") -> None:
        self.tell(Saved(self.cell, checkpoint))
        self.saved = time.monotonic()
        if self.stop:
            raise Ended


def use_one_thread() -> None:
    """Makes this process compute with one thread. To be called before torch is imported, which reads the environment once."""
    os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", TORCHINDUCTOR_COMPILE_THREADS="1")

    import torch

    torch.set_num_threads(1)


def run_task(task: Task, link: TaskLink) -> Event:
    """Runs a cell and returns how it ended."""
    from benchmark.running.train_and_score import run_cell

    try:
        return Done(task.cell, run_cell(task.cell, link, task.start))
    except Ended:
        return Stopped(task.cell)
    except MemoryError:
        return Lost(task.cell, "it ran out of memory")
    except Exception as error:  # whatever a method raises costs its own cell only
        if (
            "can't allocate memory" in str(error) or type(error).__name__ == "OutOfMemoryError"
        ):  # torch's own, on a processor and on a GPU
            return Lost(task.cell, f"it ran out of memory ({str(error).splitlines()[0]})")
        return Failed(task.cell, traceback.format_exc())
