"""What tests of faults share: an executor without processes, and comparisons of runs."""

from collections import deque

import pandas as pd

from benchmark.running.executors.base import Executor
from benchmark.running.executors.worker import TaskLink, run_task

MEASURED = ["device_seconds", "peak_memory_bytes"]
TABLES = ("trials", "summary", "curves")


class Inline(Executor):
    """Runs a cell in this process, whenever it is polled. After `stop_after` checkpoints it asks its cell to stop."""

    def __init__(self, stop_after=None, capacity=2):
        self.capacity = capacity
        self.left = float("inf") if stop_after is None else stop_after
        self.tasks = deque()
        self.events = []

    def describe(self):
        return "this process"

    def start(self, task):
        self.tasks.append(task)

    def tell(self, event):
        self.events.append(event)
        self.left -= type(event).__name__ == "Saved"

    def poll(self, timeout):
        if self.tasks:
            task = self.tasks.popleft()
            self.events.append(run_task(task, TaskLink(task, self.tell, lambda: self.left <= 0)))
        events, self.events = self.events, []
        return events

    def kill(self, cell, reason):
        raise NotImplementedError

    def stop(self):
        self.left = 0

    def close(self):
        self.tasks.clear()


def tables(out):
    """The tables without what is measured."""
    return {name: pd.read_csv(out / f"{name}.csv").drop(columns=MEASURED, errors="ignore") for name in TABLES}


def same(one, two):
    for name in TABLES:
        pd.testing.assert_frame_equal(one[name], two[name], check_exact=True)


def finished(out):
    """The finished trials' records, each with what would change if it were written again."""
    return {
        file: (file.stat().st_ino, file.stat().st_mtime_ns)
        for file in (out / "trials").glob("*/*/seed-*/result.json")
    }
