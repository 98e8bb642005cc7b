"""The manifest of a run: what was asked for, by what, and where."""

import contextlib
import math
import os
import platform
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import torch

from benchmark.plan.plan import Plan
from benchmark.plan.planned import Planned, PlannedDataset
from benchmark.plan.points import space_of
from benchmark.plan.remaining import Remaining
from benchmark.plan.request import Request
from benchmark.records.cell import Cell
from benchmark.records.differences import Difference, differing, environment_of
from benchmark.records.schema import (
    HARMLESS_SETTINGS,
    DatasetFacts,
    Group,
    MetricFacts,
    SearchBehind,
    SearchFacts,
    Track,
)
from benchmark.records.store import Store
from benchmark.registry import METHODS, as_text, plain, resolved
from benchmark.version import __version__

__all__ = ["facts_of", "write_manifest"]

Fact = TypeVar("Fact")
Item = TypeVar("Item")

LIBRARIES = ("torch", "numpy", "scipy", "pandas", "matplotlib", "safetensors", "torchvision")


def facts_of(dataset: PlannedDataset) -> DatasetFacts:
    """What a reader of the scores on a dataset must know."""
    metrics: dict[str, MetricFacts] = {}
    for name, metric in dataset.metrics.items():
        metrics[name] = {
            "better": metric.better,
            "bounds": [bound if math.isfinite(bound) else None for bound in metric.range(dataset.data)],
            "best": metric.best(dataset.data),
            "scale": metric.scale,
            "ranked": metric.ranked,
            "samples": dataset.data.samples,
        }
    return DatasetFacts(dataset.data.modes, metrics)


def write_manifest(
    store: Store, remaining: Remaining, facts: Mapping[str, DatasetFacts], command: Sequence[str]
) -> list[Difference]:
    """Writes the manifest of a run, which keeps what an earlier one has beyond it.

    A run may grow by datasets and methods from one command to the next.

    Arguments:
        store: The run.
        remaining: Its plan.
        facts: The facts of each dataset.
        command: The command line.

    Returns:
        How versions and machine differ from those of the last command.
    """
    manifest = _manifest(remaining, facts, command)
    changes: list[Difference] = []
    with contextlib.suppress(FileNotFoundError):
        last = store.manifest()
        commands = [*last.get("commands", [last["command"]]), manifest["command"]]
        before, now = environment_of(last), environment_of(manifest)
        changes = differing(before, now)
        environments = _without_repeats([*last.get("earlier", []), before])
        manifest = {**_union(last, manifest), **_search(remaining.plan)}
        manifest["commands"] = _without_repeats(commands)
        manifest["earlier"] = [environment for environment in environments if environment != now]
    store.write_manifest(manifest)
    return changes


def _manifest(
    remaining: Remaining, facts: Mapping[str, DatasetFacts], command: Sequence[str]
) -> dict[str, Any]:
    plan = remaining.plan
    return {
        **_search(plan),
        "suite": plan.request.suite.name,
        "command": [as_text(argument) for argument in command],
        "configuration": {
            "seeds": list(plan.request.seeds),
            "budgets": {dataset.name: str(dataset.budget) for dataset in plan.datasets},
            "datasets": {dataset.name: resolved(dataset.data) for dataset in plan.datasets},
            "methods": _by_method(plan, lambda planned: planned.template.method.settings),
            "metrics": {dataset.name: _metrics(dataset) for dataset in plan.datasets},
            "device": plan.device,
            "compile": plan.request.compile,
            "plugins": [Path(plugin).name for plugin in plan.request.plugins],
        },
        "costs": _by_method(plan, _cost),
        "metrics": {name: dataset.metrics for name, dataset in facts.items()},
        "modes": {name: dataset.modes_total for name, dataset in facts.items()},
        "fingerprints": {dataset.name: dataset.data.fingerprint for dataset in plan.datasets},
        "files": {dataset.name: dict(dataset.files) for dataset in plan.datasets if dataset.files},
        "versions": _versions(),
        "hardware": _hardware(plan.device),
        "commit": _commit(),
        "groups": _groups(remaining),
        "tracks": {} if plan.request.rung is not None else _tracks(plan),
    }


def _search(plan: Plan) -> dict[str, SearchFacts]:
    """How much a search tries, and of what, by its key in the manifest; nothing for a run."""
    rung = plan.request.rung
    if rung is None:
        return {}
    tried = _by_method(
        plan,
        lambda planned: list(rung.points_of(planned.template.dataset.name, planned.template.method.name)),
    )
    spaces: dict[str, dict[str, dict[str, Any]]] = {}
    for methods in tried.values():
        for method in methods:
            spaces[method] = {}
            for setting, values in space_of(method).items():
                spaces[method][setting] = msgspec.to_builtins(values.facts, enc_hook=plain)
    facts = SearchFacts(
        points=rung.search.points,
        seeds=rung.search.seeds,
        halving=rung.search.halving,
        rungs=rung.search.rungs,
        tried=tried,
        undeclared=[name for name in spaces if not METHODS.get_class(name).space],
        spaces=spaces,
    )
    return {"search": facts}


def _tracks(plan: Plan) -> dict[str, dict[str, Track]]:
    """Where the settings of the methods on each dataset come from."""
    return _by_method(
        plan,
        lambda planned: _track(plan.request, planned.template),
    )


def _track(request: Request, template: Cell) -> Track:
    data, trained = template.dataset, template.method
    dataset, method = data.name, trained.name
    changed = sorted(request.settings.get(method, {}))
    if request.tuned is None:
        return Track(settings="published", changed=changed, search=None)
    file, checksum, tuned = request.tuned
    chosen = tuned.on(dataset).get(method)
    if chosen is None:
        return Track(settings="not tuned", changed=changed, search=None)
    changed = sorted({*changed, *tuned.changed(dataset, method, trained.settings)})
    of_dataset = tuned.changed(dataset, dataset, data.settings)
    if dataset not in tuned.searched:
        # Older files do not say with which ones they were searched: what was given may be what is changed.
        of_dataset = set(request.settings.get(dataset, {}))
    changed += [f"{dataset}.{name}" for name in sorted(of_dataset.difference(HARMLESS_SETTINGS))]
    for metric in template.metrics:
        if metric.name == tuned.metrics[dataset]:
            of_metric = tuned.changed(dataset, metric.name, metric.settings)
            changed += [f"{metric.name}.{name}" for name in sorted(of_metric)]
    behind = SearchBehind(
        file=file,
        checksum=checksum,
        points=tuned.points,
        seeds=tuned.seeds,
        halving=tuned.halving,
        rungs=tuned.rungs,
        budget=tuned.budgets[dataset],
        metric=tuned.metrics[dataset],
        score=chosen.score,
    )
    return Track(settings="tuned", changed=changed, search=behind)


def _metrics(dataset: PlannedDataset) -> dict[str, Any]:
    return {name: resolved(metric) for name, metric in dataset.metrics.items()}


def _cost(planned: Planned) -> dict[str, Any]:
    """The cost of a cycle, and the cycles in the budget."""
    return {**vars(planned.cost), "cycles": planned.cycles}


def _by_method(plan: Plan, fact: Callable[[Planned], Fact]) -> dict[str, dict[str, Fact]]:
    """A fact of every trained method, by dataset and method; of several structures, that of the first."""
    facts: dict[str, dict[str, Fact]] = {dataset.name: {} for dataset in plan.datasets}
    for planned in plan.cells:
        if planned.cost is not None:
            of_dataset = facts[planned.template.dataset.name]
            method = planned.template.method.name
            if method not in of_dataset:
                of_dataset[method] = fact(planned)
    return facts


def _groups(remaining: Remaining) -> dict[str, dict[str, list[Group]]]:
    groups: dict[str, dict[str, list[Group]]] = {}
    for (dataset, method), seed_groups in remaining.groups.items():
        entries: list[Group] = []
        for seeds, compiled in seed_groups:
            entries.append({"seeds": list(seeds), "compiled": compiled})
        groups.setdefault(dataset, {})[method] = entries
    return groups


def _union(old: Any, new: Any) -> Any:
    """`new`, and what `old` has beyond it."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    union = dict(old)
    for key, value in new.items():
        union[key] = _union(old.get(key), value)
    return union


def _without_repeats(items: Iterable[Item]) -> list[Item]:
    distinct: list[Item] = []
    for item in items:
        if item not in distinct:
            distinct.append(item)
    return distinct


def _versions() -> dict[str, str]:
    versions = {"mode-collapse-benchmark": __version__, "python": platform.python_version()}
    return versions | {name: version(name) for name in LIBRARIES}


def _hardware(device: str) -> dict[str, Any]:
    if device.startswith("cuda"):
        name = torch.cuda.get_device_name(device)
    else:
        name = platform.processor() or platform.machine()
    return {
        "device": device,
        "name": name,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "processors": os.cpu_count(),
    }


def _commit() -> str | None:
    """The commit of the source tree, if it is one."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40"]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return result.stdout.strip() or None
