"""What tests of searches share: a tiny search, and how to read what it leaves."""

import msgspec
import pandas as pd
import pytest
from support.faults import Inline, use

from benchmark.commands.cli import main
from benchmark.suites.tuned import Tuned

COMMON = (
    *("--suite", "synthetic", "--datasets", "ring", "--methods", "gan,dcgan", "--compile", "off"),
    *("--budget", "40steps", "--set", "ring.samples_large=0", "--set", "ring.samples=200"),
)
TUNE = ("tune", *COMMON, "--trials", "4", "--seeds", "2")
RUN = ("run", *COMMON, "--seeds", "2", "--metrics", "overlap,modes")


def search(out, *options, executor=None):
    """Runs `TUNE` with more options in this process; returns its status."""
    with pytest.MonkeyPatch.context() as patch:
        use(patch, executor or Inline())
        return main([*TUNE, *options, "--out", str(out)])


def table(out):
    return pd.read_csv(out / "search.csv")


def tuned(out):
    return msgspec.toml.decode((out / "tuned.toml").read_bytes(), type=Tuned)
