"""Samples made elsewhere, read from files."""

from math import prod
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from benchmark.datasets.base import Dataset
from benchmark.datasets.images import Images
from benchmark.errors import UsageError, first_line

__all__ = ["check_samples", "load_samples", "packed"]

LARGEST_ARCHIVE_BYTES = 1 << 34
"""Bytes of the largest archive that is unpacked, when unpacked."""


def load_samples(file: Path) -> np.ndarray:
    """Reads a numeric array from a .npy, .npz (one array) or .csv (a header is skipped) file; pickles are
    refused.

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
            content = np.load(stream, allow_pickle=False)
            if isinstance(content, np.ndarray):
                return content
            return _unpack(content, file, accepted)
    except PermissionError as error:
        raise UsageError(f"score {file}: {error.strerror}") from error
    except UsageError:
        raise
    except Exception as error:  # a foreign file can break a reader in any way
        raise UsageError(
            f"score {file}: cannot be read ({first_line(error)}); give {accepted}, pickles are refused"
        ) from error


def _unpack(archive: np.lib.npyio.NpzFile, file: Path, accepted: str) -> np.ndarray:
    """The one array of an archive."""
    if len(archive.files) != 1:
        raise UsageError(f"score {file}: holds {len(archive.files)} arrays; give {accepted}")
    assert archive.zip is not None  # it is open
    size = archive.zip.infolist()[0].file_size
    if size > LARGEST_ARCHIVE_BYTES:
        raise UsageError(
            f"score {file}: unpacks to {size} bytes; give {accepted} of at most {LARGEST_ARCHIVE_BYTES} bytes"
        )
    array = archive[archive.files[0]]
    if not isinstance(array, np.ndarray):
        raise UsageError(f"score {file}: {archive.files[0]} is no array; give {accepted}")
    return array


def packed(array: np.ndarray, data: Dataset) -> torch.Tensor:
    """The array as packed data."""
    if array.dtype == np.uint8 and isinstance(data, Images):
        return torch.from_numpy(np.ascontiguousarray(array))
    return data.pack(torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)))


def _read_csv(file: Path) -> np.ndarray:
    """Numbers only; one header line may precede them: names, or the column numbers that pandas writes."""
    with open(file, encoding="utf-8-sig") as stream:
        cells = stream.readline().strip().split(",")
    header = 0 if _is_header(cells) else None
    frame = pd.read_csv(file, header=header, dtype=np.float64, encoding="utf-8-sig")
    return frame.to_numpy()


def _is_header(cells: list[str]) -> bool:
    """Whether a line holds names, or the column numbers 0, 1, ... without decimal points."""
    try:
        numbers = [float(cell) for cell in cells]
    except ValueError:
        return True
    return numbers == list(range(len(cells))) and "." not in "".join(cells)


def check_samples(array: np.ndarray, file: Path, data: Dataset) -> None:
    """Checks that samples from a file fit a dataset.

    Raises:
        UsageError: If their type, their shape or their range is not that of the data, or if some are not
            finite.
    """
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
    """Pixels must be 8-bit or lie in [-1, 1]; pixels in [0, 1] were meant for another range, and are
    refused.
    """
    low, high = array.min(), array.max()
    accepted = "8-bit pixels (uint8, 0 to 255), or floating-point ones from -1 to 1"
    if array.dtype == np.uint8:
        if high <= 1:
            raise UsageError(f"score {file}: is of type uint8 with no value above 1; give {accepted}")
    elif array.dtype.kind != "f" or low < -1.001 or high > 1.001 or low >= 0:
        raise UsageError(f"score {file}: has {array.dtype} pixels from {low:g} to {high:g}; give {accepted}")
