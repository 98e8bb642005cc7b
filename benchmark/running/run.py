"""A run: plan, skip what is done, train the rest, write what comes back."""

import contextlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmark.plan.devices import can_compile
from benchmark.plan.dry_run import duration
from benchmark.plan.plan import Planned, Request
from benchmark.plan.remaining import groups_of, prepare
from benchmark.records.cell import Cell
from benchmark.records.checkpoint import Checkpoint
from benchmark.records.sealed_files import DamagedError
from benchmark.records.store import Store
from benchmark.running.executors.base import Done, Event, Executor, Failed, Message, Progress, Saved
from benchmark.running.executors.supervisor import Policy, run_cells
from benchmark.running.interruption import Interrupted, Interruption
from benchmark.running.manifest import dataset_facts, make_manifest, union
from benchmark.running.progress_line import ProgressLine

__all__ = ["Limits", "Outcome", "run"]


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


def run(
    request: Request,
    plan: list[Planned],
    store: Store,
    executor: Executor,
    limits: Limits,
    command: Sequence[str],
) -> Outcome:
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
    facts = {name: dataset_facts(p.cell) for p in plan for name in [p.cell.dataset.name]}
    manifest = make_manifest(request, prepared, facts, command)
    # A run may grow by datasets and methods from one command to the next.
    with contextlib.suppress(FileNotFoundError):
        held = store.manifest()
        told = [*held.get("commands", [held["command"]]), manifest["command"]]
        manifest = {
            **union(held, manifest),
            "commands": [command for i, command in enumerate(told) if command not in told[:i]],
        }
    store.write_manifest(manifest)
    if request.compile == "auto" and not can_compile(plan[0].cell.device):
        print(
            "no C++ compiler (or, on a GPU, no Triton) was found: training runs eagerly, several times slower",
            file=sys.stderr,
        )
    works = {cell.key: _work(planned, cell) for planned, cell in cells}
    trials = sum(len(cell.wanted) for _, cell in cells)
    unit, scale = (
        ("GFLOP/s", 1e9)
        if all(p.cycles is not None or p.cost is None for p, _ in cells)
        else ("device-seconds per second", 1.0)
    )
    with ProgressLine(trials, sum(works.values()), unit, scale) as line, Interruption() as interruption:
        for damage, place in aside:
            line.say(
                f"{damage}; it is now {place}"
                + ("" if damage.file == store.manifest_file else ", and its trial is trained again")
            )
        line.say(
            f"{trials} trials to train in {len(cells)} cells, {prepared.done} done already; {executor.describe()} on {plan[0].cell.device}"
        )
        progress = _Progress(line, store, facts, works)
        interruption.deferred = True
        policy = Policy(
            partial(_resume, store, line),
            limits.checkpoint_every,
            limits.stall_timeout,
            lambda: bool(interruption),
        )
        with contextlib.closing(run_cells([cell for _, cell in cells], executor, policy)) as events:
            for event in events:
                progress.take(event)
        trained, diverged = progress.trained, progress.diverged
        if interruption.number is not None:
            done = prepared.done + trained
            raise Interrupted(
                interruption.number,
                f"interrupted; {done} trials are finished, and the training of others is saved",
            )
        line.say(
            f"{trained} trials trained in {duration(line.elapsed)}, {diverged} of them diverged, {len(progress.failed)} cells failed"
        )
    return Outcome(progress.trained, prepared.done, progress.diverged, progress.failed)


class _Progress:
    """Writes down what happens, and shows how far the run is."""

    def __init__(
        self,
        line: ProgressLine,
        store: Store,
        facts: Mapping[str, Mapping[str, Any]],
        works: Mapping[tuple, float],
    ) -> None:
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
            case Message():
                self.line.say(event.text)
            case Saved():
                self.store.write_checkpoint(event.cell, event.checkpoint)
            case Done():
                self.store.write(event.cell, event.trials, self.facts[event.cell.dataset.name])
                self.trained += len(event.trials)
                self.diverged += sum(trial.status == "diverged" for trial in event.trials)
                self.shares[key] = 1.0
            case Failed():
                file = self.store.write_error(event.cell, event.reason)
                last = event.reason.strip().splitlines()[-1]
                self.failed.append(f"{event.cell.label}: {last} (see {file})")
                self.line.say(f"failed: {self.failed[-1]}")
                self.shares[key] = 1.0
        spent = sum(
            self.works[key] * (share - self.begun.get(key, 0.0)) for key, share in self.shares.items()
        )
        self.line.update(self.trained, spent, event.cell.label)


def _resume(store: Store, line: ProgressLine, cell: Cell) -> Checkpoint | None:
    """A cell's checkpoint; one that is damaged is put aside."""
    try:
        return store.checkpoint(cell)
    except DamagedError as damage:
        line.say(
            f"{damage}; it is now {store.put_aside(damage.file)}, and {cell.label} is trained from its beginning"
        )
        return None


def _work(planned: Planned, cell: Cell) -> float:
    """FLOPs, or device-seconds of a budget in seconds."""
    if planned.cost is None:
        return 0.0
    amount = planned.cycles * planned.cost.flops if planned.cycles is not None else cell.budget.amount
    return float(amount * len(cell.group))
