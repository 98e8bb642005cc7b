"""Standard output as it may be: closed, a pipe that nobody reads, or of an encoding with few characters."""

import codecs
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from unicodedata import normalize

from benchmark.errors import silence

__all__ = ["flushed", "prepare_output"]

LOOKALIKES = {"−": "-", "–": "-", "±": "+-", "×": "x", "→": "->", "↑": "^", "↓": "v", "≤": "<="}
"""Characters that the program prints, in ASCII."""


def prepare_output() -> None:
    """Makes all that the program prints printable: what goes to a closed stream vanishes, and characters that
    the encoding lacks are replaced by others that look like them.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))
    codecs.register_error("lookalikes", _lookalikes)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="lookalikes")


@contextmanager
def flushed() -> Iterator[None]:
    """Writes out at its end what was printed within, so that an error of it is raised here, and not ignored
    when Python ends.
    """
    try:
        yield
    finally:
        try:
            sys.stdout.flush()
        except OSError:
            silence(sys.stdout)
            raise


def _lookalikes(error: UnicodeError) -> tuple[str, int]:
    """An error handler of codecs."""
    assert isinstance(error, UnicodeEncodeError)
    characters = error.object[error.start : error.end]
    return "".join(map(_lookalike, characters)), error.end


def _lookalike(character: str) -> str:
    """A character in ASCII; one with an accent loses that."""
    if character in LOOKALIKES:
        return LOOKALIKES[character]
    return normalize("NFKD", character).encode("ascii", "ignore").decode() or "?"
