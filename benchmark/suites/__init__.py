"""Suites: which datasets, methods, metrics and default budgets belong together. Imports nothing heavy."""

from dataclasses import replace

from benchmark.registry import SUITES
from benchmark.suites.suite import Check, Protocol, Suite

__all__ = ["Check", "Protocol", "Suite", "find_suite", "get_suite", "registered_suites"]


def get_suite(name: str) -> Suite:
    """The suite that is registered under a name.

    Raises:
        UsageError: If there is none.
    """
    return replace(SUITES.get(name)(), name=name)


def find_suite(name: str) -> Suite | None:
    """The suite that is registered under a name; `None` for one from elsewhere, such as a file."""
    return get_suite(name) if name in SUITES.names() else None


def registered_suites() -> list[Suite]:
    """All registered suites, sorted by name."""
    return [get_suite(name) for name in SUITES.names()]
