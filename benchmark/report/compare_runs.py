"""Two runs side by side, before and after a change."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import isfinite
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmark.errors import UsageError
from benchmark.records.results import Results
from benchmark.records.schema import CALIBRATION_ROWS
from benchmark.report.numbers import estimate, number
from benchmark.report.run_changes import ComparedCell, calibration_changes, changes_between
from benchmark.report.statistics.over_seeds import LEVEL, Interval, change, mean_interval, quality, unanimous
from benchmark.report.tables.rows import rows_of
from benchmark.report.tables.tables import trials_table
from benchmark.report.words import ARROWS, joined

__all__ = ["COMPARISON_COLUMNS", "Comparison", "compare_runs"]

COMPARISON_COLUMNS = [
    "dataset",
    "method",
    "metric",
    "better",
    "seeds",
    "paired",
    "scale",
    "before",
    "after",
    "difference",
    "ci_low",
    "ci_high",
    "verdict",
]

TRAINING_SETTINGS = ("batch", "latent", "width", "depth", "evaluations", "samples_large")
"""Settings of a dataset that are about training. All others are about what is measured, and against what."""

Selection = Mapping[str, Sequence[str] | None]
"""Names of `datasets`, `methods` and `metrics` to compare; all where there are none."""

SINGULAR = {"datasets": "dataset", "methods": "method", "metrics": "metric"}
"""The part of a cell that each key of a selection is about."""


class _Measure(NamedTuple):
    """What the values of a metric depend on besides the generator. Different measures are not compared."""

    better: str
    samples: int
    metric: Mapping[str, Any]
    dataset: Mapping[str, Any]
    files: Mapping[str, Any]
    modes: int


class _Pair(NamedTuple):
    """The scores of a cell in both runs, by seed; NaN for a trial that has none.

    If `paired`, both have the same seeds.
    """

    before: pd.Series
    after: pd.Series
    paired: bool


@dataclass(frozen=True)
class Comparison:
    """What changed from one run to another.

    Attributes:
        frame: A row per dataset, method and metric that both runs measure alike, with the columns
            `COMPARISON_COLUMNS`. `before` and `after` are means over seeds. `difference` is the mean after
            minus that before, with its interval; for a metric that is best at 1, that of the distances from
            1; where `scale` is `log`, that of the natural logarithms (a metric on a logarithmic scale that
            was 0 is compared on a linear one). `verdict` is `worse` or `better` if the interval leaves 0 out,
            if all of at least six seeds agree, or if a smaller or larger share of the seeds has a score (what
            is worse in any way is worse); else `within` the interval, `unknown` where too few seeds leave
            none, and `same` where every seed scores exactly what it did.
        changes: What changed in configuration, versions and calibration rows, and what failed before, as
            lines.
        missing: What the run before has and the run after does not, or measures otherwise, and what the run
            after was asked for and does not have, as lines.
        level: One minus the confidence level of each interval.
    """

    frame: pd.DataFrame
    changes: list[str]
    missing: list[str]
    level: float

    @property
    def worse(self) -> pd.DataFrame:
        """The rows that got worse."""
        return self.frame[self.frame["verdict"] == "worse"]

    def texts(self) -> pd.DataFrame:
        """The frame for people, all of it texts."""
        frame = self.frame
        arrows = frame["better"].map(ARROWS)
        intervals = zip(frame["difference"], frame["ci_low"], frame["ci_high"], strict=True)
        return pd.DataFrame(
            {
                "dataset": frame["dataset"],
                "method": frame["method"],
                "metric": [
                    f"{metric} {arrow}" for metric, arrow in zip(frame["metric"], arrows, strict=True)
                ],
                "seeds": frame["seeds"],
                "before": frame["before"].map(number),
                "after": frame["after"].map(number),
                f"after − before [{100 * (1 - self.level):.5g} %]": [estimate(*ends) for ends in intervals],
                "": frame["verdict"],
            }
        )

    def summary(self) -> str:
        """The number of rows with each verdict, and how many would be worse by chance alone."""
        counts = self.frame["verdict"].value_counts()
        verdicts = ("worse", "better", "within", "same", "unknown")
        sentence = f"{len(self.frame)} compared: "
        sentence += ", ".join(f"{counts.get(verdict, 0)} {verdict}" for verdict in verdicts)
        tested = int(counts.sum() - counts.get("same", 0) - counts.get("unknown", 0))
        if tested:
            by_chance = number(tested * self.level / 2, 1)
            sentence += f"; by chance alone, about {by_chance} of them would be worse beyond their intervals"
        if "one" in set(self.frame["better"]):
            sentence += "; for metrics that are best at 1, the distances from 1 are compared"
        if "log" in set(self.frame["scale"]):
            logarithmic = dict.fromkeys(self.frame.loc[self.frame["scale"] == "log", "metric"])
            sentence += (
                f"; for {joined(list(logarithmic))}, natural logarithms are compared unless a score is 0"
            )
        return sentence


def compare_runs(
    before: Results, after: Results, selection: Selection, simultaneous: bool = False
) -> Comparison:
    """Compares the scores of two runs, paired by seed where they share seeds, else as independent.

    Arguments:
        before: One run.
        after: The other.
        selection: What to compare.
        simultaneous: Whether all intervals hold at once (Bonferroni), instead of each by itself.

    Raises:
        UsageError: If a name is unknown, or the runs have nothing in common and nothing is damaged or missing
            that could be the reason.
    """
    old_trials, new_trials = trials_table(before), trials_table(after)
    old, new = _select(_measures(before), selection), _measures(after)
    shared = {cell: measure for cell, measure in old.items() if new.get(cell) == measure}
    lost = [
        *_lines("seeds that failed in the run after", after.failures, selection),
        *_lines("seeds without a whole record in the run after", after.missing, selection),
    ]
    if new.keys().isdisjoint(old) and not (lost or before.damaged or after.damaged):
        raise UsageError("compare: the runs share no dataset, method and metric; give two runs of one suite")
    level = LEVEL / max(len(shared), 1) if simultaneous else LEVEL
    absent = [cell for cell in old if cell not in new]
    otherwise = [cell for cell in old if cell in new and cell not in shared]
    return Comparison(
        frame=_frame(old_trials, new_trials, shared, after, level),
        changes=[
            *changes_between(before, after, partial(_is_selected, selection)),
            *calibration_changes(old_trials, new_trials, list(shared)),
            *_lines("seeds that failed in the run before", before.failures, selection),
            *_lines("seeds without a whole record in the run before", before.missing, selection),
        ],
        missing=[
            *_lines("not in the run after", absent, selection),
            *_lines("measured differently, and not compared", otherwise, selection),
            *lost,
        ],
        level=level,
    )


def _frame(
    before: pd.DataFrame,
    after: pd.DataFrame,
    measures: Mapping[ComparedCell, _Measure],
    results: Results,
    level: float,
) -> pd.DataFrame:
    """A row per cell, from the trials of both runs, on the scales of the later one's results."""
    rows = []
    for cell, measure in measures.items():
        pair = _pair(_scores(before, cell), _scores(after, cell))
        scale = results.facts(cell.dataset, cell.metric)["scale"]
        rows.append([*cell, *_row(pair, measure.better, scale, level)])
    return pd.DataFrame(rows, columns=COMPARISON_COLUMNS)


def _measures(results: Results) -> dict[ComparedCell, _Measure]:
    """What a run measures, whether or not a seed has a score."""
    measures: dict[ComparedCell, _Measure] = {}
    for record in results.records:
        if record["method"] in CALIBRATION_ROWS:
            continue
        configuration = record["configuration"]
        dataset = {
            name: value for name, value in configuration["dataset"].items() if name not in TRAINING_SETTINGS
        }
        for metric, settings in configuration["metrics"].items():
            facts = record["facts"][metric]
            measure = _Measure(
                better=facts["better"],
                samples=facts["samples"],
                metric=settings,
                dataset=dataset,
                files=configuration.get("files", {}),
                modes=record["modes_total"],
            )
            measures.setdefault(ComparedCell(record["dataset"], record["method"], metric), measure)
    return measures


def _select(measures: Mapping[ComparedCell, _Measure], selection: Selection) -> dict[ComparedCell, _Measure]:
    """The measures that are selected.

    Raises:
        UsageError: If a name is not among those that the previous names have left.
    """
    selected = dict(measures)
    for option, part in SINGULAR.items():
        present = list(dict.fromkeys(getattr(cell, part) for cell in selected))
        wanted = selection.get(option) or present
        for name in wanted:
            if name not in present:
                raise UsageError(f"--{option} {name}: the run before has {', '.join(present) or 'none'}")
        selected = {cell: measure for cell, measure in selected.items() if getattr(cell, part) in wanted}
    return selected


def _is_selected(selection: Selection, dataset: str, method: str) -> bool:
    datasets, methods = selection.get("datasets"), selection.get("methods")
    return (not datasets or dataset in datasets) and (not methods or method in methods)


def _scores(trials: pd.DataFrame, cell: ComparedCell) -> pd.Series:
    """The scores of a cell by seed; NaN for a trial that has none."""
    here = rows_of(trials, dataset=cell.dataset, method=cell.method)
    here = here[here["status"] != "failed"]
    return here[cell.metric].where(here["status"] == "ok").astype(float).set_axis(here["seed"])


def _pair(before: pd.Series, after: pd.Series) -> _Pair:
    """Pairs scores by seed, unless the runs share one seed alone of several: one pair has no interval."""
    shared = before.index.intersection(after.index)
    if len(shared) < min(2, len(before), len(after)):
        return _Pair(before, after, paired=False)
    return _Pair(before.loc[shared], after.loc[shared], paired=True)


def _row(pair: _Pair, better: str, scale: str, level: float) -> list[Any]:
    """The columns of a comparison from `better` on."""
    before, after = pair.before, pair.after
    sign = 1 if better == "higher" else -1
    x, y = sign * quality(before, better), sign * quality(after, better)
    if any((scores <= 0).any() for scores in (x[np.isfinite(x)], y[np.isfinite(y)])):
        scale = "linear"
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if scale == "log":
            x, y = np.log(np.maximum(x, 0)), np.log(np.maximum(y, 0))
        interval = mean_interval(y - x, level) if pair.paired else change(x, y, level)
        agreement = unanimous(y - x, level) if pair.paired else 0
        means = before.mean(), after.mean()
    verdict = "same"
    if not before.equals(after):
        gained = after.notna().mean() - before.notna().mean()
        verdict = _verdict(interval, sign, gained, sign * agreement)
    seeds = " → ".join(dict.fromkeys([_seeds(before), _seeds(after)]))
    return [better, seeds, pair.paired, scale, *means, interval.mean, interval.low, interval.high, verdict]


def _seeds(scores: pd.Series) -> str:
    """The number of seeds that have a score, such as `3` or `3 of 4`."""
    if scores.isna().any():
        return f"{scores.notna().sum()} of {len(scores)}"
    return str(len(scores))


def _verdict(interval: Interval, sign: int, gained: float, agreement: int) -> str:
    """The verdict on a difference.

    Arguments:
        interval: The interval of the difference.
        sign: 1 if a positive difference is better, else -1.
        gained: The share of the seeds that have a score after, minus that before.
        agreement: 1 if every one of enough seeds is better, -1 if every one is worse.
    """
    ends = sign * interval.low, sign * interval.high
    if gained < 0 or max(ends) < 0 or agreement < 0:
        return "worse"
    if gained > 0 or min(ends) > 0 or agreement > 0:
        return "better"
    return "within" if isfinite(interval.low) else "unknown"


def _lines(title: str, places: Iterable[tuple[str, str, str | int]], selection: Selection) -> list[str]:
    """A line per selected dataset and method, with the metrics or seeds of each."""
    names: dict[str, list[str]] = {}
    for dataset, method, name in places:
        if _is_selected(selection, dataset, method):
            names.setdefault(f"{method} on {dataset}", []).append(str(name))
    return [f"{title}: {place} ({joined(of_place)})" for place, of_place in names.items()]
