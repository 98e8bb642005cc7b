"""The scores of a dataset as a table for people: a row per method, a column per metric."""

import math
from typing import NamedTuple

import pandas as pd

from benchmark.records.schema import CALIBRATION_ROWS
from benchmark.report.findings import leaders
from benchmark.report.headline import headline, headline_first
from benchmark.report.view import DatasetView
from benchmark.report.words import estimate, number, spread
from benchmark.suites import find_suite

__all__ = ["CAPTION", "Row", "Score", "notes_on", "score_rows"]


class Score(NamedTuple):
    """A cell: what it shows, the mean or median to sort by (NaN for none), and whether it cannot be told from the best."""

    text: str
    mean: float
    best: bool


class Row(NamedTuple):
    """A method: how many of its seeds count, how many diverged, how many failed, and its scores by metric."""

    method: str
    n: int
    diverged: int
    failed: int
    scores: dict[str, Score]

    @property
    def seeds(self) -> str:
        lost = [
            f"{count} {state}"
            for count, state in ((self.diverged, "diverged"), (self.failed, "failed"))
            if count
        ]
        return str(self.n) + (f" (and {', '.join(lost)})" if lost else "")


def score_rows(shown: DatasetView) -> list[Row]:
    """The methods by rank in the headline score, which is the first column, then the calibration rows.

    Best scores are marked where there is more than one method, of metrics by which methods are compared.
    """
    methods = list(shown.styles)
    first = headline(shown.scored_metrics)
    metrics = headline_first(shown.scored_metrics)
    best = {
        metric: set(leaders(shown.tables, metric, methods)) if len(methods) > 1 else set()
        for metric in metrics
    }
    finished = shown.trials.loc[shown.trials["status"] == "ok", "method"].value_counts().to_dict()
    figures = {(row["method"], row["metric"]): row for row in shown.tables.summary.to_dict("records")}

    def score(method: str, metric: str) -> Score:
        row = figures.get((method, metric))
        if row is None or row["n"] == 0:
            return Score(number(math.nan), math.nan, False)
        some = f" (of {row['n']})" if row["n"] < finished.get(method, 0) else ""
        leading = method in best[metric]
        if shown.results.facts(shown.name, metric)["scale"] == "log":
            return Score(
                estimate(row["median"], row["median_low"], row["median_high"]) + some, row["median"], leading
            )
        return Score(spread(row["mean"], row["ci_low"], row["ci_high"]) + some, row["mean"], leading)

    def rank(method: str) -> float:
        found = figures.get((method, first), {}).get("rank")
        return math.inf if found is None or pd.isna(found) else found

    rows = []
    for method in [
        *sorted(methods, key=rank),
        *(name for name in CALIBRATION_ROWS if name in shown.representatives.index),
    ]:
        states = shown.trials.loc[shown.trials["method"] == method, "status"].value_counts()
        counts = {
            name: int(states.get(state, 0))
            for name, state in (("n", "ok"), ("diverged", "diverged"), ("failed", "failed"))
        }
        rows.append(Row(method, **counts, scores={metric: score(method, metric) for metric in metrics}))
    return rows


CAPTION = (
    "Mean ± half of the 95 % Student-t interval over seeds; of metrics on a logarithmic scale (KL, FID, IvOM) the median and the "
    "interval between two seeds that holds it with 95 % (with five seeds 93.8 %, with fewer less)."
)


def notes_on(shown: DatasetView) -> list[str]:
    """What a reader of the table must know of its methods, as the suite tells it."""
    suite = find_suite(shown.results.suite)
    notes = suite.notes if suite else {}
    return [f"{method} is {note}." for method, note in notes.items() if method in shown.styles]
