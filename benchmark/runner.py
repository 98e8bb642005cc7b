"""A run: plan, skip what is done, train the rest, write what comes back."""

import contextlib
import math
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from benchmark import __version__
from benchmark.cell import Cell
from benchmark.errors import UsageError
from benchmark.executors.base import Done, Event, Executor, Failed, Progress, Said, Saved
from benchmark.executors.supervisor import Policy, run_cells
from benchmark.interruption import Interrupted, Interruption
from benchmark.plan import Planned, Request, can_compile
from benchmark.progress import ProgressLine, duration
from benchmark.records import DamagedError
from benchmark.registry import DATASETS, METRICS
from benchmark.schema import Group, Record
from benchmark.settings import differing
from benchmark.store import Store, Survey, config_hash
from benchmark.training.checkpoint import Checkpoint

__all__ = ["MOST_TOGETHER", "Limits", "Outcome", "Prepared", "describe", "groups_of", "prepare", "run"]

Groups = Mapping[tuple[str, str], list[tuple[tuple[int, ...], bool]]]
"""The groups of seeds by dataset and method, and whether they are compiled."""

MOST_TOGETHER = {"points": 16, "images": 1}
"""Seeds that are trained side by side at most. Small networks gain by it; convolutions fill a processor by themselves."""

DRIVER = 0.9 * 2**30
"""Bytes that the process itself holds at its peak, about."""

LIBRARIES = ("torch", "numpy", "scipy", "pandas", "matplotlib", "safetensors", "torchvision")


@dataclass(frozen=True)
class Outcome:
    """How a run ended: trials by how they ended, cells that failed, and whether all of the report could be made."""

    trained: int
    skipped: int
    diverged: int
    failed: list[str]
    reported: bool = True


@dataclass(frozen=True)
class Limits:
    """What cells may take.

    Attributes:
        checkpoint_every: Seconds between two checkpoints; `None` if only an interruption makes one.
        stall_timeout: Seconds without a word after which a cell is taken to hang.
    """

    checkpoint_every: float | None = 60.0
    stall_timeout: float = 1800.0


@dataclass(frozen=True)
class Prepared:
    """The whole plan, the cells that are still to run, the number of trials that are done, and all groups, finished ones too."""

    plan: list[Planned]
    cells: list[tuple[Planned, Cell]]
    done: int
    groups: Groups


def prepare(request: Request, plan: list[Planned], survey: Survey, groups: Groups) -> Prepared:
    """Holds a plan against what is on disk. Writes nothing.

    A trial is repeated in the group that it belongs to: where some seeds of a group are on disk, the whole of it is trained,
    and all that is missing of it is recorded. Seeds of no group form new ones.

    Arguments:
        request: The request.
        plan: What `make_plan` makes of it.
        survey: What lies in the directory.
        groups: The groups that its manifest tells of, as far as it can be read.

    Raises:
        UsageError: If what is to be compiled cannot be, or a record on disk has another configuration.
    """
    if request.compile == "on" and not can_compile(plan[0].cell.device):
        raise UsageError("--compile on: no C++ compiler (or, on a GPU, no Triton) was found; install one, or use --compile auto or off")
    compile = request.compile if can_compile(plan[0].cell.device) else "off"
    cells, done = [], 0
    for planned in plan:
        dataset, method = planned.cell.dataset[0], planned.cell.method[0]
        records = [record for record in survey.records if (record["dataset"], record["method"]) == (dataset, method)]
        for record in records:
            _check_configuration(record, planned.cell)
        finished = {record["seed"] for record in records}
        missing = [seed for seed in request.seeds if seed not in finished]
        done += len(request.seeds) - len(missing)
        known = _known_groups(records, groups.get((dataset, method), []), request.seeds)
        for group, compiled in known:
            here = [seed for seed in group if seed not in finished] if set(group) & set(missing) else []
            if here and compiled and compile == "off" and not can_compile(planned.cell.device):
                raise UsageError(f"{dataset} {method}: the trials to repeat were trained compiled, and no C++ compiler (or Triton) was found")
            if here:
                cells.append((planned, planned.with_group(group, here, "on" if compiled else "off")))
                missing = [seed for seed in missing if seed not in here]
        together = MOST_TOGETHER.get(DATASETS.get(dataset).kind, 1)
        for i in range(0, len(missing), together):
            new = missing[i : i + together]
            cell = planned.with_group(new, new, compile)
            cells.append((planned, cell))
            known.append((cell.group, cell.compile))
        groups = {**groups, (dataset, method): known}
    return Prepared(plan, cells, done, groups)


def groups_of(store: Store) -> Groups:
    """The groups that the manifest of a run tells of; none if it is damaged or missing."""
    with contextlib.suppress(DamagedError, FileNotFoundError):
        held = store.manifest()["groups"]
        return {(d, m): [(tuple(g["seeds"]), g["compiled"]) for g in groups] for d, methods in held.items() for m, groups in methods.items()}
    return {}


def describe(prepared: Prepared, workers: int) -> str:
    """The cells to run as a table: what each costs; then the time and the memory of all of them.

    Arguments:
        prepared: The cells.
        workers: How many of them run at a time.
    """
    rows: list[tuple[str, ...]] = [("dataset", "method", "seeds", "cycles", "FLOPs per trial", "parameters", "compiled", "processor time", "memory")]
    total, most = 0.0, 0.0
    for planned, cell in prepared.cells:
        memory = planned.memory(len(cell.group), cell.compile)
        most = max(most, memory)
        columns: tuple[object, ...] = ("-",) * 5
        if planned.cost is not None:
            flops = "-" if planned.cycles is None else f"{planned.cycles * planned.cost.flops:.4g}"
            seconds = planned.seconds(len(cell.group), cell.compile)
            total += seconds
            columns = (planned.cycles or "-", flops, planned.cost.parameters, "yes" if cell.compile else "no", duration(seconds))
        rows.append((*cell.label.split(" "), " ".join(map(str, cell.record)), *map(str, columns), f"{memory / 2**30:.1f} GiB"))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    table = "\n".join("  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    trials = sum(len(cell.record) for _, cell in prepared.cells)
    at_once = min(workers, max(len(prepared.cells), 1))
    needs = f"about {duration(total / at_once)} and {(DRIVER + at_once * most) / 2**30:.1f} GiB of memory with {at_once} at a time"
    return f"{table}\n\n{trials} trials to train, {prepared.done} done already; {needs}; scores and pictures take time besides"


def run(request: Request, plan: list[Planned], store: Store, executor: Executor, limits: Limits, command: Sequence[str]) -> Outcome:
    """Runs all that is missing of a request. The directory must be locked.

    Arguments:
        request: The request.
        plan: What `make_plan` makes of it.
        store: Where to keep the records.
        executor: Where to run the cells.
        limits: What cells may take, and how often they are saved.
        command: The command line, for the manifest.

    Raises:
        UsageError: As `prepare`; nothing has been written then.
        Interrupted: If the run was asked to end.
        OSError: If something cannot be written.
    """
    survey, aside = store.mend()
    prepared = prepare(request, plan, survey, groups_of(store))
    cells = prepared.cells
    facts = {name: _facts(p.cell) for p in plan for name in [p.cell.dataset[0]]}
    manifest = _manifest(request, prepared, facts, command)
    # A run may grow by datasets and methods from one command to the next.
    with contextlib.suppress(FileNotFoundError):
        held = store.manifest()
        told = [*held.get("commands", [held["command"]]), manifest["command"]]
        manifest = {**_union(held, manifest), "commands": [command for i, command in enumerate(told) if command not in told[:i]]}
    store.write_manifest(manifest)
    if request.compile == "auto" and not can_compile(plan[0].cell.device):
        print("no C++ compiler (or, on a GPU, no Triton) was found: training runs eagerly, several times slower", file=sys.stderr)
    works = {cell.key: _work(planned, cell) for planned, cell in cells}
    trials = sum(len(cell.record) for _, cell in cells)
    unit, scale = ("GFLOP/s", 1e9) if all(p.cycles is not None or p.cost is None for p, _ in cells) else ("device-seconds per second", 1.0)
    with ProgressLine(trials, sum(works.values()), unit, scale) as line, Interruption() as interruption:
        for damage, place in aside:
            line.say(f"{damage}; it is now {place}" + ("" if damage.file == store.manifest_file else ", and its trial is trained again"))
        line.say(f"{trials} trials to train in {len(cells)} cells, {prepared.done} done already; {executor.describe()} on {plan[0].cell.device}")
        progress = _Progress(line, store, facts, works)
        interruption.deferred = True
        policy = Policy(partial(_resume, store, line), limits.checkpoint_every, limits.stall_timeout, lambda: bool(interruption))
        with contextlib.closing(run_cells([cell for _, cell in cells], executor, policy)) as events:
            for event in events:
                progress.take(event)
        trained, diverged = progress.trained, progress.diverged
        if interruption.number is not None:
            done = prepared.done + trained
            raise Interrupted(interruption.number, f"interrupted; {done} trials are finished, and the training of others is saved")
        line.say(f"{trained} trials trained in {duration(line.elapsed)}, {diverged} of them diverged, {len(progress.failed)} cells failed")
    return Outcome(progress.trained, prepared.done, progress.diverged, progress.failed)


class _Progress:
    """Writes down what happens, and shows how far the run is."""

    def __init__(self, line: ProgressLine, store: Store, facts: Mapping[str, Mapping[str, Any]], works: Mapping[tuple, float]) -> None:
        self.line = line
        self.store = store
        self.facts = facts
        self.works = works
        self.shares = dict.fromkeys(works, 0.0)
        self.begun: dict[tuple, float] = {}
        self.trained = self.diverged = 0
        self.failed: list[str] = []

    def take(self, event: Event) -> None:
        key = event.cell.key
        match event:
            case Progress():
                if key not in self.begun:
                    self.begun[key] = event.share
                    self.line.skip(self.works[key] * event.share)
                self.shares[key] = event.share
            case Said():
                self.line.say(event.text)
            case Saved():
                self.store.write_checkpoint(event.cell, event.checkpoint)
            case Done():
                self.store.write(event.cell, event.trials, self.facts[event.cell.dataset[0]])
                self.trained += len(event.trials)
                self.diverged += sum(trial.status == "diverged" for trial in event.trials)
                self.shares[key] = 1.0
            case Failed():
                file = self.store.write_error(event.cell, event.reason)
                last = event.reason.strip().splitlines()[-1]
                self.failed.append(f"{event.cell.label}: {last} (see {file})")
                self.line.say(f"failed: {self.failed[-1]}")
                self.shares[key] = 1.0
        spent = sum(self.works[key] * (share - self.begun.get(key, 0.0)) for key, share in self.shares.items())
        self.line.update(self.trained, spent, event.cell.label)


def _resume(store: Store, line: ProgressLine, cell: Cell) -> Checkpoint | None:
    """A cell's checkpoint; one that is damaged is put aside."""
    try:
        return store.checkpoint(cell)
    except DamagedError as damage:
        line.say(f"{damage}; it is now {store.put_aside(damage.file)}, and {cell.label} is trained from its beginning")
        return None


def _work(planned: Planned, cell: Cell) -> float:
    """FLOPs, or device-seconds of a budget in seconds."""
    if planned.cost is None:
        return 0.0
    amount = planned.cycles * planned.cost.flops if planned.cycles is not None else float(cell.budget.removesuffix("s"))
    return float(amount * len(cell.group))


def _known_groups(
    records: Sequence[Record], told: Sequence[tuple[tuple[int, ...], bool]], asked: Sequence[int]
) -> list[tuple[tuple[int, ...], bool]]:
    """The groups of a method on a dataset and whether they are compiled: those of its records, and others that the manifest tells of.

    No two of them share a seed. A group without a record counts only if all of it is asked for.
    """
    groups = dict(sorted({tuple(record["audit"]["group"]): record["audit"]["compiled"] for record in records}.items()))
    for group, compiled in told:
        if set(group) <= set(asked) - {seed for known in groups for seed in known}:
            groups[group] = compiled
    return list(groups.items())


def _check_configuration(record: Record, cell: Cell) -> None:
    if record["config_hash"] == config_hash(cell.configuration):
        return
    differences = "; ".join(f"{key} is {held}, asked for {asked}" for key, held, asked in differing(record["configuration"], cell.configuration))
    where = f"{record['dataset']}/{record['method']}/seed-{record['seed']}"
    raise UsageError(f"--out: {where} of the run there has another configuration: {differences}; use --fresh, or another --out")


def _facts(cell: Cell) -> dict[str, Any]:
    """What a reader must know of a dataset and its metrics."""
    data = DATASETS.get(cell.dataset[0])(**cell.dataset[1])
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


def _manifest(request: Request, prepared: Prepared, facts: Mapping[str, Mapping[str, Any]], command: Sequence[str]) -> dict[str, Any]:
    plan = prepared.plan
    datasets = {p.cell.dataset[0]: p.cell.dataset[1] for p in plan}
    methods: dict[str, dict[str, Any]] = {name: {} for name in datasets}
    for p in plan:
        if p.cost is not None:
            methods[p.cell.dataset[0]][p.cell.method[0]] = p.cell.method[1]
    groups: dict[str, dict[str, list[Group]]] = {}
    for (dataset, method), known in prepared.groups.items():
        groups.setdefault(dataset, {})[method] = [{"seeds": list(seeds), "compiled": compiled} for seeds, compiled in known]
    return {
        "suite": request.suite,
        "command": list(command),
        "configuration": {
            "seeds": list(request.seeds),
            "budgets": {p.cell.dataset[0]: p.cell.budget for p in plan},
            "datasets": datasets,
            "methods": methods,
            "metrics": {p.cell.dataset[0]: p.cell.metrics for p in plan},
            "device": plan[0].cell.device,
            "compile": request.compile,
            "plugins": [Path(plugin).name for plugin in request.plugins],
        },
        "costs": {
            p.cell.dataset[0]: {q.cell.method[0]: vars(q.cost) | {"cycles": q.cycles} for q in plan if q.cost and q.cell.dataset == p.cell.dataset}
            for p in plan
        },
        "metrics": {name: dict(known["facts"]) for name, known in facts.items()},
        "modes": {name: known["modes_total"] for name, known in facts.items()},
        "fingerprints": {name: DATASETS.get(name)(**settings).fingerprint for name, settings in datasets.items()},
        "files": {p.cell.dataset[0]: dict(p.cell.files) for p in plan if p.cell.files},
        "versions": {"mode-collapse-benchmark": __version__, "python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
        "hardware": _hardware(plan[0].cell.device),
        "commit": _commit(),
        "groups": groups,
    }


def _union(old: Any, new: Any) -> Any:
    """`new`, and what `old` has beyond it."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{key: _union(old.get(key), value) for key, value in new.items()}}
    return new


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
