"""Shared fixtures."""

import pytest
import torch

from benchmark.cli import main


@pytest.fixture(autouse=True)
def _one_thread():
    """Timings do not matter here, and small products are fastest on one thread."""
    torch.set_num_threads(1)


@pytest.fixture
def cli(capsys):
    """Runs a command line in this process; returns (status, stdout, stderr)."""

    def run(*arguments):
        status = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """The directory of a tiny finished run: all methods of the suite on two datasets, two seeds."""
    out = tmp_path_factory.mktemp("tiny") / "run"
    options = ["--datasets", "ring,high-dimensional", "--seeds", "2", "--budget", "2e9flops", "--set", "ivom.iterations=5"]
    assert main(["run", "--suite", "synthetic", *options, "--out", str(out)]) == 0
    return out
