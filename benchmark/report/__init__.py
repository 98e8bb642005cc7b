"""Records to tables and plots. Knows nothing of training."""

import sys

from benchmark.report.plots import write_plots
from benchmark.report.tables import write_tables
from benchmark.store import Store

__all__ = ["write_report"]


def write_report(store: Store) -> None:
    """Rebuilds the tables and plots of a run from its records.

    Raises:
        UsageError: If the directory holds no run, or a record is damaged.
    """
    tables = write_tables(store)
    write_plots(store, tables)
    print(f"tables and plots are in {store.root}", file=sys.stderr)
