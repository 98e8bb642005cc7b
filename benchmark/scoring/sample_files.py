"""Files with samples made elsewhere: arrays, tables and pictures."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmark.datasets.base import Dataset
from benchmark.errors import UsageError, first_line
from benchmark.scoring.picture_files import read_pictures

__all__ = ["FileContent", "load_samples"]

LARGEST_ARCHIVE_BYTES = 1 << 34
"""Bytes of the largest archive that is unpacked, when unpacked."""

ACCEPTED = (
    "a .npy, .npz or .csv file with a numeric array, a PNG picture, or a directory or .zip file of them"
)


class FileContent(NamedTuple):
    """What a file holds.

    Attributes:
        array: The array, as it is in the file.
        notes: What was chosen or left out in reading it, in words.
    """

    array: np.ndarray
    notes: list[str]


def load_samples(file: Path, data: Dataset, array: str | None = None) -> FileContent:
    """Reads a numeric array from a file, or a picture, or those in a directory or a zip file.

    Pickles are refused. A line of names at the top of a .csv file is skipped, and so are empty columns at its
    right.

    Arguments:
        file: The file or directory.
        data: The dataset that samples are for: pictures must have its shape.
        array: The name of the array in a .npz file; by default the only one that has samples.

    Raises:
        UsageError: If there is no such file, or it does not hold such an array or pictures.
    """
    if not file.exists():
        raise UsageError(f"{file}: no such file; give {ACCEPTED}")
    kind = "directory" if file.is_dir() else file.suffix.lower()
    if array is not None and kind != ".npz":
        raise UsageError(f"{file}: --array is for .npz files, which hold several arrays")
    try:
        if kind in ("directory", ".zip", ".png"):
            return _read_pictures(file, data)
        if kind == ".csv":
            return _read_csv(file)
        if kind in (".npy", ".npz"):
            return _read_arrays(file, array)
    except PermissionError as error:
        raise UsageError(f"{file}: {error.strerror}") from error
    except UsageError:
        raise
    except Exception as error:  # a foreign file can break a reader in any way
        raise UsageError(
            f"{file}: cannot be read ({first_line(error)}); give {ACCEPTED}, pickles are refused"
        ) from error
    raise UsageError(f"{file}: unknown kind of file; give {ACCEPTED}")


def _read_pictures(place: Path, data: Dataset) -> FileContent:
    pictures = read_pictures(place, data, LARGEST_ARCHIVE_BYTES)
    return FileContent(pictures.pixels, pictures.notes)


def _read_arrays(file: Path, name: str | None) -> FileContent:
    with open(file, "rb") as stream:
        content = np.load(stream, allow_pickle=False)
        if isinstance(content, np.ndarray):
            return FileContent(content, [])
        return _unpack(content, file, name)


def _unpack(archive: np.lib.npyio.NpzFile, file: Path, name: str | None) -> FileContent:
    """The array of that name; by default the only one of samples. Labels have one dimension."""
    names = [name] if name else archive.files
    listed = ", ".join(archive.files) or "none"
    if name and name not in archive.files:
        raise UsageError(f"{file}: holds no array {name!r}; it holds {listed}")
    _check_size(archive, file, names)
    arrays = {}
    for member in names:
        array = archive[member]
        if not isinstance(array, np.ndarray):
            raise UsageError(f"{file}: {member} is no array; give {ACCEPTED}")
        if len(names) == 1 or array.ndim > 1:
            arrays[member] = array
    if len(arrays) != 1:
        raise UsageError(
            f"{file}: holds {len(names)} arrays ({listed}); say with --array NAME which are the samples"
        )
    ((chosen, array),) = arrays.items()
    return FileContent(array, [f"array {chosen} of {len(archive.files)}"] if len(archive.files) > 1 else [])


def _check_size(archive: np.lib.npyio.NpzFile, file: Path, names: Sequence[str]) -> None:
    """Raises a `UsageError` if arrays are too large to unpack."""
    assert archive.zip is not None  # it is open
    size = 0
    for member in archive.zip.infolist():
        if member.filename.removesuffix(".npy") in names:
            size += member.file_size
    if size > LARGEST_ARCHIVE_BYTES:
        raise UsageError(f"{file}: unpacks to {size} bytes; give at most {LARGEST_ARCHIVE_BYTES} bytes")


class _Header(NamedTuple):
    """What stands above the numbers of a table.

    Attributes:
        lines: The number of lines.
        text: The last of them, if it is more than empty.
    """

    lines: int
    text: str


def _read_csv(file: Path) -> FileContent:
    """Numbers only; one header line may precede them: names, or the column numbers that pandas writes."""
    header = _find_header(file)
    frame = pd.read_csv(file, header=None, skiprows=header.lines, dtype=np.float64, encoding="utf-8-sig")
    notes = []
    if header.text:
        notes.append(f"line {header.lines} ({header.text[:40]}) taken for a header")
    columns = frame.shape[1]
    while columns > 1 and frame[columns - 1].isna().all():
        columns -= 1
    if columns < frame.shape[1]:
        notes.append(f"empty columns at the right left out: {frame.shape[1] - columns}")
    return FileContent(frame.to_numpy()[:, :columns], notes)


def _find_header(file: Path) -> _Header:
    """The header of a table, with the empty lines before it."""
    with open(file, encoding="utf-8-sig", newline="") as stream:
        table = csv.reader(stream)
        empty = 0
        for cells in table:
            text = ",".join(cells).strip()
            if text:
                return _Header(table.line_num, text) if _is_header(cells) else _Header(empty, "")
            empty = table.line_num
    return _Header(0, "")


def _is_header(cells: list[str]) -> bool:
    """Whether a line holds names alone, or the column numbers 0, 1, ... without decimal points."""
    texts = [cell.strip() for cell in cells if cell.strip()]
    names = [text for text in texts if not _is_number(text)]
    return bool(texts) and (names == texts or texts == list(map(str, range(len(texts)))))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
