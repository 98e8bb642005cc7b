"""Checks that take minutes."""

import pandas as pd
import pytest

from benchmark.commands.perf.plain_loops import PLAIN_LOOPS
from benchmark.commands.perf.throughput import SIZES

pytestmark = pytest.mark.long


def rows_of(text):
    """The rows of the table of methods in a text."""
    return [line.split() for line in text.splitlines() if line.split(" ")[0] in PLAIN_LOOPS]


def test_perf_prints_every_table(cli):
    status, out, _ = cli("perf", "--quick")
    assert status == 0
    tables = out.split("parts of a cycle")
    rows = rows_of(tables[0])
    assert [(row[0], int(row[1]), int(row[2])) for row in rows] == [("gan", *SIZES[0])]
    for row in rows:
        plain, ours, ratio = (float(value) for value in row[4:7])
        assert ratio == pytest.approx(plain / ours, rel=0.1)
        assert float(row[7]) > 0
    for row in rows_of(tables[1]):
        shares = [float(share.removesuffix("%")) for share in row[2:]]
        assert sum(shares) == pytest.approx(100, abs=2)
        assert shares[0] > 20
    for title in ("population:", "growth:", "scoring:", "metrics:"):
        assert title in out


def test_executors_are_timed(cli):
    pytest.importorskip("ray")
    status, out, _ = cli("perf", "--executors", "--quick")
    assert status == 0
    times = [
        float(line.split(" s ")[0].split()[-1]) for line in out.splitlines() if "trials per hour" in line
    ]
    assert len(times) == 3
    assert f"two workers over one: {times[0] / times[1]:.1f}"[:-1] in out
    assert f"Ray over local: {times[2] / times[1]:.1f}"[:-1] in out


def test_methods_learn_the_ring(cli, tmp_path):
    """Compiled training at half of the default budget covers some modes with the methods that are quick to,
    in their published settings: the tuned ones were searched for the whole budget.
    """
    out = tmp_path / "run"
    arguments = (
        "--datasets",
        "ring",
        "--methods",
        "gan,veegan",
        "--seeds",
        "3",
        "--compile",
        "on",
        "--metrics",
        "modes,high_quality",
        "--budget",
        "1e11flops",
        "--settings",
        "published",
    )
    assert cli("run", "--suite", "synthetic", *arguments, "--out", out)[0] == 0
    trials = pd.read_csv(out / "trials.csv")
    trained = trials[trials["flops"].notna()]
    assert trained["compiled"].all()
    assert trained["flops"].max() / trained["flops"].min() < 1.02
    modes = trained.groupby("method")["modes"].mean()
    assert (modes >= 3).all()  # how many depends on the machine's arithmetic
    assert trained.groupby("method")["high_quality"].mean()["gan"] > 0.3
