"""What the page shows of the run itself: its budgets, its commands, its settings."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from benchmark.records.differences import differing, environment_of
from benchmark.records.results import Results
from benchmark.records.schema import Manifest
from benchmark.report.tables.tables import Tables
from benchmark.report.words import budget_text, budget_unit, seeds_text, settings_sentence

__all__ = ["budgets_and_seeds", "commands", "environment", "equal_amounts"]

EQUAL_AMOUNTS = {
    "flops": "compute",
    "steps": "numbers of generator updates",
    "samples": "numbers of real samples",
    "s": "time",
}
"""What the trials had in equal amounts, by the unit of their budgets."""


def equal_amounts(tables: Tables) -> str:
    """What the trials had in equal amounts; `budgets` if their budgets have several units."""
    return EQUAL_AMOUNTS.get(budget_unit(tables.trials) or "", "budgets")


def budgets_and_seeds(tables: Tables) -> str:
    """The budgets and the number of seeds in a sentence; empty if nothing was trained."""
    trained = tables.trials[tables.trials["budget"].notna()]
    budgets = []
    for dataset, rows in trained.groupby("dataset", sort=False):
        budgets.append(f"{budget_text(rows)} on {dataset}")
    if not budgets:
        return ""
    seeds = seeds_text(trained["seed"].nunique())
    trials = f"Per trial: {', '.join(budgets)}; {seeds}."
    return f"{trials} {settings_sentence(tables.settings)}"


def commands(results: Results) -> list[str]:
    """The command lines that made the run, which may have grown from one to the next."""
    manifest = results.manifest
    if manifest is None:
        return []
    lines = manifest.get("commands", [manifest["command"]])
    return [shlex.join(["python", "-m", *line]) for line in lines]


def environment(results: Results) -> dict[str, Mapping[str, Any]]:
    """The settings of the run, and the versions, the machine and the files that it used, by heading."""
    manifest = results.manifest
    if manifest is None:
        return {}
    configuration: Mapping[str, Any] = manifest["configuration"]
    others = {}
    for name, value in configuration.items():
        if name not in ("methods", "datasets", "metrics"):
            others[name] = value if isinstance(value, str | dict) else json.dumps(value)
    metrics = {}
    for dataset, settings_by_metric in configuration.get("metrics", {}).items():
        for metric, settings in settings_by_metric.items():
            metrics[f"{metric} on {dataset}"] = settings
    return {
        "Methods": _method_settings(configuration["methods"]),
        "Datasets": configuration["datasets"],
        "Metrics": metrics,
        "Configuration": others,
        "Versions": manifest["versions"],
        "Hardware": manifest["hardware"],
        "Fingerprints of the datasets": manifest["fingerprints"],
        "Files": manifest["files"],
        "Versions and machines of earlier trials": _earlier(manifest),
    }


def _earlier(manifest: Manifest) -> dict[str, Any]:
    """Where the versions and machines of earlier commands differ from the last ones, by their number."""
    now = environment_of(manifest)
    listed = {}
    for place, environment in enumerate(manifest.get("earlier", []), start=1):
        differences = differing(environment, now)
        listed[f"earlier {place}"] = {name: before for name, before, _ in differences}
    return listed


def _method_settings(by_dataset: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The settings of each method, by dataset where they differ."""
    by_method: dict[str, dict[str, Any]] = {}
    for dataset, methods in by_dataset.items():
        for method, settings in methods.items():
            by_method.setdefault(method, {})[dataset] = settings
    listed: dict[str, Any] = {}
    for method, settings_on in by_method.items():
        first, *others = settings_on.values()
        if all(other == first for other in others):
            listed[method] = first
        else:
            listed |= {f"{method} on {dataset}": settings for dataset, settings in settings_on.items()}
    return listed
