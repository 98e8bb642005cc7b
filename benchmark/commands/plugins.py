"""Plug-in files that are named on the command line."""

from collections.abc import Sequence
from pathlib import Path

from benchmark.registry import Registry, load_plugin

__all__ = ["load_plugins"]


def load_plugins(files: Sequence[str] | None) -> list[tuple[Registry, str]]:
    """Loads plug-in files and returns the names that they registered, each with its registry.

    Raises:
        UsageError: If one of them is missing, does not import, registers nothing or takes an existing name.
    """
    entries = []
    for file in files or ():
        entries += load_plugin(Path(file))
    return entries
