"""PNG pictures, as samples made elsewhere."""

import io
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path, PurePath
from typing import NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from benchmark.datasets.base import Dataset
from benchmark.datasets.images import Images
from benchmark.errors import UsageError, first_line

__all__ = ["Pictures", "read_pictures"]

MODES = {1: "L", 3: "RGB"}
"""Pillow's name for pictures by their number of channels."""

READABLE_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA")
"""What Pillow calls pictures that have at most 8 bits per channel."""


class Pictures(NamedTuple):
    """Pictures of one size.

    Attributes:
        pixels: Their pixels, uint8, shape (N, C, H, W).
        notes: What was converted or left out, in words.
    """

    pixels: np.ndarray
    notes: list[str]


class _Picture(NamedTuple):
    """The pixels of a picture, shape (C, H, W), and the mode that it had in its file."""

    pixels: np.ndarray
    mode: str


class _File(NamedTuple):
    """A file inside a directory or an archive."""

    name: str
    read: Callable[[], bytes]


def read_pictures(place: Path, data: Dataset, largest: int) -> Pictures:
    """Reads a PNG picture, or all in a directory or zip file and its folders, in the order of their names.

    Hidden files are ignored. A picture is converted where nothing is lost by it: grey to colours, and opaque
    pixels to ones without alpha.

    Arguments:
        place: The picture, directory or zip file.
        data: The dataset whose shape they must have.
        largest: Bytes that a zip file may unpack to.

    Raises:
        UsageError: If there are none, the dataset has no such images, or one of them is damaged or of another
            form.
        zipfile.BadZipFile: If it is no zip file.
    """
    if not isinstance(data, Images) or data.shape[0] not in MODES:
        raise UsageError(
            f"{place}: pictures have one channel or three; {data.name} has samples of shape "
            f"{data.shape}: give a .npy or .npz file"
        )
    if place.is_dir():
        return _read(_in_directory(place), place, data)
    if place.suffix.lower() == ".png":
        return _read([_File(place.name, place.read_bytes)], place, data)
    with zipfile.ZipFile(place) as archive:
        size = sum(member.file_size for member in archive.infolist())
        if size > largest:
            raise UsageError(f"{place}: unpacks to {size} bytes; give at most {largest}")
        return _read(_in_archive(archive), place, data)


def _in_directory(folder: Path) -> Iterator[_File]:
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink() and path.is_dir():
            raise UsageError(f"{folder}: {name} is a link to a directory; put its pictures there")
        if path.is_file():
            yield _File(name, path.read_bytes)


def _in_archive(archive: zipfile.ZipFile) -> Iterator[_File]:
    for member in sorted(archive.infolist(), key=lambda member: member.filename):
        if not member.is_dir():
            yield _File(member.filename, partial(archive.read, member))


def _read(files: Iterable[_File], place: Path, data: Images) -> Pictures:
    visible = [file for file in files if not _is_hidden(file.name)]
    png_files = [file for file in visible if file.name.lower().endswith(".png")]
    if not png_files:
        kind = "directory" if place.is_dir() else "zip file"
        raise UsageError(f"{place}: is a {kind} without PNG pictures; give some, or a file of an array")
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        pictures = [_picture(file, place, data) for file in png_files]
    modes = {picture.mode for picture in pictures} - {MODES[data.shape[0]]}
    notes = [f"pictures of mode {mode} converted" for mode in sorted(modes)]
    if len(png_files) < len(visible):
        notes.append(f"{len(visible) - len(png_files)} of {len(visible)} files skipped that are no PNG")
    return Pictures(np.stack([picture.pixels for picture in pictures]), notes)


def _is_hidden(name: str) -> bool:
    """Whether a file is the business of an operating system."""
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePath(name).parts)


def _decoded(file: _File, where: str) -> Image.Image:
    try:
        picture = Image.open(io.BytesIO(file.read()), formats=["PNG"])
        picture.load()
    except UnidentifiedImageError as error:
        raise UsageError(f"{where} is no PNG picture; mend it or take it away") from error
    except Exception as error:  # a foreign file can break a reader in any way
        raise UsageError(f"{where} cannot be read ({first_line(error)}); mend it or take it away") from error
    return picture


def _picture(file: _File, place: Path, data: Images) -> _Picture:
    channels, height, width = data.shape
    where = f"{place}: {file.name}"
    picture = _decoded(file, where)
    frames = getattr(picture, "n_frames", 1)
    if frames > 1:
        raise UsageError(f"{where} is an animation of {frames} pictures; give them one by one")
    if picture.size != (width, height):
        size = " x ".join(map(str, picture.size))
        raise UsageError(f"{where} has {size} pixels; {data.name} has {width} x {height}")
    if picture.mode not in READABLE_MODES:
        raise UsageError(f"{where} has pixels of Pillow's mode {picture.mode}; give 8-bit ones")
    converted = picture.convert(MODES[channels])
    if converted.convert("RGBA").tobytes() != picture.convert("RGBA").tobytes():
        raise UsageError(f"{where} is {picture.mode} and would lose by conversion; give {MODES[channels]}")
    pixels = np.asarray(converted).reshape(height, width, channels).transpose(2, 0, 1)
    return _Picture(pixels, picture.mode)
