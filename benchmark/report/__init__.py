"""From the records of a run to its tables, pictures and page. Knows nothing of training, and what a run was asked to do only from what it left."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmark.errors import UsageError, complain
from benchmark.records import write_at_once
from benchmark.report.event_files import write_event_files
from benchmark.report.exports import latex_tables, markdown_tables, parquet_tables
from benchmark.report.page import make_page
from benchmark.report.plots import BROKEN, Shown, write_plots
from benchmark.report.results import Results, read_results
from benchmark.report.tables import make_tables, write_tables
from benchmark.store import Store

__all__ = ["read_run", "write_report"]


EXTRA_FILES = {"parquet": "trials.parquet", "tensorboard": "tensorboard"}
"""What lies in a run's directory where an extra was written."""


def read_run(root: Path) -> Results:
    """The results that lie in a directory.

    Raises:
        UsageError: If there is no run, one of another version, or one whose records were taken away.
    """
    try:
        results = read_results(Store(root))
    except FileNotFoundError:
        raise UsageError(f"{root}: holds no run; give the directory of a run") from None
    if not (root / "trials").exists() and _lines(root / "trials.csv") > 1:
        raise UsageError(f"{root}: holds tables without the records that they were made of (trials/); give the directory of a whole run")
    return results


def _lines(file: Path) -> int:
    return file.read_bytes().count(b"\n") if file.exists() else 0


def write_report(store: Store, extras: Sequence[str] = ()) -> bool:
    """Rebuilds the tables, the pictures and the page of a run, tells what could not be, and returns whether all of it could.

    Arguments:
        store: The run.
        extras: What to write besides: `parquet` for the tables, `tensorboard` for event files. Each takes a library.

    Raises:
        UsageError: If there is no run, or one of another version.
    """
    results = read_run(store.root)
    problems = [f"{damage}; left out (the command of the run mends it)" for damage in results.damaged]
    tables = make_tables(results, problems)
    for file, place in write_tables(store, tables):
        complain(f"{file.name} had been changed since it was written; it is now {place}")
    shown = [Shown(store, results, tables, name) for name in tables.trials["dataset"].unique()]
    problems += write_plots(store, shown)
    finished = [part for part in shown if not part.empty]
    made: dict[str, Callable[[], str]] = {
        "report.html": lambda: make_page(results, tables, finished, problems),
        "summary.md": lambda: markdown_tables(finished),
        "summary.tex": lambda: latex_tables(finished),
    }
    for name, make in made.items():
        try:
            write_at_once(store.root / name, make().encode())
        except BROKEN as error:
            (store.root / name).unlink(missing_ok=True)  # that of an earlier report would not fit the tables
            problems.append(f"{name} cannot be made ({type(error).__name__}: {error})")
    for extra, written in EXTRA_FILES.items():
        if extra not in extras and (store.root / written).exists():
            complain(f"{written} is of an earlier report; --{extra} renews it")
    for name, data in parquet_tables(tables.files).items() if "parquet" in extras else ():
        write_at_once(store.root / name, data)
    if "tensorboard" in extras:
        write_event_files(store.root / "tensorboard", tables.curves)
    for problem in problems:
        complain(problem)
    print(f"tables, plots{' and report.html' if (store.root / 'report.html').exists() else ''} are in {store.root}", file=sys.stderr)
    return not problems
