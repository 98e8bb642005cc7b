"""Cells as tasks of a Ray cluster."""

import os
import secrets
import signal
import socket
import sys
import time
from types import SimpleNamespace

import pandas as pd
import psutil
import pytest
from support.faults import (
    LONGER,
    RING,
    SMALL,
    finished,
    same,
    saved,
    spawn,
    tables,
    wait_for,
    wait_until_it_saves,
)

from benchmark.records.checkpoint_files import CheckpointFiles

# Clusters of this process share a token that is nobody else's; Ray reads its mode when it is imported, and
# once.
os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
ray = pytest.importorskip("ray")

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning:ray.*", "ignore::ResourceWarning")

PLUGIN = """
import os, signal
from dataclasses import dataclass
from pathlib import Path
from baselines.gan import GAN
from benchmark.registry import register_method

calls = 0

@register_method("killed")
@dataclass(frozen=True)
class Killed(GAN):
    marker: str = ""

    def discriminator_loss(self, nets, batch):
        global calls
        calls += 1
        if calls > 20 and not Path(self.marker).exists():
            Path(self.marker).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().discriminator_loss(nets, batch)
"""

RAISING = """
from dataclasses import dataclass
from baselines.gan import GAN
from benchmark.registry import register_method

calls = 0

@register_method("raises")
@dataclass(frozen=True)
class Raises(GAN):
    def discriminator_loss(self, nets, batch):
        global calls
        calls += 1
        if calls > 20:
            raise RuntimeError("no luck today")
        return super().discriminator_loss(nets, batch)
"""


@pytest.fixture
def plugins(tmp_path):
    """Two files of one name."""
    files = [tmp_path / folder / "plug.py" for folder in ("one", "two")]
    for file, text in zip(files, (PLUGIN, RAISING), strict=True):
        file.parent.mkdir()
        file.write_text(text)
    return files


@pytest.fixture
def cluster():
    """A head without room for cells, as the driver's machine often is, and two nodes of one processor."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    cluster.nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.mark.long
def test_tables_are_those_of_a_run_in_this_process(cli, whole, undrawn, tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")  # of a cluster that nobody asked for
    status, _, err = cli(*SMALL, "--out", tmp_path / "ray", "--executor", "ray")
    assert status == 0
    assert "Ray with" in err
    same(tables(tmp_path / "ray"), tables(whole))
    assert not ray.is_initialized()


@pytest.mark.long
def test_a_worker_that_is_killed_and_a_method_that_raises(cli, undrawn, tmp_path, plugins):
    out = tmp_path / "run"
    options = ["--methods", "killed,raises,gan", "--budget", "1e9flops", "--seeds", "2"]
    options += ["--set", f"killed.marker={tmp_path / 'marker'}", "--checkpoint-every", "0s"]
    for file in plugins:
        options += ["--plugin", file]
    status, _, err = cli(*RING, "--compile", "off", "--executor", "ray", "--out", out, *options)
    assert status == 1
    assert err.count("ring killed: its process was lost") == 1
    assert "no luck today" in err
    trials = pd.read_csv(out / "trials.csv").set_index("method")["status"]
    assert (trials["killed"] == "ok").all()
    assert (trials["gan"] == "ok").all()
    assert (trials["raises"] == "failed").all()


@pytest.mark.parametrize(
    ("address", "message"), [("127.0.0.1:1", "no Ray cluster answers"), ("here", "give auto, or HOST:PORT")]
)
def test_a_cluster_that_is_not_there_is_one_line(cli, tmp_path, address, message):
    out = tmp_path / "run"
    began = time.monotonic()
    status, _, err = cli(*SMALL, "--out", out, "--executor", "ray", "--ray-address", address)
    assert status == 2
    assert err.startswith(f"benchmark: --ray-address {address}: ")
    assert message in err
    assert len(err.splitlines()) == 1
    assert time.monotonic() - began < 30
    assert not out.exists()


@pytest.mark.parametrize("command", [(*SMALL, "--executor", "ray"), ("perf", "--executors")])
def test_without_ray_there_is_one_line(cli, tmp_path, monkeypatch, command):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "benchmark.running.executors.ray", raising=False)
    monkeypatch.chdir(tmp_path)
    status, _, err = cli(*command)
    assert status == 2
    assert "Ray is not installed; pip install 'mode-collapse-benchmark[ray]'" in err
    assert len(err.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_port_of_something_else_is_one_line(cli, tmp_path, monkeypatch):
    monkeypatch.setattr("benchmark.running.executors.ray.PATIENCE", 2.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        _, port = server.getsockname()
        arguments = ("--executor", "ray", "--ray-address", f"127.0.0.1:{port}")
        status, _, err = cli(*SMALL, "--out", tmp_path / "run", *arguments)
    assert status == 2
    assert "no Ray cluster answers there (nothing within 2 s)" in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.long
def test_a_cluster_that_asks_for_a_token_is_one_line(cli, tmp_path, cluster, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))  # another one
    arguments = ("--executor", "ray", "--ray-address", cluster.address)
    status, _, err = cli(*SMALL, "--out", tmp_path / "run", *arguments)
    assert status == 2
    assert "the cluster asks for its token; set RAY_AUTH_MODE=token" in err
    assert len(err.splitlines()) == 1


def test_only_a_cell_that_runs_is_killed(monkeypatch):
    from benchmark.records.cell import Cell, Configured
    from benchmark.running.executors.ray import Attempt, RayExecutor
    from benchmark.suites.budget import Budget

    cancelled = []
    monkeypatch.setattr(ray, "cancel", lambda ref, force: cancelled.append(ref))
    waits, runs = (
        Cell("synthetic", Configured("ring", {}), Configured(name, {}), {}, Budget(1, "steps"), (0,), (0,))
        for name in ("gan", "dcgan")
    )
    executor = object.__new__(RayExecutor)
    executor.attempts = {"waits": Attempt(waits), "runs": Attempt(runs, node="a node")}
    for cell in (waits, runs):
        executor.kill(cell, "nothing was heard of it")
    assert cancelled == ["runs"]


def test_a_cell_that_leaves_the_queue_of_ray_is_reported(monkeypatch):
    """The time in which it must report something begins then."""
    from benchmark.running.executors import ray as room
    from benchmark.running.executors.base import Begun

    monkeypatch.setattr(ray, "wait", lambda refs, num_returns, timeout: ([], refs))
    monkeypatch.setattr(room, "_answer", lambda question: ({"first": "a node"}, []))
    monkeypatch.setattr(room, "_name", lambda ref: ref)
    executor = object.__new__(room.RayExecutor)
    executor.mailbox = SimpleNamespace(take=SimpleNamespace(remote=lambda: None))
    executor.attempts = {"first": room.Attempt("a cell"), "second": room.Attempt("another one")}
    assert executor.poll(0.0) == [Begun("a cell")]


def test_an_address_without_ray_is_refused(cli, tmp_path):
    status, _, err = cli(*SMALL, "--out", tmp_path, "--ray-address", "auto")
    assert status == 2
    assert "is for --executor ray" in err


@pytest.mark.long
def test_a_lost_node_costs_time_alone(cli, longer, undrawn, tmp_path, cluster):
    """One of two nodes is killed while cells run on it; the other continues from their checkpoints."""
    killed = []
    original = CheckpointFiles.write

    def write_checkpoint(self, cell, checkpoint):
        original(self, cell, checkpoint)
        if not killed:
            killed.append(cell.label)
            cluster.remove_node(cluster.nodes[0], allow_graceful=False)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CheckpointFiles, "write", write_checkpoint)
        arguments = ("--executor", "ray", "--ray-address", cluster.address, "--checkpoint-every", "1s")
        status, _, err = cli(*LONGER, "--out", tmp_path / "ray", *arguments)
    assert status == 0
    assert killed
    assert "its node was lost; trying again" in err
    same(tables(tmp_path / "ray"), tables(longer))


@pytest.mark.long
def test_a_lost_cluster_is_one_line(tmp_path):
    out = tmp_path / "run"
    process = spawn(*LONGER, "--out", out, "--executor", "ray")
    wait_for(lambda: len(finished(out)) >= 4, process)
    (raylet,) = [child for child in psutil.Process(process.pid).children() if child.name() == "raylet"]
    raylet.kill()
    _, err = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "benchmark: --executor ray: the cluster was lost" in err
    assert "give the same command again" in err
    assert "Traceback" not in err


@pytest.mark.long
def test_an_interrupted_run_goes_on_without_ray(cli, longer, undrawn, tmp_path):
    out = tmp_path / "run"
    options = ("--executor", "ray", "--checkpoint-every", "1s")
    process = spawn(*LONGER, *options, "--out", out, start_new_session=True)
    wait_until_it_saves(out, process)
    began = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert time.monotonic() - began < 12
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert saved(out)
    assert cli(*LONGER, "--out", out)[0] == 0
    same(tables(out), tables(longer))
