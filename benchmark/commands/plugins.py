"""Plug-in files that are named on the command line."""

from collections.abc import Collection, Sequence

from benchmark.errors import complain
from benchmark.registry import DATASETS, METRICS, Registry, load_plugin, user_path

__all__ = ["load_plugins", "print_unused"]


def load_plugins(files: Sequence[str] | None) -> list[tuple[Registry, str]]:
    """Loads plug-in files and returns the names that they registered, each with its registry.

    Raises:
        UsageError: If one of them is missing, does not import, registers nothing or takes an existing name.
    """
    entries = []
    for file in files or ():
        entries += load_plugin(user_path(file))
    return entries


def print_unused(files: Sequence[str] | None, datasets: Collection[str], metrics: Collection[str]) -> None:
    """Names, on stderr, the datasets and metrics of plug-ins that are not among those that were asked for."""
    for registry, name in load_plugins(files):
        if registry is METRICS and name not in metrics:
            complain(f"metric {name!r} of a plug-in has no part in this run; add it: --metrics +{name}")
        if registry is DATASETS and name not in datasets:
            complain(f"dataset {name!r} of a plug-in has no part in this run; give a --suite that has it")
