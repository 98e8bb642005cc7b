"""Entries of the registries in words."""

import inspect
from dataclasses import fields
from textwrap import indent

from benchmark.registry import DATASETS, METHODS, METRICS
from benchmark.suites import get_suite

__all__ = ["describe_entry"]


def describe_entry(kind: str, name: str) -> str:
    """What `list --long` prints of an entry: its docstring and its settings with their defaults."""
    if kind == "suites":
        suite = get_suite(name)
        budgets = ", ".join(f"{dataset} at {budget}" for dataset, budget in suite.budgets.items())
        settings = [f"{key} = {value}" for key, value in suite.settings.items()]
        text = f"{suite.title}.\n\nDatasets: {budgets}\nMethods: {', '.join(suite.methods)}\nMetrics: {', '.join(suite.metrics)}"
    else:
        cls = {"methods": METHODS, "datasets": DATASETS, "metrics": METRICS}[kind].get(name)
        text = inspect.getdoc(cls) or ""
        settings = [f"{f.name} = {f.default}" for f in fields(cls)]
    return f"{name}\n{indent(text, '  ')}\n\n  Settings:\n{indent(chr(10).join(settings) or 'none', '      ')}"
