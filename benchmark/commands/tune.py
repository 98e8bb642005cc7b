"""`tune`: searches settings, equally for every method."""

from collections.abc import Sequence

from benchmark.commands.run import run_cells_of
from benchmark.commands.run_options import RunOptions
from benchmark.errors import complain
from benchmark.records.results import Results
from benchmark.records.store import Store
from benchmark.report.search.write import write_search

__all__ = ["search_and_report"]


def search_and_report(options: RunOptions, command: Sequence[str]) -> bool:
    """Trains all points that are missing, and writes what was found.

    Arguments:
        options: What to search, and how.
        command: The command line that repeats the search, for the manifest.

    Returns:
        Whether no cell failed.

    Raises:
        UsageError: If the request is wrong; no trial has been changed then.
        Interrupted: If the search was asked to end.
        OSError: If something cannot be written.
    """
    search = options.request.search
    assert search is not None

    def write(store: Store, results: Results) -> list[str]:
        return write_search(store, results, search)

    lines, failed = run_cells_of(options, command, write)
    print("\n".join(lines))
    for failure in failed:
        complain(f"failed: {failure}")
    return not failed
