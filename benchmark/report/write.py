"""From the records of a run to its tables, pictures and page."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.errors import complain
from benchmark.records.results import Results
from benchmark.records.sealed_files import write_at_once
from benchmark.records.store import Store
from benchmark.report.exports.tensorboard import write_event_files
from benchmark.report.exports.text import latex_tables, markdown_tables, parquet_tables
from benchmark.report.page.page import make_page
from benchmark.report.pictures.plots import write_plots
from benchmark.report.tables.tables import Tables, make_tables, write_tables
from benchmark.report.view import BROKEN, DatasetView

__all__ = ["Report", "write_report"]

EXTRA_FILES = {"parquet": "trials.parquet", "tensorboard": "tensorboard"}
"""What lies in a run's directory where an extra was written."""


@dataclass(frozen=True)
class Report:
    """A report, and what it was made of.

    Attributes:
        directory: The directory of the run.
        results: The records of the run.
        tables: Its tables.
        views: The datasets on which a method has finished.
        problems: What could not be read or made, one line each; they have been printed.
    """

    directory: Path
    results: Results
    tables: Tables
    views: list[DatasetView]
    problems: list[str]


def write_report(store: Store, results: Results, extras: Sequence[str] = ()) -> Report:
    """Rebuilds the tables, the pictures and the page of a run, tells what could not be, and returns whether all of it could.

    Arguments:
        store: The run.
        extras: What to write besides: `parquet` for the tables, `tensorboard` for event files. Each takes a library.

    Raises:
        UsageError: If there is no run, or one of another version.
    """
    problems = [f"{damage}; left out (the command of the run mends it)" for damage in results.damaged]
    tables = make_tables(results, problems)
    for file, place in write_tables(store, tables):
        complain(f"{file.name} had been changed since it was written; it is now {place}")
    shown = [DatasetView(store, results, tables, name) for name in tables.trials["dataset"].unique()]
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
    print(
        f"tables, plots{' and report.html' if (store.root / 'report.html').exists() else ''} are in {store.root}",
        file=sys.stderr,
    )
    return Report(store.root, results, tables, finished, problems)
