"""`score`: scores of samples made elsewhere, by any framework, beside the calibration rows."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from benchmark.commands import option_values
from benchmark.datasets.base import Dataset
from benchmark.errors import UsageError
from benchmark.metric import Metric
from benchmark.plan.request import features_settings
from benchmark.records.schema import CALIBRATION_ROWS, DUMMY_ROWS, REAL_DATA
from benchmark.registry import DATASETS, METRICS, SUITES
from benchmark.report.headline import headline
from benchmark.report.statistics.over_seeds import quality
from benchmark.report.tables.csv_text import to_csv
from benchmark.scoring.calibration import CALIBRATIONS
from benchmark.scoring.given_samples import check_samples, load_samples, packed
from benchmark.scoring.scorer import MetricError, Scorer
from benchmark.suites import Suite, registered_suites

__all__ = ["ScoredSamples", "print_scores", "score_samples"]


class ScoredSamples(NamedTuple):
    """The scores of samples and of the calibration rows at the same sample size.

    Attributes:
        name: The name of the samples: that of their file.
        number: The number of samples.
        data: The dataset that they were compared with.
        suite: The name of a suite that has the dataset; empty if none has.
        metrics: The metrics by name.
        table: A row per name, a column per metric.
    """

    name: str
    number: int
    data: Dataset
    suite: str
    metrics: dict[str, Metric]
    table: pd.DataFrame


def print_scores(file: Path, dataset: str, metrics: str | None, features: str | None, csv: bool) -> None:
    """Scores the samples in a file and prints the scores.

    Arguments:
        file: The file.
        dataset: The dataset to compare with.
        metrics: The metrics as on the command line; by default those of the dataset's suite.
        features: The features of the metrics that have a setting `features`; by default the dataset's own.
        csv: Whether to print rows like those of `trials.csv`, else a table with a column per row of it, and a
            verdict.

    Raises:
        UsageError: If there is no such file, or the samples do not fit the dataset.
    """
    scored = score_samples(load_samples(file), file, dataset, metrics, features)
    if csv:
        print(to_csv(_trial_rows(scored)), end="")
        return
    print(f"{scored.number} samples on {dataset}\n")
    print(scored.table.T.to_string(float_format=lambda x: f"{x:.6g}"))
    print(f"\n{_verdict(scored)}")


def score_samples(
    array: np.ndarray, file: Path, dataset: str, metrics: str | None, features: str | None
) -> ScoredSamples:
    """Scores an array of samples, shape (N, *). Other arguments and errors are those of `print_scores`."""
    data: Dataset = DATASETS.build(dataset, {})
    check_samples(array, file, data)
    if file.stem in CALIBRATION_ROWS:
        raise UsageError(
            f"score {file}: {file.stem!r} is the name of a calibration row; give the file another name"
        )
    data = replace(data, samples=len(array))
    suite = _suite_of(dataset)
    names = option_values.metrics(metrics, suite.metrics if suite else tuple(METRICS.names()))
    applying = _applying_metrics(names, data, option_values.features(features))
    data.prepare()
    cpu = torch.device("cpu")
    samples = {file.stem: packed(array, data)}
    for name, calibration in CALIBRATIONS.items():
        samples[name] = calibration(data, 0, cpu)(len(array))
    try:
        table = _table(Scorer(data, applying, cpu), samples)
    except MetricError as error:
        raise UsageError(str(error)) from error
    if "modes" in table:
        place = list(table.columns).index("modes") + 1
        table.insert(place, "modes_total", data.modes)
    return ScoredSamples(file.stem, len(array), data, suite.name if suite else "", applying, table)


def _table(scorer: Scorer, samples: Mapping[str, Tensor]) -> pd.DataFrame:
    """The scores of packed samples: a row per name, a column per metric."""
    scores = {}
    for name, row in samples.items():
        evaluation = scorer.evaluation(row[None], [0])
        (scores[name],) = scorer.final(evaluation, generator_metrics=False)
    return pd.DataFrame(scores).T


def _suite_of(dataset: str) -> Suite | None:
    """The suite of this benchmark that has a dataset; else one of others, or of a paper."""
    having = [suite for suite in registered_suites() if dataset in suite.datasets]
    having.sort(key=lambda suite: (suite.protocol is not None, not SUITES.is_built_in(suite.name)))
    return having[0] if having else None


def _applying_metrics(names: tuple[str, ...], data: Dataset, features: str | None) -> dict[str, Metric]:
    """The metrics that apply to the data, by name."""
    settings = features_settings(names, features)
    metrics = {}
    for name in names:
        metric: Metric = METRICS.build(name, settings.get(name, {}))
        if metric.applies(data):
            metrics[name] = metric.on(data)
    return metrics


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
