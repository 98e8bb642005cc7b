"""Suites from TOML files: `--suite mine.toml`.

A file of four lines is a suite::

    datasets = ["ring", "grid"]
    methods = ["gan", "wgan-gp"]
    metrics = ["overlap", "modes"]
    budgets = "1e10flops"

`budgets` may also be a table with a budget per dataset. `title` is a line for the report, and
`[settings.OWNER]` holds the settings of a method, dataset or metric. The suite is called like the file,
without its ending.
"""

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from benchmark.errors import UsageError
from benchmark.registry import DATASETS, METHODS, METRICS, SUITES
from benchmark.suites.budget import parse_budget
from benchmark.suites.suite import Suite

__all__ = ["read_suite"]

Value = str | int | float | bool


class SuiteFile(msgspec.Struct):
    """The content of a file; `Suite` says what the fields are."""

    datasets: list[str]
    methods: list[str]
    metrics: list[str]
    budgets: str | dict[str, str]
    title: str = ""
    settings: dict[str, dict[str, Value]] = {}


def read_suite(file: Path) -> Suite:
    """The suite in a file. Plug-ins must be loaded.

    Raises:
        UsageError: If the file cannot be read, or does not hold a suite.
    """
    content = _read(file)
    name = file.stem
    if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]*", name):
        raise UsageError(
            f"--suite {file}: the name of the file is that of the suite; "
            "give lower-case letters, digits, and - _ . between them"
        )
    if name in SUITES.names():
        raise UsageError(f"--suite {file}: there is a registered suite {name!r}; rename the file")
    for registry, names in (
        (DATASETS, content.datasets),
        (METHODS, content.methods),
        (METRICS, content.metrics),
    ):
        _check_names(file, f"{registry.kind}s", names)
        for entry in names:
            try:
                registry.check(entry)
            except UsageError as error:
                raise UsageError(f"--suite {file}: {error}") from None
    return Suite(
        name=name,
        title=content.title or f"Suite {name}",
        datasets=tuple(content.datasets),
        methods=tuple(content.methods),
        metrics=tuple(content.metrics),
        budgets=_budgets(file, content),
        settings=_settings(file, content),
    )


def _read(file: Path) -> SuiteFile:
    entries = ", ".join(SuiteFile.__struct_fields__)
    try:
        with file.open("rb") as stream:
            content: dict[str, Any] = tomllib.load(stream)
    except OSError as error:
        raise UsageError(f"--suite {file}: {error.strerror}; give a suite's name or a TOML file") from error
    except (
        RecursionError,
        ValueError,
    ) as error:  # ValueError is the base of all that tomllib and decoding raise
        raise UsageError(f"--suite {file}: not TOML: {error}") from error
    for key in content:
        if key not in SuiteFile.__struct_fields__:
            raise UsageError(f"--suite {file}: unknown entry {key!r}; there are {entries}")
    try:
        return msgspec.convert(content, SuiteFile)
    except msgspec.ValidationError as error:
        raise UsageError(f"--suite {file}: {error}; a suite has {entries}") from error


def _check_names(file: Path, key: str, names: list[str]) -> None:
    if not names:
        raise UsageError(f"--suite {file}: {key} is empty; give at least one name")
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"--suite {file}: {key} has {name!r} twice; give each name once")


def _settings(file: Path, content: SuiteFile) -> dict[str, Value]:
    """The settings by `owner.field`."""
    settings: dict[str, Value] = {}
    for owner, values in content.settings.items():
        if not any(owner in registry.names() for registry in (DATASETS, METHODS, METRICS)):
            raise UsageError(f"--suite {file}: settings of {owner!r}, which is no dataset, method or metric")
        settings |= {f"{owner}.{key}": value for key, value in values.items()}
    return settings


def _budgets(file: Path, content: SuiteFile) -> dict[str, str]:
    """The budget of each dataset."""
    budgets = content.budgets
    if isinstance(budgets, str):
        budgets = dict.fromkeys(content.datasets, budgets)
    if set(budgets) != set(content.datasets):
        raise UsageError(
            f"--suite {file}: budgets are for {', '.join(budgets) or 'nothing'}; "
            f"give one for each of {', '.join(content.datasets)}, or one text for all"
        )
    for text in budgets.values():
        try:
            parse_budget(text)
        except UsageError as error:
            raise UsageError(f"--suite {file}: budgets: {str(error).removeprefix('--budget ')}") from None
    return budgets
