"""Regenerates the reference results: `python results/reference/regenerate.py [--suites A,B] [options of run]`.

The runs go to `results/runs/SUITE`, where they can be interrupted and continued as any other; what is committed of them, tables,
plots and page, is then copied beside this file. Records, samples and weights stay behind.
"""

import argparse
import shutil
import sys
from pathlib import Path

from benchmark.cli import main

RUNS = {
    "synthetic": ("--seeds", "10"),
    "stacked-mnist": ("--seeds", "2"),
    "veegan-2017": ("--datasets", "grid", "--methods", "veegan", "--seeds", "5"),
    "pacgan-2018": ("--methods", "gan,ali,pacgan2", "--seeds", "3", "--budget", "60000steps"),
}
"""The options of each run."""

HERE = Path(__file__).parent
LEFT_BEHIND = ("trials", "damaged", "tensorboard", "*.parquet", "run.lock")


def regenerate(suite: str, options: list[str]) -> int:
    """Runs one suite, or what is left of it, and copies its tables, plots and page; returns the exit status of the run."""
    out = Path("results") / "runs" / suite
    status = main(["run", "--suite", suite, *RUNS[suite], *options, "--out", str(out)])
    if status == 0:
        shutil.rmtree(HERE / suite, ignore_errors=True)
        shutil.copytree(out, HERE / suite, ignore=shutil.ignore_patterns(*LEFT_BEHIND))
    return status


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Regenerate the reference results. Other options are passed to run.")
    parser.add_argument("--suites", metavar="A,B", help=f"some of {', '.join(RUNS)}; all by default")
    parsed, rest = parser.parse_known_args()
    chosen = parsed.suites.split(",") if parsed.suites else list(RUNS)
    unknown = [suite for suite in chosen if suite not in RUNS]
    if unknown:
        parser.error(f"--suites {unknown[0]}: choose from {', '.join(RUNS)}")
    sys.exit(max(regenerate(suite, rest) for suite in chosen))
