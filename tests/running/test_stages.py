"""A running cell reports its stage: compiling, training or scoring."""

from dataclasses import replace

import pytest

from benchmark.records.cell import Cell, Configured
from benchmark.records.schema import NOISE
from benchmark.running.executors import worker
from benchmark.running.executors.base import Done, Progress, Task
from benchmark.running.executors.worker import TaskLink, run_task
from benchmark.suites.budget import Budget

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
    monkeypatch.setattr("torch.compile", lambda function, **options: function)
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
