"""Suites: which datasets, methods, metrics and default budget belong together. Imports nothing heavy."""

from benchmark.errors import UsageError
from benchmark.suites.equal_compute import OURS
from benchmark.suites.papers import PAPERS
from benchmark.suites.suite import Protocol, Suite

__all__ = ["SUITES", "Protocol", "Suite", "get_suite"]

SUITES = {suite.name: suite for suite in (*OURS, *PAPERS)}


def get_suite(name: str) -> Suite:
    """The suite of that name.

    Raises:
        UsageError: If there is none.
    """
    if name not in SUITES:
        raise UsageError(f"unknown suite {name!r}; choose from {', '.join(SUITES)}")
    return SUITES[name]
