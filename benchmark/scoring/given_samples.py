"""Samples made elsewhere, read from files."""

from math import prod
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from benchmark.datasets.base import Dataset
from benchmark.datasets.images import Images
from benchmark.errors import UsageError

__all__ = ["load_samples"]

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
                raise UsageError(
                    f"score {file}: unpacks to {unpacked} bytes; give {accepted} of at most {LARGEST} bytes"
                )
            array = loaded[loaded.files[0]]
            if not isinstance(array, np.ndarray):
                raise UsageError(f"score {file}: {loaded.files[0]} is no array; give {accepted}")
            return array
    except PermissionError as error:
        raise UsageError(f"score {file}: {error.strerror}") from error
    except UsageError:
        raise
    except Exception as error:  # a foreign file can break a reader in any way
        raise UsageError(
            f"score {file}: cannot be read ({str(error).splitlines()[0]}); give {accepted}, pickles are refused"
        ) from error


def packed(array: np.ndarray, data: Dataset) -> torch.Tensor:
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


def check_samples(array: np.ndarray, file: Path, data: Dataset) -> None:
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
        raise UsageError(
            f"score {file}: {bad} of {len(array)} samples are not finite (or exceed float32); give {accepted}"
        )
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
