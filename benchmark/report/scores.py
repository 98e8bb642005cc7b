"""The scores of a dataset as a table for people: a row per method, a column per metric."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from benchmark.records.schema import CALIBRATION_ROWS
from benchmark.report.headline import headline_first
from benchmark.report.numbers import NO_NUMBER, estimate, number, spread
from benchmark.report.verdict import leaders
from benchmark.report.view import DatasetView, MetricView, Sampling
from benchmark.suites import find_suite

__all__ = ["CAPTION", "COST_HEADINGS", "Row", "Score", "notes_on", "score_rows"]

CAPTION = (
    "Mean ± half-width of the 95 % Student-t interval over seeds; for metrics on a logarithmic scale "
    "the median, and the interval between two seeds that contains it with 95 % confidence "
    "(93.8 % with five seeds, less with fewer)."
)

COST_HEADINGS = ("FLOPs/sample", "evaluations")
"""The headings of `Row.costs`."""


class Score(NamedTuple):
    """A cell of the table.

    Attributes:
        text: What it shows.
        mean: The mean or median, to sort by; NaN if there is none.
        best: Whether tests cannot tell it from the best.
    """

    text: str
    mean: float
    best: bool


NO_SCORE = Score(NO_NUMBER, math.nan, False)


class Row(NamedTuple):
    """A method.

    Attributes:
        method: Its name.
        untuned: Whether it is not tuned, beside methods that are.
        n: The number of its seeds that finished and did not diverge.
        diverged: The number of its seeds that diverged.
        failed: The number of its seeds that failed.
        scores: Its scores by metric.
        sampling: What one of its samples takes, where that is known.
    """

    method: str
    untuned: bool
    n: int
    diverged: int
    failed: int
    scores: dict[str, Score]
    sampling: Sampling | None

    @property
    def label(self) -> str:
        """Its name, and what a reader must know of its settings."""
        return f"{self.method} (not tuned)" if self.untuned else self.method

    @property
    def flops_per_sample(self) -> str:
        """FLOPs per sample, to two digits."""
        return NO_NUMBER if self.sampling is None else f"{self.sampling.flops:.1e}"

    @property
    def evaluations_per_sample(self) -> str:
        """Evaluations of networks per sample."""
        return NO_NUMBER if self.sampling is None else str(self.sampling.evaluations)

    @property
    def costs(self) -> tuple[str, str]:
        """What one sample takes, in words."""
        return self.flops_per_sample, self.evaluations_per_sample

    @property
    def seeds(self) -> str:
        """The numbers of seeds in words, such as `5` or `4 (and 1 diverged)`."""
        lost = []
        if self.diverged:
            lost.append(f"{self.diverged} diverged")
        if self.failed:
            lost.append(f"{self.failed} failed")
        if not lost:
            return str(self.n)
        return f"{self.n} (and {', '.join(lost)})"


def score_rows(view: DatasetView) -> list[Row]:
    """The methods by rank in the headline score, which is the first column, then the calibration rows.

    Best scores are marked where there is more than one method, in metrics by which methods are compared.
    """
    metrics = [view.metric(name) for name in headline_first(view.scored_metrics)]
    figures = {metric.name: _figures(metric) for metric in metrics}
    best = {metric.name: _best(metric) for metric in metrics}
    ranks = _ranks(metrics[0]) if metrics else {}
    ranked = sorted(view.styles, key=lambda method: ranks.get(method, math.inf))
    calibration = [name for name in CALIBRATION_ROWS if name in view.representatives.index]
    rows = []
    for method in [*ranked, *calibration]:
        states = view.trials.loc[view.trials["method"] == method, "status"].value_counts()
        finished = int(states.get("ok", 0))
        scores = {}
        for metric in metrics:
            row = figures[metric.name].get(method)
            scores[metric.name] = _score(metric, row, method in best[metric.name], finished)
        rows.append(
            Row(
                method,
                untuned=view.results.track(view.name, method)["settings"] == "not tuned",
                n=finished,
                diverged=int(states.get("diverged", 0)),
                failed=int(states.get("failed", 0)),
                scores=scores,
                sampling=view.sampling.get(method),
            )
        )
    return rows


def _figures(metric: MetricView) -> dict[str, Mapping[Any, Any]]:
    """The rows of `summary.csv` by method."""
    return {row["method"]: row for row in metric.summary.to_dict("records")}


def _ranks(metric: MetricView) -> dict[str, float]:
    """The rank of each method that has one."""
    ranked = metric.summary.dropna(subset="rank")
    return dict(zip(ranked["method"], ranked["rank"], strict=True))


def _best(metric: MetricView) -> list[str]:
    methods = list(metric.styles)
    if len(methods) < 2:
        return []
    return leaders(metric, methods)


def _score(metric: MetricView, row: Mapping[Any, Any] | None, best: bool, finished: int) -> Score:
    """A method's score.

    Arguments:
        metric: The metric.
        row: The method's row of `summary.csv`, if there is one.
        best: Whether the score is marked.
        finished: The number of the method's seeds that finished.
    """
    if row is None or row["n"] == 0:
        return NO_SCORE
    middle, low, high = (row[column] for column in metric.estimate)
    if row["n"] == 1:
        text = number(middle)
    elif metric.estimate.middle == "mean":
        text = spread(middle, low, high)
    else:
        text = estimate(middle, low, high)
    if row["n"] < finished:
        text += f" (of {row['n']})"
    return Score(text, middle, best)


def notes_on(view: DatasetView) -> list[str]:
    """What a reader of the table must know of its methods, according to the suite."""
    suite = find_suite(view.results.suite)
    if suite is None:
        return []
    return [note for method, note in suite.notes.items() if method in view.styles]
