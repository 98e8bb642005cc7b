"""Runs that are interrupted or killed, and several runs in one directory."""

import os
import re
import shutil
import signal
import time

import numpy as np
import psutil
import pytest
from support.faults import (
    LONGER,
    SMALL,
    finished,
    same,
    saved,
    spawn,
    tables,
    wait_for,
    wait_until_it_saves,
)

KILLED_RUNS = int(os.environ.get("BENCHMARK_KILLED_RUNS", "1"))


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_run_and_it_goes_on(cli, longer, undrawn, tmp_path, number):
    """As from a terminal: the whole process group is told. It saves, long before the next one is due."""
    out = tmp_path / "run"
    process = spawn(*LONGER, "--checkpoint-every", "5s", "--out", out, start_new_session=True)
    wait_until_it_saves(out, process)
    before = saved(out)
    os.killpg(process.pid, number)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 128 + number
    assert err.strip().splitlines()[-1].endswith("the same command continues")
    assert "Traceback" not in err
    after = saved(out)
    assert any(0 < after[file] - before[file] < 4e9 for file in before.keys() & after)
    assert not (out / "run.lock").exists()
    assert cli(*LONGER, "--out", out)[0] == 0
    same(tables(out), tables(longer))


@pytest.mark.long
def test_a_second_run_in_the_same_directory_is_refused_and_readers_are_not(cli, undrawn, tmp_path):
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
def test_runs_that_are_killed_again_and_again_end_like_one_that_was_not(longer, tmp_path):
    """At random moments of the training: SIGKILL to the driver, to its whole group, and then to a worker."""
    kills = again = 0
    for run in range(KILLED_RUNS):
        rng = np.random.default_rng(run)
        out = tmp_path / str(run)
        for victim in (*rng.permutation(["driver", "group"]), "worker"):
            done = finished(out)
            process = spawn(*LONGER, "--checkpoint-every", "1s", "--out", out, start_new_session=True)
            wait_until_it_saves(out, process)
            time.sleep(rng.uniform(0, 1))
            if process.poll() is None:
                kill(process, victim)
                kills += 1
            _, err = process.communicate(timeout=600)
            assert "Traceback" not in err
            again += not done.items() <= finished(out).items()
        # The driver outlives its worker, and has the cell trained again.
        assert process.returncode == 0, err
        same(tables(out), tables(longer))
        assert not list(out.rglob(".*"))
        shutil.rmtree(out)
    print(f"{KILLED_RUNS} runs, {kills} kills, {again} finished trials touched again")
    assert again == 0
    assert kills > KILLED_RUNS
