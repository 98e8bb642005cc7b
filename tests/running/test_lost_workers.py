"""Workers that die, hang or leak, and methods that make them."""

import re
import time

import pandas as pd
import pytest
from support.faults import RING, same, tables

from benchmark.records.cell import Cell, Configured
from benchmark.running.executors.base import Done, Executor, Lost, Message, Progress
from benchmark.running.executors.local import LocalExecutor
from benchmark.running.executors.supervisor import Policy, run_cells
from benchmark.running.limits import Limits
from benchmark.suites.budget import Budget

PLUGIN = """
import os, signal, time
from dataclasses import dataclass
from pathlib import Path
import torch
from baselines.gan import GAN
from benchmark.registry import register_method

calls = 0

def in_training():
    "True in a worker from the third step on: the first is counted, the second vectorised."
    global calls
    calls += "BENCHMARK_DRIVER" not in os.environ
    return calls > 20

@register_method("killed")
@dataclass(frozen=True)
class Killed(GAN):
    marker: str = ""
    times: int = 1

    def discriminator_loss(self, nets, batch):
        markers = list(Path(self.marker).glob("killed-*"))
        if in_training() and len(markers) < self.times:
            (Path(self.marker) / f"killed-{len(markers)}").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().discriminator_loss(nets, batch)

@register_method("hangs")
@dataclass(frozen=True)
class Hangs(GAN):
    def discriminator_loss(self, nets, batch):
        while in_training():
            time.sleep(0.1)
        return super().discriminator_loss(nets, batch)

@register_method("leaks")
@dataclass(frozen=True)
class Leaks(GAN):
    def discriminator_loss(self, nets, batch):
        if in_training():
            self.held.append(torch.ones(10_000_000))
        return super().discriminator_loss(nets, batch)

Leaks.held = []
"""


@pytest.fixture
def plugin(undrawn, tmp_path, monkeypatch):
    """A plug-in whose methods behave in this process, and misbehave in workers."""
    import multiprocessing

    file = tmp_path / "plug.py"
    file.write_text(PLUGIN)
    original = multiprocessing.get_context("spawn").Process.start

    def start(self):
        monkeypatch.delenv("BENCHMARK_DRIVER")
        original(self)
        monkeypatch.setenv("BENCHMARK_DRIVER", "1")

    monkeypatch.setenv("BENCHMARK_DRIVER", "1")
    monkeypatch.setattr(multiprocessing.get_context("spawn").Process, "start", start)
    return file


def run_plugin(cli, plugin, out, methods, *options):
    arguments = [
        *RING,
        "--compile",
        "off",
        "--methods",
        methods,
        "--plugin",
        plugin,
        "--budget",
        "1e9flops",
        "--seeds",
        "2",
        "--out",
        out,
    ]
    return cli(*arguments, *options)


@pytest.mark.long
def test_a_worker_that_is_killed_once_costs_nothing(cli, tmp_path, plugin):
    markers = tmp_path / "markers"
    markers.mkdir()
    setting = ("--set", f"killed.marker={markers}")
    status, _, err = run_plugin(
        cli, plugin, tmp_path / "one", "killed,gan", *setting, "--checkpoint-every", "0s"
    )
    assert status == 0
    assert len(list(markers.iterdir())) == 1
    assert err.count("ring killed: its worker process was killed by SIGKILL") == 1
    assert "trying again" in err
    status, _, err = run_plugin(cli, plugin, tmp_path / "two", "killed,gan", *setting)
    assert status == 0
    assert "SIGKILL" not in err
    same(tables(tmp_path / "one"), tables(tmp_path / "two"))


@pytest.mark.long
def test_a_worker_that_is_killed_twice_has_failed_and_the_rest_goes_on(cli, tmp_path, plugin):
    markers = tmp_path / "markers"
    markers.mkdir()
    setting = ("--set", f"killed.marker={markers}", "--set", "killed.times=2")
    out = tmp_path / "run"
    assert run_plugin(cli, plugin, out, "killed,gan", *setting)[0] == 1
    trials = pd.read_csv(out / "trials.csv").set_index(["method", "seed"])
    assert (trials.loc["killed", "status"] == "failed").all()
    assert (trials.loc["gan", "status"] == "ok").all()
    assert "killed by SIGKILL" in (out / "trials" / "ring" / "killed" / "seed-1" / "error.txt").read_text()
    assert run_plugin(cli, plugin, out, "killed,gan", *setting)[0] == 0
    assert set(pd.read_csv(out / "trials.csv")["status"]) == {"ok"}
    assert not list(out.rglob("error.txt"))


@pytest.mark.long
def test_a_method_that_hangs_is_given_up(cli, tmp_path, plugin):
    out = tmp_path / "run"
    began = time.monotonic()
    status, _, err = run_plugin(cli, plugin, out, "hangs,gan", "--stall-timeout", "20s")
    assert status == 1
    assert time.monotonic() - began < 150
    assert "nothing was heard of it for 20 s; trying again" in err
    trials = pd.read_csv(out / "trials.csv").set_index("method")["status"]
    assert (trials["hangs"] == "failed").all()
    assert (trials["gan"] == "ok").all()


def test_a_method_that_leaks_memory_is_stopped(cli, tmp_path, plugin):
    out = tmp_path / "run"
    status, _, err = run_plugin(cli, plugin, out, "leaks,gan", "--worker-memory", "1.5GB")
    assert status == 1
    assert re.search(
        r"its worker held \d+\.\d GiB of memory, more than the 1\.4 GiB that it may; trying again", err
    )
    trials = pd.read_csv(out / "trials.csv").set_index("method")["status"]
    assert (trials["leaks"] == "failed").all()
    assert (trials["gan"] == "ok").all()


def test_a_worker_that_was_killed_as_it_finished_gets_no_other_cell():
    executor = LocalExecutor(1)
    worker = executor._new_worker()
    try:
        assert executor._idle_worker() is worker
        worker.kill_reason = "it was slow"
        assert executor._idle_worker() is None
    finally:
        executor.close()


class Losing(Executor):
    """Loses its only cell again and again, each time for another reason."""

    capacity = 1

    def __init__(self, *reasons):
        self.reasons = list(reasons)

    def describe(self):
        return "nothing"

    def start(self, task):
        self.cell = task.cell

    def poll(self, timeout):
        return [Lost(self.cell, self.reasons.pop(0))]

    def kill(self, cell, reason):
        raise NotImplementedError

    def stop(self):
        raise NotImplementedError

    def close(self):
        pass


def test_a_cell_that_is_lost_twice_is_given_up_for_the_last_reason():
    cell = Cell("synthetic", Configured("ring", {}), Configured("gan", {}), (), Budget(1, "s"), (0,), (0,))
    executor = Losing("nothing was heard of it", "its worker process was killed")
    policy = Policy(lambda cell: None, Limits(None, 100.0), lambda: False)
    lost, failed = run_cells([cell], executor, policy)
    assert lost.text.endswith(": nothing was heard of it; trying again")
    assert failed.reason == "lost 2 times, the last time because its worker process was killed"


def test_a_worker_that_dies_between_two_cells_loses_nothing():
    collapsed = Configured("collapsed", {})
    rings = [Configured("ring", {"samples": samples}) for samples in (50, 51, 52)]
    cells = [Cell("synthetic", ring, collapsed, (), Budget(1, "s"), (0,), (0,)) for ring in rings]
    executor = LocalExecutor(1)
    events = run_cells(cells, executor, Policy(lambda cell: None, Limits(None, 100.0), lambda: False))
    first = next(event for event in events if isinstance(event, Done))
    executor.workers[0].process.kill()
    executor.workers[0].process.join()
    rest = [event for event in events if not isinstance(event, Progress)]
    assert [type(event) for event in rest] == [Message, Done, Done]
    assert sorted(event.cell.dataset.settings["samples"] for event in (first, *rest[1:])) == [50, 51, 52]
