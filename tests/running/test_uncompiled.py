"""Methods whose step does not compile."""

import json

import pytest

from benchmark.plan.planned import Planned

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
