"""The operating systems that the program runs on."""

import sys

from benchmark.errors import UsageError

__all__ = ["require_unix"]


def require_unix() -> None:
    """Raises a `UsageError` on Windows, which lacks the locks, signals and resource limits that runs need."""
    if sys.platform == "win32":
        raise UsageError("the program runs on Linux and macOS, not on Windows; there, use it within WSL")
