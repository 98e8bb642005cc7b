"""`tune`: searches settings, equally for every method."""

from collections.abc import Sequence
from dataclasses import replace

from benchmark.commands.run import check_request, dry_run, run_cells_of, set_aside
from benchmark.commands.run_options import RunOptions
from benchmark.errors import complain, tell
from benchmark.plan.devices import choose_device
from benchmark.records.lock import RunLock
from benchmark.records.results import Results
from benchmark.records.store import Store
from benchmark.report.search.promotion import next_rung
from benchmark.report.search.view import SearchView
from benchmark.report.search.write import TUNED, write_search
from benchmark.running.executors.choose import make_executor
from benchmark.suites.search import Rung

__all__ = ["describe_search", "search_and_report"]


def search_and_report(options: RunOptions, command: Sequence[str]) -> bool:
    """Trains all points that are missing, and writes what was found.

    A rung of which a cell failed ends the search: its best points are not known.

    Arguments:
        options: What to search, and how.
        command: The command line that repeats the search, for the manifest.

    Returns:
        Whether nothing failed.

    Raises:
        UsageError: If the request is wrong; no trial has been changed then.
        Interrupted: If the search was asked to end.
        OSError: If something cannot be written.
    """
    rung = _rung(options)
    store = Store(options.out)
    store.check(options.request.suite.name, options.fresh, search=True)
    if options.fresh:
        check_request(options)
        # One that cannot be made is refused before the old search is moved.
        make_executor(options.executor, choose_device(options.request.device)).close()
        set_aside(store)
        options = replace(options, fresh=False)
    else:
        _check_later_rungs(options, rung)
    while not rung.is_last:
        with RunLock(store.root):
            rung, failed = _climb(options, rung, command)
        if failed:
            if (store.root / TUNED).exists():
                complain(
                    f"{TUNED}, search.csv and report.html in {store.root} "
                    "are still those of an earlier command"
                )
            return _report([], failed)
    written, failed = run_cells_of(_at(options, rung), command, write_search)
    return _report(written.lines, failed)


def describe_search(options: RunOptions) -> str:
    """The cells of a search, with their costs; with successive halving, those of the first rung.

    Raises:
        UsageError: If the request is wrong.
    """
    rung = _rung(options)
    if not options.fresh:
        _check_later_rungs(options, rung)
    cells = dry_run(_at(options, rung))
    if rung.is_last:
        return cells
    return (
        f"{cells}\nThis is rung 1 of {rung.search.rungs}; "
        f"all rungs together cost {_cost_of_all(rung):.1f} times as much."
    )


def _cost_of_all(first: Rung) -> float:
    """What all rungs of a search cost together; that of the first is 1."""
    search = first.search
    budgets = search.points * first.share
    for number in range(2, search.rungs + 1):
        points = replace(first, number=number - 1).places + 1
        budgets += points * replace(first, number=number).share
    return budgets / (search.points * first.share)


def _check_later_rungs(options: RunOptions, rung: Rung) -> None:
    """Raises a `UsageError` if trials of a later rung are of another search, before any rung is trained.

    Which points come there is not known yet: the calibration rows show it.
    """
    for number in range(rung.number + 1, rung.search.rungs + 1):
        check_request(_at(options, replace(rung, number=number, promoted={})))


def _climb(options: RunOptions, rung: Rung, command: Sequence[str]) -> tuple[Rung, list[str]]:
    """Trains what is missing of a rung; returns the next one, and the cells that failed, one line each."""
    tell(f"rung {rung.number} of {rung.search.rungs}, at {rung.share:.3g} of the budget")

    def promote(store: Store, results: Results) -> Rung:
        return next_rung(rung, SearchView(results, []))

    return run_cells_of(_at(options, rung), command, promote)


def _at(options: RunOptions, rung: Rung) -> RunOptions:
    """The options of a rung: those below the last are runs in directories of their own."""
    out = options.out if rung.is_last else Store(options.out).layout.rung(rung.above)
    return replace(options, request=replace(options.request, rung=rung), out=out)


def _rung(options: RunOptions) -> Rung:
    rung = options.request.rung
    assert rung is not None
    return rung


def _report(lines: Sequence[str], failed: Sequence[str]) -> bool:
    for line in lines:
        print(line)
    for failure in failed:
        complain(f"failed: {failure}")
    return not failed
