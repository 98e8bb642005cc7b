"""Published figures beside measured ones, in words."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from benchmark.report.numbers import estimate
from benchmark.report.tables.published import (
    CHANGED,
    COPY,
    FOREIGN,
    INSIDE,
    NOT_PUBLIC,
    VerdictKind,
    kind_of,
)
from benchmark.report.tables.published_figures import read_published

__all__ = ["KIND_WORDS", "MARKS", "PublishedRow", "published_rows", "tally"]

KIND_WORDS = {
    VerdictKind.COMPARED: "compared",
    VerdictKind.OTHER_BUDGET: "at another budget",
    VerdictKind.NOT_COMPARABLE: "not comparable",
}

COPIED, OTHER_PROTOCOL, UNKNOWN_SETTINGS, DEPARTURE, OTHER_BUDGET = "*", "†", "§", "‡", "¶"

MARKS = {
    COPIED: "copied from another paper, so that it is no result of this one",
    OTHER_PROTOCOL: "another protocol: other networks, optimisers, budgets, training sets, sample sizes or "
    "rules of quality, which is why figures of the same baseline on the same dataset differ so much between "
    "papers",
    UNKNOWN_SETTINGS: "the paper's own, but its settings are not public: the suite has others in their place",
    DEPARTURE: "this run changed a setting, or has too few seeds",
    OTHER_BUDGET: "published for another budget than this run's: held against it all the same, "
    "and not counted",
}
"""What stands beside a figure that is not counted, and what it means."""

MARK_BY_REASON = {
    COPY: COPIED,
    FOREIGN: OTHER_PROTOCOL,
    NOT_PUBLIC: UNKNOWN_SETTINGS,
}
"""The mark of a figure that is not comparable, by the start of the reason."""


class PublishedRow(NamedTuple):
    """A published figure in words: of what it is, both figures with their intervals, and how they compare.

    `mark` is one of `MARKS`, empty for a figure that is counted; `value` and `mean` are to sort by.
    """

    method: str
    metric: str
    published: str
    value: float
    mark: str
    where: str
    measured: str
    mean: float
    seeds: str
    verdict: str
    why: str

    @property
    def kind(self) -> VerdictKind:
        """What the verdict amounts to."""
        return kind_of(self.verdict)


def published_rows(published: pd.DataFrame) -> list[PublishedRow]:
    """The rows of one dataset in words, by kind."""
    rows = [_in_words(row) for row in published.to_dict("records")]
    return sorted(rows, key=lambda row: row.kind)


def _in_words(row: Mapping[Any, Any]) -> PublishedRow:
    return PublishedRow(
        method=row["method"],
        metric=row["metric"],
        published=_figure(row["published"], row["published_low"], row["published_high"]),
        value=row["published"],
        mark=_mark(row),
        where=", ".join(filter(None, (row["paper"], row["table"], row["setting"]))),
        measured=estimate(row["measured"], row["measured_low"], row["measured_high"]),
        mean=row["measured"],
        seeds=str(row["n"]),
        verdict=row["verdict"],
        why=row["why"],
    )


def _figure(value: float, low: float, high: float) -> str:
    """A published value with the digits that it has, and its interval where that is known and has a width."""
    return estimate(value, low, high) if low < high else f"{value:g}"


def _mark(row: Mapping[Any, Any]) -> str:
    kind = kind_of(row["verdict"])
    if kind == VerdictKind.COMPARED:
        return ""
    if kind == VerdictKind.OTHER_BUDGET:
        return OTHER_BUDGET
    for start, mark in MARK_BY_REASON.items():
        if row["why"].startswith(start):
            return mark
    return DEPARTURE


def tally(suite: str, published: pd.DataFrame) -> str:
    """A sentence: how many published figures lie in our intervals, or why there is none to count."""
    kinds = published["verdict"].map(kind_of)
    counted = published[kinds == VerdictKind.COMPARED]
    otherwise = published[kinds == VerdictKind.OTHER_BUDGET]
    if len(counted):
        return f"{_inside(counted)}."
    if len(otherwise):
        return f"Not counted ({_reasons(otherwise)}): {_inside(otherwise)}."
    if not (read_published()["suite"] == suite).any():
        return f"The sources of {suite} give no figures: there is nothing to hold this run against."
    departures = [_mark(row) == DEPARTURE for row in published.to_dict("records")]
    if not any(departures):
        subject = "the methods, datasets and metrics of this run"
        return f"No published figure of the protocol {suite} is about {subject}."
    return f"No published figure is compared with this run: {_reasons(published[departures])}."


def _inside(rows: pd.DataFrame) -> str:
    """How many of some figures lie in our intervals."""
    inside = int(rows["verdict"].str.startswith(INSIDE).sum())
    tables = []
    for paper, of_paper in rows.groupby("paper", sort=False):
        tables.append(f"{', '.join(of_paper['table'].unique())} of {paper}")
    figures = f"{len(rows)} published figures lie" if len(rows) > 1 else "1 published figure lies"
    return f"{inside} of {figures} inside our 95 % intervals ({'; '.join(tables)})"


def _reasons(rows: pd.DataFrame) -> str:
    """The first reason of every row, with all changed settings in one."""
    changed: dict[str, None] = {}
    others: dict[str, None] = {}
    for why in rows["why"]:
        reason = why.partition("; ")[0]
        if reason.startswith(CHANGED):
            changed |= dict.fromkeys(reason.removeprefix(CHANGED).split(", "))
        else:
            others[reason] = None
    if changed:
        return "; ".join([f"{CHANGED}{', '.join(changed)}", *others])
    return "; ".join(others)
