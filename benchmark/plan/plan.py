"""From a request to a plan: what is to be trained, at what cost."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import ceil
from typing import Any, NamedTuple

from benchmark.datasets.base import Dataset, Preparation, check_mode_weights
from benchmark.errors import UsageError
from benchmark.metric import Metric
from benchmark.plan.devices import choose_device
from benchmark.plan.merged_settings import Settings, merged_settings
from benchmark.plan.planned import Planned, PlannedDataset
from benchmark.plan.request import Request, features_settings
from benchmark.plan.variants import Variant, variants_of
from benchmark.records.cell import Cell, Configured
from benchmark.records.schema import STANDARD_ROWS
from benchmark.registry import DATASETS, METHODS, METRICS, Registry, resolved
from benchmark.suites import Suite
from benchmark.suites.budget import parse_budget
from benchmark.suites.fitted_rows import MOST_FITTED
from benchmark.suites.headline import headline
from benchmark.suites.tuned import TunedFile
from benchmark.training.advice import explain
from benchmark.training.average import Averaging
from benchmark.training.compiled_cycles import program_of
from benchmark.training.cost import cost_of
from benchmark.training.rehearsal import rehearse
from benchmark.training.settings import methods_of

__all__ = ["Plan", "check_owners", "make_plan", "prepared"]


@dataclass(frozen=True)
class Plan:
    """All of a request, whether or not some of it is done.

    Attributes:
        request: The request.
        device: The device to train on.
        datasets: The datasets.
        cells: The methods on each dataset, calibration rows first.
        workers: How many cells run at a time. Where the plan has fewer methods to train than that, the seeds
            of each are split into groups, so that no worker is idle.
    """

    request: Request
    device: str
    datasets: list[PlannedDataset]
    cells: list[Planned]
    workers: int = 1

    @property
    def groups_per_method(self) -> int:
        """Into how many groups of seeds a method on a dataset is split at least."""
        trained = sum(planned.cost is not None for planned in self.cells)
        return ceil(self.workers / max(trained, 1))


def make_plan(request: Request, workers: int = 1, dry: bool = False) -> Plan:
    """Plans a request. Writes nothing but files that datasets prepare, in the cache.

    Arguments:
        request: The request.
        workers: How many cells run at a time.
        dry: Whether to leave out what takes long to prepare; the plan has it as `preparation` of its dataset.

    Raises:
        UsageError: If anything in the request is unknown, contradictory or out of range.
    """
    suite = request.suite
    datasets = request.datasets or suite.datasets
    methods = request.methods or suite.methods
    if methods == ("all",):
        methods = tuple(METHODS.names())
    metrics = request.metrics or suite.metrics
    DATASETS.check_names(datasets)
    METHODS.check_names(methods)
    METRICS.check_names(metrics)
    for name in datasets:
        if name not in suite.datasets:
            raise UsageError(f"--datasets {name}: suite {suite.name!r} has {', '.join(suite.datasets)}")
    check_owners(request.settings, (*datasets, *methods, *metrics))
    if request.tuned is not None:
        _check_tuned(request.tuned, datasets)
    features = features_settings(metrics, request.fid_features)
    device = choose_device(request.device)
    unprepared: list[tuple[PlannedDataset, Settings]] = []
    for name in datasets:
        chosen = request.tuned.content.settings_on(name) if request.tuned else {}
        _check_suite(suite, name)
        # Apart, since a method and a metric may have the same name.
        published = suite.settings_on(name)
        of_methods = merged_settings(published, chosen, request.settings)
        of_metrics = merged_settings(published, features, request.settings)
        for method in methods:
            METHODS.build(method, of_methods.get(method, {}))  # before a dataset prepares what takes long
        unprepared.append((_plan_dataset(name, request, metrics, of_metrics), of_methods))
    _check_scored([dataset for dataset, _ in unprepared], set(metrics) - set(suite.metrics))
    planned_datasets: list[PlannedDataset] = []
    cells: list[Planned] = []
    for dataset, of_methods in unprepared:
        ready = replace(dataset, **prepared(dataset.data, dry)._asdict())
        planned_datasets.append(ready)
        cells += _plan_methods(ready, request, device, methods, of_methods)
    return Plan(request, device, planned_datasets, cells, workers)


def _check_suite(suite: Suite, dataset: str) -> None:
    """Raises a `UsageError` that names the suite if its own settings are none."""
    for owner, values in suite.settings_on(dataset).items():
        registry = next(each for each in (DATASETS, METHODS, METRICS) if owner in each.names())
        with _blaming(f"suite {suite.name!r}"):
            registry.build(owner, values)


def _check_scored(datasets: Sequence[PlannedDataset], more: Collection[str]) -> None:
    """Raises a `UsageError` if a metric that was asked for scores no dataset, or a dataset has no metric.

    Arguments:
        datasets: The datasets.
        more: The metrics that are not the suite's own.
    """
    for metric in sorted(more):
        if not any(metric in dataset.metrics for dataset in datasets):
            names = ", ".join(dataset.name for dataset in datasets)
            raise UsageError(f"--metrics {metric}: does not apply to {names}; leave it out")
    for dataset in datasets:
        if not dataset.metrics:
            raise UsageError(f"{dataset.name}: no metric of this run applies; add one with --metrics +NAME")


def _check_tuned(file: TunedFile, datasets: Sequence[str]) -> None:
    """Raises a `UsageError` if chosen settings are of none of the datasets, of no method, or none of its."""
    tuned = file.content
    if not any(tuned.on(dataset) for dataset in datasets):
        tuned_datasets = [dataset for dataset, methods in tuned.chosen.items() if methods]
        raise UsageError(
            f"--settings {file.name}: is for {', '.join(tuned_datasets) or 'nothing'}, "
            f"and this run has {', '.join(datasets)}; give published, or the file of another search"
        )
    with _blaming(f"--settings {file.name}"):
        for methods in tuned.chosen.values():
            for method, chosen in methods.items():
                if method not in METHODS.names():
                    raise UsageError(
                        f"unknown method {method!r}; if a plug-in registers it, give that --plugin"
                    )
                METHODS.build(method, chosen.settings)


@contextmanager
def _blaming(where: str) -> Iterator[None]:
    """Within it, a `UsageError` about a setting names the file or suite that the setting is from."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{where}: {str(error).replace('--set ', '')}") from error


def _plan_dataset(name: str, request: Request, metrics: Sequence[str], settings: Settings) -> PlannedDataset:
    """A dataset whose files are not prepared yet.

    Arguments:
        name: The dataset.
        request: What was asked for.
        metrics: The metrics of the run.
        settings: Those of the dataset and of metrics.
    """
    data: Dataset = DATASETS.build(name, settings.get(name, {}))
    budget = request.budget or parse_budget(request.suite.budgets[name])
    if request.rung is not None:
        data = replace(data, evaluations=1)
        budget = budget.times(request.rung.share)
    applying: dict[str, Metric] = {}
    for metric_name in metrics:
        metric: Metric = METRICS.build(metric_name, settings.get(metric_name, {}))
        if metric.applies(data):
            applying[metric_name] = metric.on(data)
    if request.rung is not None:
        first = headline(list(applying))
        if first is None:
            raise UsageError(
                f"--suite {request.suite.name}: no metric scores {name}, so nothing can be chosen"
            )
        applying = {metric: applying[metric] for metric in applying if metric == first}
    return PlannedDataset(name, data, applying, budget, files={})


class Prepared(NamedTuple):
    """What identifies the files of a dataset, and what has to be made first."""

    files: Mapping[str, Any]
    preparation: Preparation | None


def prepared(data: Dataset, dry: bool = False) -> Prepared:
    """Prepares a dataset, but for what takes long in a dry run.

    Draws samples, lest a fault of the dataset be taken for a method's.

    Raises:
        UsageError: If a file is missing, or the dataset does not draw finite samples of its shape.
    """
    try:
        preparation = data.preparation if dry else None
        files = data.prepare() if preparation is None else {}
        check_mode_weights(data.mode_weights)
        samples = data.sample(2, data.stream("all", "plan"))
        finite = bool(samples.isfinite().all())
    except UsageError:
        raise
    except Exception as error:  # a dataset may be foreign code, and fail in any way
        raise UsageError(f"dataset {data.name!r}: {explain(error)}") from error
    shape, expected = tuple(samples.shape), (2, *data.shape)
    if shape != expected:
        raise UsageError(f"dataset {data.name!r}: draws shape {shape} for 2 samples; give {expected}")
    if not finite:
        raise UsageError(f"dataset {data.name!r}: draws numbers that are not finite")
    return Prepared(files, preparation)


def _plan_methods(
    dataset: PlannedDataset, request: Request, device: str, methods: Sequence[str], settings: Settings
) -> list[Planned]:
    """The calibration rows and the methods on a dataset."""
    template = Cell(
        suite=request.suite.name,
        dataset=_configured(DATASETS, dataset.name, dataset.data),
        method=Configured("", {}),
        metrics=tuple(_configured(METRICS, name, metric) for name, metric in dataset.metrics.items()),
        budget=dataset.budget,
        device=device,
        plugins=request.plugins,
        files=dataset.files,
        keeps=request.rung is None,
    )
    trained = []
    for name in methods:
        for variant in _variants(name, settings.get(name, {}), dataset, request):
            cell = replace(template, method=_configured(METHODS, name, variant.method))
            trained.append(_plan_method(cell, variant, dataset))
    rows = [Configured(name, {}) for name in STANDARD_ROWS]
    if request.rung is None:
        rows += [Configured(name, {"points": _least_seen(trained)}) for name in request.suite.fitted_rows]
    calibration = [Planned(replace(template, method=row), dataset, request.seeds) for row in rows]
    return calibration + trained


def _least_seen(trained: Sequence[Planned]) -> int:
    """Training data that every method sees, as far as fitted densities need it."""
    seen = [MOST_FITTED]
    for planned in trained:
        if planned.cost is not None and planned.cycles is not None:
            seen.append(planned.cycles * planned.cost.samples + planned.cost.fit_samples)
    return min(seen)


def _variants(
    name: str, settings: Mapping[str, Any], dataset: PlannedDataset, request: Request
) -> list[Variant]:
    """What is trained of a method: one variant with all seeds, or those of a search."""
    if request.rung is None:
        return [Variant(METHODS.build(name, settings), request.seeds)]
    points = request.rung.points_of(dataset.name, name)
    return variants_of(name, settings, dataset.data.spec, request.rung.search, points)


def _plan_method(template: Cell, variant: Variant, dataset: PlannedDataset) -> Planned:
    method = variant.method
    name = template.method.name
    if dataset.data.kind not in method.kinds:
        kinds = " and ".join(method.kinds)
        raise UsageError(f"method {name!r} is for {kinds}; {dataset.name} has {dataset.data.kind}")
    try:
        cost = cost_of(method, dataset.data)
        models = list(variant.settings.values()) or None
        methods = methods_of(method, dataset.data.spec, variant.seeds, models)
        Averaging.of(methods, cost.generator_steps)
        if template.method.sources:  # the program's own methods are held by its tests
            rehearse(method, dataset.data)
    except Exception as error:  # a method may be foreign code, and fail in any way
        raise UsageError(f"method {name!r}: {explain(error)}") from error
    try:
        cycles = cost.cycles(dataset.budget)
    except UsageError as error:
        raise UsageError(f"{error} (method {name!r} on {dataset.name})") from error
    program = program_of(method, dataset.data)
    return Planned(template, dataset, variant.seeds, variant.settings, cost, cycles, program)


def _configured(registry: Registry, name: str, instance: Any) -> Configured:
    return Configured(name, resolved(instance), registry.sources(name))


def check_owners(settings: Mapping[str, Mapping[str, Any]], parts: Sequence[str]) -> None:
    """Raises a `UsageError` if a setting is of no part of the run."""
    for owner, values in settings.items():
        if owner not in parts:
            setting, value = next(iter(values.items()))
            raise UsageError(
                f"--set {owner}.{setting}={value}: {owner!r} has no part in this run; "
                f"the parts are {', '.join(parts)}"
            )
