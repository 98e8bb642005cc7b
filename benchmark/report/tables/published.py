"""Published figures beside measured ones, for runs of suites that reproduce a paper."""

import math
from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

import pandas as pd

from benchmark.records.differences import differing
from benchmark.records.results import Results
from benchmark.records.schema import HARMLESS_SETTINGS, Record
from benchmark.registry import DATASETS, METHODS, METRICS, resolved
from benchmark.report.statistics.over_seeds import half_width
from benchmark.report.tables.published_figures import NOT_STATED, read_published
from benchmark.report.tables.rows import rows_of
from benchmark.report.words import budget_of
from benchmark.suites import Suite, find_suite
from benchmark.suites.budget import parse_budget

__all__ = ["CHANGED", "COPY", "FOREIGN", "INSIDE", "NOT_PUBLIC", "VerdictKind", "kind_of", "published_table"]

PUBLISHED_COLUMNS = [
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
    "measured",
    "measured_low",
    "measured_high",
    "n",
    "verdict",
    "why",
]

COPIED_COLUMNS = ["dataset", "metric", "paper", "table", "setting", "runs"]
"""Columns that are those of `results/published.csv`."""

FLOAT_COLUMNS = [
    "published",
    "published_low",
    "published_high",
    "measured",
    "measured_low",
    "measured_high",
]

INSIDE, OUTSIDE = "inside", "outside"
"""The verdicts on figures that can be compared."""

OTHERWISE = ", at another budget"
"""Follows such a verdict where it does not count."""

NOT_COMPARABLE = "not comparable"

CHANGED = "this run changed "
"""Starts the reason of a run with other settings; their names follow."""

COPY, FOREIGN, NOT_PUBLIC = "copied", "another protocol", "its settings are not public"


class VerdictKind(IntEnum):
    """What a verdict amounts to. Those that count are first."""

    COMPARED = 0
    OTHER_BUDGET = 1
    NOT_COMPARABLE = 2


class Verdict(NamedTuple):
    """How a published figure compares with ours, and why it does not, or does not count."""

    verdict: str
    reasons: Sequence[str]


def kind_of(verdict: str) -> VerdictKind:
    """What a verdict of `published.csv` amounts to."""
    if verdict in (INSIDE, OUTSIDE):
        return VerdictKind.COMPARED
    if verdict.endswith(OTHERWISE):
        return VerdictKind.OTHER_BUDGET
    return VerdictKind.NOT_COMPARABLE


def published_table(results: Results, summary: pd.DataFrame) -> pd.DataFrame:
    """One row per published figure about a dataset, a method and a metric of the run.

    `verdict` is whether the published value lies in the 95 % interval of the mean over our seeds. It counts
    where the suite has the settings of that experiment and the run those of the suite; else `why` has the
    reasons against it. Without any column if the suite is of no paper.

    Raises:
        UsageError: If the published figures are missing or damaged.
    """
    suite = find_suite(results.suite)
    if suite is None or suite.protocol is None:
        return pd.DataFrame()
    figures = read_published()
    rows: list[dict[str, Any]] = []
    for measured in _measured(results, summary):
        dataset, method, metric = measured["dataset"], measured["method"], measured["metric"]
        records = _records_of(results, dataset, method)
        about_it = rows_of(figures, dataset=dataset, baseline=method, metric=metric)
        rows += [_row(figure, measured, suite, records) for figure in about_it.to_dict("records")]
    frame = pd.DataFrame(rows, columns=PUBLISHED_COLUMNS)
    return frame.astype({"runs": "Int64", "n": "int64", **dict.fromkeys(FLOAT_COLUMNS, float)})


def _measured(results: Results, summary: pd.DataFrame) -> Iterator[Mapping[Any, Any]]:
    """The rows of `summary.csv` by dataset and metric."""
    for dataset in results.datasets:
        for metric in results.metrics(dataset):
            yield from rows_of(summary, dataset=dataset, metric=metric).to_dict("records")


def _records_of(results: Results, dataset: str, method: str) -> list[Record]:
    cell = (dataset, method)
    return [record for record in results.records if (record["dataset"], record["method"]) == cell]


def _row(
    figure: Mapping[Any, Any], measured: Mapping[Any, Any], suite: Suite, records: Sequence[Record]
) -> dict[str, Any]:
    """A published figure beside ours."""
    verdict, reasons = _verdict(figure, measured, suite, records)
    half = _half_width(figure)
    return {
        **{name: figure[name] for name in COPIED_COLUMNS},
        "method": measured["method"],
        "published": figure["value"],
        "published_low": figure["value"] - half,
        "published_high": figure["value"] + half,
        "measured": measured["mean"],
        "measured_low": measured["ci_low"],
        "measured_high": measured["ci_high"],
        "n": measured["n"],
        "verdict": verdict,
        "why": "; ".join([*reasons, *_lost(measured, len(records))]),
    }


def _half_width(figure: Mapping[Any, Any]) -> float:
    """Half of the 95 % interval of a published figure; NaN where it is not known."""
    kind, runs = figure["uncertainty_kind"], figure["runs"]
    if pd.isna(runs) or kind in ("", NOT_STATED):
        return math.nan
    error = figure["uncertainty"]
    if kind != "standard error":
        error /= math.sqrt(runs)
    return half_width(error, int(runs))


def _verdict(
    figure: Mapping[Any, Any], measured: Mapping[Any, Any], suite: Suite, records: Sequence[Record]
) -> Verdict:
    """How a published figure compares with ours."""
    foreign = _foreign(figure, suite)
    if foreign:
        return Verdict(NOT_COMPARABLE, [foreign])
    changed: dict[str, None] = {}
    budgets: dict[str, None] = {}
    # As a rule there is one configuration.
    record_by_configuration = {record["config_hash"]: record for record in records}
    for record in record_by_configuration.values():
        changed |= dict.fromkeys(_changed(record, suite, figure["metric"]))
        budgets |= dict.fromkeys(_other_budget(record, suite))
    if changed:
        return Verdict(NOT_COMPARABLE, [f"{CHANGED}{', '.join(changed)}", *budgets])
    if measured["n"] == 0:
        return Verdict(NOT_COMPARABLE, [*budgets])
    if measured["n"] == 1:
        return Verdict(NOT_COMPARABLE, ["one seed: no interval", *budgets])
    low, high = measured["ci_low"], measured["ci_high"]
    verdict = INSIDE if low <= figure["value"] <= high else OUTSIDE
    if budgets:
        verdict += OTHERWISE
    if low == high:
        return Verdict(verdict, [*budgets, "all seeds tie: an interval of no width"])
    return Verdict(verdict, [*budgets])


def _foreign(figure: Mapping[Any, Any], suite: Suite) -> str:
    """Why a figure is not one of the experiment that the suite reproduces; empty if it is."""
    copied_from, paper = figure["copied_from"], figure["paper"]
    if copied_from == NOT_STATED:
        return f"{COPY}; from where is not stated"
    if copied_from:
        return f"{COPY} from {copied_from}"
    if figure["suite"] == suite.name:
        return ""
    return NOT_PUBLIC if paper == suite.name else f"{FOREIGN} ({paper})"


def _changed(record: Record, suite: Suite, metric: str) -> list[str]:
    """The settings that are not the suite's own, as `name.field`."""
    dataset, method = record["dataset"], record["method"]
    settings = suite.settings_on(dataset)
    data = DATASETS.build(dataset, settings.get(dataset, {}))
    own_method = METHODS.build(method, settings.get(method, {}))
    own_metric = METRICS.build(metric, settings.get(metric, {}))
    expected = {
        dataset: {"name": dataset, **resolved(data)},
        method: {"name": method, **resolved(own_method)},
        metric: resolved(own_metric.on(data)),
    }
    configuration = record["configuration"]
    actual = {
        dataset: configuration["dataset"],
        method: configuration["method"],
        metric: configuration["metrics"].get(metric, {}),
    }
    names = [difference.name for difference in differing(actual, expected)]
    harmless = [f"{dataset}.{setting}" for setting in HARMLESS_SETTINGS]
    return [name for name in names if name not in harmless]


def _other_budget(record: Record, suite: Suite) -> list[str]:
    """What is otherwise about the budget, in words; nothing if it is the suite's own."""
    own = parse_budget(suite.budgets[record["dataset"]])
    spent = budget_of(record["budget"])
    if spent == own:
        return []
    if spent is None or spent.unit != own.unit or own.unit != "steps":
        return [f"at {record['budget']}, not the suite's {own}"]
    if spent.amount < own.amount:
        return [f"after {spent.amount:.12g} of the suite's {own.amount:.12g} steps"]
    return [f"after {spent.amount:.12g} steps, not the suite's {own.amount:.12g}"]


def _lost(measured: Mapping[Any, Any], seeds: int) -> list[str]:
    """The seeds that have no value, in words."""
    undefined = seeds - measured["n"] - measured["diverged"]
    counts = {"diverged": measured["diverged"], "without a value": undefined}
    return [f"{count} of {seeds} seeds {state}" for state, count in counts.items() if count]
