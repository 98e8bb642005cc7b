"""The contract of a suite: it can be planned."""

from collections.abc import Iterator

from benchmark.commands.checks.outcome import Outcome, outcome_of
from benchmark.plan.plan import make_plan
from benchmark.plan.request import Request
from benchmark.suites import Suite, find_or_read_suite

__all__ = ["check_suite"]


def check_suite(name: str) -> Iterator[Outcome]:
    """Runs every check on a registered suite, or on the suite in a TOML file.

    Raises:
        UsageError: If there is none, or the file is not that of a suite.
    """
    suite = find_or_read_suite(name)
    for dataset in suite.datasets:
        yield outcome_of(f"can be planned on {dataset}", can_be_planned, suite, dataset)


def can_be_planned(suite: Suite, dataset: str) -> None:
    """All names are known, all settings fit, and the budget pays for a cycle of every method."""
    make_plan(Request(suite, seeds=(0,), datasets=(dataset,)))
