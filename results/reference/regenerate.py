"""Regenerates the reference results: `python results/reference/regenerate.py [--suites A,B] [options of run]`.

The runs go to `results/runs/SUITE`, where they can be interrupted and continued as any other; what is committed of them, tables,
plots and page, is then copied beside this file, and the table of README.md is made anew. Records, samples and weights stay behind.
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
README = HERE.parents[1] / "README.md"
README_COLUMNS = ("method", "seeds", "modes", "modes_robust", "high_quality", "kl", "within_mode_std")
LEFT_BEHIND = ("trials", "damaged", "tensorboard", "*.parquet", "run.lock")


def regenerate(suite: str, options: list[str]) -> int:
    """Runs one suite, or what is left of it, and copies its tables, plots and page; returns the exit status of the run."""
    out = Path("results") / "runs" / suite
    status = main(["run", "--suite", suite, *RUNS[suite], *options, "--out", str(out)])
    if status == 0:
        shutil.rmtree(HERE / suite, ignore_errors=True)
        shutil.copytree(out, HERE / suite, ignore=shutil.ignore_patterns(*LEFT_BEHIND))
    return status


def shown(summary: str, dataset: str, columns: tuple[str, ...]) -> str:
    """Some columns of a dataset's table in `summary.md`; columns are named without their arrows."""
    part = next(part for part in summary.split("## ") if part.startswith(f"{dataset}\n"))
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line.startswith("|")]
    chosen = [i for i, heading in enumerate(rows[0]) if heading.split(" ")[0] in columns]
    return "\n".join(f"| {' | '.join(row[i] for i in chosen)} |" for row in rows)


def update_readme() -> None:
    """Puts the table of the grid in README.md between its two marks."""
    table = shown((HERE / "synthetic" / "summary.md").read_text(), "grid", README_COLUMNS)
    before, start, rest = README.read_text().partition("<!-- reference table -->\n")
    _, end, after = rest.partition("<!-- end -->")
    README.write_text(f"{before}{start}{table}\n{end}{after}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Regenerate the reference results. Other options are passed to run.")
    parser.add_argument("--suites", metavar="A,B", help=f"some of {', '.join(RUNS)}; all by default")
    parsed, rest = parser.parse_known_args()
    chosen = parsed.suites.split(",") if parsed.suites else list(RUNS)
    unknown = [suite for suite in chosen if suite not in RUNS]
    if unknown:
        parser.error(f"--suites {unknown[0]}: choose from {', '.join(RUNS)}")
    status = max(regenerate(suite, rest) for suite in chosen)
    if status == 0 and "synthetic" in chosen:
        update_readme()
    sys.exit(status)
