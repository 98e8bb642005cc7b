"""Whether a directory can be written to, before hours of work depend on it."""

import os
from pathlib import Path

from benchmark.errors import UsageError

__all__ = ["check_writable"]


def check_writable(where: str, directory: Path) -> None:
    """Checks that files can be written in a directory, which need not be there yet. Writes nothing.

    Arguments:
        where: The option and its value, to begin an error with.
        directory: The directory.

    Raises:
        UsageError: If it is a file, or lies in one, or is not writable.
    """
    try:
        existing = next(path for path in (directory, *directory.absolute().parents) if path.exists())
        if not existing.is_dir():
            raise UsageError(f"{where}: {existing} is a file; give a directory")
        if not os.access(existing, os.W_OK | os.X_OK):
            raise UsageError(f"{where}: {existing} is not writable; give a directory that is")
    except OSError as error:
        raise UsageError(f"{where}: {error.strerror}; give another directory") from error
