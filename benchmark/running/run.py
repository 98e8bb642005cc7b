"""A run: trains all that is missing of a plan, and writes down what comes back."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from benchmark.errors import counted
from benchmark.plan.dry_run import duration
from benchmark.plan.plan import Plan
from benchmark.plan.remaining import Remaining, find_remaining, groups_in_manifest, print_fault
from benchmark.records.cell import Cell
from benchmark.records.checkpoint import Checkpoint
from benchmark.records.differences import Difference
from benchmark.records.sealed_files import DamagedError
from benchmark.records.store import MovedDamage, Store
from benchmark.records.trial_files import Survey
from benchmark.running.executors.base import Executor
from benchmark.running.executors.supervisor import Policy, run_cells
from benchmark.running.interruption import Interrupted, Interruption
from benchmark.running.limits import Limits
from benchmark.running.manifest import facts_of, write_manifest
from benchmark.running.progress_line import ProgressLine
from benchmark.running.run_writer import RunWriter

__all__ = ["RunResult", "run_plan"]


@dataclass(frozen=True)
class RunResult:
    """What there is after a run.

    Attributes:
        survey: The trials in its directory.
        failed: The cells that failed in it, one line each.
    """

    survey: Survey
    failed: list[str]


def run_plan(
    plan: Plan, store: Store, executor: Executor, limits: Limits, command: Sequence[str]
) -> RunResult:
    """Runs all that is missing of a plan. The directory must be locked.

    Arguments:
        plan: The plan.
        store: Where to keep the records.
        executor: Where to run the cells.
        limits: What cells may take, and how often they are saved.
        command: The command line, for the manifest.

    Raises:
        UsageError: If the plan does not fit the records that are there; nothing of them has been changed
            then.
        Interrupted: If the run was asked to end.
        OSError: If something cannot be written.
    """
    store.recover()
    survey = store.trials.survey()
    remaining = find_remaining(plan, survey, groups_in_manifest(store))
    moved = store.move_damaged(survey)
    facts = {dataset.name: facts_of(dataset) for dataset in plan.datasets}
    changes = write_manifest(store, remaining, facts, command)
    print_fault(remaining)
    with _progress_line(remaining) as line:
        for damage in moved:
            line.say(_moved(damage, store))
        if changes and remaining.done:
            line.say(f"trials that are there were made with others: {_changed(changes)}")
        trials = sum(len(cell.wanted) for _, cell in remaining.cells)
        line.say(
            f"{counted(trials, 'trial')} to train in {counted(len(remaining.cells), 'cell')}, "
            f"{remaining.done} done already; "
            f"{executor.describe()} on {plan.device}"
        )
        writer = RunWriter(remaining, survey, facts, store, line)
        _run_cells(remaining, executor, limits, writer)
        line.say(
            f"{counted(writer.trained, 'trial')} trained in {duration(line.elapsed)}, "
            f"{writer.diverged} of them diverged, {counted(len(writer.failed), 'cell')} failed"
        )
    return RunResult(writer.survey(), writer.failed)


def _run_cells(remaining: Remaining, executor: Executor, limits: Limits, writer: RunWriter) -> None:
    """Runs what is left, and writes down what the cells send.

    Raises:
        Interrupted: If the run was asked to end; cells in training have saved it then.
    """
    with Interruption() as interruption:
        interruption.deferred = True
        policy = Policy(
            resume=partial(_resume, writer.store, writer.line),
            limits=limits,
            interrupted=lambda: bool(interruption),
        )
        cells = [cell for _, cell in remaining.cells]
        with contextlib.closing(run_cells(cells, executor, policy)) as events:
            for event in events:
                writer.take(event)
        if interruption.number is not None:
            finished = remaining.done + writer.trained
            raise Interrupted(
                interruption.number,
                f"interrupted; {finished} trials are finished, and the others go on from what was saved",
            )


def _progress_line(remaining: Remaining) -> ProgressLine:
    trials, work, in_seconds = 0, 0.0, False
    for planned, cell in remaining.cells:
        trials += len(cell.wanted)
        work += planned.work(len(cell.group))
        in_seconds = in_seconds or cell.budget.unit == "s"
    if in_seconds:
        return ProgressLine(trials, work, "device-seconds per second", 1.0)
    return ProgressLine(trials, work, "GFLOP/s", 1e9)


def _changed(changes: Sequence[Difference]) -> str:
    """Versions and facts of the machine, and what they were."""
    return ", ".join(f"{change.name} is now {change.after}, and was {change.before}" for change in changes)


def _moved(moved: MovedDamage, store: Store) -> str:
    line = f"{moved.damage}; it is now {moved.place}"
    if moved.damage.file == store.layout.manifest:
        return line
    return f"{line}, and its trial counts as missing"


def _resume(store: Store, line: ProgressLine, cell: Cell) -> Checkpoint | None:
    """A cell's checkpoint; a damaged one is moved away."""
    try:
        checkpoint = store.checkpoints.read(cell)
        if checkpoint is None and store.checkpoints.exists(cell):
            line.say(
                f"{cell.label}: the saved training is one of other settings; it starts from its beginning"
            )
        return checkpoint
    except DamagedError as damage:
        place = store.layout.put_aside(damage.file)
        line.say(f"{damage}; it is now {place}, and {cell.label} is trained from its beginning")
        return None
