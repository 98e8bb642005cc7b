"""Published figures beside measured ones, for runs of suites that reproduce a paper."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pandas as pd

from benchmark.records.differences import differing
from benchmark.records.results import Results
from benchmark.records.schema import Record
from benchmark.registry import DATASETS, METHODS, METRICS, resolved
from benchmark.report.numbers import estimate
from benchmark.report.statistics.over_seeds import half_width
from benchmark.report.tables.published_figures import NOT_STATED, read_published
from benchmark.report.words import budget_of
from benchmark.suites import SUITES, Suite
from benchmark.suites.budget import parse_budget

__all__ = ["KINDS", "MARKS", "PublishedRow", "kind_of", "published_rows", "published_table", "tally"]

COLUMNS = [
    *(
        "dataset",
        "method",
        "metric",
        "paper",
        "table",
        "setting",
        "published",
        "published_low",
        "published_high",
        "runs",
    ),
    *("measured", "measured_low", "measured_high", "n", "verdict", "why"),
]

COUNTED = ("inside", "outside")
"""The verdicts on figures that can be compared."""

OTHERWISE = ", at another budget"
"""Follows a verdict that does not count."""

KINDS = ("compared", "at another budget", "not comparable")
"""What verdicts amount to."""

COPIED, ANOTHER, UNKNOWN, DEPARTS, LENGTH = "*", "†", "§", "‡", "¶"

MARKS = {
    COPIED: "copied from another paper, so that it is no result of this one",
    ANOTHER: "another protocol: other networks, optimisers, budgets, training sets, sample sizes or rules of quality, which is why figures of "
    "the same baseline on the same dataset differ so much between papers",
    UNKNOWN: "the paper's own, but its settings are not public: the suite has others in their place",
    DEPARTS: "this run changed a setting, or has too few seeds",
    LENGTH: "published for another budget than this run's: held against it all the same, and not counted",
}
"""What stands beside a figure that is not counted, and what it means."""

CHANGED = "this run changed "
"""Starts the reason of a run with other settings; their names follow."""

NOT_PUBLIC = "its settings are not public"

HARMLESS = ("evaluations", "samples_large")
"""Settings of a dataset that change how often or how precisely else it is scored, and no figure here."""


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
    def kind(self) -> int:
        return kind_of(self.verdict)


def kind_of(verdict: str) -> int:
    """The place in `KINDS` of what a verdict amounts to."""
    return 0 if verdict in COUNTED else 1 if verdict.endswith(OTHERWISE) else 2


def published_table(results: Results, summary: pd.DataFrame) -> pd.DataFrame:
    """One row per published figure about a dataset, a method and a metric of the run; without any column if its suite is of no paper.

    `verdict` tells whether the published value lies in the 95 % interval of the mean over our seeds. It counts (`COUNTED`) where the
    suite has the settings of that experiment and the run those of the suite; else `why` tells what is otherwise.

    Raises:
        UsageError: If the published figures are missing or damaged.
    """
    suite = SUITES.get(results.suite)
    if suite is None or suite.protocol is None:
        return pd.DataFrame()
    figures = read_published()
    rows: list[dict[str, Any]] = []
    for (dataset, method, metric), measured in _measured(results, summary):
        members = [
            record for record in results.records if (record["dataset"], record["method"]) == (dataset, method)
        ]
        about = figures[
            (figures["dataset"] == dataset) & (figures["baseline"] == method) & (figures["metric"] == metric)
        ]
        for figure in about.to_dict("records"):
            verdict, reasons = _verdict(figure, measured, suite, members)
            half = _half(figure)
            rows.append(
                {
                    **{
                        name: figure[name]
                        for name in ("dataset", "metric", "paper", "table", "setting", "runs")
                    },
                    "method": method,
                    **dict(
                        zip(
                            COLUMNS[6:9],
                            (figure["value"], figure["value"] - half, figure["value"] + half),
                            strict=True,
                        )
                    ),
                    **dict(
                        zip(
                            COLUMNS[10:13],
                            (measured["mean"], measured["ci_low"], measured["ci_high"]),
                            strict=True,
                        )
                    ),
                    "n": measured["n"],
                    "verdict": verdict,
                    "why": "; ".join([*reasons, *_lost(measured, len(members))]),
                }
            )
    frame = pd.DataFrame(rows, columns=COLUMNS).astype({"runs": "Int64", "n": "int64"})
    return frame.astype(dict.fromkeys([*COLUMNS[6:9], *COLUMNS[10:13]], float))


def published_rows(published: pd.DataFrame) -> list[PublishedRow]:
    """The rows of one dataset in words, by kind."""
    rows = [
        PublishedRow(
            row["method"],
            row["metric"],
            _figure(row["published"], row["published_low"], row["published_high"]),
            row["published"],
            _mark(row),
            ", ".join(filter(None, (row["paper"], row["table"], row["setting"]))),
            estimate(row["measured"], row["measured_low"], row["measured_high"]),
            row["measured"],
            str(row["n"]),
            row["verdict"],
            row["why"],
        )
        for row in published.to_dict("records")
    ]
    return sorted(rows, key=lambda row: row.kind)


def tally(suite: str, published: pd.DataFrame) -> str:
    """How many of the published figures lie in our intervals, or why there is none to count, in a sentence."""
    kinds = published["verdict"].map(kind_of)
    counted, otherwise = published[kinds == 0], published[kinds == 1]
    if len(counted):
        return f"{_inside(counted)}."
    if len(otherwise):
        return f"Not counted ({_reasons(otherwise)}): {_inside(otherwise)}."
    if not (read_published()["suite"] == suite).any():
        return f"The sources of {suite} give no figures: there is nothing to hold this run against."
    own = published[[_mark(row) == DEPARTS for row in published.to_dict("records")]]
    if own.empty:
        return f"No published figure of the protocol {suite} is about the methods, datasets and metrics of this run."
    return f"No published figure is compared with this run: {_reasons(own)}."


def _inside(rows: pd.DataFrame) -> str:
    """How many of some figures lie in our intervals."""
    inside = int(rows["verdict"].str.startswith(COUNTED[0]).sum())
    tables = [
        f"{', '.join(of['table'].unique())} of {paper}" for paper, of in rows.groupby("paper", sort=False)
    ]
    figures = f"{len(rows)} published figures lie" if len(rows) > 1 else "1 published figure lies"
    return f"{inside} of {figures} inside our 95 % intervals ({'; '.join(tables)})"


def _reasons(rows: pd.DataFrame) -> str:
    """The first reason of every row, with all changed settings in one."""
    reasons = dict.fromkeys(why.partition("; ")[0] for why in rows["why"])
    changed = dict.fromkeys(
        name
        for reason in reasons
        if reason.startswith(CHANGED)
        for name in reason.removeprefix(CHANGED).split(", ")
    )
    others = [reason for reason in reasons if not reason.startswith(CHANGED)]
    return "; ".join([f"{CHANGED}{', '.join(changed)}", *others] if changed else others)


def _measured(
    results: Results, summary: pd.DataFrame
) -> Iterator[tuple[tuple[str, str, str], Mapping[Any, Any]]]:
    """Dataset, method and metric with the row of `summary.csv`, by dataset and metric."""
    found = {(row["dataset"], row["method"], row["metric"]): row for row in summary.to_dict("records")}
    for dataset in results.datasets:
        methods = dict.fromkeys(name for place, name, _ in found if place == dataset)
        for metric in results.metrics(dataset):
            yield from (
                (key, found[key]) for method in methods if (key := (dataset, method, metric)) in found
            )


def _figure(value: float, low: float, high: float) -> str:
    """A published value with the digits that it has, and its interval where that is known and has a width."""
    return estimate(value, low, high) if low < high else f"{value:g}"


def _half(figure: Mapping[Any, Any]) -> float:
    """Half of the 95 % interval of a published figure; NaN where it is not known."""
    if pd.isna(figure["runs"]) or figure["uncertainty_kind"] in ("", NOT_STATED):
        return math.nan
    error = figure["uncertainty"] / (
        1 if figure["uncertainty_kind"] == "standard error" else math.sqrt(figure["runs"])
    )
    return half_width(error, int(figure["runs"]))


def _verdict(
    figure: Mapping[Any, Any], measured: Mapping[Any, Any], suite: Suite, members: list[Record]
) -> tuple[str, list[str]]:
    """How a published figure compares with ours, and why it does not, if it does not."""
    if figure["copied_from"]:
        return "not comparable", [_copied(figure["copied_from"])]
    if figure["suite"] != suite.name:
        return "not comparable", [
            NOT_PUBLIC if figure["paper"] == suite.name else f"another protocol ({figure['paper']})"
        ]
    # As a rule the members have one configuration.
    distinct = {record["config_hash"]: record for record in members}.values()
    changed = list(
        dict.fromkeys(name for record in distinct for name in _changed(record, suite, figure["metric"]))
    )
    budgets = list(dict.fromkeys(filter(None, (_other_budget(record, suite) for record in distinct))))
    if changed:
        return "not comparable", [f"{CHANGED}{', '.join(changed)}", *budgets]
    if measured["n"] < 2:
        return "not comparable", [*(["one seed: no interval"] if measured["n"] else []), *budgets]
    inside = measured["ci_low"] <= figure["value"] <= measured["ci_high"]
    tie = ["all seeds tie: an interval of no width"] if measured["ci_low"] == measured["ci_high"] else []
    return COUNTED[not inside] + (OTHERWISE if budgets else ""), [*budgets, *tie]


def _copied(paper: str) -> str:
    return "copied; from where is not stated" if paper == NOT_STATED else f"copied from {paper}"


def _mark(row: Mapping[Any, Any]) -> str:
    if (kind := kind_of(row["verdict"])) < 2:
        return ("", LENGTH)[kind]
    marks = {"copied": COPIED, "another protocol": ANOTHER, NOT_PUBLIC: UNKNOWN}
    return next((mark for start, mark in marks.items() if row["why"].startswith(start)), DEPARTS)


def _changed(record: Record, suite: Suite, metric: str) -> list[str]:
    """The settings that are not the suite's own, as `name.field`."""
    dataset, method = record["dataset"], record["method"]
    given = suite.settings_on(dataset)

    def own(owner: str) -> dict[str, Any]:
        return {
            key.removeprefix(f"{owner}."): value
            for key, value in given.items()
            if key.rpartition(".")[0] == owner
        }

    data = DATASETS.build(dataset, own(dataset))
    expected = {
        dataset: {"name": dataset, **resolved(data)},
        method: {"name": method, **resolved(METHODS.build(method, own(method)))},
        metric: resolved(METRICS.build(metric, own(metric)).on(data)),
    }
    configuration = record["configuration"]
    held = {
        dataset: configuration["dataset"],
        method: configuration["method"],
        metric: configuration["metrics"].get(metric, {}),
    }
    return [name for name, _, _ in differing(held, expected) if name.rpartition(".")[2] not in HARMLESS]


def _other_budget(record: Record, suite: Suite) -> str:
    """What is otherwise about the budget; empty if it is the suite's own."""
    own = parse_budget(suite.budgets[record["dataset"]])
    spent = budget_of(record["budget"])
    if spent == own:
        return ""
    if spent is None or spent.unit != own.unit or own.unit != "steps":
        return f"at {record['budget']}, not the suite's {own}"
    if spent.amount < own.amount:
        return f"after {spent.amount:.12g} of the suite's {own.amount:.12g} steps"
    return f"after {spent.amount:.12g} steps, not the suite's {own.amount:.12g}"


def _lost(measured: Mapping[Any, Any], seeds: int) -> list[str]:
    """The seeds that our figure is not of."""
    undefined = seeds - measured["n"] - measured["diverged"]
    counts = ((measured["diverged"], "diverged"), (undefined, "without a value"))
    return [f"{count} of {seeds} seeds {state}" for count, state in counts if count]
