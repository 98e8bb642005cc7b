"""Output that is closed, full, narrow or a pipe that nobody reads."""

import io
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.made_up import made_up_run
from support.two_runs import BAD, GOOD, scores_of_method

from benchmark.commands.output import prepare_output
from benchmark.errors import tell
from benchmark.running.progress_line import ProgressLine

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="a device of Linux")


def benchmark(*arguments, after=""):
    """Runs the program in a shell, whose words come after its command; returns its own status and stderr."""
    command = " ".join([sys.executable, "-m", "benchmark", *map(str, arguments)])
    shell = ["bash", "-c", f"{command} {after}; exit ${{PIPESTATUS[0]}}"]
    result = subprocess.run(shell, capture_output=True, text=True, check=False)
    return result.returncode, result.stderr


def test_a_pipe_that_closes_early_is_no_complaint():
    # `true` ends before anything is printed.
    assert benchmark("list", "--long", after="| true") == (128 + signal.SIGPIPE, "")
    assert benchmark("run", "--help", after="| true")[1] == ""


def test_closed_streams_are_no_complaint():
    assert benchmark("list", after=">&-") == (0, "")
    assert benchmark("list", "cats", after="2>&-") == (2, "")


@needs_full
def test_an_output_that_is_full_is_one_line():
    status, err = benchmark("list", "--long", after=f"> {FULL}")
    assert (status, err.count("\n")) == (1, 1)
    assert "No space left on device" in err


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp1252", "cp437"])
def test_narrow_encodings_print_all(cli, tmp_path, monkeypatch, encoding):
    places = (tmp_path / "before", tmp_path / "after")
    for place, scores in zip(places, (GOOD, BAD), strict=True):
        made_up_run(place, scores_of_method(scores))
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        for arguments in (("compare", *places), ("list", "--long")):
            cli(*arguments)
    printed = stream.buffer.getvalue().decode(encoding)
    assert "1 compared: 1 worse" in printed
    assert "arXiv:1704.00028" in printed
    # The titles of papers may have one; a character that cannot be printed would be one more.
    assert printed.count("?") == cli("list", "--long")[1].count("?")


def test_characters_that_are_missing_look_like_others(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    prepare_output()
    print("kl ↓ −0.5 ± 0.1 × 2 → 1, Fréchet, 数", flush=True)
    assert stream.buffer.getvalue() == b"kl v -0.5 +- 0.1 x 2 -> 1, Frechet, ?\n"


@needs_full
def test_lines_that_nobody_can_read_are_no_error(monkeypatch):
    with FULL.open("w") as full:
        monkeypatch.setattr(sys, "stderr", full)
        tell("one")
        with ProgressLine(trials=1, work=1.0, rate="GFLOP/s", scale=1e9, stream=full) as line:
            line.say("two")
