"""Samples made elsewhere, in the form in which a dataset's own are scored."""

from math import prod
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.datasets.images import Images
from benchmark.errors import UsageError
from benchmark.scoring.pixel_ranges import to_eight_bits
from benchmark.scoring.sample_files import FileContent

__all__ = ["GivenSamples", "pack_given"]


class GivenSamples(NamedTuple):
    """Samples that fit a dataset.

    Attributes:
        packed: The samples, packed, shape (N, *).
        notes: What was assumed or left out on the way from the file, in words.
    """

    packed: Tensor
    notes: list[str]


def pack_given(
    content: FileContent, file: Path, data: Dataset, pixel_range: str | None, fewest: int = 2
) -> GivenSamples:
    """Packs the samples of a file. Images may have their channels last.

    Arguments:
        content: What the file holds.
        file: The file.
        data: The dataset.
        pixel_range: The range of pixels, of `pixel_ranges.RANGES`; by default it is guessed.
        fewest: The least number of samples.

    Raises:
        UsageError: If their type, their shape or their range is not that of the data, or if some are not
            finite.
    """
    array, notes = content.array, list(content.notes)
    if isinstance(data, Images):
        array = _channels_first(content.array, data)
    if array is not content.array:
        notes.append("channels last" if array.ndim == content.array.ndim else "one channel")
    _check(array, file, data, fewest)
    if isinstance(data, Images):
        eight_bit = to_eight_bits(array, file, pixel_range)
        return GivenSamples(
            torch.from_numpy(np.ascontiguousarray(eight_bit.pixels)), [eight_bit.note, *notes]
        )
    if pixel_range is not None:
        raise UsageError(f"--range {pixel_range}: is for images; {data.name} has {data.kind}")
    return GivenSamples(data.pack(torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))), notes)


def _channels_first(array: np.ndarray, data: Images) -> np.ndarray:
    """The array with the shape (N, C, H, W) if its channels are last, or absent where there is only one."""
    channels, height, width = data.shape
    shape = array.shape[1:]
    if shape == data.shape:
        return array
    if shape == (height, width, channels):
        return np.moveaxis(array, -1, 1)
    if channels == 1 and shape == (height, width):
        return array[:, None]
    return array


def _check(array: np.ndarray, file: Path, data: Dataset, fewest: int) -> None:
    """Raises a `UsageError` unless the array holds finite samples of the data's shape."""
    shape = ", ".join(map(str, data.shape))
    accepted = f"finite real numbers of shape (N, {shape}) with N of at least {fewest}"
    if array.dtype.kind not in "fiu":
        raise UsageError(f"{file}: holds values of type {array.dtype}; give {accepted}")
    if array.ndim == 0 or array.shape[1:] != data.shape or len(array) < fewest:
        raise UsageError(f"{file}: has shape {array.shape}; give {accepted}")
    if prod(array.shape) == 0:
        raise UsageError(f"{file}: is empty; give {accepted}")
    if array.dtype.kind != "f":
        return
    with np.errstate(over="ignore"):
        finite = np.isfinite(array.astype(np.float32))
    bad = int((~finite).any(axis=tuple(range(1, array.ndim))).sum())
    if bad:
        raise UsageError(
            f"{file}: {bad} of {len(array)} samples are not finite (or exceed float32); give {accepted}"
        )
