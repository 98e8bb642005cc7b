"""Errors that are the user's to mend."""

__all__ = ["UsageError"]


class UsageError(Exception):
    """A wrong option, file or value: one line that names it and says what would be accepted.

    The command line prints the line and exits with status 2; nothing has been written by then.
    """
