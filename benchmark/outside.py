"""Scores of samples made elsewhere, by any framework."""

from dataclasses import fields, replace
from math import prod
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from benchmark.csv_text import to_csv
from benchmark.datasets.base import Dataset
from benchmark.datasets.images import Images
from benchmark.errors import UsageError
from benchmark.metric import Metric
from benchmark.registry import DATASETS, METRICS
from benchmark.scoring import CALIBRATIONS, Scorer
from benchmark.suites import SUITES

__all__ = ["load_samples", "score_samples"]

LARGEST = 1 << 34
"""Bytes of the largest archive that is unpacked."""


def load_samples(file: Path) -> np.ndarray:
    """Reads a numeric array from a .npy, .npz (one array) or .csv (a header is skipped) file; pickles are refused.

    Raises:
        UsageError: If there is no such file, or it does not hold such an array.
    """
    accepted = "a .npy, .npz or .csv file with one numeric array of shape (N, D)"
    if not file.is_file():
        raise UsageError(f"score {file}: no such file; give {accepted}")
    try:
        if file.suffix == ".csv":
            return _read_csv(file)
        if file.suffix not in (".npy", ".npz"):
            raise UsageError(f"score {file}: unknown kind of file; give {accepted}")
        with open(file, "rb") as stream:
            loaded = np.load(stream, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return loaded
            if len(loaded.files) != 1:
                raise UsageError(f"score {file}: holds {len(loaded.files)} arrays; give {accepted}")
            unpacked = loaded.zip.infolist()[0].file_size
            if unpacked > LARGEST:
                raise UsageError(f"score {file}: unpacks to {unpacked} bytes; give {accepted} of at most {LARGEST} bytes")
            array = loaded[loaded.files[0]]
            if not isinstance(array, np.ndarray):
                raise UsageError(f"score {file}: {loaded.files[0]} is no array; give {accepted}")
            return array
    except PermissionError as error:
        raise UsageError(f"score {file}: {error.strerror}") from error
    except UsageError:
        raise
    except Exception as error:  # a foreign file can break a reader in any way
        raise UsageError(f"score {file}: cannot be read ({str(error).splitlines()[0]}); give {accepted}, pickles are refused") from error


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
    _check(array, file, data)
    if file.stem in CALIBRATIONS:
        raise UsageError(f"score {file}: {file.stem!r} is the name of a calibration row; give the file another name")
    data = replace(data, samples=len(array))
    data.prepare()
    suite = next((suite for suite in SUITES.values() if dataset in suite.datasets), None)
    names = suite.metrics if suite else tuple(METRICS.names())
    cpu = torch.device("cpu")
    scorer = Scorer(data, {name: _metric(name, features).on(data) for name in names if METRICS.get(name)().applies(data)}, cpu)
    given = _packed(array, data)
    rows = {file.stem: given, **{name: source(data, 0, cpu)(len(array)) for name, source in CALIBRATIONS.items()}}
    scores = {name: scorer.final(scorer.evaluation(samples[None], [0]), generator_metrics=False)[0] for name, samples in rows.items()}
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
        return cls(features=features) if features and "features" in (field.name for field in fields(cls)) else cls()
    except ValueError as error:
        raise UsageError(f"--fid-features {features}: {error}") from error


def _packed(array: np.ndarray, data: Dataset) -> torch.Tensor:
    """The array in the form in which data is kept."""
    if array.dtype == np.uint8 and isinstance(data, Images):
        return torch.from_numpy(np.ascontiguousarray(array))
    return data.pack(torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)))


def _read_csv(file: Path) -> np.ndarray:
    """Numbers only; one header line may precede them: names, or the column numbers that pandas writes."""
    with open(file, encoding="utf-8-sig") as stream:
        first = stream.readline().strip().split(",")
    try:
        numbered = [float(cell) for cell in first] == list(range(len(first))) and "." not in "".join(first)
        header = 0 if numbered else None
    except ValueError:
        header = 0
    frame = pd.read_csv(file, header=header, dtype=np.float64, encoding="utf-8-sig")
    return frame.to_numpy()


def _check(array: np.ndarray, file: Path, data: Dataset) -> None:
    shape = ", ".join(map(str, data.shape))
    accepted = f"finite real numbers of shape (N, {shape}) with N of at least 2"
    if array.dtype.kind not in "fiu":
        raise UsageError(f"score {file}: holds values of type {array.dtype}; give {accepted}")
    if array.ndim == 0 or array.shape[1:] != data.shape or len(array) < 2:
        raise UsageError(f"score {file}: has shape {array.shape}; give {accepted}")
    with np.errstate(over="ignore"):
        finite = np.isfinite(array.astype(np.float32))
    bad = int((~finite).any(axis=tuple(range(1, array.ndim))).sum())
    if bad:
        raise UsageError(f"score {file}: {bad} of {len(array)} samples are not finite (or exceed float32); give {accepted}")
    if prod(array.shape) == 0:
        raise UsageError(f"score {file}: is empty; give {accepted}")
    if isinstance(data, Images):
        _check_range(array, file)


def _check_range(array: np.ndarray, file: Path) -> None:
    """Pixels are those of 8-bit images or lie in [-1, 1]; what lies in [0, 1] was meant for another range."""
    low, high = array.min(), array.max()
    accepted = "8-bit pixels (uint8, 0 to 255), or floating-point ones from -1 to 1"
    if array.dtype == np.uint8:
        if high <= 1:
            raise UsageError(f"score {file}: is of type uint8 with no value above 1; give {accepted}")
    elif array.dtype.kind != "f" or low < -1.001 or high > 1.001 or low >= 0:
        raise UsageError(f"score {file}: has {array.dtype} pixels from {low:g} to {high:g}; give {accepted}")
