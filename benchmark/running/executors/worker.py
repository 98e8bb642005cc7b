"""Runs one cell, and reports its events to the driver."""

import os
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

from benchmark.errors import first_line, is_out_of_memory
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

__all__ = ["TaskLink", "run_task", "use_one_thread"]

REPORT_EVERY = 0.5
"""Seconds between two reports of progress in one stage, and between two checks for a request to stop."""


class Ended(BaseException):
    """The driver has stopped the cell. It is no error of the cell, and no code in between may catch it."""


class TaskLink:
    """Sends a cell's events, decides when a checkpoint is due, and ends the cell when the driver stops it.

    Arguments:
        task: The task.
        send: Sends an event.
        stopping: Whether the driver wants the cell to end.
    """

    def __init__(self, task: Task, send: Callable[[Event], None], stopping: Callable[[], bool]) -> None:
        self.cell = task.cell
        self.every = float("inf") if task.every is None else task.every
        self.send = send
        self.stopping = stopping
        self.stop = False
        self.stage = ""
        self.asked_to_stop = self.reported = -REPORT_EVERY
        self.saved = time.monotonic()

    def progress(self, share: float, stage: str) -> None:
        """Reports the share of the budget that is spent: at once in a new stage, else now and then."""
        now = time.monotonic()
        if stage != self.stage or now - self.reported >= REPORT_EVERY:
            self.stage = stage
            self.reported = now
            self.send(Progress(self.cell, share, stage))

    def say(self, text: str) -> None:
        """Sends a line for the user."""
        self.send(Message(self.cell, text))

    def due(self, cycles: int) -> bool:
        """Whether a checkpoint is wanted now."""
        now = time.monotonic()
        if now - self.asked_to_stop >= REPORT_EVERY:
            self.asked_to_stop = now
            self.stop = self.stop or self.stopping()
        return self.stop or now - self.saved >= self.every

    def save(self, checkpoint: "Checkpoint") -> None:
        """Sends a checkpoint.

        Raises:
            Ended: If the driver wants the cell to end.
        """
        self.send(Saved(self.cell, checkpoint))
        self.saved = time.monotonic()
        if self.stop:
            raise Ended


def use_one_thread() -> None:
    """Makes this process compute with one thread.

    It must be called before torch is imported, which reads the environment once.
    """
    os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", TORCHINDUCTOR_COMPILE_THREADS="1")

    import torch

    torch.set_num_threads(1)


def run_task(task: Task, link: TaskLink) -> Event:
    """Runs a cell and returns how it ended."""
    from benchmark.running.train_and_score import run_cell
    from benchmark.training.advice import explain

    try:
        return Done(task.cell, run_cell(task.cell, link, task.start))
    except Ended:
        return Stopped(task.cell)
    except Exception as error:  # whatever a method raises costs its own cell only
        if is_out_of_memory(error):
            return Lost(task.cell, f"it ran out of memory ({first_line(error)})")
        return Failed(task.cell, explain(error), traceback.format_exc())
