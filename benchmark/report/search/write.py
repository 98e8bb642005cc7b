"""From the records of a search to its table, the chosen settings and the page."""

from typing import NamedTuple

from benchmark.errors import UsageError, complain, tell
from benchmark.records.results import Results, read_run
from benchmark.records.sealed_files import write_at_once
from benchmark.records.store import Store
from benchmark.report.numbers import number
from benchmark.report.search.choice import tuned_of
from benchmark.report.search.page import search_page
from benchmark.report.search.view import SearchView
from benchmark.report.tables.csv_text import to_csv
from benchmark.report.words import setting_text
from benchmark.suites.tuned import Tuned

__all__ = ["TUNED", "WrittenSearch", "write_search"]

TUNED = "tuned.toml"
"""The file of the chosen settings."""


class WrittenSearch(NamedTuple):
    """What there is to print of a search.

    Attributes:
        lines: What was chosen, for a terminal.
        is_whole: Whether nothing of it is damaged.
    """

    lines: list[str]
    is_whole: bool


def write_search(store: Store, results: Results) -> WrittenSearch:
    """Writes `search.csv`, `report.html` and `tuned.toml` of a search.

    Where a trial is missing there is no `tuned.toml`; that of an earlier command is removed.

    Arguments:
        store: Its directory.
        results: The records of the trials with the whole budget.

    Raises:
        UsageError: If the manifest is damaged or missing.
    """
    earlier = _earlier(store, results)
    view = SearchView(results, earlier)
    tuned = tuned_of(view)
    texts = {"search.csv": to_csv(view.trials), "report.html": search_page(view, tuned)}
    if view.missing:
        complain(
            f"{view.missing} of its trials are missing, so the search is not equal for all methods and "
            f"there is no {TUNED}; the command of the search tries them again"
        )
        (store.root / TUNED).unlink(missing_ok=True)
    else:
        texts[TUNED] = tuned.as_text()
    for name, text in texts.items():
        write_at_once(store.root / name, text.encode())
    damaged = list(results.damaged)
    for rung in earlier:
        damaged += rung.damaged
    for damage in damaged:
        complain(f"{damage}; left out (the command of the search mends it)")
    for method in view.without_score:
        complain(f"{method}: no settings have a score, so none are chosen")
    tell(f"{', '.join(texts)} are in {store.root}")
    return WrittenSearch(_lines(tuned), not damaged)


def _earlier(store: Store, results: Results) -> list[Results]:
    """The records of the rungs below the last, the lowest first."""
    if results.manifest is None or "search" not in results.manifest:
        return []
    rungs = []
    for above in range(results.manifest["search"]["rungs"] - 1, 0, -1):
        folder = store.layout.rung(above)
        if not folder.exists():
            raise UsageError(f"{folder}: is missing; the command of the search trains it again")
        rungs.append(read_run(folder))
    return rungs


def _lines(tuned: Tuned) -> list[str]:
    lines = []
    for dataset, methods in tuned.chosen.items():
        metric = tuned.metrics[dataset]
        lines.append(f"{dataset}, {metric} of the best of {tuned.points} settings, and as published:")
        for method, chosen in methods.items():
            published = "no score"
            if chosen.published_score is not None:
                published = number(chosen.published_score)
            settings = ", ".join(setting_text(*item) for item in chosen.settings.items())
            lines.append(f"  {method}: {number(chosen.score)} ({published}); {settings or 'as published'}")
    return lines
