"""Runs that are hit by crashes, full disks, damage, other runs and bad methods."""

import errno
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import psutil
import pytest
from support.faults import Inline, finished, same, tables

from benchmark.records import sealed_files as records
from benchmark.records.sealed_files import write_sealed

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
KILLED_RUNS = int(os.environ.get("BENCHMARK_KILLED_RUNS", "6"))
DAMAGED_FILES = int(os.environ.get("BENCHMARK_DAMAGED_FILES", "200"))


def use(monkeypatch, executor):
    monkeypatch.setattr("benchmark.running.executors.choose.make_executor", lambda *arguments: executor)


def draw_nothing(patch):
    patch.setattr("benchmark.report.write.write_plots", lambda *arguments: [])
    patch.setattr("benchmark.report.write.make_page", lambda *arguments: "no page")


@pytest.fixture
def inline(monkeypatch):
    """Cells run in this process, and nothing is drawn."""
    use(monkeypatch, Inline())
    draw_nothing(monkeypatch)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A small run that nothing happened to."""
    from benchmark.commands.cli import main

    out = tmp_path_factory.mktemp("whole") / "run"
    with pytest.MonkeyPatch.context() as patch:
        use(patch, Inline())
        draw_nothing(patch)
        assert main([*SMALL, "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def half(tmp_path_factory):
    """The same run, interrupted: some trials are finished, and one cell has a checkpoint."""
    from benchmark.commands.cli import main

    out = tmp_path_factory.mktemp("half") / "run"
    with pytest.MonkeyPatch.context() as patch:
        use(patch, Inline(stop_after=80, capacity=1))
        draw_nothing(patch)
        patch.setattr("benchmark.running.executors.worker.REPORT_EVERY", 0.0)
        main([*SMALL, "--out", str(out), "--checkpoint-every", "0s"])
    assert len(list(out.glob("trials/*/*/training-*/checkpoint.json"))) == 1
    assert finished(out)
    return out


def spawn(*arguments, **options):
    command = [sys.executable, "-m", "benchmark", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def test_training_goes_on_from_its_checkpoint_to_the_same_numbers(cli, whole, half, tmp_path, inline):
    out = tmp_path / "run"
    shutil.copytree(half, out)
    before = finished(out)
    told = []
    original = Inline.start
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Inline, "start", lambda self, task: (told.append(task), original(self, task))[1])
        assert cli(*SMALL, "--out", out)[0] == 0
    assert [task.start is not None for task in told].count(True) == 1
    same(tables(out), tables(whole))
    assert before.items() <= finished(out).items()
    assert not list(out.glob("trials/*/*/training-*"))


@pytest.mark.parametrize("every", ["0s", "off"])
def test_checkpoints_do_not_change_results(cli, whole, tmp_path, inline, every):
    out = tmp_path / "run"
    assert cli(*SMALL, "--out", out, "--checkpoint-every", every)[0] == 0
    same(tables(out), tables(whole))


def test_a_group_that_was_begun_is_finished_whatever_is_asked_next(cli, whole, half, tmp_path, inline):
    out = tmp_path / "run"
    shutil.copytree(half, out)
    arguments = [*SMALL[:-1], "4", "--out", out]
    assert cli(*arguments)[0] == 0
    trials = pd.read_csv(out / "trials.csv")
    assert set(trials["group"]) == {"0 1", "2 3"}
    kept = tables(out)["trials"].query("seed < 2").reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, tables(whole)["trials"], check_exact=True)


def test_a_group_that_was_begun_is_given_up_for_fewer_seeds(cli, half, tmp_path, inline):
    out = tmp_path / "run"
    shutil.copytree(half, out)
    assert cli(*SMALL[:-1], "1", "--out", out)[0] == 0
    trials = pd.read_csv(out / "trials.csv").query("method == 'wgan-gp'")
    assert trials[["seed", "group"]].astype(str).to_numpy().tolist() == [["0", "0"]]


def kinds_of_damage(rng, data):
    """Ways to damage a file."""
    place = rng.randrange(max(len(data), 1))
    flipped = bytearray(data or b"\0")
    flipped[place] ^= 1 << rng.randrange(8)
    digits = [i for i, byte in enumerate(data) if chr(byte).isdigit()]
    edited = bytearray(data)
    if digits:
        at = rng.choice(digits)
        edited[at] = ord("0") + (edited[at] - ord("0") + 1) % 10
    return {
        "empty": b"",
        "truncated": data[:place],
        "flipped": bytes(flipped),
        "edited": bytes(edited),
        "longer": data + bytes(rng.randrange(256) for _ in range(9)),
        "noise": bytes(rng.randrange(256) for _ in range(min(len(data), 1000))),
        "gone": None,
    }


FILES = (
    *(
        "trials/*/*/seed-*/result.json",
        "trials/*/*/seed-*/samples.npz",
        "trials/*/*/seed-*/generator.safetensors",
    ),
    *("trials/*/*/training-*/checkpoint.json", "trials/*/*/training-*/*.safetensors"),
    *("manifest.json", "trials.csv", "summary.csv", "curves.csv", "tables.json"),
)


def meaning(file, data):
    """What a file says: the last digit of a number in JSON may be another one and the number the same."""
    try:
        return json.loads(data) if file.suffix == ".json" else data
    except (TypeError, ValueError):
        return data


def damage(cli, rng, half, out, whole, pattern=None, kind=None):
    """Damages one file of a run, reports, continues; returns what was done and whether it was told."""
    shutil.copytree(half, out)
    file = rng.choice(sorted(out.glob(pattern or rng.choice(FILES))))
    data = file.read_bytes()
    kinds = kinds_of_damage(rng, data)
    kind = kind or rng.choice(list(kinds))
    bad = kinds[kind]
    file.unlink() if bad is None else file.write_bytes(bad)
    where = f"{file.relative_to(out)} {kind}"
    errors = []
    for command in (("report", out), (*SMALL, "--out", out)):
        status, _, err = cli(*command)
        errors.append(err)
        assert "Traceback" not in err, where
        assert status in (0, 1), (where, err)
    assert status == 0, (where, err)
    same(tables(out), tables(whole))
    told = any(str(file.relative_to(out).parts[-1]) in err for err in errors)
    changed = meaning(file, bad) != meaning(file, data)
    if changed and bad is not None and file.name not in ("tables.json",):
        assert told, (where, errors)
        assert list((out / "damaged").rglob("*")), where
    if not changed:
        assert not (out / "damaged").exists(), where
    return where, told


@pytest.mark.parametrize("pattern", FILES)
def test_damage_is_named_and_trained_again_to_the_same_numbers(cli, whole, half, tmp_path, inline, pattern):
    rng = random.Random(pattern)
    damage(
        cli,
        rng,
        half,
        tmp_path / "run",
        whole,
        pattern,
        rng.choice(["truncated", "flipped", "edited", "empty"]),
    )


@pytest.mark.long
@pytest.mark.parametrize("part", range(4))
def test_many_damaged_files(cli, whole, half, tmp_path, inline, part):
    for seed in range(part, DAMAGED_FILES, 4):
        damage(cli, random.Random(seed), half, tmp_path / str(seed), whole)
        shutil.rmtree(tmp_path / str(seed))


def test_a_report_on_a_damaged_run_has_all_that_is_whole(cli, whole, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(whole, out)
    record = out / "trials" / "ring" / "gan" / "seed-0" / "result.json"
    record.write_text("{")
    (out / "manifest.json").write_text("{}")
    status, _, err = cli("report", out)
    assert status == 1
    assert f"{record}: is damaged" in err
    assert f"{out / 'manifest.json'}: is damaged" in err
    before, after = tables(whole)["trials"], tables(out)["trials"]
    assert len(after) == len(before) - 1
    assert set(after["method"]) == set(before["method"])


def test_hostile_records_make_no_traceback_and_no_formula(cli, whole, tmp_path):
    """Sealed by someone who can compute a checksum."""
    from benchmark.records.cell import config_hash

    out = tmp_path / "run"
    shutil.copytree(whole, out)
    evil = "=cmd|' calc'!A0"
    shutil.copytree(out / "trials" / "ring" / "gan", out / "trials" / "ring" / evil)
    for file in (out / "trials" / "ring" / evil).glob("*/result.json"):
        content = json.loads(file.read_text())
        del content["checksum"]
        content |= {"method": evil, "budget": "@SUM(1)"}
        content["configuration"]["dataset"] |= {"latent": [[]], "no-such-setting": {}}
        content["config_hash"] = config_hash(content["configuration"])
        write_sealed(file, content)
    status, _, err = cli("report", out)
    assert status in (0, 1)
    assert "Traceback" not in err
    text = (out / "trials.csv").read_text()
    assert evil in text
    assert not re.search(r"(^|,)\"?[=+@]", text, re.MULTILINE)


def test_a_full_disk_stops_with_one_line_and_damages_nothing(cli, whole, tmp_path, monkeypatch, inline):
    """Wherever it strikes: every write of the run in turn is the first one that fails."""
    out = tmp_path / "run"
    writes, room = 0, 0
    original = os.fsync

    def fsync(descriptor):
        nonlocal writes
        writes += 1
        if writes > room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        original(descriptor)

    monkeypatch.setattr(records.os, "fsync", fsync)
    stops, before = 0, {}
    for _ in range(60):
        writes, room = 0, room + 7
        status, _, err = cli(*SMALL, "--out", out, "--checkpoint-every", "0s")
        assert "Traceback" not in err
        assert before.items() <= finished(out).items()
        before = finished(out)
        assert not list(out.rglob(".*"))
        if status == 0:
            break
        stops += 1
        assert status == 1
        last = err.strip().splitlines()[-1]
        assert re.fullmatch(rf"benchmark: {re.escape(str(out))}(/\S+)?: No space left on device; .*", last), (
            err
        )
    assert status == 0
    assert stops >= 5
    same(tables(out), tables(whole))


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
def plugin(tmp_path, monkeypatch, forget):
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
    status, _, err = run_plugin(cli, plugin, out, "hangs,gan", "--stall-timeout", "8s")
    assert status == 1
    assert time.monotonic() - began < 60
    assert "nothing was heard of it for 8 s; trying again" in err
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


def test_a_worker_that_dies_between_two_cells_loses_nothing():
    from benchmark.records.cell import Cell, Configured
    from benchmark.running.executors.base import Done, Message, Progress
    from benchmark.running.executors.local import LocalExecutor
    from benchmark.running.executors.supervisor import Policy, run_cells
    from benchmark.suites.budget import Budget

    collapsed = Configured("collapsed", {})
    rings = [Configured("ring", {"samples": samples}) for samples in (50, 51, 52)]
    cells = [Cell("synthetic", ring, collapsed, {}, Budget(1, "s"), (0,), (0,)) for ring in rings]
    executor = LocalExecutor(1)
    reports = run_cells(cells, executor, Policy(lambda cell: None, None, 100.0, lambda: False))
    events = (event for event in reports if not isinstance(event, Progress))
    first = next(events)
    assert isinstance(first, Done)
    executor.workers[0].process.kill()
    executor.workers[0].process.join()
    rest = list(events)
    assert [type(event) for event in rest] == [Message, Done, Done]
    assert sorted(event.cell.dataset.settings["samples"] for event in (first, *rest[1:])) == [50, 51, 52]


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_in_time_and_it_goes_on(cli, tmp_path, number):
    """As from a terminal: the whole process group is told."""
    out = tmp_path / "run"
    process = spawn(*LONGER, "--out", out, start_new_session=True)
    wait_for(lambda: len(finished(out)) >= 4, process)  # the calibration rows
    time.sleep(1)
    began = time.monotonic()
    os.killpg(process.pid, number)
    _, err = process.communicate(timeout=20)
    assert time.monotonic() - began < 10
    assert process.returncode == 128 + number
    assert err.strip().splitlines()[-1].endswith("the same command continues")
    assert "Traceback" not in err
    assert len(list(out.glob("trials/*/*/training-*/checkpoint.json"))) >= 1
    assert not (out / "run.lock").exists()
    assert cli(*LONGER, "--out", out)[0] == 0
    other = tmp_path / "other"
    assert cli(*LONGER, "--out", other)[0] == 0
    same(tables(out), tables(other))


def wait_for(condition, process, seconds=90):
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.long
def test_a_second_run_in_the_same_directory_is_refused_and_readers_are_not(cli, whole, tmp_path):
    out = tmp_path / "run"
    process = spawn(*LONGER, "--out", out)
    try:
        wait_for(lambda: finished(out), process)
        status, _, err = cli(*LONGER, "--out", out)
        assert status == 2
        assert re.search(rf"process {process.pid} of \w+ on \S+, started .*, is working there; wait", err)
        assert cli(*LONGER, "--out", out, "--fresh")[0] == 2
        assert cli("report", out)[0] == 0
        assert cli(*LONGER, "--out", out, "--dry-run")[0] == 0
    finally:
        process.kill()
        process.communicate()
    status, _, err = cli(*LONGER, "--out", out)
    assert status == 0
    assert f"process {process.pid} of" in err
    assert "was killed; going on from what it saved" in err
    assert not (out / "run.lock").exists()


@pytest.mark.long
def test_concurrent_starts_leave_one_winner(whole, tmp_path):
    out = tmp_path / "run"
    runs = [spawn(*SMALL, "--out", out) for _ in range(4)]
    ended = [(*run.communicate(timeout=300), run.returncode) for run in runs]
    assert sorted(status for _, _, status in ended) in (
        [0, 2, 2, 2],
        [0, 0, 2, 2],
        [0, 0, 0, 2],
        [0, 0, 0, 0],
    )
    for _, err, status in ended:
        assert "Traceback" not in err
        assert status == 0 or "is working there" in err
    same(tables(out), tables(whole))


def kill(process, victim):
    if victim == "driver":
        process.kill()
    elif victim == "group":
        os.killpg(process.pid, signal.SIGKILL)
    else:
        for worker in psutil.Process(process.pid).children()[-1:]:
            worker.kill()


@pytest.mark.long
def test_runs_that_are_killed_again_and_again_end_like_one_that_was_not(cli, tmp_path):
    """At random moments, SIGKILL to the driver, to its whole group, or to a worker."""
    arguments = (*LONGER[:-1], "3", "--checkpoint-every", "1s")
    calm = tmp_path / "calm"
    began = time.monotonic()
    calm_run = spawn(*arguments, "--out", calm)
    calm_run.communicate()
    assert calm_run.returncode == 0
    took = time.monotonic() - began
    expected = tables(calm)
    kills = again = 0
    for run in range(KILLED_RUNS):
        rng = np.random.default_rng(run)
        out = tmp_path / str(run)
        for attempt in range(40):
            before = finished(out)
            process = spawn(*arguments, "--out", out, start_new_session=True)
            if attempt < 3:
                time.sleep(rng.uniform(0.5, took))
                kills += process.poll() is None
                if process.poll() is None:
                    kill(process, rng.choice(["driver", "group", "worker"]))
            _, err = process.communicate(timeout=300)
            assert "Traceback" not in err
            again += not before.items() <= finished(out).items()
            if process.returncode == 0:
                break
        assert process.returncode == 0, err
        same(tables(out), expected)
        assert not list(out.rglob(".*"))
        shutil.rmtree(out)
    print(
        f"{KILLED_RUNS} runs, {kills} kills, {again} finished trials touched again; an uninterrupted run takes {took:.0f} s"
    )
    assert again == 0
    assert kills > KILLED_RUNS
