"""Errors that are the user's to mend, and lines that tell the user."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

__all__ = [
    "UsageError",
    "complain",
    "counted",
    "dispensable",
    "first_line",
    "in_one_line",
    "is_out_of_memory",
    "printable",
    "silence",
    "tell",
]


class UsageError(Exception):
    """A wrong option, file or value: one line that names it and says what would be accepted.

    The command line prints the line and exits with status 2; no record has been changed by then.
    """


def first_line(error: BaseException) -> str:
    """The first line of an error's message that says something, or the name of its class if there is none.

    That is the first one, and what is under it if it is a heading such as `backend raised:`. Of a compilation
    that failed, it is the compiler's own first line, which torch quotes below `Output:`.
    """
    message, _, output = str(error).partition("\nOutput:\n")
    lines = [line.strip() for line in (output or message).splitlines() if line.strip()]
    words: list[str] = []
    for line in lines:
        words.append(line)
        if not line.endswith(":"):
            break
    return " ".join(words).rstrip(":") or type(error).__name__


def in_one_line(error: BaseException) -> str:
    """The class of an error of foreign code, and the first line of its message that says something."""
    name = type(error).__name__
    line = first_line(error)
    return name if line == name else f"{name}: {line}"


def counted(number: int, what: str) -> str:
    """A number of things, such as `1 trial` and `2 trials`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether it is Python's error, or torch's on a CPU or a GPU."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return "can't allocate memory" in str(error)


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
    except BlockingIOError:  # whoever reads is slow
        pass
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
