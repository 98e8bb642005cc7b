"""`check`: tests methods, datasets, metrics and suites against their contracts."""

from collections.abc import Callable, Iterator, Sequence

from benchmark.commands.checks.datasets import check_dataset
from benchmark.commands.checks.methods import check_method
from benchmark.commands.checks.metrics import check_metric
from benchmark.commands.checks.outcome import Outcome
from benchmark.commands.checks.suites import check_suite
from benchmark.errors import UsageError
from benchmark.registry import DATASETS, METHODS, METRICS, REGISTRIES, SUITES, Registry, unknown

__all__ = ["check_entries", "entries_named"]

CHECKS: dict[Registry, Callable[[str], Iterator[Outcome]]] = {
    METHODS: check_method,
    DATASETS: check_dataset,
    METRICS: check_metric,
    SUITES: check_suite,
}


def entries_named(name: str) -> list[tuple[Registry, str]]:
    """The entries of a name, each with its registry: of several kinds, perhaps; or the suite in a TOML file.

    Raises:
        UsageError: If there is none.
    """
    if name.endswith(".toml"):
        return [(SUITES, name)]
    entries = [(registry, name) for registry in REGISTRIES.values() if name in registry.names()]
    if not entries:
        raise unknown(name)
    return entries


def check_entries(entries: Sequence[tuple[Registry, str]]) -> bool:
    """Runs all checks of some entries, prints a line for each, and returns whether all passed."""
    passed = True
    for registry, name in entries:
        for outcome in _outcomes(registry, name):
            print(f"{name}: {outcome.title}: {_verdict(outcome)}", flush=True)
            passed = passed and outcome.problem is None
    return passed


def _verdict(outcome: Outcome) -> str:
    if outcome.problem is not None:
        return f"FAILED: {outcome.problem}"
    return f"ok ({outcome.remark})" if outcome.remark else "ok"


def _outcomes(registry: Registry, name: str) -> Iterator[Outcome]:
    """The outcomes of all checks of an entry; of one that cannot be built, what is wrong with it."""
    try:
        yield from CHECKS[registry](name)
    except UsageError as error:
        yield Outcome("can be built", str(error))
