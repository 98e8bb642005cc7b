"""`list --long`: entries of the registries in words."""

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import Field
from textwrap import fill, indent
from typing import Any, Literal, get_args, get_origin, get_type_hints

from benchmark.errors import counted
from benchmark.method import Family
from benchmark.plan.points import space_of
from benchmark.registry import METHODS, REGISTRIES, describe, is_range, settings_of
from benchmark.suites import CheckedRun, Protocol, Suite, get_suite, registered_suites

__all__ = ["describe_all"]

WIDTH = 120


def describe_all(kind: str) -> str:
    """The descriptions of all entries of a kind; methods are grouped by what they are.

    Arguments:
        kind: One of `REGISTRIES`.
    """
    names_by_title: dict[str, list[str]] = {}
    if kind == "methods":
        for family in get_args(Family):
            names_by_title[f"METHODS, {family.upper()}"] = []
    for name in REGISTRIES[kind].names():
        names_by_title.setdefault(_title(kind, name), []).append(name)
    parts = []
    for title, names in names_by_title.items():
        if names:
            parts += [title, *(_describe_entry(kind, name) for name in names)]
    return "\n\n".join(parts)


def _title(kind: str, name: str) -> str:
    """The title of the group that an entry belongs to."""
    if kind != "methods":
        return kind.upper()
    return f"METHODS, {METHODS.get_class(name).family.upper()}"


def _describe_entry(kind: str, name: str) -> str:
    """A description of an entry, and its settings with their defaults.

    Arguments:
        kind: One of `REGISTRIES`.
        name: The entry's name.
    """
    if kind == "suites":
        suite = get_suite(name)
        return _entry(name, _suite(suite), _suite_settings(suite))
    cls = REGISTRIES[kind].get_class(name)
    text = inspect.getdoc(cls) or ""
    if kind == "methods":
        text = f"{text}\n\nPaper suites:\n{indent(_paper_suites(name), '    ')}"
        text = f"{text}\n\nSearched by tune:\n{indent(_space(name), '    ')}"
    hints = get_type_hints(cls, include_extras=True)
    return _entry(name, text, [_setting(field, hints[field.name]) for field in settings_of(cls)])


def _space(method: str) -> str:
    """The values over which the settings of a method are searched."""
    return "\n".join(f"{name}: {values}" for name, values in space_of(method).items())


def _setting(field: Field, hint: Any) -> str:
    """A setting with its default, and its choices or its range if it has some."""
    accepted = f" ({describe(hint)})" if get_origin(hint) is Literal or is_range(hint) else ""
    return f"{field.name} = {field.default}{accepted}"


def _entry(name: str, text: str, settings: list[str]) -> str:
    listed = "\n".join(settings) or "none"
    return f"{name}\n{indent(text, '  ')}\n\n  Settings:\n{indent(listed, '      ')}"


def _suite(suite: Suite) -> str:
    budgets = ", ".join(f"{dataset} at {budget}" for dataset, budget in suite.budgets.items())
    text = (
        f"{suite.title}\n\nDatasets: {budgets}\n"
        f"Methods: {', '.join(suite.methods)}\nMetrics: {', '.join(suite.metrics)}"
    )
    if suite.protocol is None:
        return text
    return f"{text}\n\n{_protocol(suite, suite.protocol)}"


def _protocol(suite: Suite, protocol: Protocol) -> str:
    checks = []
    for method in suite.methods:
        checks.append(f"{method}: {_checks(suite, protocol.checked.get(method, {}))}")
    parts = {
        "The sources give": protocol.gives,
        "They leave open": protocol.open,
        "Chosen here": protocol.chosen,
        "Checked": checks,
    }
    text = f"Paper: {protocol.paper}\nCode: {protocol.code}"
    for title, items in parts.items():
        text += f"\n\n{title}:\n{_bullets(items)}"
    return text


def _suite_settings(suite: Suite) -> list[str]:
    settings = [f"{key} = {value}" for key, value in suite.settings.items()]
    for dataset, exceptions in suite.exceptions.items():
        settings += [f"{key} = {value} (on {dataset})" for key, value in exceptions.items()]
    return settings


def _paper_suites(method: str) -> str:
    """The paper suites that a method is in, and on what it was run there."""
    lines = []
    for suite in registered_suites():
        if suite.protocol is not None and method in suite.methods:
            checks = _checks(suite, suite.protocol.checked.get(method, {}))
            lines.append(fill(f"{suite.name}: {checks}", WIDTH, subsequent_indent="  "))
    return "\n".join(lines) or "none; not checked against a paper's experiment"


def _checks(suite: Suite, checks: Mapping[str, CheckedRun]) -> str:
    """What was run of a method in a paper suite."""
    if not checks:
        return "not run yet"
    runs = []
    for dataset, check in checks.items():
        run = f"{dataset} with {counted(check.seeds, 'seed')} at {check.budget}"
        if check.budget != suite.budgets[dataset]:
            run += f" instead of {suite.budgets[dataset]}"
        runs.append(run)
    return f"checked on {' and '.join(runs)}, see results/reference/{suite.name}"


def _bullets(items: Iterable[str]) -> str:
    bullets = [fill(item, WIDTH, initial_indent="  - ", subsequent_indent="    ") for item in items]
    return "\n".join(bullets)
