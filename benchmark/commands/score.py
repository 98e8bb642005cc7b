"""Scores of samples made elsewhere, by any framework."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from benchmark.datasets.base import Dataset
from benchmark.errors import UsageError
from benchmark.metric import Metric
from benchmark.registry import DATASETS, METRICS
from benchmark.report.tables.csv_text import to_csv
from benchmark.scoring.calibration import CALIBRATIONS
from benchmark.scoring.given_samples import check_samples, packed
from benchmark.scoring.scorer import Scorer
from benchmark.suites import SUITES

__all__ = ["score_samples"]


def score_samples(array: np.ndarray, file: Path, dataset: str, features: str | None, csv: bool) -> str:
    """Scores an array of data beside the calibration rows at the same sample size.

    Arguments:
        array: Samples, shape (N, *).
        file: Where they come from; its stem is the name of the row.
        dataset: The dataset to compare with.
        features: What metrics of distances are taken on, if not on the dataset's own features.
        csv: Whether to print rows like those of `trials.csv`, else a table with a column per row of it.

    Raises:
        UsageError: If the array does not fit the dataset.
    """
    data: Dataset = DATASETS.get(dataset)()
    check_samples(array, file, data)
    if file.stem in CALIBRATIONS:
        raise UsageError(
            f"score {file}: {file.stem!r} is the name of a calibration row; give the file another name"
        )
    data = replace(data, samples=len(array))
    data.prepare()
    suite = next((suite for suite in SUITES.values() if dataset in suite.datasets), None)
    names = suite.metrics if suite else tuple(METRICS.names())
    cpu = torch.device("cpu")
    scorer = Scorer(
        data,
        {name: _metric(name, features).on(data) for name in names if METRICS.get(name)().applies(data)},
        cpu,
    )
    given = packed(array, data)
    rows = {
        file.stem: given,
        **{name: source(data, 0, cpu)(len(array)) for name, source in CALIBRATIONS.items()},
    }
    scores = {
        name: scorer.final(scorer.evaluation(samples[None], [0]), generator_metrics=False)[0]
        for name, samples in rows.items()
    }
    frame = pd.DataFrame(scores).T
    if data.modes:
        frame.insert(list(frame.columns).index("modes") + 1, "modes_total", data.modes)
    if not csv:
        return f"{len(array)} samples on {dataset}\n\n{frame.T.to_string(float_format=lambda x: f'{x:.6g}')}"
    frame.insert(0, "status", "ok")
    frame.insert(0, "seed", 0)
    frame.insert(0, "method", frame.index)
    frame.insert(0, "dataset", dataset)
    frame.insert(0, "suite", suite.name if suite else "")
    return to_csv(frame).rstrip("\n")


def _metric(name: str, features: str | None) -> Metric:
    cls = METRICS.get(name)
    try:
        return (
            cls(features=features)
            if features and "features" in (field.name for field in fields(cls))
            else cls()
        )
    except ValueError as error:
        raise UsageError(f"--fid-features {features}: {error}") from error
