"""`python -m benchmark`."""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))


def search_working_directory_last() -> None:
    """Python puts the working directory first, where a `random.py` would take the place of Python's own.

    Unless that is where this program is.
    """
    if not sys.flags.safe_path and os.path.realpath(sys.path[0]) != ROOT:
        sys.path.append(sys.path.pop(0))


if __name__ == "__main__":
    search_working_directory_last()
    from benchmark.commands.cli import main

    sys.exit(main())
