"""Who passes which sanity check, as tables."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from benchmark.commands.sanity.courses import Check, Course
from benchmark.commands.sanity.measure import Measured, Verdict, verdict
from benchmark.metric import Metric

__all__ = ["Result", "failures", "markdown", "results_of", "values_table"]

ASPECTS = {
    "fidelity": "whether samples are good",
    "diversity": "whether samples are as diverse as real data",
    "both": "both",
    "copies": "whether samples are copies of training data",
}
"""What metrics judge, in words."""


class Result(NamedTuple):
    """A metric on a course.

    Attributes:
        check: The check.
        course: The course.
        metric: The name of the metric.
        measured: Its scores.
        verdict: Whether it passes.
    """

    check: Check
    course: Course
    metric: str
    measured: Measured
    verdict: Verdict


def results_of(
    check: Check, course: Course, measured: Mapping[str, Measured], metrics: Mapping[str, Metric]
) -> list[Result]:
    """The results of all metrics on a course."""
    return [
        Result(check, course, name, scores, verdict(metrics[name], course, scores))
        for name, scores in measured.items()
    ]


def values_table(results: Sequence[Result]) -> pd.DataFrame:
    """All scores: a row for each point of a course and metric."""
    rows = []
    for result in results:
        for place, value in enumerate(result.course.values):
            rows.append(
                {
                    "check": result.check.title,
                    "setting": result.course.setting,
                    "value": value,
                    "metric": result.metric,
                    "score": result.measured.scores[place],
                    "std": result.measured.stds[place],
                    "real_data": result.measured.of_real[place],
                }
            )
    return pd.DataFrame(rows)


def markdown(results: Sequence[Result], metrics: Mapping[str, Metric], checks: Sequence[Check]) -> str:
    """A table for each aspect: metrics down, checks across."""
    parts = []
    for aspect, words in ASPECTS.items():
        names = [name for name, metric in metrics.items() if metric.aspect == aspect]
        if not names:
            continue
        asked = [check for check in checks if _is_asked(check, aspect)]
        titles = " | ".join(check.title for check in asked)
        lines = [f"| metric | {titles} |", f"|---|{'---|' * len(asked)}"]
        for name in names:
            own = [result for result in results if result.metric == name]
            cells = " | ".join(_cell(own, check) for check in asked)
            lines.append(f"| `{name}` | {cells} |")
        parts.append(f"### Metrics that judge {words}\n\n" + "\n".join(lines))
    return "\n\n".join(parts) + "\n"


def failures(results: Sequence[Result]) -> dict[str, list[str]]:
    """The courses whose shape each metric does not follow, by metric."""
    failed: dict[str, list[str]] = {}
    for result in results:
        if not result.verdict.shape:
            setting = f" ({result.course.setting})" if result.course.setting else ""
            failed.setdefault(result.metric, []).append(f"{result.check.title}{setting}")
    return failed


def _is_asked(check: Check, aspect: str) -> bool:
    return any(aspect in course.shapes for course in check.courses)


def _cell(results: Sequence[Result], check: Check) -> str:
    """The two marks of a metric on a check, whose courses must all pass; empty if it does not apply."""
    verdicts = [result.verdict for result in results if result.check is check]
    if not verdicts:
        return ""
    shape = _mark(all(verdict.shape for verdict in verdicts))
    ends = [verdict.ends for verdict in verdicts if verdict.ends is not None]
    return f"{shape} {_mark(all(ends)) if ends else '–'}"


def _mark(passed: bool) -> str:
    return "✓" if passed else "✗"
