"""Regenerates the reference results.

Usage: `python results/reference/regenerate.py [--suites A,B] [--data-root DIR] [--workers N]`.

The runs go to `results/runs/SUITE`, where they can be interrupted and continued as any other. Their tables,
plots and pages are then copied beside this file, and the table of README.md is made anew. Records, samples
and weights stay behind.
"""

import argparse
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The results are to come from this checkout, not from a package that happens to be installed.
sys.path.insert(0, str(ROOT))

from benchmark.commands.cli import main  # noqa: E402

RUNS = {
    "synthetic": ("--seeds", "10"),
    "stacked-mnist": ("--seeds", "3"),
    "veegan-2017": ("--datasets", "grid", "--methods", "veegan", "--seeds", "5"),
    "pacgan-2018": ("--methods", "gan,ali,pacgan2", "--seeds", "3", "--budget", "50000steps"),
}
"""The options of each run. Those of the command line are about where it runs, and change no result."""

HERE = ROOT / "results" / "reference"
README = ROOT / "README.md"
README_COLUMNS = (
    "method",
    "seeds",
    "overlap",
    "modes",
    "modes_robust",
    "high_quality",
    "kl",
    "within_mode_std",
)
TABLE_START, TABLE_END = "<!-- reference table -->\n", "<!-- end -->"
"""The marks in README.md around the table."""

LEFT_BEHIND = ("trials", "damaged", "tensorboard", "*.parquet", "run.lock")
"""Patterns of files of a run that are not committed."""


def regenerate(suite: str, options: list[str]) -> int:
    """Runs one suite, or what is left of it, and copies its report; returns the exit status of the run."""
    out = Path("results") / "runs" / suite
    status = main(["run", "--suite", suite, *RUNS[suite], *options, "--out", str(out)])
    if status == 0:
        fresh = HERE / f"{suite}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(out, fresh, ignore=shutil.ignore_patterns(*LEFT_BEHIND))
        shutil.rmtree(HERE / suite, ignore_errors=True)
        fresh.rename(HERE / suite)
    return status


def columns_of(summary: str, dataset: str, columns: tuple[str, ...]) -> str:
    """Some columns of a dataset's table in `summary.md`; columns are named without their arrows."""
    _, _, after_heading = summary.partition(f"## {dataset}\n")
    part, _, _ = after_heading.partition("## ")
    table = [_cells(line) for line in part.splitlines() if line.startswith("|")]
    names = [heading.split(" ")[0].replace("\\", "") for heading in table[0]]
    places = [i for i, name in enumerate(names) if name in columns]
    lines = []
    for row in table:
        cells = [row[i] for i in places]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def update_readme() -> None:
    """Puts the table of the grid in README.md between its two marks.

    Raises:
        ValueError: If a mark is missing.
    """
    text = README.read_text()
    start = text.index(TABLE_START) + len(TABLE_START)
    end = text.index(TABLE_END, start)
    table = columns_of((HERE / "synthetic" / "summary.md").read_text(), "grid", README_COLUMNS)
    README.write_text(f"{text[:start]}{table}\n{text[end:]}")


def regenerate_all(suites: list[str], options: list[str]) -> int:
    """Regenerates suites until one fails or is interrupted; returns the last exit status."""
    for suite in suites:
        status = regenerate(suite, options)
        if status:
            return status
    if "synthetic" in suites:
        update_readme()
    return 0


def regenerate_as_asked() -> int:
    """Regenerates what the command line asks for; returns the exit status."""
    parser = argparse.ArgumentParser(description="Regenerate the reference results.")
    parser.add_argument("--suites", metavar="A,B", help=f"some of {', '.join(RUNS)}; all by default")
    for option in ("data-root", "workers", "device"):
        parser.add_argument(f"--{option}", help="as for benchmark run")
    parsed = vars(parser.parse_args())
    if Path.cwd() != ROOT:
        parser.error("start it from the top of the repository, where its runs go to results/runs")
    text = parsed.pop("suites")
    suites = list(RUNS) if text is None else text.split(",")
    for suite in suites:
        if suite not in RUNS:
            parser.error(f"--suites {text!r}: {suite!r} is not among {', '.join(RUNS)}")
    options: list[str] = []
    for name, value in parsed.items():
        if value:
            options += [f"--{name.replace('_', '-')}", value]
    return regenerate_all(suites, options)


if __name__ == "__main__":
    sys.exit(regenerate_as_asked())
