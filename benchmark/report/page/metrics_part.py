"""What the page shows of how to read each metric."""

import contextlib
import inspect
from typing import Any

from benchmark.errors import UsageError
from benchmark.records.results import Results
from benchmark.records.schema import MetricFacts
from benchmark.registry import METRICS
from benchmark.report.numbers import number
from benchmark.report.words import DIRECTIONS

__all__ = ["meanings", "metric_rows"]

COMPARISONS = {"linear": "differences", "log": "quotients"}
"""How values are compared, by scale."""


def metric_rows(results: Results) -> list[dict[str, Any]]:
    """A row per dataset and metric."""
    rows = []
    for dataset in results.datasets:
        for metric in results.metrics(dataset):
            rows.append({"metric": metric, "dataset": dataset, **_row(results.facts(dataset, metric))})
    return rows


def _row(facts: MetricFacts) -> dict[str, Any]:
    lower_bound, upper_bound = facts["bounds"]
    low = "−∞" if lower_bound is None else number(lower_bound)
    high = "∞" if upper_bound is None else number(upper_bound)
    return {
        "direction": DIRECTIONS[facts["better"]],
        "range": f"{low} to {high}",
        "best": "the real-data row" if facts["best"] is None else number(facts["best"]),
        "scale": COMPARISONS[facts["scale"]] if facts["ranked"] else "not compared by it",
        "samples": facts["samples"],
    }


def meanings(results: Results) -> dict[str, str]:
    """The first paragraph of each metric's docstring; metrics of third parties may not be installed here."""
    texts = {}
    for dataset in results.datasets:
        for name in results.metrics(dataset):
            if name not in texts:
                with contextlib.suppress(UsageError):
                    texts[name] = _first_paragraph(METRICS.get(name))
    return texts


def _first_paragraph(metric: type) -> str:
    paragraphs = (inspect.getdoc(metric) or "").split("\n\n")
    return " ".join(paragraphs[0].replace("`", "").split())
