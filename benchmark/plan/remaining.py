"""What of a plan is still to be trained."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any, NamedTuple

import numpy as np

from benchmark.errors import UsageError, complain
from benchmark.plan.devices import compilation_fault
from benchmark.plan.plan import Plan
from benchmark.plan.planned import Planned
from benchmark.records.cell import Cell, config_hash
from benchmark.records.differences import differing
from benchmark.records.layout import TrialId
from benchmark.records.schema import Record
from benchmark.records.sealed_files import DamagedError
from benchmark.records.store import Store
from benchmark.records.trial_files import Survey

__all__ = ["CellToRun", "Groups", "Remaining", "SeedGroup", "find_remaining", "groups_in_manifest"]


class SeedGroup(NamedTuple):
    """Seeds that are trained side by side, and whether their training is compiled."""

    seeds: tuple[int, ...]
    compiled: bool


Groups = Mapping[tuple[str, str], list[SeedGroup]]
"""The groups of seeds by dataset and method."""


class CellToRun(NamedTuple):
    """A cell that is still to run, and the method on a dataset that it belongs to."""

    planned: Planned
    cell: Cell


@dataclass(frozen=True)
class Remaining:
    """What is still to be trained.

    Attributes:
        plan: The whole plan.
        cells: The cells that are still to run, in this order.
        done: The number of trials that are done.
        groups: All groups of seeds, finished ones too.
        fault: Why what would be compiled is not; `None` if nothing is in the way.
    """

    plan: Plan
    cells: list[CellToRun]
    done: int
    groups: Groups
    fault: str | None = None


def find_remaining(plan: Plan, survey: Survey, groups: Groups) -> Remaining:
    """Compares a plan with the trials that are there. Writes nothing.

    A trial is repeated in the group that it belongs to: where some seeds of a group have a record, the whole
    of it is trained, and all that is missing of it is recorded. Seeds of no group form new ones.

    Arguments:
        plan: The plan.
        survey: The trials in the directory.
        groups: The groups in its manifest.

    Raises:
        UsageError: If what is to be compiled cannot be, or a record has another configuration.
    """
    parts = [_part_of(planned, survey, plan, groups) for planned in plan.cells]
    programs = _programs(parts)
    fault = compilation_fault(plan.device) if programs else None
    if fault and plan.request.compile == "on":
        raise UsageError(f"--compile on: compiling does not work here: {fault}; give --compile auto or off")
    if fault:
        programs = set()
    cells: list[CellToRun] = []
    all_groups: dict[tuple[str, str], list[SeedGroup]] = {}
    for part in parts:
        new = [_compiled(part.planned, cell, programs) for cell in part.new]
        cells += [CellToRun(part.planned, cell) for cell in (*part.repeated, *new)]
        new_groups = [SeedGroup(cell.group, cell.compile) for cell in new]
        all_groups.setdefault(_key_of(part.planned), []).extend([*part.groups, *new_groups])
    return Remaining(
        plan=plan,
        cells=_in_order(cells, plan.workers),
        done=sum(part.done for part in parts),
        groups={**groups, **all_groups},
        fault=fault,
    )


class _Part(NamedTuple):
    """What is to be done of a method on a dataset.

    Attributes:
        planned: The method on the dataset.
        groups: Its groups of seeds that are known already.
        repeated: The cells that repeat some of them.
        new: The cells of seeds of no group.
        done: The number of its trials that are done.
    """

    planned: Planned
    groups: list[SeedGroup]
    repeated: list[Cell]
    new: list[Cell]
    done: int


def _key_of(planned: Planned) -> tuple[str, str]:
    return planned.template.dataset.name, planned.template.method.name


def _part_of(planned: Planned, survey: Survey, plan: Plan, groups: Groups) -> _Part:
    """Compares a method on a dataset with the trials that are there."""
    compile = plan.request.compile
    records = _records_of(planned, survey)
    own_groups = _known_groups(records, groups.get(_key_of(planned), []), planned.seeds)
    if planned.settings:
        # Of a group that goes beyond the search, not all settings are known.
        own_groups = [group for group in own_groups if planned.settings.keys() >= set(group.seeds)]
    finished = {record["seed"] for record in records}
    missing = [seed for seed in planned.seeds if seed not in finished]
    repeated = _cells_of_groups(planned, own_groups, finished, missing, compile)
    wanted = set().union(*(cell.wanted for cell in repeated))
    free = [seed for seed in missing if seed not in wanted]
    new = _cells_of_seeds(planned, free, compile, plan.groups_per_method)
    done = len(planned.seeds) - len(missing)
    return _Part(planned, own_groups, repeated, new, done)


class _Program(NamedTuple):
    """What identifies a compiled program, the number of models included."""

    step: str
    models: int


def _program(planned: Planned, cell: Cell) -> _Program:
    return _Program(planned.program, len(cell.group))


def _programs(parts: Sequence[_Part]) -> set[_Program]:
    """The programs that are compiled: where it is asked for, for a group that was trained so, and where the
    new cells of a program save more by it together than it takes.
    """
    programs: set[_Program] = set()
    savings: dict[_Program, float] = {}
    for part in parts:
        for cell in (*part.repeated, *part.new):
            if cell.compile:
                programs.add(_program(part.planned, cell))
        for cell in part.new:
            if not cell.eager_instead:
                continue
            seeds = len(cell.group)
            program = _program(part.planned, cell)
            before = savings.get(program, -part.planned.compiling_takes(seeds))
            savings[program] = before + max(part.planned.compiled_saves(seeds), 0)
    return programs.union(program for program, saved in savings.items() if saved > 0)


def _compiled(planned: Planned, cell: Cell, programs: set[_Program]) -> Cell:
    """A new cell; with `auto`, it is compiled if its program is and it saves time by that."""
    if not cell.eager_instead or _program(planned, cell) not in programs:
        return cell
    return replace(cell, compile=planned.compiled_saves(len(cell.group)) > 0)


def _in_order(cells: Sequence[CellToRun], workers: int) -> list[CellToRun]:
    """The order in which cells run: calibration rows, then trainings.

    The longest are first, lest one of them be left to a single worker at the end. But of the cells that share
    a compiled program, all but one come after all others, so that workers seldom compile the same at a time.
    """
    programs: set[_Program] = set()
    ranks = {}
    for planned, cell in cells:
        program = _program(planned, cell)
        waits = workers > 1 and cell.compile and program in programs
        if cell.compile:
            programs.add(program)
        seconds = planned.seconds(len(cell.group), cell.compile)
        ranks[cell.key] = (planned.cost is not None, waits, -seconds)
    return sorted(cells, key=lambda item: ranks[item.cell.key])


def print_fault(remaining: Remaining) -> None:
    """Prints, on stderr, why what would be compiled is not, if something is in the way."""
    if remaining.fault:
        complain(f"compiling does not work here, training is several times slower: {remaining.fault}")


def groups_in_manifest(store: Store) -> Groups:
    """The groups in the manifest of a run; none if it is damaged or missing."""
    groups: dict[tuple[str, str], list[SeedGroup]] = {}
    with contextlib.suppress(DamagedError, FileNotFoundError):
        for dataset, methods in store.manifest()["groups"].items():
            for method, entries in methods.items():
                groups[dataset, method] = [SeedGroup(tuple(g["seeds"]), g["compiled"]) for g in entries]
    return groups


def _records_of(planned: Planned, survey: Survey) -> list[Record]:
    """The records of a method on a dataset, all of its configuration."""
    name = (planned.template.dataset.name, planned.template.method.name)
    records = []
    for record in survey.records:
        if (record["dataset"], record["method"]) != name:
            continue
        if not planned.settings or record["seed"] in planned.settings:
            _check_configuration(record, planned)
            records.append(record)
    return records


def _check_configuration(record: Record, planned: Planned) -> None:
    seed = record["seed"]
    cell = planned.cell([seed], [seed], "off")
    if planned.dataset.preparation is not None:
        # Which classifier it will be is not known yet.
        cell = replace(cell, files=record["configuration"].get("files", {}))
    configuration = cell.configuration_of(seed)
    if record["config_hash"] == config_hash(configuration):
        return
    differences = _differences(record["configuration"], configuration)
    raise UsageError(
        f"--out: {TrialId.of(record)} of the run there has another configuration: {'; '.join(differences)}; "
        "use --fresh, or another --out"
    )


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Where two configurations differ, in words."""
    old, new = before["metrics"], after["metrics"]
    shared = [name for name in old if name in new]
    words = [f"it has no metric {name}" for name in new if name not in old]
    words += [f"it has the metric {name}, too" for name in old if name not in new]
    before = {**before, "metrics": {name: old[name] for name in shared}}
    after = {**after, "metrics": {name: new[name] for name in shared}}
    for name, old_value, new_value in differing(before, after):
        owner, _, file = name.partition(".sources.")
        if file:
            words.append(f"the {owner.replace('metrics.', 'metric ')} has changed in {file}")
        else:
            words.append(f"{name} is {old_value}, asked for {new_value}")
    return words


def _known_groups(
    records: Sequence[Record], in_manifest: Sequence[SeedGroup], seeds: Sequence[int]
) -> list[SeedGroup]:
    """The groups of a method on a dataset: those of its records, and others of the manifest.

    No two of them share a seed. A group without a record counts only if all of it is asked for.
    """
    of_records = {tuple(record["audit"]["group"]): record["audit"]["compiled"] for record in records}
    groups = [SeedGroup(*item) for item in sorted(of_records.items())]
    for group in in_manifest:
        free = set(seeds).difference(*(other.seeds for other in groups))
        if free.issuperset(group.seeds):
            groups.append(group)
    return groups


def _cells_of_groups(
    planned: Planned, groups: Sequence[SeedGroup], finished: set[int], missing: Sequence[int], compile: str
) -> list[Cell]:
    """The cells that repeat groups of which a seed is missing.

    A group of which some seeds have a record is repeated as these were trained, or not at all.
    """
    cells = []
    for group in groups:
        wanted = [seed for seed in group.seeds if seed not in finished]
        if not set(wanted).intersection(missing):
            continue
        free = compile == "auto" and finished.isdisjoint(group.seeds)
        fault = compilation_fault(planned.template.device) if group.compiled else None
        if fault and not free:
            raise UsageError(
                f"{planned.template.label}: the trials to repeat were trained compiled, "
                f"and compiling does not work here: {fault}"
            )
        compiled = group.compiled and not fault
        cell = planned.cell(group.seeds, wanted, "on" if compiled else "off")
        cells.append(replace(cell, eager_instead=free))
    return cells


def _cells_of_seeds(planned: Planned, seeds: Sequence[int], compile: str, least_groups: int) -> list[Cell]:
    """The cells that train seeds of no group yet: groups of about the same size, at least that many."""
    if not seeds:
        return []
    if planned.cost is None:
        least_groups = 1  # there is nothing to train
    groups = max(ceil(len(seeds) / planned.seeds_together), min(least_groups, len(seeds)))
    cells = []
    for group in np.array_split(seeds, groups):
        members = group.tolist()
        cells.append(planned.cell(members, members, compile))
    return cells
