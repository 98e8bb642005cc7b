"""Jobs that are stopped and go on: nothing in them hangs."""

import os
import signal
import time
from types import SimpleNamespace

import pandas as pd
import pytest
from support.faults import LONGER, finished, spawn, wait_for

from benchmark.records.cell import Cell, Configured
from benchmark.running.executors.base import Executor, Lost, Progress
from benchmark.running.executors.supervisor import Policy, run_cells
from benchmark.running.limits import Limits
from benchmark.suites.budget import Budget


class Silent(Executor):
    """One cell that reports nothing until it is killed, while the time moves as the test wants."""

    capacity = 1

    def __init__(self, now, steps):
        self.now = now
        self.steps = iter(steps)
        self.killed_at = None

    def describe(self):
        return "nothing"

    def start(self, task):
        self.cell = task.cell

    def poll(self, timeout):
        if self.killed_at is not None:
            return [Lost(self.cell, "it was killed")]
        self.now[0] += next(self.steps)
        return [Progress(self.cell, 0.0, "training")] if self.now[0] < 1 else []

    def kill(self, cell, reason):
        self.killed_at = self.now[0]

    def stop(self):
        raise NotImplementedError

    def close(self):
        pass


@pytest.mark.parametrize(
    ("steps", "killed_at"),
    [
        ([0.2] * 60, 10.8),
        ([0.2] * 10 + [50_000.0] + [0.2] * 60, 50_010.0),
    ],
)
def test_a_stop_of_the_whole_program_counts_for_little(monkeypatch, steps, killed_at):
    now = [0.0]
    clock = SimpleNamespace(monotonic=lambda: now[0])
    monkeypatch.setattr("benchmark.running.executors.waking_clock.time", clock)
    executor = Silent(now, steps)
    cell = Cell("x", Configured("ring", {}), Configured("gan", {}), (), Budget(1, "steps"), (0,), (0,))
    limits = Limits(checkpoint_every=None, stall_timeout=10.0)
    events = run_cells([cell], executor, Policy(lambda cell: None, limits, lambda: False))
    for _ in events:
        if executor.killed_at is not None:
            break
    events.close()
    assert executor.killed_at == pytest.approx(killed_at, abs=0.5)


@pytest.mark.long
def test_a_stopped_job_goes_on_where_it_was(tmp_path):
    """As `kill -STOP` and `kill -CONT` do to the whole process group, for longer than the timeout."""
    out = tmp_path / "run"
    arguments = (*LONGER, "--workers", "2", "--stall-timeout", "20s", "--out", out)
    process = spawn(*arguments, start_new_session=True)
    wait_for(lambda: len(finished(out)) >= 6, process)  # the calibration rows
    time.sleep(1)
    assert process.poll() is None
    os.killpg(process.pid, signal.SIGSTOP)
    time.sleep(25)
    os.killpg(process.pid, signal.SIGCONT)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert "trying again" not in err
    assert set(pd.read_csv(out / "trials.csv")["status"]) == {"ok"}
