"""Files that tell whether they are whole: sealed JSON, written at once or not at all."""

import contextlib
import json
import math
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import msgspec

from benchmark.errors import UsageError
from benchmark.records.schema import READABLE_VERSIONS, SCHEMA_VERSION

__all__ = [
    "DamagedError",
    "canonical",
    "digest",
    "read_checked",
    "read_sealed",
    "sync_directory",
    "write_at_once",
    "write_sealed",
    "writing",
]

T = TypeVar("T")

LARGEST_BYTES = 1 << 28
"""Bytes of the largest sealed file that is read. Ours have some thousands."""

LARGEST_CHECKED_BYTES = 1 << 36
"""Bytes of the largest other file that is read: the tensors of a group of wide networks are large."""


class DamagedError(Exception):
    """A file is not as it was written.

    Arguments:
        file: The file.
        why: What is wrong with it, to follow its name.
    """

    def __init__(self, file: Path, why: str) -> None:
        super().__init__(f"{file}: {why}")
        self.file = file


def write_sealed(file: Path, content: dict[str, Any]) -> dict[str, Any]:
    """Writes a JSON object with the version of its form and its own checksum.

    Numbers that JSON does not have become null.

    Returns:
        What `read_sealed` would read.
    """
    content = _without_nan({"schema_version": SCHEMA_VERSION, **content})
    sealed = {**content, "checksum": sha256(canonical(content)).hexdigest()}
    write_at_once(file, (json.dumps(sealed, indent=1, allow_nan=False) + "\n").encode())
    return content


def read_sealed(file: Path, shape: type[T]) -> T:
    """The content of a sealed file, without its checksum.

    Arguments:
        file: The file.
        shape: The typed dictionary that it must fit.

    Raises:
        FileNotFoundError: If there is no such file.
        DamagedError: If it is not what `write_sealed` wrote, or is of another shape.
        UsageError: If it is whole and of another version.
    """
    try:
        content = json.loads(_read_regular(file, LARGEST_BYTES))
        checksum = content.pop("checksum")
        text = canonical(content)
        if rb"\ud" in text:  # perhaps half of a surrogate pair, which is no text
            json.dumps(content, ensure_ascii=False).encode()
        whole = "schema_version" in content and checksum == sha256(text).hexdigest()
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        whole = False
    if not whole:
        raise DamagedError(file, "is damaged (its checksum does not hold)")
    if content["schema_version"] not in READABLE_VERSIONS:
        versions = " and ".join(map(str, READABLE_VERSIONS))
        raise UsageError(
            f"{file}: has schema version {content['schema_version']}; "
            f"this program reads the versions {versions}"
        )
    try:
        msgspec.convert(content, shape)
    except msgspec.ValidationError as error:
        raise DamagedError(file, f"does not have the form that it should ({error})") from error
    return content


def _read_regular(file: Path, largest: int) -> bytes:
    """The bytes of a plain file that has at most so many.

    Raises:
        FileNotFoundError: If there is none.
        DamagedError: If it is a link, a pipe or anything else that may lead elsewhere or never end, or cannot
            be read.
    """
    try:
        status = file.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise DamagedError(file, "is not a plain file")
        if status.st_size > largest:
            raise DamagedError(file, f"has {status.st_size} bytes, more than any such file")
        return file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(file) from None
    except OSError as error:
        raise DamagedError(file, f"cannot be read ({error.strerror})") from error


def write_at_once(file: Path, data: bytes) -> None:
    """Replaces a file: whoever reads it sees the old content or the new, also after a crash."""
    with writing(file) as stream:
        stream.write(data)


@contextmanager
def writing(file: Path) -> Iterator[BinaryIO]:
    """A stream whose content replaces a file when the block ends well, and leaves nothing otherwise."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    with _naming(file):
        try:
            with open(temporary, "wb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, file)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
    sync_directory(file.parent)


def sync_directory(folder: Path) -> None:
    """Sees the names in a directory onto the disk."""
    with _naming(folder):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _naming(file: Path) -> Iterator[None]:
    """Adds the file's name to an `OSError`. An error on a file that is open has no name."""
    try:
        yield
    except OSError as error:
        error.filename = str(file)
        raise


def read_checked(file: Path, checksum: str) -> bytes:
    """The bytes of a plain file.

    Raises:
        FileNotFoundError: If there is none.
        DamagedError: If its SHA-256 is another one.
    """
    data = _read_regular(file, LARGEST_CHECKED_BYTES)
    if sha256(data).hexdigest() != checksum:
        raise DamagedError(file, "is damaged (its checksum does not hold)")
    return data


def digest(file: Path) -> str:
    """SHA-256 of a plain file."""
    return sha256(_read_regular(file, LARGEST_CHECKED_BYTES)).hexdigest()


def canonical(value: Any) -> bytes:
    """The one text of a JSON value, whatever the order of its keys."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _without_nan(value: Any) -> Any:
    """A JSON value with null for numbers that JSON does not have."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
