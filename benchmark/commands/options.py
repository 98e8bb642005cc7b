"""The values of options: from the command line and a TOML file to plain Python, or one clear line."""

import argparse
import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from benchmark.errors import UsageError

__all__ = [
    "EXTRAS",
    "as_text",
    "choice",
    "count",
    "names",
    "required",
    "seconds",
    "seeds",
    "settings",
    "size",
    "with_config",
]

Settings = dict[str, dict[str, Any]]

MOST_SEEDS = 100_000

EXTRAS = {"parquet": "pyarrow", "tensorboard": "tensorboard"}
"""What a report has only if it is asked for, and the library that it takes."""


def with_config(options: argparse.Namespace, known: Iterable[str]) -> dict[str, Any]:
    """The options that were given: those of the file named by `--config`, overridden by the command line's.

    In the file, lists may be arrays, and settings are tables: `[set.wgan-gp]` with `penalty = 1`.

    Raises:
        UsageError: If the file cannot be read, is no TOML, or has an unknown option.
    """
    known = tuple(known)
    given: dict[str, Any] = {}
    if options.config is not None:
        try:
            with open(options.config, "rb") as stream:
                given = tomllib.load(stream)
        except OSError as error:
            raise UsageError(f"--config {options.config}: {error.strerror}") from error
        except (
            RecursionError,
            ValueError,
        ) as error:  # ValueError is the base of what tomllib and decoding raise, and of numbers too long
            raise UsageError(f"--config {options.config}: not TOML, or too deep or long: {error}") from error
        for key in given:
            if key not in known:
                raise UsageError(
                    f"--config {options.config}: unknown option {key!r}; there are {', '.join(known)}"
                )
        given = {key: as_text(key, value, f"--config {options.config}") for key, value in given.items()}
    for key in known:
        value = getattr(options, key.replace("-", "_"))
        if value is not None:
            given[key] = [*given.get("set", ()), *value] if key == "set" else value
    return given


def required(given: Mapping[str, Any], option: str) -> Any:
    """The option's value, or a `UsageError` if it was not given."""
    if option not in given:
        raise UsageError(f"--{option} is missing (see benchmark run --help)")
    return given[option]


def names(option: str, text: str | None) -> tuple[str, ...] | None:
    """Reads `a,b`; `None` stays `None`."""
    if text is None:
        return None
    parts = tuple(part.strip() for part in text.split(","))
    if not all(parts):
        raise UsageError(f"--{option} {text!r}: give names with commas between them")
    return parts


def seeds(text: str) -> tuple[int, ...]:
    """Reads `5` as the seeds 0 to 4, and `0,3,7` or `7,` as those seeds."""
    accepted = "a number of seeds such as 5, or a list of different seeds such as 0,3,7"
    parts = [part.strip() for part in text.removesuffix(",").split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts):
        raise UsageError(f"--seeds {text!r}: give {accepted}")
    numbers = [int(part) for part in parts]
    if "," not in text:
        if not 1 <= numbers[0] <= MOST_SEEDS:
            raise UsageError(f"--seeds {text!r}: give {accepted}")
        return tuple(range(numbers[0]))
    if len(set(numbers)) < len(numbers):
        raise UsageError(f"--seeds {text!r}: a seed is given twice; give {accepted}")
    return tuple(sorted(numbers))


def count(option: str, text: str) -> int:
    """Reads a whole number from 1."""
    if not (text.isascii() and text.isdigit() and int(text) >= 1):
        raise UsageError(f"{option} {text!r}: give a whole number from 1")
    return int(text)


def seconds(option: str, text: str) -> float:
    """Reads a duration such as `90s`, `5min` or `2h`."""
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{0,9})?)(s|min|h)", text.strip())
    if match is None:
        raise UsageError(f"{option} {text!r}: give a duration such as 90s, 5min or 2h")
    return float(match[1]) * {"s": 1, "min": 60, "h": 3600}[match[2]]


def size(option: str, text: str) -> float:
    """Reads an amount of memory such as `500MB` or `4GB`, in bytes."""
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{0,9})?)(MB|GB)", text.strip(), re.IGNORECASE)
    if match is None or float(match[1]) == 0:
        raise UsageError(f"{option} {text!r}: give an amount of memory such as 500MB or 4GB")
    return float(match[1]) * {"MB": 1e6, "GB": 1e9}[match[2].upper()]


def choice(option: str, text: str, choices: tuple[str, ...]) -> str:
    """One of the choices."""
    if text not in choices:
        raise UsageError(f"{option} {text!r}: choose from {', '.join(choices)}")
    return text


def settings(assignments: Iterable[str | tuple[str, str, Any]]) -> Settings:
    """Reads `owner.field=value`, later ones over earlier ones; values from a file come as triples, typed."""
    merged: Settings = {}
    for assignment in assignments:
        if isinstance(assignment, tuple):
            owner, name, value = assignment
        else:
            target, equals, value = assignment.partition("=")
            owner, dot, name = target.strip().rpartition(".")
            if not (equals and dot and owner and name):
                raise UsageError(f"--set {assignment}: give OWNER.FIELD=VALUE, such as wgan-gp.penalty=1")
        merged.setdefault(owner, {})[name] = value.strip() if isinstance(value, str) else value
    return merged


def as_text(key: str, value: Any, where: str) -> Any:
    """A value of a configuration in the form in which the command line would give it.

    Arguments:
        key: The option.
        value: Its value, as TOML or Python has it.
        where: Where it is from, to begin a complaint.
    """
    if key == "set":
        if not isinstance(value, Mapping) or not all(isinstance(table, Mapping) for table in value.values()):
            raise UsageError(
                f"{where}: give settings by owner and field: tables such as [set.wgan-gp], or {{'wgan-gp': {{'penalty': 1}}}}"
            )
        assignments = [(owner, name, item) for owner, table in value.items() for name, item in table.items()]
        for owner, name, item in assignments:
            if not isinstance(item, str | int | float):
                raise UsageError(f"{where}: set.{owner}.{name} must be a text, a number, true or false")
        return assignments
    if key == "plugin":
        files = [value] if isinstance(value, str) else value
        if not isinstance(files, list) or not all(isinstance(item, str) for item in files):
            raise UsageError(f"{where}: plugin must be a file name or a list of them")
        return files
    if key in EXTRAS:
        if not isinstance(value, bool):
            raise UsageError(f"{where}: {key} must be true or false")
        return value
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        return ",".join(str(item) for item in value) + ("," if len(value) == 1 and key == "seeds" else "")
    if isinstance(value, bool | dict | list | set | tuple):
        raise UsageError(f"{where}: {key} must be a text, a number or a list")
    return str(value)
