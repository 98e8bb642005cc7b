"""`run`: trains and scores all that is missing of a request, and writes the report."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from benchmark.commands.plugins import print_unused
from benchmark.commands.run_options import RunOptions
from benchmark.datasets import places
from benchmark.errors import complain, tell
from benchmark.plan.devices import choose_device
from benchmark.plan.dry_run import describe_costs
from benchmark.plan.plan import Plan, make_plan
from benchmark.plan.remaining import Groups, find_remaining, groups_in_manifest, print_fault
from benchmark.plan.request import Request
from benchmark.records.lock import RunLock
from benchmark.records.results import Results, results_of
from benchmark.records.store import Store
from benchmark.records.trial_files import NOTHING
from benchmark.report.write import Report, write_report
from benchmark.running.executors.choose import make_executor
from benchmark.running.executors.machine import default_workers
from benchmark.running.run import run_plan

__all__ = [
    "RunOutcome",
    "check_request",
    "dry_run",
    "print_failures",
    "run_and_report",
    "run_cells_of",
    "set_aside",
]

R = TypeVar("R")


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended.

    Attributes:
        report: Its report.
        failed: The cells that failed, one line each.
    """

    report: Report
    failed: list[str]

    @property
    def complete(self) -> bool:
        """Whether no cell failed and all of the report could be made."""
        return not self.failed and not self.report.problems


def dry_run(options: RunOptions) -> str:
    """The cells that a run would train, with their costs. Prints a line for every damaged record.

    Raises:
        UsageError: If the request is wrong.
    """
    store = _checked_store(options)
    with places.using(options.data_root, options.fid_weights):
        workers = _workers(options)
        plan = _make_plan(options.request, workers, dry=True)
        survey = NOTHING
        groups: Groups = {}
        if not options.fresh:
            survey = store.trials.survey()
            groups = groups_in_manifest(store)
        remaining = find_remaining(plan, survey, groups)
        for damage in survey.damaged:
            complain(f"{damage}; its trial would count as missing")
        print_fault(remaining)
        return describe_costs(remaining, workers)


def run_and_report(options: RunOptions, command: Sequence[str]) -> RunOutcome:
    """Runs all that is missing and writes the report.

    Arguments:
        options: What to run, and how.
        command: The command line that repeats the run, for the manifest.

    Raises:
        UsageError: If the request is wrong; no trial has been changed then.
        Interrupted: If the run was asked to end.
        OSError: If something cannot be written.
    """

    def write(store: Store, results: Results) -> Report:
        if options.explore:
            from benchmark.commands.explore.command import explore_all  # imports metrics

            explore_all(store, results, options.request.device)
        return write_report(store, results, options.extras)

    return RunOutcome(*run_cells_of(options, command, write))


def check_request(options: RunOptions) -> None:
    """Raises a `UsageError` if a request is wrong, or its directory holds something else or trials of another
    configuration. Trains nothing.
    """
    store = _checked_store(options)
    with places.using(options.data_root, options.fid_weights):
        plan = make_plan(options.request, _workers(options), dry=True)
        find_remaining(plan, NOTHING if options.fresh else store.trials.survey(), {})


def run_cells_of(
    options: RunOptions, command: Sequence[str], write: Callable[[Store, Results], R]
) -> tuple[R, list[str]]:
    """Runs all that is missing, and writes something of the results while the directory is locked.

    Arguments:
        options: What to run, and how.
        command: The command line that repeats the run, for the manifest.
        write: Writes it.

    Returns:
        What `write` returns, and the cells that failed, one line each.

    Raises:
        UsageError: If the request is wrong; no trial has been changed then.
        Interrupted: If the run was asked to end.
        OSError: If something cannot be written.
    """
    store = _checked_store(options)
    with places.using(options.data_root, options.fid_weights):
        plan = _make_plan(options.request, _workers(options))
        if options.fresh:
            find_remaining(plan, NOTHING, {})  # raises before the old run is moved
        # The run closes its executor; this closes that of a run that is refused.
        with contextlib.closing(make_executor(options.executor, plan.device)) as executor:
            if options.fresh:
                set_aside(store)
            with RunLock(store.root) as lock:
                if lock.left_by:
                    complain(
                        f"{lock.left_by} was working in {store.root} and was killed; "
                        "going on from what it saved"
                    )
                result = run_plan(plan, store, executor, options.limits, command)
                written = write(store, results_of(store, result.survey))
    return written, result.failed


def _workers(options: RunOptions) -> int:
    """How many cells run at a time; on a cluster of unknown size, as many as this machine has cores."""
    return options.executor.workers or default_workers(choose_device(options.request.device))


def _make_plan(request: Request, workers: int, dry: bool = False) -> Plan:
    """The plan. Prints a line for all that plug-ins have brought in vain."""
    plan = make_plan(request, workers, dry)
    datasets = [dataset.name for dataset in plan.datasets]
    print_unused(request.plugins, datasets, request.metrics or request.suite.metrics)
    return plan


def set_aside(store: Store) -> None:
    """Moves what a directory holds of a run to a sibling of it."""
    with RunLock(store.root):
        aside = store.set_aside()
    if aside:
        tell(f"the old run is now {aside}")


def _checked_store(options: RunOptions) -> Store:
    """The directory of the run, in which a run of the suite can be written or continued."""
    store = Store(options.out)
    store.check(options.request.suite.name, options.fresh, options.request.rung is not None)
    return store


def print_failures(outcome: RunOutcome) -> None:
    """Prints the cells that failed, on stderr."""
    for failure in outcome.failed:
        complain(f"failed: {failure}")
