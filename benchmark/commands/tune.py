"""`tune`: searches settings, equally for every method."""

from collections.abc import Sequence
from dataclasses import replace

from benchmark.commands.run import run_cells_of, set_aside
from benchmark.commands.run_options import RunOptions
from benchmark.errors import complain, tell
from benchmark.records.results import Results
from benchmark.records.store import Store
from benchmark.report.search.promotion import next_rung
from benchmark.report.search.view import SearchView
from benchmark.report.search.write import write_search
from benchmark.suites.search import Rung

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
    rung = options.request.rung
    assert rung is not None
    store = Store(options.out)
    if options.fresh:
        set_aside(store)
    failures = []
    while not rung.is_last:
        rung, failed = _climb(replace(options, out=store.layout.rung(rung.number)), rung, command)
        failures += failed
    lines, failed = run_cells_of(_at(options, rung), command, write_search)
    print("\n".join(lines))
    for failure in [*failures, *failed]:
        complain(f"failed: {failure}")
    return not failures and not failed


def _climb(options: RunOptions, rung: Rung, command: Sequence[str]) -> tuple[Rung, list[str]]:
    """Trains what is missing of a rung; returns the next one, and the cells that failed, one line each."""
    tell(f"rung {rung.number} of {rung.search.rungs}, at {rung.share:.3g} of the budget")

    def promote(store: Store, results: Results) -> Rung:
        return next_rung(rung, SearchView(results, []))

    return run_cells_of(_at(options, rung), command, promote)


def _at(options: RunOptions, rung: Rung) -> RunOptions:
    request = replace(options.request, rung=rung)
    return replace(options, request=request, fresh=False)
