"""A run: plan, skip what is done, train the rest, write what comes back."""

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from benchmark import __version__
from benchmark.cell import Cell
from benchmark.errors import UsageError
from benchmark.executors.local import Done, Failed, Progress, run_cells
from benchmark.metric import Metric
from benchmark.plan import Planned, Request, can_compile, make_plan
from benchmark.progress import ProgressLine, duration
from benchmark.registry import DATASETS, METRICS
from benchmark.store import Store, config_hash

__all__ = ["Outcome", "Prepared", "default_workers", "describe", "prepare", "run"]

MOST_TOGETHER = {"points": 16, "images": 1}
"""Seeds that are trained side by side at most. Small networks gain by it; convolutions fill a processor by themselves."""

LIBRARIES = ("torch", "numpy", "scipy", "pandas", "matplotlib", "safetensors", "torchvision")


@dataclass(frozen=True)
class Outcome:
    """How a run ended: trials by how they ended, and cells that failed."""

    trained: int
    skipped: int
    diverged: int
    failed: list[str]


def default_workers(device: str) -> int:
    """One worker per processor that this process may use; on an accelerator, one."""
    if device != "cpu":
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Prepared:
    """The whole plan, the cells that are still to run, and the number of trials that are done."""

    plan: list[Planned]
    cells: list[tuple[Planned, Cell]]
    done: int


def prepare(request: Request, store: Store | None) -> Prepared:
    """Plans a request against what is on disk, or against nothing if there is no store. Writes nothing.

    A trial is repeated in the group that it belongs to: where some seeds of a group are on disk, the missing ones are
    trained with the whole of it, and recorded alone. Seeds that no record knows form new groups.

    Raises:
        UsageError: If the request makes no sense, or a record on disk has another configuration.
    """
    plan = make_plan(request)
    if request.compile == "on" and not can_compile(plan[0].cell.device):
        raise UsageError("--compile on: no C++ compiler (or, on a GPU, no Triton) was found; install one, or use --compile auto or off")
    compile = request.compile if can_compile(plan[0].cell.device) else "off"
    cells, done = [], 0
    for planned in plan:
        dataset, method = planned.cell.dataset[0], planned.cell.method[0]
        records = list(store.of_cell(dataset, method)) if store else []
        for record in records:
            _check_configuration(record, planned.cell)
        finished = {record["seed"] for record in records}
        missing = [seed for seed in request.seeds if seed not in finished]
        done += len(request.seeds) - len(missing)
        for group, compiled in _known_groups(records):
            here = [seed for seed in group if seed in missing]
            if here and compiled and compile == "off" and not can_compile(planned.cell.device):
                raise UsageError(f"{dataset} {method}: the trials to repeat were trained compiled, and no C++ compiler (or Triton) was found")
            if here:
                cells.append((planned, planned.with_group(group, here, "on" if compiled else "off")))
                missing = [seed for seed in missing if seed not in here]
        together = MOST_TOGETHER.get(DATASETS.get(dataset).kind, 1)
        for i in range(0, len(missing), together):
            new = missing[i : i + together]
            cells.append((planned, planned.with_group(new, new, compile)))
    return Prepared(plan, cells, done)


def describe(prepared: Prepared) -> str:
    """The cells to run as a table: what each costs, in all, and about how long it takes here."""
    rows: list[tuple[str, ...]] = [("dataset", "method", "seeds", "cycles", "FLOPs per trial", "parameters", "compiled", "about")]
    total = 0.0
    for planned, cell in prepared.cells:
        seeds = " ".join(map(str, cell.record))
        if planned.cost is None:
            rows.append((*cell.label.split(" "), seeds, "-", "-", "-", "-", "-"))
            continue
        flops = "-" if planned.cycles is None else f"{planned.cycles * planned.cost.flops:.4g}"
        seconds = planned.seconds(len(cell.group), cell.compile)
        total += seconds
        columns = (seeds, planned.cycles or "-", flops, planned.cost.parameters, "yes" if cell.compile else "no", duration(seconds))
        rows.append((*cell.label.split(" "), *map(str, columns)))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    table = "\n".join("  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    trials = sum(len(cell.record) for _, cell in prepared.cells)
    return f"{table}\n\n{trials} trials to train, {prepared.done} done already; about {duration(total)} of one processor"


def run(request: Request, store: Store, workers: int, command: Sequence[str]) -> Outcome:
    """Runs all that is missing of a request.

    Arguments:
        request: The request.
        store: Where to keep the records.
        workers: The number of worker processes.
        command: The command line, for the manifest.

    Raises:
        UsageError: As `prepare`; nothing has been written then.
    """
    prepared = prepare(request, store)
    plan, cells = prepared.plan, prepared.cells
    manifest = _manifest(request, plan, command)
    # A run may grow by datasets and methods from one command to the next.
    store.write_manifest(_union(store.manifest(), manifest) if store.manifest_file.exists() else manifest)
    if request.compile == "auto" and not can_compile(plan[0].cell.device):
        print("no C++ compiler (or, on a GPU, no Triton) was found: training runs eagerly, several times slower", file=sys.stderr)
    work = {_key(cell): _work(planned, cell) for planned, cell in cells}
    shares = dict.fromkeys(work, 0.0)
    trials = sum(len(cell.record) for _, cell in cells)
    trained, diverged, failed = 0, 0, []
    unit, scale = ("GFLOP/s", 1e9) if all(p.cycles is not None or p.cost is None for p, _ in cells) else ("device-seconds per second", 1.0)
    with ProgressLine(trials, sum(work.values()), unit, scale) as line:
        line.say(f"{trials} trials to train in {len(cells)} cells, {prepared.done} done already; {workers} workers on {plan[0].cell.device}")
        for event in run_cells([cell for _, cell in cells], workers):
            shares[_key(event.cell)] = event.share if isinstance(event, Progress) else 1.0
            if isinstance(event, Failed):
                file = store.write_error(event.cell, event.reason)
                last = event.reason.strip().splitlines()[-1]
                failed.append(f"{event.cell.label}: {last} (see {file})")
                line.say(f"failed: {failed[-1]}")
            elif isinstance(event, Done):
                for trial in event.trials:
                    store.write(event.cell, trial)
                    trained += 1
                    diverged += trial.status == "diverged"
            line.update(trained, sum(work[key] * share for key, share in shares.items()), event.cell.label)
        elapsed = line.elapsed
        line.say(f"{trained} trials trained in {duration(elapsed)}, {diverged} of them diverged, {len(failed)} cells failed")
    return Outcome(trained, prepared.done, diverged, failed)


def _key(cell: Cell) -> tuple:
    return (cell.dataset[0], cell.method[0], cell.group, cell.record)


def _work(planned: Planned, cell: Cell) -> float:
    """FLOPs, or device-seconds of a budget in seconds."""
    if planned.cost is None:
        return 0.0
    amount = planned.cycles * planned.cost.flops if planned.cycles is not None else float(cell.budget.removesuffix("s"))
    return float(amount * len(cell.group))


def _known_groups(records: Sequence[dict[str, Any]]) -> list[tuple[tuple[int, ...], bool]]:
    """The groups that a cell's finished trials were trained in, and whether compiled."""
    return sorted({tuple(record["audit"]["group"]): record["audit"]["compiled"] for record in records}.items())


def _check_configuration(record: dict[str, Any], cell: Cell) -> None:
    if record["config_hash"] == config_hash(cell.configuration):
        return
    held, asked = _flat(record["configuration"]), _flat(cell.configuration)
    differences = [f"{key} is {held.get(key)}, asked for {asked.get(key)}" for key in sorted({*held, *asked}) if held.get(key) != asked.get(key)]
    where = f"{record['dataset']}/{record['method']}/seed-{record['seed']}"
    raise UsageError(f"--out: {where} of the run there has another configuration: {'; '.join(differences)}; use --fresh, or another --out")


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {prefix: value}
    return {key: item for name, part in value.items() for key, item in _flat(part, f"{prefix}.{name}" if prefix else name).items()}


def _manifest(request: Request, plan: Sequence[Planned], command: Sequence[str]) -> dict[str, Any]:
    datasets = {p.cell.dataset[0]: p.cell.dataset[1] for p in plan}
    return {
        "suite": request.suite,
        "command": list(command),
        "configuration": {
            "seeds": list(request.seeds),
            "budgets": {p.cell.dataset[0]: p.cell.budget for p in plan},
            "datasets": datasets,
            "methods": {p.cell.method[0]: p.cell.method[1] for p in plan if p.cost is not None},
            "metrics": {p.cell.dataset[0]: p.cell.metrics for p in plan},
            "device": plan[0].cell.device,
            "compile": request.compile,
            "plugins": [Path(plugin).name for plugin in request.plugins],
        },
        "costs": {
            p.cell.dataset[0]: {q.cell.method[0]: vars(q.cost) | {"cycles": q.cycles} for q in plan if q.cost and q.cell.dataset == p.cell.dataset}
            for p in plan
        },
        "metrics": {
            dataset: {
                name: {"better": metric.better, "bounds": [str(b) for b in metric.bounds], "floor": metric.floor(data), "samples": data.samples}
                for name, metric in _metrics(plan, dataset)
            }
            for dataset, data in ((name, DATASETS.get(name)(**settings)) for name, settings in datasets.items())
        },
        "modes": {name: DATASETS.get(name)(**settings).modes for name, settings in datasets.items()},
        "fingerprints": {name: DATASETS.get(name)(**settings).fingerprint for name, settings in datasets.items()},
        "files": {p.cell.dataset[0]: dict(p.cell.files) for p in plan if p.cell.files},
        "versions": {"mode-collapse-benchmark": __version__, "python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
        "hardware": _hardware(plan[0].cell.device),
        "commit": _commit(),
    }


def _union(old: Any, new: Any) -> Any:
    """`new`, and what `old` has beyond it."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{key: _union(old.get(key), value) for key, value in new.items()}}
    return new


def _metrics(plan: Sequence[Planned], dataset: str) -> list[tuple[str, Metric]]:
    cell = next(p.cell for p in plan if p.cell.dataset[0] == dataset)
    return [(name, METRICS.get(name)(**settings)) for name, settings in cell.metrics.items()]


def _hardware(device: str) -> dict[str, Any]:
    name = torch.cuda.get_device_name(device) if device.startswith("cuda") else platform.processor() or platform.machine()
    return {"device": device, "name": name, "cpu_capability": torch.backends.cpu.get_cpu_capability(), "processors": os.cpu_count()}


def _commit() -> str | None:
    """The commit of the source tree, if it is one."""
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return None
    result = subprocess.run(["git", "describe", "--always", "--dirty", "--abbrev=40"], cwd=root, capture_output=True, text=True, check=False)
    return result.stdout.strip() or None
