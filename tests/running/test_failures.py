"""Methods that raise, die, diverge or change: they cost their own trials only."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file
from support.faults import GAN_AND_DCGAN

from benchmark.errors import first_line, in_one_line
from benchmark.records.cell import Cell, Configured
from benchmark.running.executors.base import Failed, Task
from benchmark.running.executors.worker import TaskLink, run_task
from benchmark.suites.budget import Budget

PLUGIN = """
import os
from dataclasses import dataclass
import torch
from baselines.gan import GAN
from benchmark.registry import register_method

@register_method("raises")
@dataclass(frozen=True)
class Raises(GAN):
    def discriminator_loss(self, nets, batch):
        one_thread = os.environ.get("OMP_NUM_THREADS") == "1" and torch.get_num_threads() == 1
        if one_thread and batch.x.dim() and "BENCH_PARENT" not in os.environ:
            raise RuntimeError("no luck today")
        return super().discriminator_loss(nets, batch)

@register_method("dies")
@dataclass(frozen=True)
class Dies(GAN):
    def discriminator_loss(self, nets, batch):
        if "BENCH_PARENT" not in os.environ:
            os._exit(7)
        return super().discriminator_loss(nets, batch)

@register_method("diverges")
@dataclass(frozen=True)
class Diverges(GAN):
    def discriminator_loss(self, nets, batch):
        return super().discriminator_loss(nets, batch) * torch.where(batch.z[0, 0] > 1.2, torch.nan, 1.0)
"""


@pytest.mark.long
def test_a_failing_cell_costs_only_itself(cli, tmp_path, monkeypatch):
    file = tmp_path / "plug.py"
    file.write_text(PLUGIN)
    out = tmp_path / "run"
    import multiprocessing

    # Planning counts a real step in this process; the workers are to fail, so only they lack the mark.
    original = multiprocessing.get_context("spawn").Process.start

    def start(self):
        monkeypatch.delenv("BENCH_PARENT", raising=False)
        original(self)
        monkeypatch.setenv("BENCH_PARENT", "1")

    monkeypatch.setenv("BENCH_PARENT", "1")
    monkeypatch.setattr(multiprocessing.get_context("spawn").Process, "start", start)
    arguments = [
        *GAN_AND_DCGAN[:5],
        "--methods",
        "raises,dies,gan,diverges",
        *GAN_AND_DCGAN[7:],
        "--seeds",
        "2",
        "--plugin",
        file,
        "--out",
        out,
    ]
    status, _, err = cli(*arguments)
    assert status == 1
    assert "no luck today" in err
    assert "exit code 7" in err
    trials = pd.read_csv(out / "trials.csv").set_index(["method", "seed"])
    assert (trials.loc["raises", "status"] == "failed").all()
    assert (trials.loc["dies", "status"] == "failed").all()
    assert (trials.loc["gan", "status"] == "ok").all()
    assert "no luck today" in (out / "trials" / "ring" / "raises" / "seed-1" / "error.txt").read_text()
    diverged = trials.loc["diverges"]
    assert (diverged["status"] == "diverged").all()
    assert diverged["diverged_at"].between(1, diverged["generator_steps"]).all()
    assert (diverged["flops"] < trials.loc["gan", "flops"]).all()
    summary = pd.read_csv(out / "summary.csv").set_index(["method", "metric"])
    assert summary.loc[("diverges", "kl"), ["n", "diverged"]].tolist() == [0, 2]
    files = list((out / "trials/ring/diverges").rglob("*.safetensors"))
    assert files
    for weights in map(load_file, files):
        assert all(np.isfinite(tensor).all() for tensor in weights.values())
    # The failed ones are tried again, the others not.
    assert "4 trials to train in 2 cells" in cli(*arguments)[2]


def test_a_run_that_is_refused_closes_its_executor(cli, tmp_path, monkeypatch):
    closed = []
    executor = SimpleNamespace(close=lambda: closed.append(True))
    monkeypatch.setattr("benchmark.commands.run.make_executor", lambda *arguments: executor)
    monkeypatch.setattr("benchmark.plan.remaining.compilation_fault", lambda device: "no luck")
    out = tmp_path / "run"
    status, _, err = cli(*GAN_AND_DCGAN, "--out", out, "--compile", "on")
    assert status == 2
    assert "--compile on" in err
    assert closed == [True]
    assert not out.exists()


COMPILER_SAYS = """InductorError: C++ compile error

Command:
g++ main.cpp -o main.so

Output:
main.cpp:1:10: fatal error: Python.h: No such file or directory
compilation terminated.

Set TORCHDYNAMO_VERBOSE=1 for the full Dynamo stack trace
"""


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("\n  it broke\nSet VERBOSE=1 for more", "it broke"),
        ("backend='inductor' raised:\nno luck\n\nSet VERBOSE=1", "backend='inductor' raised: no luck"),
        ("Errors:\n", "Errors"),
        (COMPILER_SAYS, "main.cpp:1:10: fatal error: Python.h: No such file or directory"),
        ("", "RuntimeError"),
    ],
)
def test_the_reason_is_the_first_line_that_says_something(message, line):
    assert first_line(RuntimeError(message)) == line


def test_an_error_without_a_message_is_its_class():
    assert in_one_line(KeyError()) == "KeyError"
    assert in_one_line(ValueError("no luck\nat all")) == "ValueError: no luck"


def test_a_cell_that_fails_says_why_in_one_line_and_at_length():
    gan = Configured("gan", {"lr": -1.0})
    cell = Cell("synthetic", Configured("ring", {}), gan, (), Budget(1, "steps"), (0,), (0,))
    task = Task(cell)
    end = run_task(task, TaskLink(task, lambda event: None, lambda: False))
    assert isinstance(end, Failed)
    assert end.reason == "a learning rate must be positive, not -1.0"
    assert end.details.startswith("Traceback")
