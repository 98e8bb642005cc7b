"""`score`: scores of samples made elsewhere, by any framework, beside the calibration rows."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import torch
from torch import Tensor

from benchmark.commands import option_values
from benchmark.datasets.base import Dataset
from benchmark.errors import UsageError, complain, first_line, in_one_line, printable, tell
from benchmark.metric import Metric
from benchmark.plan.merged_settings import merged_settings
from benchmark.plan.plan import check_owners, prepared
from benchmark.plan.request import features_settings
from benchmark.records.schema import CALIBRATION_ROWS, DUMMY_ROWS, REAL_DATA
from benchmark.registry import DATASETS, METRICS, SUITES
from benchmark.report.statistics.over_seeds import quality
from benchmark.report.tables.csv_text import to_csv
from benchmark.report.words import joined
from benchmark.scoring.calibration import CALIBRATIONS
from benchmark.scoring.given_samples import pack_given
from benchmark.scoring.pixel_ranges import RANGES
from benchmark.scoring.sample_files import load_samples
from benchmark.scoring.scorer import MetricError, Scorer
from benchmark.suites import Suite, registered_suites
from benchmark.suites.headline import HEADLINES, headline

__all__ = ["ScoreOptions", "ScoredSamples", "print_scores", "score_samples"]

SILENT_SECONDS = 3
"""How long scoring may take before it says what it does."""


@dataclass(frozen=True)
class ScoreOptions:
    """What to score, and how to read it; texts are as the command line has them.

    Attributes:
        file: The file or directory with the samples.
        dataset: The dataset to compare them with.
        metrics: The metrics; by default those of the dataset's suite.
        features: The features of the metrics that have a setting `features`; by default the dataset's own.
        settings: Settings of the dataset and of metrics.
        array: The name of the samples in a .npz file; by default the only array of samples.
        pixel_range: The range of pixels; by default it is guessed from the distribution of their values.
    """

    file: Path
    dataset: str
    metrics: str | None = None
    features: str | None = None
    settings: Sequence[str] = ()
    array: str | None = None
    pixel_range: str | None = None


class ScoredSamples(NamedTuple):
    """The scores of samples and of the calibration rows at the same sample size.

    Attributes:
        name: The name of the samples: that of their file.
        number: The number of samples.
        notes: What was assumed or left out in reading them, in words.
        data: The dataset that they were compared with.
        suite: The name of a suite that has the dataset; empty if none has.
        metrics: The metrics by name.
        table: A row per name, a column per metric.
    """

    name: str
    number: int
    notes: list[str]
    data: Dataset
    suite: str
    metrics: dict[str, Metric]
    table: pd.DataFrame


def print_scores(options: ScoreOptions, csv: bool) -> None:
    """Scores the samples in a file and prints the scores, and what was assumed in reading them.

    Arguments:
        options: What to score.
        csv: Whether to print rows like those of `trials.csv`, else a table with a column per row of it, and a
            verdict.

    Raises:
        UsageError: If there is no such file, or the samples do not fit the dataset, or an option is wrong.
    """
    scored = score_samples(options)
    reading = printable(", ".join([f"{scored.number} samples", *scored.notes]))
    if csv:
        complain(reading)
        print(to_csv(_trial_rows(scored)), end="")
        return
    print(f"{reading}; compared with {options.dataset}\n")
    print(scored.table.T.to_string(float_format=lambda x: f"{x:.6g}"))
    print(f"\n{_verdict(scored)}")


def score_samples(options: ScoreOptions) -> ScoredSamples:
    """Scores the samples in a file. Errors are those of `print_scores`."""
    name = _name_of(options.file)
    if options.pixel_range is not None:
        option_values.choice("--range", options.pixel_range, tuple(RANGES))
    suite = _suite_of(options.dataset)
    metric_names = option_values.metrics(options.metrics, suite.metrics if suite else tuple(METRICS.names()))
    settings = _settings(options, metric_names)
    data: Dataset = DATASETS.build(options.dataset, settings.pop(options.dataset, {}))
    content = load_samples(options.file, data, options.array)
    given = pack_given(content, options.file, data, options.pixel_range)
    data = _with_samples(data, len(given.packed))
    metrics = _applying_metrics(metric_names, data, settings)
    notes = [*given.notes, *_left_out(options, metric_names, metrics)]
    table = _table(Scorer(data, metrics, torch.device("cpu")), name, given.packed)
    if "modes" in table:
        place = list(table.columns).index("modes") + 1
        table.insert(place, "modes_total", data.modes)
    return ScoredSamples(name, data.samples, notes, data, suite.name if suite else "", metrics, table)


def _name_of(file: Path) -> str:
    """The name of the samples in a file; `.` has one, too."""
    name = Path(os.path.abspath(file)).stem
    if name in CALIBRATION_ROWS:
        raise UsageError(f"{file}: {name!r} is the name of a calibration row; give the file another name")
    return name


def _settings(options: ScoreOptions, metrics: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """The settings of the dataset and of the metrics, by owner and field."""
    own = option_values.settings(options.settings)
    check_owners(own, (options.dataset, *metrics))
    if "samples" in own.get(options.dataset, {}):
        raise UsageError(f"--set {options.dataset}.samples: is for run; score takes all samples of a file")
    return merged_settings(features_settings(metrics, option_values.features(options.features)), own)


def _with_samples(data: Dataset, number: int) -> Dataset:
    """The dataset with that number of samples, and with all files that it needs."""
    try:
        data = replace(data, samples=number)
    except ValueError as error:
        raise UsageError(f"{data.name}: does not take {number} samples: {first_line(error)}") from error
    prepared(data)
    return data


def _table(scorer: Scorer, name: str, samples: Tensor) -> pd.DataFrame:
    """The scores of packed samples and of the calibration rows: a row per name, a column per metric."""
    data, number = scorer.data, len(samples)
    _drawn(data, "held-out data", data.held_out, lambda: scorer.held_out.x)
    rows = {name: samples}
    for row, calibration in CALIBRATIONS.items():
        draw = calibration(data, 0, scorer.device)
        rows[row] = _drawn(data, f"the row {row}", number, partial(draw, number))
    scores = {}
    began = time.monotonic()
    for i, (row, drawn) in enumerate(rows.items()):
        seconds = time.monotonic() - began
        if seconds > SILENT_SECONDS:
            tell(f"scoring {row} ({i + 1} of {len(rows)}, {seconds:.0f} s so far)")
        try:
            (scores[row],) = scorer.final(scorer.evaluation(drawn[None], [0]))
        except MetricError as error:
            raise UsageError(str(error)) from error
    return pd.DataFrame(scores).T


def _drawn(data: Dataset, purpose: str, number: int, draw: Callable[[], Tensor]) -> Tensor:
    """So many samples of a dataset, which may be foreign code and have fewer."""
    try:
        samples = draw()
    except UsageError:
        raise
    except Exception as error:  # foreign code can fail in any way
        problem = in_one_line(error)
        raise UsageError(f"{data.name}: cannot draw {number} samples for {purpose} ({problem})") from error
    if len(samples) != number:
        raise UsageError(f"{data.name}: has {len(samples)} of the {number} samples for {purpose}")
    return samples


def _suite_of(dataset: str) -> Suite | None:
    """The suite of this benchmark that has a dataset, and the fewest others; else one of others, or of a
    paper.
    """
    having = [suite for suite in registered_suites() if dataset in suite.datasets]

    def priority(suite: Suite) -> tuple[bool, bool, int]:
        return suite.protocol is not None, not SUITES.is_built_in(suite.name), len(suite.datasets)

    return min(having, key=priority, default=None)


def _applying_metrics(
    names: tuple[str, ...], data: Dataset, settings: Mapping[str, Mapping[str, Any]]
) -> dict[str, Metric]:
    """The metrics that apply to samples of the data, by name."""
    metrics = {}
    for name in names:
        metric: Metric = METRICS.build(name, settings.get(name, {}))
        if metric.applies(data) and not metric.needs_generator:
            metrics[name] = metric.on(data)
    return metrics


def _left_out(options: ScoreOptions, names: Sequence[str], metrics: Mapping[str, Metric]) -> list[str]:
    """Which of the metrics that were asked for are left out, in words.

    Raises:
        UsageError: If all are.
    """
    if options.metrics is None:
        return []
    left_out = [name for name in names if name not in metrics]
    if not metrics:
        raise UsageError(
            f"--metrics {options.metrics}: none of them scores samples of {options.dataset}; "
            "a metric may be for other data, or need a generator"
        )
    return [f"without {joined(left_out)}"] if left_out else []


def _trial_rows(scored: ScoredSamples) -> pd.DataFrame:
    """The scores as rows of `trials.csv`."""
    frame = scored.table.copy()
    identity: dict[str, Any] = {
        "suite": scored.suite,
        "dataset": scored.data.name,
        "method": frame.index,
        "seed": 0,
        "status": "ok",
    }
    for place, (column, values) in enumerate(identity.items()):
        frame.insert(place, column, values)
    return frame


def _verdict(scored: ScoredSamples) -> str:
    """Whether the samples are better than the dummies by the headline score."""
    metric = headline([name for name in scored.metrics if name in scored.table])
    if metric is None:
        return "No metric has a score."
    if metric not in HEADLINES:
        return (
            f"No verdict: that takes a metric which asks how much is covered, one of {', '.join(HEADLINES)}."
        )
    better = scored.metrics[metric].better
    column = scored.table[metric]
    score = float(column[scored.name])
    dummies = column[list(DUMMY_ROWS)]
    best_dummy = DUMMY_ROWS[int(quality(dummies.to_numpy(float), better).argmax())]
    beaten = float(quality(score, better)) > float(quality(column[best_dummy], better))
    comparison = "better" if beaten else "not better"
    return (
        f"By {metric}, {scored.name} scores {score:.3g}: {comparison} than the better dummy "
        f"({best_dummy}, {column[best_dummy]:.3g}); real data scores {column[REAL_DATA]:.3g}."
    )
