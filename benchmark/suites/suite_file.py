"""Suites from TOML files: `--suite mine.toml`.

A file of four lines is a suite::

    datasets = ["ring", "grid"]
    methods = ["gan", "wgan-gp"]
    metrics = ["overlap", "modes"]
    budgets = "1e10flops"

`budgets` may also be a table with a budget per dataset. `title` is a line for the report, `fitted_rows` a
list of densities to show beside the methods, and `[settings.OWNER]` holds the settings of a method, dataset
or metric. The suite is called like the file, without its ending.
"""

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from benchmark.errors import UsageError
from benchmark.registry import SUITES
from benchmark.suites.rules import check_rules
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
    fitted_rows: list[str] = []
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
            "give lower-case letters, digits, and after the first - _ ."
        )
    if name in SUITES.names():
        raise UsageError(f"--suite {file}: there is a registered suite {name!r}; rename the file")
    budgets = content.budgets
    if isinstance(budgets, str):
        budgets = dict.fromkeys(content.datasets, budgets)
    suite = Suite(
        name=name,
        title=content.title or f"Suite {name}",
        datasets=tuple(content.datasets),
        methods=tuple(content.methods),
        metrics=tuple(content.metrics),
        budgets=budgets,
        settings=_settings(content),
        fitted_rows=tuple(content.fitted_rows),
    )
    try:
        check_rules(suite)
    except UsageError as error:
        raise UsageError(f"--suite {file}: {error}") from None
    return suite


def _read(file: Path) -> SuiteFile:
    entries = ", ".join(SuiteFile.__struct_fields__)
    try:
        with file.open("rb") as stream:
            content: dict[str, Any] = tomllib.load(stream)
    except OSError as error:
        raise UsageError(f"--suite {file}: {error.strerror}; give a suite's name or a TOML file") from error
    except (RecursionError, ValueError) as error:
        # ValueError is the base of all that tomllib and decoding raise.
        raise UsageError(f"--suite {file}: not TOML: {error}") from error
    for key in content:
        if key not in SuiteFile.__struct_fields__:
            raise UsageError(f"--suite {file}: unknown entry {key!r}; there are {entries}")
    try:
        return msgspec.convert(content, SuiteFile)
    except msgspec.ValidationError as error:
        raise UsageError(f"--suite {file}: {error}; a suite has {entries}") from error


def _settings(content: SuiteFile) -> dict[str, Value]:
    """The settings by `owner.field`."""
    settings: dict[str, Value] = {}
    for owner, values in content.settings.items():
        settings |= {f"{owner}.{key}": value for key, value in values.items()}
    return settings
