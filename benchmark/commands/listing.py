"""Entries of the registries in words."""

import inspect
from collections.abc import Sequence
from dataclasses import fields
from textwrap import fill, indent

from benchmark.registry import DATASETS, METHODS, METRICS
from benchmark.suites import SUITES, Suite, get_suite

__all__ = ["describe_entry"]

WIDTH = 120


def describe_entry(kind: str, name: str) -> str:
    """What `list --long` prints of an entry: its description, and its settings with their defaults."""
    if kind == "suites":
        suite = get_suite(name)
        text = _suite(suite)
        settings = [f"{key} = {value}" for key, value in suite.settings.items()]
        settings += [
            f"{key} = {value} (on {dataset})"
            for dataset, own in suite.exceptions.items()
            for key, value in own.items()
        ]
    else:
        cls = {"methods": METHODS, "datasets": DATASETS, "metrics": METRICS}[kind].get(name)
        text = inspect.getdoc(cls) or ""
        if kind == "methods":
            text += f"\n\nPaper suites:\n{indent(_paper_suites(name), '    ')}"
        settings = [f"{f.name} = {f.default}" for f in fields(cls)]
    return (
        f"{name}\n{indent(text, '  ')}\n\n  Settings:\n{indent(chr(10).join(settings) or 'none', '      ')}"
    )


def _suite(suite: Suite) -> str:
    budgets = ", ".join(f"{dataset} at {budget}" for dataset, budget in suite.budgets.items())
    text = f"{suite.title}.\n\nDatasets: {budgets}\nMethods: {', '.join(suite.methods)}\nMetrics: {', '.join(suite.metrics)}"
    if suite.protocol is None:
        return text
    protocol = suite.protocol
    checked = [f"{method}: {_checked(suite, method)}" for method in suite.methods]
    parts = {
        "The sources give": protocol.gives,
        "They leave open": protocol.open,
        "Chosen here": protocol.chosen,
        "Checked": checked,
    }
    told = "\n\n".join(f"{title}:\n{_listed(items)}" for title, items in parts.items())
    return f"{text}\n\nPaper: {protocol.paper}\nCode: {protocol.code}\n\n{told}"


def _paper_suites(method: str) -> str:
    """In which paper suites a method is, and on what it was run there."""
    suites = [suite for suite in SUITES.values() if suite.protocol is not None and method in suite.methods]
    told = [
        fill(f"{suite.name}: {_checked(suite, method)}", WIDTH, subsequent_indent="  ") for suite in suites
    ]
    return "\n".join(told) or "none; not checked against a paper's experiment"


def _checked(suite: Suite, method: str) -> str:
    """What was run of a method in a paper suite."""
    runs = suite.protocol.checked.get(method, {}) if suite.protocol else {}
    told = []
    for dataset, check in runs.items():
        instead = "" if check.budget == suite.budgets[dataset] else f" instead of {suite.budgets[dataset]}"
        told.append(f"{dataset} with {check.seeds} seeds at {check.budget}{instead}")
    return f"checked on {' and '.join(told)}, see results/reference/{suite.name}" if told else "not run yet"


def _listed(items: Sequence[str]) -> str:
    return "\n".join(fill(item, WIDTH, initial_indent="  - ", subsequent_indent="    ") for item in items)
