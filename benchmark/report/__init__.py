"""Records to tables and plots. Knows nothing of training."""

import sys

from benchmark.errors import UsageError, complain
from benchmark.records import write_at_once
from benchmark.report.page import make_page
from benchmark.report.plots import Shown, write_plots
from benchmark.report.results import read_results
from benchmark.report.tables import make_tables, write_tables
from benchmark.store import Store

__all__ = ["write_report"]


def write_report(store: Store) -> bool:
    """Rebuilds the tables and plots of a run from its records, and returns whether all that is there is in them.

    Raises:
        UsageError: If the directory holds no run, or one of another version.
    """
    try:
        results = read_results(store)
    except FileNotFoundError:
        raise UsageError(f"{store.root}: holds no run; give the directory of a run") from None
    tables = make_tables(results)
    for file, place in write_tables(store, tables):
        complain(f"{file.name} had been changed since it was written; it is now {place}")
    problems = [f"{damage}; left out (the command of the run trains it again)" for damage in results.damaged]
    shown = [Shown(store, results, tables, name) for name in tables.trials["dataset"].unique()]
    problems += write_plots(store, shown)
    page, undrawn = make_page(results, tables, shown)
    write_at_once(store.root / "report.html", page.encode())
    problems += undrawn
    for problem in problems:
        complain(problem)
    print(f"tables and plots are in {store.root}", file=sys.stderr)
    return not problems
