"""From a request to cells: what is to be trained, at what cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

from benchmark.datasets.base import Dataset
from benchmark.errors import UsageError
from benchmark.plan.devices import choose_device
from benchmark.records.cell import Cell, Configured
from benchmark.records.schema import CALIBRATION_ROWS
from benchmark.registry import DATASETS, METHODS, METRICS, resolved
from benchmark.suites import get_suite
from benchmark.suites.budget import Budget, parse_budget
from benchmark.training.cost import Cost, cost_of

__all__ = ["Planned", "Request", "make_plan"]


@dataclass(frozen=True)
class Request:
    """What a user asks for, checked for form but not for sense.

    Arguments:
        suite: The suite's name.
        seeds: The seeds.
        datasets: Some of the suite's datasets; all of them by default.
        methods: Registered methods; the suite's own by default.
        budget: Overrides the suite's budgets.
        settings: Field values by owner and field.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
        compile: `auto`, `on` or `off`.
        plugins: Plug-in files, already loaded.
    """

    suite: str
    seeds: tuple[int, ...]
    datasets: tuple[str, ...] | None = None
    methods: tuple[str, ...] | None = None
    budget: str | None = None
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    device: str = "auto"
    compile: str = "auto"
    plugins: tuple[str, ...] = ()


@dataclass(frozen=True)
class Planned:
    """A cell that has not been given its seeds, and what it costs.

    Attributes:
        cell: The cell, with empty groups.
        data: Its dataset.
        cost: What a cycle takes; `None` for a calibration row.
        cycles: Cycles in the budget; `None` if it is in seconds or there is nothing to train.
    """

    cell: Cell
    data: Dataset
    cost: Cost | None = None
    cycles: int | None = None

    def with_group(self, group: Sequence[int], wanted: Sequence[int], compile: str) -> Cell:
        """The cell for a group of seeds, compiled if that was asked for or pays."""
        pays = self.seconds(len(group), compiled=True) < self.seconds(len(group), compiled=False)
        chosen = compile == "on" or (compile == "auto" and pays)
        return replace(
            self.cell, group=tuple(group), wanted=tuple(wanted), compile=chosen and self.cost is not None
        )

    def seconds(self, seeds: int, compiled: bool) -> float:
        """Nominal seconds on one processor: eagerly 30 GFLOP/s and 10 us per operation; compiled 45 GFLOP/s, and what compiling takes.

        The latter grows with the square of the number of operations in a compiled function. From fixed rates and not from a
        measurement, so that the decision to compile, which changes results by rounding, is the same each time.
        """
        if self.cost is None:
            return 0.0
        compiling = 20 + 2e-5 * self.cost.longest**2 if compiled else 0
        if self.cycles is None:
            # A budget of seconds buys more training when compiled, so only compiling itself counts against it.
            return self.cell.budget.amount * seeds * (1 if compiled else 1.5) + compiling
        flops = self.cycles * self.cost.flops * seeds
        return (
            flops / 45e9 + compiling if compiled else flops / 30e9 + self.cycles * 1e-5 * self.cost.operations
        )

    def memory(self, seeds: int, compiled: bool) -> float:
        """About the bytes that a worker holds at its peak: the libraries, what compiling takes, the state, and samples while they are scored.

        Fitted to peaks that were measured on processors, and right within a third there.
        """
        samples = max(self.data.samples * seeds, self.data.samples_large, self.data.held_out)
        number = 1 if self.data.kind == "images" else 4
        parameters = self.cost.parameters * seeds if self.cost else 0
        return 0.8e9 + 0.25e9 * compiled + 12 * number * samples * prod(self.data.shape) + 32 * parameters


def make_plan(request: Request) -> list[Planned]:
    """The cells of a request, calibration rows first within each dataset. Nothing is written.

    Raises:
        UsageError: If anything in the request is unknown, contradictory or out of range.
    """
    suite = get_suite(request.suite)
    for name in request.datasets or ():
        DATASETS.check(name)
        if name not in suite.datasets:
            raise UsageError(f"--datasets {name}: suite {suite.name!r} has {', '.join(suite.datasets)}")
    methods = tuple(METHODS.names()) if request.methods == ("all",) else request.methods or suite.methods
    datasets = request.datasets or suite.datasets
    for name in methods:
        METHODS.check(name)
    _check_duplicates("--methods", methods)
    _check_duplicates("--datasets", datasets)
    _check_owners(request.settings, datasets, methods, suite.metrics)
    device = choose_device(request.device)

    plan = []
    for dataset in datasets:
        settings = _merged(suite.settings_on(dataset), request.settings)
        metrics = {name: METRICS.build(name, settings.get(name, {})) for name in suite.metrics}
        built = {name: METHODS.build(name, settings.get(name, {})) for name in methods}
        data = DATASETS.build(dataset, settings.get(dataset, {}))
        budget = parse_budget(request.budget or suite.budgets[dataset])
        fitted = {name: metric.on(data) for name, metric in metrics.items()}
        files = _prepared(data)
        cell = Cell(
            suite=suite.name,
            dataset=Configured(dataset, resolved(data)),
            method=Configured("", {}),
            metrics={name: resolved(metric) for name, metric in fitted.items() if metric.applies(data)},
            budget=budget,
            device=device,
            plugins=request.plugins,
            files=files,
        )
        plan += [Planned(replace(cell, method=Configured(name, {})), data) for name in CALIBRATION_ROWS]
        for name, method in built.items():
            if data.kind not in method.kinds:
                raise UsageError(
                    f"method {name!r} is for {' and '.join(method.kinds)}; {dataset} has {data.kind}"
                )
            cell_of_method = replace(
                cell, method=Configured(name, resolved(method)), source=METHODS.source(name)
            )
            plan.append(_planned(cell_of_method, method, data, budget))
    return plan


def _prepared(data: Any) -> Mapping[str, Any]:
    try:
        return data.prepare()
    except ValueError as error:
        raise UsageError(f"{data.name}: {error}") from error


def _planned(cell: Cell, method: Any, data: Any, budget: Budget) -> Planned:
    try:
        cost = cost_of(method, data)
    except Exception as error:  # a method may be foreign code, and fail in any way
        raise UsageError(f"method {cell.method.name!r}: {type(error).__name__}: {error}") from error
    try:
        return Planned(cell, data, cost, cost.cycles(budget))
    except UsageError as error:
        raise UsageError(f"{error} (method {cell.method.name!r} on {data.name})") from error


def _merged(defaults: Mapping[str, Any], given: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    merged: dict[str, dict[str, Any]] = {}
    for key, value in defaults.items():
        owner, _, setting = key.rpartition(".")
        merged.setdefault(owner, {})[setting] = value
    for owner, values in given.items():
        merged[owner] = {**merged.get(owner, {}), **values}
    return merged


def _check_owners(
    given: Mapping, datasets: Sequence[str], methods: Sequence[str], metrics: Sequence[str]
) -> None:
    for owner in given:
        if owner not in (*datasets, *methods, *metrics):
            setting, value = next(iter(given[owner].items()))
            choices = ", ".join((*datasets, *methods, *metrics))
            raise UsageError(
                f"--set {owner}.{setting}={value}: {owner!r} has no part in this run; the parts are {choices}"
            )


def _check_duplicates(option: str, names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"{option}: {', '.join(twice)} given twice; give each name once")
