"""What a run writes down about itself."""

import math
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from benchmark.plan.plan import Request
from benchmark.plan.remaining import Prepared
from benchmark.records.cell import Cell
from benchmark.records.schema import Group
from benchmark.registry import DATASETS, METRICS
from benchmark.version import __version__

__all__ = []

LIBRARIES = ("torch", "numpy", "scipy", "pandas", "matplotlib", "safetensors", "torchvision")


def dataset_facts(cell: Cell) -> dict[str, Any]:
    """What a reader must know of a dataset and its metrics."""
    data = DATASETS.get(cell.dataset.name)(**cell.dataset.settings)
    metrics = {name: METRICS.get(name)(**settings) for name, settings in cell.metrics.items()}
    return {
        "modes_total": data.modes,
        "facts": {
            name: {
                "better": metric.better,
                "bounds": [bound if math.isfinite(bound) else None for bound in metric.range(data)],
                "best": metric.best(data),
                "scale": metric.scale,
                "ranked": metric.ranked,
                "samples": data.samples,
            }
            for name, metric in metrics.items()
        },
    }


def make_manifest(
    request: Request, prepared: Prepared, facts: Mapping[str, Mapping[str, Any]], command: Sequence[str]
) -> dict[str, Any]:
    plan = prepared.plan
    datasets = {p.cell.dataset.name: p.cell.dataset.settings for p in plan}
    methods: dict[str, dict[str, Any]] = {name: {} for name in datasets}
    for p in plan:
        if p.cost is not None:
            methods[p.cell.dataset.name][p.cell.method.name] = p.cell.method.settings
    groups: dict[str, dict[str, list[Group]]] = {}
    for (dataset, method), known in prepared.groups.items():
        groups.setdefault(dataset, {})[method] = [
            {"seeds": list(seeds), "compiled": compiled} for seeds, compiled in known
        ]
    return {
        "suite": request.suite,
        "command": list(command),
        "configuration": {
            "seeds": list(request.seeds),
            "budgets": {p.cell.dataset.name: str(p.cell.budget) for p in plan},
            "datasets": datasets,
            "methods": methods,
            "metrics": {p.cell.dataset.name: p.cell.metrics for p in plan},
            "device": plan[0].cell.device,
            "compile": request.compile,
            "plugins": [Path(plugin).name for plugin in request.plugins],
        },
        "costs": {
            p.cell.dataset.name: {
                q.cell.method.name: vars(q.cost) | {"cycles": q.cycles}
                for q in plan
                if q.cost and q.cell.dataset == p.cell.dataset
            }
            for p in plan
        },
        "metrics": {name: dict(known["facts"]) for name, known in facts.items()},
        "modes": {name: known["modes_total"] for name, known in facts.items()},
        "fingerprints": {
            name: DATASETS.get(name)(**settings).fingerprint for name, settings in datasets.items()
        },
        "files": {p.cell.dataset.name: dict(p.cell.files) for p in plan if p.cell.files},
        "versions": {
            "mode-collapse-benchmark": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in LIBRARIES},
        },
        "hardware": _hardware(plan[0].cell.device),
        "commit": _commit(),
        "groups": groups,
    }


def union(old: Any, new: Any) -> Any:
    """`new`, and what `old` has beyond it."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{key: union(old.get(key), value) for key, value in new.items()}}
    return new


def _hardware(device: str) -> dict[str, Any]:
    name = (
        torch.cuda.get_device_name(device)
        if device.startswith("cuda")
        else platform.processor() or platform.machine()
    )
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
    result = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=40"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    return result.stdout.strip() or None
