"""What of a plan is still to be trained."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmark.errors import UsageError
from benchmark.plan.devices import can_compile
from benchmark.plan.plan import Planned, Request
from benchmark.records.cell import Cell
from benchmark.records.differences import differing
from benchmark.records.schema import Record
from benchmark.records.sealed_files import DamagedError
from benchmark.records.store import Store, Survey
from benchmark.registry import DATASETS

__all__ = ["MOST_TOGETHER", "Prepared", "groups_of", "prepare"]

Groups = Mapping[tuple[str, str], list[tuple[tuple[int, ...], bool]]]
"""The groups of seeds by dataset and method, and whether they are compiled."""

MOST_TOGETHER = {"points": 16, "images": 1}
"""Seeds that are trained side by side at most. Small networks gain by it; convolutions fill a processor by themselves."""


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
        raise UsageError(
            "--compile on: no C++ compiler (or, on a GPU, no Triton) was found; install one, or use --compile auto or off"
        )
    compile = request.compile if can_compile(plan[0].cell.device) else "off"
    cells, done = [], 0
    for planned in plan:
        dataset, method = planned.cell.dataset.name, planned.cell.method.name
        records = [
            record for record in survey.records if (record["dataset"], record["method"]) == (dataset, method)
        ]
        for record in records:
            _check_configuration(record, planned.cell)
        finished = {record["seed"] for record in records}
        missing = [seed for seed in request.seeds if seed not in finished]
        done += len(request.seeds) - len(missing)
        known = _known_groups(records, groups.get((dataset, method), []), request.seeds)
        for group, compiled in known:
            here = [seed for seed in group if seed not in finished] if set(group) & set(missing) else []
            if here and compiled and compile == "off" and not can_compile(planned.cell.device):
                raise UsageError(
                    f"{dataset} {method}: the trials to repeat were trained compiled, and no C++ compiler (or Triton) was found"
                )
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
        return {
            (d, m): [(tuple(g["seeds"]), g["compiled"]) for g in groups]
            for d, methods in held.items()
            for m, groups in methods.items()
        }
    return {}


def _known_groups(
    records: Sequence[Record], told: Sequence[tuple[tuple[int, ...], bool]], asked: Sequence[int]
) -> list[tuple[tuple[int, ...], bool]]:
    """The groups of a method on a dataset and whether they are compiled: those of its records, and others that the manifest tells of.

    No two of them share a seed. A group without a record counts only if all of it is asked for.
    """
    groups = dict(
        sorted({tuple(record["audit"]["group"]): record["audit"]["compiled"] for record in records}.items())
    )
    for group, compiled in told:
        if set(group) <= set(asked) - {seed for known in groups for seed in known}:
            groups[group] = compiled
    return list(groups.items())


def _check_configuration(record: Record, cell: Cell) -> None:
    if record["config_hash"] == cell.config_hash:
        return
    differences = "; ".join(
        f"{key} is {held}, asked for {asked}"
        for key, held, asked in differing(record["configuration"], cell.configuration)
    )
    where = f"{record['dataset']}/{record['method']}/seed-{record['seed']}"
    raise UsageError(
        f"--out: {where} of the run there has another configuration: {differences}; use --fresh, or another --out"
    )
