"""Regenerates the reference results.

Usage: `python results/reference/regenerate.py [--results A,B] [--data-root DIR] [--workers N]`.

The runs go to `results/runs/NAME`, where they can be interrupted and continued as any other. Their tables,
plots and pages are then copied beside this file, the settings that a search has chosen to the suites, and the
table of README.md is made anew. Records, samples and weights stay behind.
"""

import argparse
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The results are to come from this checkout, not from a package that happens to be installed.
sys.path.insert(0, str(ROOT))

from benchmark.commands.cli import main  # noqa: E402
from benchmark.datasets import places  # noqa: E402
from benchmark.errors import UsageError  # noqa: E402

RUNS = {
    "synthetic-search": "tune --suite synthetic --trials 64 --seeds 2 --halving 8 --rungs 2",
    "synthetic": "run --suite synthetic --seeds 10",
    "synthetic-published": "run --suite synthetic --settings published --seeds 10",
    "synthetic-latents": "run --suite synthetic --methods gan,ali,veegan,aegan --seeds 3",
    "references-search": "tune --suite references --trials 16 --seeds 1 --halving 4 --rungs 2",
    "references": "run --suite references --seeds 10",
    "references-mmd": "run --suite references --datasets unbalanced-grid --methods mmd --seeds 10",
    "references-spline-flow": (
        "run --suite references --datasets high-dimensional --methods spline-flow --seeds 10"
    ),
    "stacked-mnist-search": "tune --suite stacked-mnist --trials 8 --seeds 1 --halving 4 --rungs 2",
    "stacked-mnist": "run --suite stacked-mnist --seeds 5",
    "stacked-mnist-published": "run --suite stacked-mnist --settings published --seeds 5",
    "stacked-mnist-latents": (
        "run --suite stacked-mnist --methods gan,dcgan,ali,veegan,aegan --settings published --seeds 2"
    ),
    "veegan-2017": "run --suite veegan-2017 --datasets grid --methods veegan --seeds 5",
    "pacgan-2018": "run --suite pacgan-2018 --methods gan,ali,pacgan2 --seeds 3 --budget 50000steps",
    "rls-gan-2021": "run --suite rls-gan-2021 --seeds 10",
    "gdpp-2019": "run --suite gdpp-2019 --datasets ring,grid --methods gdpp --seeds 1",
    "r3gan-2024": "run --suite r3gan-2024 --datasets grid --seeds 3",
    "r3gan-2024-penalties": (
        "run --suite r3gan-2024 --datasets grid --methods r3gan --set r3gan.relativistic=false --seeds 3"
    ),
}
"""The command of each run. The options of this script are about where it runs, and change no result."""

EXPLORED = {"synthetic-latents": "0,1,2", "stacked-mnist-latents": "0,1"}
"""The runs whose models are explored, and with which seeds."""

TUNINGS = ROOT / "benchmark" / "suites" / "tunings"
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

LEFT_BEHIND = ("trials", "rungs", "damaged", "tensorboard", "*.parquet", "run.lock", "explore.html")
"""Patterns of files of a run that are not committed."""


def regenerate(name: str, options: list[str]) -> int:
    """Runs one command, or what is left of it, and copies its report; returns the exit status of the run."""
    out = Path("results") / "runs" / name
    status = main([*RUNS[name].split(), *options, "--out", str(out)])
    if status == 0 and name in EXPLORED:
        status = explore(out, EXPLORED[name])
    if status == 0:
        fresh = HERE / f"{name}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(out, fresh, ignore=shutil.ignore_patterns(*LEFT_BEHIND))
        shutil.rmtree(HERE / name, ignore_errors=True)
        fresh.rename(HERE / name)
        if (out / "tuned.toml").exists():
            TUNINGS.mkdir(exist_ok=True)
            shutil.copy(out / "tuned.toml", TUNINGS / f"{name.removesuffix('-search')}.toml")
    return status


def explore(out: Path, seeds: str) -> int:
    """Explores all datasets of a run and makes its page again; returns the last exit status."""
    for folder in sorted((out / "trials").iterdir()):
        status = main(["explore", str(out), "--dataset", folder.name, "--seeds", seeds])
        if status:
            return status
    return main(["report", str(out)])


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


def regenerate_all(names: list[str], options: list[str]) -> int:
    """Regenerates results until a run fails or is interrupted; returns the last exit status."""
    for name in names:
        status = regenerate(name, options)
        if status:
            return status
    if "synthetic" in names:
        update_readme()
    return 0


def regenerate_as_asked() -> int:
    """Regenerates what the command line asks for; returns the exit status."""
    parser = argparse.ArgumentParser(description="Regenerate the reference results.")
    parser.add_argument("--results", metavar="A,B", help=f"some of {', '.join(RUNS)}; all by default")
    for option in ("data-root", "workers", "device"):
        parser.add_argument(f"--{option}", help="as for benchmark run and tune")
    parsed = vars(parser.parse_args())
    if Path.cwd() != ROOT:
        parser.error("start it from the top of the repository, where its runs go to results/runs")
    text = parsed.pop("results")
    names = list(RUNS) if text is None else text.split(",")
    for name in names:
        if name not in RUNS:
            parser.error(f"--results {text!r}: {name!r} is not among {', '.join(RUNS)}")
    options: list[str] = []
    for option in ("workers", "device"):
        if parsed[option]:
            options += [f"--{option}", parsed[option]]
    try:
        with places.using(parsed["data_root"], fid_weights=None):
            return regenerate_all(names, options)
    except UsageError as error:
        parser.error(str(error))


if __name__ == "__main__":
    sys.exit(regenerate_as_asked())
