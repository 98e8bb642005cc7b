"""What tests of faults share: an executor without processes, and comparisons of runs."""

import subprocess
import sys
import time
from collections import deque

import pandas as pd

from benchmark.running.executors.base import Executor
from benchmark.running.executors.worker import TaskLink, run_task

MEASURED = ["device_seconds", "peak_memory_bytes"]
TABLES = ("trials", "summary", "curves")


class Inline(Executor):
    """Runs a cell in this process, whenever it is polled. After `stop_after` checkpoints it asks its cell to
    stop.
    """

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


def saved(out):
    """When each checkpoint was written."""
    files = out.glob("trials/*/*/training-*/checkpoint.json")
    return {file: file.stat().st_mtime_ns for file in files}


METHOD_OPTIONS = ("--methods", "gan,wgan-gp", "--compile", "off")

RING = (
    "run",
    "--suite",
    "synthetic",
    "--datasets",
    "ring",
    "--set",
    "ivom.iterations=2",
    "--set",
    "ring.samples_large=0",
)

SMALL = (*RING, *METHOD_OPTIONS, "--budget", "5e8flops", "--seeds", "2")

LONGER = (*RING, *METHOD_OPTIONS, "--budget", "1e10flops", "--seeds", "2")

GAN_AND_DCGAN = (
    *("run", "--suite", "synthetic", "--datasets", "ring", "--methods", "gan,dcgan"),
    *("--budget", "3e8flops", "--set", "ivom.iterations=3"),
)


def use(monkeypatch, executor):
    monkeypatch.setattr("benchmark.commands.run.make_executor", lambda *arguments: executor)


def draw_nothing(patch):
    patch.setattr("benchmark.report.write.write_plots", lambda *arguments: [])
    patch.setattr("benchmark.report.write.make_page", lambda *arguments: "no page")


def spawn(*arguments, **options):
    command = [sys.executable, "-m", "benchmark", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def wait_for(condition, process):
    deadline = time.monotonic() + 300
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def wait_until_it_saves(out, process):
    before = saved(out)
    wait_for(lambda: saved(out) != before, process)
