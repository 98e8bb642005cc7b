"""What the page shows of one dataset."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from benchmark.errors import in_one_line
from benchmark.records.schema import MetricFacts
from benchmark.report.headline import headline, headline_first
from benchmark.report.numbers import gap, p_value
from benchmark.report.page.allowance import Allowance
from benchmark.report.pictures.charts import (
    best_of_chart,
    cost_chart,
    costs_differ,
    course_chart,
    published_chart,
    scores_chart,
)
from benchmark.report.pictures.thumbnails import Thumbnail, thumbnails
from benchmark.report.scores import Row, notes_on, score_rows
from benchmark.report.tables.pairs import ALIKE, NO_TEST
from benchmark.report.verdict import answer
from benchmark.report.view import BROKEN, DatasetView, MetricView
from benchmark.report.words import AGAINST, ARROWS, DIRECTIONS, median_words

__all__ = ["dataset_part"]

BYTES_OF_A_PAIR = 300
"""About how many bytes a row in a table of pairs takes."""

SHORT_NOTES = {NO_TEST: "none can succeed", ALIKE: ALIKE}
"""The beginnings of notes of `pairwise.csv`, and what stands for such a note in place of p."""


def dataset_part(view: DatasetView, allowance: Allowance, problems: list[str]) -> dict[str, Any]:
    """What the template shows of a dataset. What matters most takes its share of the bytes first.

    Arguments:
        view: The dataset.
        allowance: The bytes that pictures and tables of pairs may take.
        problems: Takes what cannot be shown, as lines.
    """
    rows = score_rows(view)
    pictures = _Pictures(_thumbnails(view, allowance, problems))
    for name in headline_first(view.scored_metrics):
        metric = view.metric(name)
        pictures.add_metric(view, metric, rows, allowance)
        if name == headline(view.scored_metrics):
            pictures.add_headline(view, metric, allowance)
    return {
        "name": view.name,
        "answer": answer(view),
        "notes": notes_on(view),
        "metrics": _headings(view, rows),
        "rows": [
            [row for row in rows if row.method in view.styles],
            [row for row in rows if row.method not in view.styles],
        ],
        "panels": pictures.thumbnails,
        "scores": pictures.scores,
        "cost": pictures.cost,
        "published": view.published_rows,
        "published_charts": pictures.published,
        "courses": pictures.courses,
        "best_of": pictures.best_of,
        "median_words": median_words(view.tables.budget["confidence"].min()),
        "pairs": pictures.pairs,
    }


class _Pictures:
    """The pictures of a dataset and its tables of pairs; `None` stands for a picture that did not fit."""

    def __init__(self, thumbnails: list[Thumbnail]) -> None:
        self.thumbnails = thumbnails
        self.scores: list[Markup | None] = []
        self.cost: Markup | None = None
        self.published: list[Markup | None] = []
        self.courses: list[dict[str, Markup | None]] = []
        self.best_of: list[Markup | None] = []
        self.pairs: dict[str, list[dict[str, Any]]] = {}

    def add_metric(
        self, view: DatasetView, metric: MetricView, rows: Sequence[Row], allowance: Allowance
    ) -> None:
        """Adds those of a metric, as far as there are any."""
        self.scores.append(allowance.draw(scores_chart(metric, rows)))
        if metric.name in view.published_metrics:
            self.published.append(allowance.draw(published_chart(metric, view.published_rows)))
        if metric.name in view.metrics_on_curve:
            charts = {against: course_chart(metric, against) for against in AGAINST}
            self.courses.append({against: allowance.draw(chart) for against, chart in charts.items()})
        pairs = metric.pairwise.to_dict("records")
        if pairs and allowance.take(BYTES_OF_A_PAIR * len(pairs)):
            self.pairs[metric.name] = [_pair(row, metric.facts) for row in pairs]

    def add_headline(self, view: DatasetView, metric: MetricView, allowance: Allowance) -> None:
        """Adds those of the headline score alone."""
        if costs_differ(view):
            self.cost = allowance.draw(cost_chart(metric, view.sampling))
        if view.tables.best_of["k"].max() > 2:
            self.best_of.append(allowance.draw(best_of_chart(metric)))


def _thumbnails(view: DatasetView, allowance: Allowance, problems: list[str]) -> list[Thumbnail]:
    try:
        return [thumbnail for thumbnail in thumbnails(view) if allowance.take(len(thumbnail.picture))]
    except BROKEN as error:
        problems.append(f"{view.name}: not all samples can be shown ({in_one_line(error)})")
        return []


def _headings(view: DatasetView, rows: Sequence[Row]) -> list[dict[str, str]]:
    """The headings of the columns of scores."""
    if not rows:
        return []
    headings = []
    for name in rows[0].scores:
        better = view.metric(name).facts["better"]
        headings.append({"name": name, "arrow": ARROWS[better], "direction": DIRECTIONS[better]})
    return headings


def _pair(row: Mapping[Any, Any], facts: MetricFacts) -> dict[str, Any]:
    """A row of `pairwise.csv` as the page shows it."""
    return {
        "a": row["a"],
        "b": row["b"],
        "value": row["difference"],
        "difference": gap(row, facts),
        "superiority": row["superiority"],
        "favours": row["favours"],
        "seeds": " and ".join(dict.fromkeys([str(row["n_a"]), str(row["n_b"])])),
        "p_value": row["p"],
        "p": _p_or_note(row),
    }


def _p_or_note(row: Mapping[Any, Any]) -> str:
    for start, note in SHORT_NOTES.items():
        if row["note"].startswith(start):
            return note
    return p_value(row["p"])
