"""A running cell reports its stage: compiling, training or scoring."""

import mmap
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from benchmark.plan.remaining import CellToRun, Remaining
from benchmark.records.cell import Cell, Configured
from benchmark.records.schema import NOISE
from benchmark.records.trial_files import NOTHING
from benchmark.running import peak_memory
from benchmark.running.executors import worker
from benchmark.running.executors.base import Done, Failed, Message, Progress, Task
from benchmark.running.executors.worker import TaskLink, run_task
from benchmark.running.run_writer import RunWriter
from benchmark.suites.budget import Budget
from benchmark.training.step import Cycle

RING = Configured("ring", {"evaluations": 2, "samples": 50, "held_out": 50, "samples_large": 0, "width": 4})
CELL = Cell(
    "synthetic", RING, Configured("gan", {}), (Configured("modes", {}),), Budget(4, "steps"), (0, 1), (0, 1)
)


def reports(cell):
    """The progress that a cell reports while it runs in this process."""
    events = []
    task = Task(cell)
    end = run_task(task, TaskLink(task, events.append, lambda: False))
    assert isinstance(end, Done), end
    return [event for event in events if isinstance(event, Progress)]


def test_training_and_scoring_take_turns():
    progress = reports(CELL)
    assert [event.stage for event in progress] == ["training", "scoring", "training", "scoring"]
    assert [event.share for event in progress] == [0.0, 0.5, 0.5, 1.0]


def test_a_compiled_cell_compiles_first(monkeypatch):
    def eager(method, data, seeds, device):
        return Cycle(method, data.spec)

    monkeypatch.setattr("benchmark.training.trainer.compiled_cycle", eager)
    progress = reports(replace(CELL, compile=True))
    assert [event.stage for event in progress] == ["compiling", "training", "scoring", "training", "scoring"]


def test_a_calibration_row_is_scored_seed_by_seed(monkeypatch):
    monkeypatch.setattr(worker, "REPORT_EVERY", 0.0)
    progress = reports(replace(CELL, method=Configured(NOISE, {})))
    assert [event.stage for event in progress] == ["scoring", "scoring"]
    assert [event.share for event in progress] == [0.0, 0.5]


@pytest.mark.parametrize("stage", ["training", "scoring"])
def test_only_a_change_of_stage_is_sent_at_once(monkeypatch, stage):
    monkeypatch.setattr(worker, "REPORT_EVERY", 1000.0)
    events = []
    link = TaskLink(Task(CELL), events.append, lambda: False)
    link.progress(0.1, "training")
    link.progress(0.2, stage)
    assert len(events) == (1 if stage == "training" else 2)


@pytest.mark.parametrize(
    ("workers", "words"),
    [
        (2, "training ring gan, training ring gan"),
        (5, "5 training"),
    ],
)
def test_the_line_of_progress_names_few_workers_and_counts_many(workers, words):
    cells = [replace(CELL, group=(seed,), wanted=(seed,)) for seed in range(workers)]
    line = Line()
    writer = RunWriter(Remaining(None, to_run(cells), 0, {}), NOTHING, {}, None, line)
    for cell in cells:
        writer.take(Progress(cell, 0.1, "training"))
    assert line.stages == words


def test_a_worker_that_was_lost_has_no_stage():
    line = Line()
    writer = RunWriter(Remaining(None, to_run([CELL]), 0, {}), NOTHING, {}, None, line)
    writer.take(Progress(CELL, 0.1, "training"))
    writer.take(Message(CELL, "it was lost; trying again"))
    assert line.stages == ""


def test_the_work_of_a_cell_that_failed_is_not_counted_as_done():
    line = Line()
    store = SimpleNamespace(trials=SimpleNamespace(write_error=lambda cell, text: "error.txt"))
    cells = [replace(CELL, group=(seed,), wanted=(seed,)) for seed in range(2)]
    writer = RunWriter(Remaining(None, to_run(cells), 0, {}), NOTHING, {}, store, line)
    writer.take(Progress(cells[0], 0.25, "training"))
    writer.take(Progress(cells[0], 0.5, "training"))
    writer.take(Failed(cells[0], "no luck"))
    writer.take(Failed(cells[1], "no luck before it began"))
    assert line.skipped == [0.25, 0.5, 1.0]
    assert line.spent == 0.25


def to_run(cells):
    planned = SimpleNamespace(work=lambda seeds: 1.0)
    return [CellToRun(planned, cell) for cell in cells]


class Line:
    """Keeps what it was last asked to show, and all that it was asked to skip."""

    def __init__(self):
        self.skipped = []

    def skip(self, work):
        self.skipped.append(work)

    def say(self, text):
        pass

    def update(self, done, spent, stages):
        self.spent = spent
        self.stages = stages


def test_the_peak_of_memory_is_that_of_the_process_alone(monkeypatch, tmp_path):
    """Linux passes the peak of a process on to those that it starts, but for the one in its status file."""
    (tmp_path / "status").write_text("Name:\tpython\nVmPeak:\t 900 kB\nVmHWM:\t   7 kB\nVmRSS:\t   5 kB\n")
    monkeypatch.setattr(peak_memory, "PROCESS", tmp_path)
    task = Task(replace(CELL, method=Configured(NOISE, {})))
    end = run_task(task, TaskLink(task, lambda event: None, lambda: False))
    assert [trial.audit["peak_memory_bytes"] for trial in end.trials] == [7 * 1024, 7 * 1024]


def test_a_system_that_does_not_tell_the_peak_is_asked_in_another_way(monkeypatch, tmp_path):
    (tmp_path / "status").write_text("Name:\tpython\nVmSize:\t 900 kB\nVmRSS:\t   5 kB\n")
    monkeypatch.setattr(peak_memory, "PROCESS", tmp_path)
    assert peak_memory.peak_memory(torch.device("cpu")) > 1_000_000


@pytest.mark.skipif(not peak_memory.PROCESS.exists(), reason="the system keeps the peak of a process")
def test_the_peak_of_memory_is_that_of_the_cell():
    cpu = torch.device("cpu")
    # Mapped, because an array may lie in what the process has freed before and still holds.
    with mmap.mmap(-1, 200_000_000) as much:
        much[:: mmap.PAGESIZE] = bytes(-(-len(much) // mmap.PAGESIZE))
        with_much = peak_memory.peak_memory(cpu)
    peak_memory.reset_peak_memory(cpu)
    assert peak_memory.peak_memory(cpu) < with_much - 150_000_000
