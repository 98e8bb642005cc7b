"""Paths as users write them, on the command line, in files, in Python and in the environment."""

from pathlib import Path

from benchmark.errors import UsageError

__all__ = ["as_text", "user_path"]


def user_path(text: str | Path) -> Path:
    """The path that a user means: `~` is the home directory, though no shell has seen it.

    Raises:
        UsageError: If there is no home directory.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise UsageError(f"{text}: there is no such home directory; give the path without ~") from None


def as_text(argument: str) -> str:
    r"""An argument or a file's name that can be written down: bytes that are not UTF-8 are as `\udcff`."""
    return argument.encode(errors="backslashreplace").decode()
