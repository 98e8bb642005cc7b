"""`python -m benchmark explore`."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from benchmark.commands import option_values
from benchmark.commands.explore.explorer import Explorer
from benchmark.commands.explore.models import kept_trials, read_models
from benchmark.commands.explore.options import ExploreOptions
from benchmark.commands.explore.search import loss_of
from benchmark.datasets.base import Dataset
from benchmark.datasets.images import Images
from benchmark.errors import UsageError, complain, first_line, in_one_line, tell
from benchmark.plan.devices import choose_device
from benchmark.plan.plan import prepared
from benchmark.records.layout import TrialId
from benchmark.records.lock import RunLock
from benchmark.records.results import Results, read_scores
from benchmark.records.schema import Record
from benchmark.records.store import Store
from benchmark.records.writable import check_writable
from benchmark.report.explored.files import DrawnSheet, Explored, write_explored
from benchmark.report.explored.findings import Findings
from benchmark.report.explored.image_walls import image_walls
from benchmark.report.explored.page import explored_page
from benchmark.report.explored.planes import plane_figures
from benchmark.report.explored.table import values_of
from benchmark.report.pictures.own_style import own_style
from benchmark.report.view import dataset_of
from benchmark.scoring.given_samples import pack_given
from benchmark.scoring.pixel_ranges import RANGES
from benchmark.scoring.sample_files import load_samples

__all__ = ["explore", "explore_all"]

MOST_GIVEN = 24
"""The largest number of data in a user's file."""


def explore(directory: Path, options: ExploreOptions) -> Explored:
    """Explores the models that a run keeps, writes `explore/DATASET` in its directory, and returns what is
    there now.

    Arguments:
        directory: The directory of the run.
        options: What to explore, and how.

    Raises:
        UsageError: If there is no run or nothing to explore, or an option is wrong; nothing is changed then.
    """
    results = read_scores(directory)
    for damage in results.damaged:
        complain(f"{damage}; left out")
    check_writable(f"explore {directory}", directory)
    return _explore(Store(directory), results, options)


def explore_all(store: Store, results: Results, device: str) -> None:
    """Explores every dataset of a run with each method's lowest seed; what cannot be explored is reported."""
    for dataset in results.datasets:
        try:
            _explore(store, results, ExploreOptions(dataset, device=device))
        except (Exception, SystemExit) as error:  # a method may be foreign code, and fail in any way
            complain(f"{dataset}: is not explored ({first_line(error)})")


class _LeftOut:
    """The trials that were asked for and are not explored.

    Arguments:
        damaged: Those of them whose files are not as they were written, which is reported already.
    """

    def __init__(self, damaged: Sequence[TrialId]) -> None:
        self.trials = [str(trial) for trial in damaged]

    def add(self, trial: TrialId, why: str) -> None:
        complain(f"{trial}: {why}; left out")
        self.trials.append(str(trial))


def _explore(store: Store, results: Results, options: ExploreOptions) -> Explored:
    damaged = _asked_and_damaged(store, results, options)
    records = kept_trials(results, options.dataset, options.methods)
    if options.seeds is None:
        records = _lowest(records)
        damaged = _below_the_lowest(damaged, records)
    else:
        records = _of_seeds(records, options.seeds, damaged)
    left_out = _LeftOut(damaged)
    with RunLock(store.layout.explorations):
        return _explore_records(store, results, options, records, left_out)


def _asked_and_damaged(store: Store, results: Results, options: ExploreOptions) -> list[TrialId]:
    """The damaged trials of the dataset, methods and seeds that were asked for; by default, of all."""
    trials = [store.layout.trial_of(damage.file) for damage in results.damaged]
    return [trial for trial in trials if trial is not None and options.covers(*trial)]


def _below_the_lowest(damaged: Sequence[TrialId], records: Sequence[Record]) -> list[TrialId]:
    """The damaged trials that would have been explored in place of the method's lowest whole one."""
    lowest = {record["method"]: record["seed"] for record in records}
    return [trial for trial in damaged if trial.seed < lowest.get(trial.method, trial.seed + 1)]


def _explore_records(
    store: Store, results: Results, options: ExploreOptions, records: Sequence[Record], left_out: _LeftOut
) -> Explored:
    data = dataset_of(results, options.dataset)
    _check_pairs(options, data)
    device = torch.device(choose_device(options.device))
    prepared(data)
    held_out = data.draw(data.held_out, data.stream("all", "held-out", device), "held-out")
    given = None if options.image is None else _given(options, options.image, data).to(device)
    explorer = Explorer(data, held_out, given, loss_of(options.loss, data), options)
    findings = list(_explored(explorer, store, records, device, left_out))
    if not findings:
        raise UsageError(f"explore: no model on {options.dataset} can be explored; see above")
    rows = list(explorer.real_lines())
    if any("code_mean" in found.measures for found in findings):
        rows += explorer.latents_for_codes()
    for found in findings:
        rows += values_of(found)
    values = pd.DataFrame(rows)
    values.insert(0, "dataset", options.dataset)
    tables = {"values": values}
    modes = _modes_table(options.dataset, findings)
    if modes is not None:
        tables["modes"] = modes
    folder = store.layout.explored(options.dataset)
    about = _about(results, options, findings, left_out)
    with own_style():
        sheets = list(_sheets(findings, data, held_out.cpu().numpy()))
        explored = write_explored(folder, about, sheets, tables, explored_page)
    tell(f"explore.html, explore.csv and {len(sheets)} sheets are in {folder}")
    return explored


def _of_seeds(records: Sequence[Record], seeds: Sequence[int], damaged: Sequence[TrialId]) -> list[Record]:
    """The records of some seeds.

    Raises:
        UsageError: If there is neither a record nor a damaged trial of one of the seeds.
    """
    whole = {record["seed"] for record in records}
    known = whole | {trial.seed for trial in damaged}
    for seed in seeds:
        if seed not in known:
            there = ", ".join(map(str, sorted(whole)))
            raise UsageError(f"--seeds {seed}: no generator of that seed was kept; there are {there}")
    return [record for record in records if record["seed"] in seeds]


def _lowest(records: Sequence[Record]) -> list[Record]:
    """The record of each method's lowest seed that has not diverged, or else of its lowest seed."""
    lowest: dict[str, Record] = {}
    for record in records:
        best = lowest.setdefault(record["method"], record)
        lowest[record["method"]] = min(best, record, key=lambda each: (each["status"] != "ok", each["seed"]))
    return list(lowest.values())


def _check_pairs(options: ExploreOptions, data: Dataset) -> None:
    if 2 * options.pairs > data.held_out:
        raise UsageError(
            f"--pairs {options.pairs}: takes {2 * options.pairs} held-out data, and {data.name} has "
            f"{data.held_out}; give at most {data.held_out // 2}"
        )


def _given(options: ExploreOptions, file: Path, data: Dataset) -> torch.Tensor:
    """The packed data in a user's file."""
    if options.pixel_range is not None:
        option_values.choice("--range", options.pixel_range, tuple(RANGES))
    content = load_samples(file, data, options.array)
    given = pack_given(content, file, data, options.pixel_range, fewest=1)
    if len(given.packed) > MOST_GIVEN:
        raise UsageError(f"--image {file}: holds {len(given.packed)} data; give at most {MOST_GIVEN}")
    if given.notes:
        tell(f"--image {file}: {', '.join(given.notes)}")
    return given.packed


def _explored(
    explorer: Explorer,
    store: Store,
    records: Sequence[Record],
    device: torch.device,
    left_out: _LeftOut,
) -> Iterator[Findings]:
    """What is found of each model, with a line for each."""
    began = time.perf_counter()
    models = read_models(store, records, explorer.data, device, left_out.add)
    for i, model in enumerate(models):
        tell(f"exploring {model} ({i + 1} of {len(records)}, {time.perf_counter() - began:.0f} s so far)")
        try:
            yield explorer.explore(model)
        except (Exception, SystemExit) as error:  # as above
            trial = TrialId(explorer.data.name, model.method, model.seed)
            left_out.add(trial, f"cannot be explored ({in_one_line(error)})")


def _sheets(findings: Sequence[Findings], data: Dataset, real: np.ndarray) -> Iterator[DrawnSheet]:
    for found in findings:
        drawn = image_walls(found) if isinstance(data, Images) else plane_figures(found, data, real)
        for name, words, figure in drawn:
            yield DrawnSheet(found.model, name, f"{found.method}-seed-{found.seed}-{name}.png", words, figure)


def _modes_table(dataset: str, findings: Sequence[Findings]) -> pd.DataFrame | None:
    """The share of the latent volume of each mode, beside its weight; `None` if no modes were mapped."""
    rows = []
    for found in findings:
        if found.map is None:
            continue
        for mode, (volume, weight) in enumerate(zip(found.map.volumes, found.map.weights, strict=True)):
            rows.append(
                {
                    "dataset": dataset,
                    "method": found.method,
                    "seed": found.seed,
                    "mode": mode,
                    "latent_volume": float(volume),
                    "weight": float(weight),
                }
            )
    return pd.DataFrame(rows) if rows else None


def _about(
    results: Results, options: ExploreOptions, findings: Sequence[Findings], left_out: _LeftOut
) -> dict[str, Any]:
    explored = {
        "methods": list(dict.fromkeys(found.method for found in findings)),
        "seeds": sorted({found.seed for found in findings}),
        "steps": options.steps,
        "pairs": options.pairs,
        "image": None if options.image is None else options.image.name,
        "loss": options.loss,
        "starts": options.starts,
        "iterations": options.iterations,
    }
    return {
        "suite": results.suite,
        "dataset": options.dataset,
        "options": explored,
        "left_out": left_out.trials,
    }
