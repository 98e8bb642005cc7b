"""Errors that are the user's to mend."""

import sys

__all__ = ["UsageError", "complain", "first_line", "printable"]


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
    print(f"benchmark: {printable(str(what))}", file=sys.stderr)


def printable(text: str) -> str:
    """One line of text in which nothing steers a terminal: names in it may come from strangers."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text
    )
