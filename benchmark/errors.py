"""Errors that are the user's to mend, and lines that tell the user."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

__all__ = ["UsageError", "complain", "dispensable", "first_line", "printable", "silence", "tell"]


class UsageError(Exception):
    """A wrong option, file or value: one line that names it and says what would be accepted.

    The command line prints the line and exits with status 2; no record has been changed by then.
    """


def first_line(error: BaseException) -> str:
    """The first line of an error's message, or the name of its class if it has no message."""
    lines = str(error).strip().splitlines()
    if not lines:
        return type(error).__name__
    return lines[0].rstrip(":")


def complain(what: object) -> None:
    """Tells the user, on stderr, in one line."""
    tell(f"benchmark: {what}")


def tell(line: str) -> None:
    """Prints a line on stderr, if anybody is still there to read it."""
    with dispensable(sys.stderr):
        print(printable(line), file=sys.stderr, flush=True)


@contextmanager
def dispensable(stream: TextIO) -> Iterator[None]:
    """Within it, it is no error that nobody can read a stream any more, as after a terminal was closed."""
    try:
        yield
    except OSError:
        silence(stream)


def silence(stream: TextIO) -> None:
    """Lets all that is written to a stream vanish."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def printable(text: str) -> str:
    """One line of text in which nothing steers a terminal: names in it may come from strangers."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text
    )
