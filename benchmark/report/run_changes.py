"""What changed from one run to another besides the scores: settings, versions, machine, calibration rows."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmark.records.differences import differing, environment_of
from benchmark.records.results import Results
from benchmark.records.schema import CALIBRATION_ROWS, Manifest
from benchmark.report.words import joined

__all__ = ["ComparedCell", "calibration_changes", "changes_between"]

LONGEST_SETTING = 50
"""Characters of a setting that are shown."""


class ComparedCell(NamedTuple):
    """What is compared as one."""

    dataset: str
    method: str
    metric: str


def changes_between(before: Results, after: Results, is_selected: Callable[[str, str], bool]) -> list[str]:
    """The differences of configuration, then those of seeds, versions and machine, as lines.

    A difference that all datasets and methods share is one line.

    Arguments:
        before: One run.
        after: The other.
        is_selected: Whether to compare a method on a dataset, given the dataset and the method.
    """
    old, new = _configurations(before), _configurations(after)
    shared = [place for place in old if place in new and is_selected(*place)]
    places_of_line: dict[str, list[tuple[str, str]]] = {}
    for place in shared:
        for name, old_value, new_value in differing(old[place], new[place]):
            places_of_line.setdefault(_line(name, old_value, new_value), []).append(place)
    lines = []
    for line, changed in places_of_line.items():
        where = "" if len(changed) == len(shared) else f" ({joined(_place_names(changed, shared))})"
        lines.append(line + where)
    return lines + _environment_changes(before, after)


def _configurations(results: Results) -> dict[tuple[str, str], Mapping[str, Any]]:
    """The configuration of each dataset and method; that of the last seed where seeds differ."""
    configurations: dict[tuple[str, str], Mapping[str, Any]] = {}
    for record in results.records:
        if record["method"] not in CALIBRATION_ROWS:
            configurations[record["dataset"], record["method"]] = record["configuration"]
    return configurations


def _environment_changes(before: Results, after: Results) -> list[str]:
    if before.manifest is None or after.manifest is None:
        return ["versions and machine: a manifest is damaged or missing"]
    differences = differing(_environment(before.manifest), _environment(after.manifest))
    return [_line(name, old, new) for name, old, new in differences]


def _environment(manifest: Manifest) -> dict[str, Any]:
    """The parts of a manifest on which all results depend."""
    configuration: Mapping[str, Any] = manifest["configuration"]
    return {
        **environment_of(manifest),
        "fingerprints": manifest["fingerprints"],
        "seeds": configuration.get("seeds"),
        "compile": configuration.get("compile"),
    }


def _place_names(places: Sequence[tuple[str, str]], among: Sequence[tuple[str, str]]) -> list[str]:
    """Datasets and methods in words; where all methods of a dataset are among them, the dataset alone."""
    names = []
    for dataset in dict.fromkeys(dataset for dataset, _ in places):
        methods = [method for place, method in places if place == dataset]
        if len(methods) == sum(place == dataset for place, _ in among):
            names.append(dataset)
        else:
            names += [f"{method} on {dataset}" for method in methods]
    return names


def _line(name: str, old: Any, new: Any) -> str:
    return f"{name}: {_shortened(old)} → {_shortened(new)}"


def _shortened(value: Any) -> str:
    text = "not set" if value is None else str(value)
    if len(text) <= LONGEST_SETTING:
        return text
    return f"{text[: LONGEST_SETTING - 1]}…"


def calibration_changes(old: pd.DataFrame, new: pd.DataFrame, cells: Sequence[ComparedCell]) -> list[str]:
    """Where calibration rows have other scores for the same seed: metric or data are not the same. As lines.

    Arguments:
        old: The trials of the run before.
        new: Those of the run after.
        cells: What is compared.
    """
    old_rows, new_rows = _calibration_rows(old), _calibration_rows(new)
    shared = old_rows.index.intersection(new_rows.index)
    lines = []
    for metric in dict.fromkeys(cell.metric for cell in cells):
        datasets = {cell.dataset for cell in cells if cell.metric == metric}
        x, y = old_rows.loc[shared, metric].to_numpy(float), new_rows.loc[shared, metric].to_numpy(float)
        unlike = shared[~np.isclose(x, y, rtol=1e-3, atol=1e-9, equal_nan=True)]
        names = [f"{method} on {dataset}" for dataset, method, _ in unlike if dataset in datasets]
        where = joined(list(dict.fromkeys(names)))
        if where:
            lines.append(
                f"calibration: {metric} of {where} differs, so the metric or the data is not the same"
            )
    return lines


def _calibration_rows(trials: pd.DataFrame) -> pd.DataFrame:
    """The finished trials of calibration rows, by dataset, method and seed."""
    rows = trials[trials["method"].isin(CALIBRATION_ROWS) & (trials["status"] == "ok")]
    return rows.set_index(["dataset", "method", "seed"])
