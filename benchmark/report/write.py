"""From the records of a run to its tables, pictures and page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.errors import complain, in_one_line, tell
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

FILES_OF_EXTRAS = {"parquet": "trials.parquet", "tensorboard": "tensorboard"}
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
    """Rebuilds the tables, the pictures and the page of a run, and prints what could not be made.

    Arguments:
        store: The run.
        results: Its records.
        extras: What to write besides: `parquet` for the tables, `tensorboard` for event files. Each needs a
            library.
    """
    problems = [f"{damage}; left out (the command of the run mends it)" for damage in results.damaged]
    tables = make_tables(results, problems)
    for file, place in write_tables(store, tables):
        complain(f"{file.name} had been changed since it was written; it is now {place}")
    views = [DatasetView(store, results, tables, name) for name in tables.trials["dataset"].unique()]
    problems += write_plots(store, views)
    finished = [view for view in views if not view.empty]
    _write_or_remove(store, "report.html", lambda: make_page(results, tables, finished, problems), problems)
    _write_or_remove(store, "summary.md", lambda: markdown_tables(finished), problems)
    _write_or_remove(store, "summary.tex", lambda: latex_tables(finished), problems)
    _write_extras(store, tables, extras)
    for problem in problems:
        complain(problem)
    written = "tables, plots and report.html" if (store.root / "report.html").exists() else "tables and plots"
    tell(f"{written} are in {store.root}")
    return Report(store.root, results, tables, finished, problems)


def _write_or_remove(store: Store, name: str, make: Callable[[], str], problems: list[str]) -> None:
    """Writes a file of the report; if it cannot be made, removes that of an earlier report."""
    try:
        write_at_once(store.root / name, make().encode())
    except BROKEN as error:
        (store.root / name).unlink(missing_ok=True)  # it would not fit the tables
        problems.append(f"{name} cannot be made ({in_one_line(error)})")


def _write_extras(store: Store, tables: Tables, extras: Sequence[str]) -> None:
    for extra, name in FILES_OF_EXTRAS.items():
        if extra not in extras and (store.root / name).exists():
            complain(f"{name} is of an earlier report; --{extra} renews it")
    if "parquet" in extras:
        for name, data in parquet_tables(tables.files).items():
            write_at_once(store.root / name, data)
    if "tensorboard" in extras:
        write_event_files(store.root / "tensorboard", tables.curves)
