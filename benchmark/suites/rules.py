"""The rules that every suite keeps, whether it is registered or in a file."""

from collections.abc import Iterable, Mapping, Sequence

from benchmark.errors import UsageError
from benchmark.registry import DATASETS, METHODS, METRICS, Registry
from benchmark.suites.budget import parse_budget
from benchmark.suites.fitted_rows import FITTED_ROWS
from benchmark.suites.suite import Suite

__all__ = ["check_rules"]


def check_rules(suite: Suite) -> None:
    """Checks the names in a suite, its budgets, and whom its settings belong to. Imports no entry.

    Raises:
        UsageError: If a rule is broken.
    """
    _check_names(DATASETS, suite.datasets)
    _check_names(METHODS, suite.methods)
    _check_names(METRICS, suite.metrics)
    _check_budgets(suite.budgets, suite.datasets)
    _check_owners(suite.settings, suite.datasets)
    for row in suite.fitted_rows:
        if row not in FITTED_ROWS:
            raise UsageError(f"fitted_rows has {row!r}; choose from {', '.join(FITTED_ROWS)}")
    for dataset, settings in suite.exceptions.items():
        if dataset not in suite.datasets:
            raise UsageError(f"exceptions are for {dataset!r}; give one of {', '.join(suite.datasets)}")
        _check_owners(settings, suite.datasets)


def _check_names(registry: Registry, names: Sequence[str]) -> None:
    if not names:
        raise UsageError(f"{registry.kind}s is empty; give at least one name")
    registry.check_names(names)


def _check_budgets(budgets: Mapping[str, str], datasets: Sequence[str]) -> None:
    if set(budgets) != set(datasets):
        raise UsageError(
            f"budgets are for {', '.join(budgets) or 'nothing'}; give one for each of {', '.join(datasets)}"
        )
    for text in budgets.values():
        try:
            parse_budget(text)
        except UsageError as error:
            raise UsageError(f"budgets: {str(error).removeprefix('--budget ')}") from None


def _check_owners(settings: Iterable[str], datasets: Sequence[str]) -> None:
    known = {*DATASETS.names(), *METHODS.names(), *METRICS.names()}
    for setting in settings:
        owner, _, _ = setting.rpartition(".")
        if owner not in known:
            raise UsageError(f"settings of {owner!r}, which is no dataset, method or metric")
        if owner in DATASETS.names() and owner not in datasets:
            raise UsageError(f"settings of {owner!r}; the datasets are {', '.join(datasets)}")
