"""The result of a run in a few lines: a verdict and a short table per dataset, and where the report is."""

from collections.abc import Sequence
from textwrap import fill

from tabulate import tabulate

from benchmark.errors import printable
from benchmark.report.headline import headline
from benchmark.report.scores import COST_HEADINGS, score_rows
from benchmark.report.verdict import answer
from benchmark.report.view import DatasetView
from benchmark.report.write import Report

__all__ = ["print_report"]

WIDTH = 100
"""Columns of a verdict."""

BESIDE_HEADLINE = ("modes", "high_quality")
"""The metrics beside the headline score, where they have a score and there are many."""

MOST_METRICS = 5
"""As many as a terminal has room for."""


def print_report(report: Report) -> None:
    """Prints the verdicts and the path of the report, on stdout."""
    for view in report.views:
        print(f"{fill(printable(answer(view).verdict), WIDTH)}\n\n{_table(view)}\n")
    if not report.views:
        print("No method has finished.\n")
    page = report.directory / "report.html"
    if page.exists():
        print(f"report: {printable(str(page))}")


def _table(view: DatasetView) -> str:
    """The methods by rank, then the calibration rows."""
    metrics = _metrics(view.scored_metrics)
    rows = []
    for row in score_rows(view):
        scores = [row.scores[metric].text for metric in metrics]
        rows.append([printable(row.label), row.seeds, *scores, *row.costs])
    headings = ["method", "seeds", *metrics, *COST_HEADINGS]
    return tabulate(rows, headings, tablefmt="plain", disable_numparse=True)


def _metrics(scored: Sequence[str]) -> list[str]:
    first = headline(scored)
    if first is None:
        return []
    others = scored if len(scored) <= MOST_METRICS else BESIDE_HEADLINE
    return [first, *(name for name in others if name in scored and name != first)]
