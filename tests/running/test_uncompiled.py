"""Methods whose step does not compile."""

import json
from dataclasses import replace

import pytest
from support.training import StopAt, StopError

from benchmark.plan.planned import Planned
from benchmark.records.cell import Cell, Configured
from benchmark.running.train_and_score import run_cell
from benchmark.suites.budget import Budget
from benchmark.training.step import Cycle

ARGUMENTS = (
    *("run", "--suite", "synthetic", "--datasets", "ring", "--methods", "gan", "--budget", "20steps"),
    *("--metrics", "high_quality", "--set", "ring.samples_large=0"),
)


@pytest.fixture
def broken_compiler(monkeypatch, inline):
    """Compiling pays, and fails."""

    def fail(*arguments):
        raise RuntimeError("no luck\nmore of it")

    monkeypatch.setattr(Planned, "seconds", lambda self, seeds, compiled, again=False: 2.0 - compiled)
    monkeypatch.setattr("benchmark.training.trainer.compiled_cycle", fail)


def compiled(out, seed):
    record = json.loads((out / "trials" / "ring" / "gan" / f"seed-{seed}" / "result.json").read_text())
    return record["audit"]["compiled"]


@pytest.mark.usefixtures("broken_compiler")
def test_it_is_trained_eagerly_with_one_line(cli, tmp_path):
    out = tmp_path / "run"
    status, _, err = cli(*ARGUMENTS, "--out", out, "--seeds", "1")
    assert status == 0, err
    assert err.count("ring gan: does not compile (RuntimeError: no luck); it is trained eagerly") == 1
    assert compiled(out, 0) is False
    status, _, err = cli(*ARGUMENTS, "--out", out, "--seeds", "2")
    assert status == 0, err
    assert "4 trials to train in 4 cells" in err  # with the calibration rows
    assert compiled(out, 1) is False


@pytest.mark.usefixtures("broken_compiler")
def test_it_fails_where_compiling_was_asked_for(cli, tmp_path):
    status, _, err = cli(*ARGUMENTS, "--out", tmp_path / "run", "--seeds", "1", "--compile", "on")
    assert status == 1
    assert "no luck" in err
    assert "trained eagerly" not in err


class Link(StopAt):
    """Takes one checkpoint, or none, and keeps what is said."""

    def __init__(self, cycles=1000):
        super().__init__(cycles)
        self.said = []

    def progress(self, share, stage):
        pass

    def say(self, text):
        self.said.append(text)


def can_compile(method, data, seeds, device):
    return Cycle(method, data.spec)


def cannot_compile(method, data, seeds, device):
    raise RuntimeError("no luck")


@pytest.mark.parametrize(("first", "then"), [(can_compile, cannot_compile), (cannot_compile, can_compile)])
def test_no_training_is_compiled_in_part(monkeypatch, first, then):
    ring = Configured("ring", {"samples": 50, "held_out": 50, "samples_large": 0, "width": 4})
    cell = Cell(
        "synthetic", ring, Configured("gan", {}), (Configured("modes", {}),), Budget(9, "steps"), (0,), (0,)
    )
    cell = replace(cell, compile=True, eager_instead=True)
    link = Link(4)
    monkeypatch.setattr("benchmark.training.trainer.compiled_cycle", first)
    with pytest.raises(StopError):
        run_cell(cell, link)
    monkeypatch.setattr("benchmark.training.trainer.compiled_cycle", then)
    rest = Link()
    (trial,) = run_cell(cell, rest, link.checkpoint)
    assert trial.audit["compiled"] is False
    anew = "its checkpoint does not fit (it was compiled, and does not compile here); training starts anew"
    assert any(anew in line for line in rest.said) == (first is can_compile)
