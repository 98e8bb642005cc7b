"""The values of options: from the command line and a TOML file to plain Python, or one clear line."""

import argparse
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from benchmark.errors import UsageError
from benchmark.registry import METRICS, check_different, is_installed, plain, user_path
from benchmark.suites.search import FIRST_TUNING_SEED

__all__ = [
    "EXTRAS",
    "FLAGS",
    "Assignment",
    "as_text",
    "choice",
    "count",
    "extras",
    "features",
    "metrics",
    "names",
    "path",
    "required",
    "seconds",
    "seeds",
    "settings",
    "size",
    "with_config",
]

FEATURES = ("raw", "classifier", "inception")
"""The features that can be asked for; `inception-` and the first digits of a file's checksum are, too."""

MOST_SEEDS = 100_000

EXTRAS = {"parquet": "pyarrow", "tensorboard": "tensorboard"}
"""The parts of a report that are only made on request, and the library that each needs."""

FLAGS = ("explore", *EXTRAS)
"""Options that are given or not."""


class Assignment(NamedTuple):
    """A setting from a file or from Python, whose value has a type."""

    owner: str
    field: str
    value: Any


def with_config(options: argparse.Namespace, option_names: Iterable[str]) -> dict[str, Any]:
    """The options that were given: those of the file named by `--config`, overridden by the command line's.

    In the file, lists may be arrays, and settings are tables: `[set.wgan-gp]` with `penalty = 1`.

    Raises:
        UsageError: If the file cannot be read, is not TOML, or has an unknown option.
    """
    option_names = tuple(option_names)
    values = {} if options.config is None else _read_config(options.config, option_names)
    for key in option_names:
        value = getattr(options, key.replace("-", "_"))
        if value is None:
            continue
        values[key] = [*values.get("set", ()), *value] if key == "set" else value
    return values


def _read_config(file: str, option_names: tuple[str, ...]) -> dict[str, Any]:
    where = f"--config {file}"
    try:
        with user_path(file).open("rb") as stream:
            content = tomllib.load(stream)
    except OSError as error:
        raise UsageError(f"{where}: {error.strerror}") from error
    except (RecursionError, ValueError) as error:
        # ValueError is the base of what tomllib and decoding raise, and of numbers that are too long.
        raise UsageError(f"{where}: not TOML, or too deep or long: {error}") from error
    for key in content:
        if key not in option_names:
            raise UsageError(f"{where}: unknown option {key!r}; there are {', '.join(option_names)}")
    return {key: as_text(key, value, where) for key, value in content.items()}


def path(option: str, text: str, what: str = "directory") -> Path:
    """Reads the path of a directory or a file, which need not be there."""
    if not text.strip():
        raise UsageError(f"{option} {text!r}: give a {what}")
    return user_path(text)


def required(values: Mapping[str, Any], option: str) -> Any:
    """The option's value, or a `UsageError` if it was not given."""
    if option not in values:
        raise UsageError(f"--{option} is missing (see --help)")
    return values[option]


def names(option: str, text: str | None) -> tuple[str, ...] | None:
    """Reads different names such as `a,b`; `None` stays `None`."""
    if text is None:
        return None
    parts = tuple(part.strip() for part in text.split(","))
    if not all(parts):
        raise UsageError(f"--{option} {text!r}: give names with commas between them")
    check_different(f"--{option}", parts)
    return parts


def metrics(text: str | None, default: tuple[str, ...]) -> tuple[str, ...]:
    """Reads `a,b` as these metrics, and `+a,b` as those of the default and these; `None` as the default.

    Raises:
        UsageError: If one of them is unknown, is given twice, or is to be added and there already.
    """
    if text is None:
        return default
    more = text.strip().startswith("+")
    own = names("metrics", text.strip().removeprefix("+")) or ()
    for name in own:
        if name.startswith("+"):
            raise UsageError(
                f"--metrics {text!r}: give + before the first name only: it holds for all of them"
            )
    kept = default if more else ()
    there = sorted(set(kept).intersection(own))
    if there:
        raise UsageError(f"--metrics {text!r}: {', '.join(there)} is there without +; add other metrics")
    chosen = (*kept, *own)
    METRICS.check_names(chosen)
    return chosen


def features(text: str | None) -> str | None:
    """Reads the features of metrics on features; `None` stays `None`."""
    if text is None or text.startswith("inception-"):
        return text
    return choice("--fid-features", text, FEATURES)


def seeds(text: str) -> tuple[int, ...]:
    """Reads `5` as the seeds 0 to 4, and `0,3,7` or `7,` as those seeds."""
    listed = "a list of different seeds such as 0,3,7"
    accepted = f"a number of seeds such as 5, or {listed}"
    parts = [part.strip() for part in text.removesuffix(",").split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts):
        raise UsageError(f"--seeds {text!r}: give {accepted}")
    numbers = [int(part) for part in parts]
    if "," not in text:
        (number,) = numbers
        if not 1 <= number <= MOST_SEEDS:
            raise UsageError(f"--seeds {text!r}: give {accepted}")
        return tuple(range(number))
    if len(set(numbers)) < len(numbers):
        raise UsageError(f"--seeds {text!r}: a seed is given twice; give {listed}")
    if max(numbers) >= FIRST_TUNING_SEED:
        raise UsageError(
            f"--seeds {text!r}: seeds from {FIRST_TUNING_SEED} on are those of searches; give lower ones"
        )
    return tuple(sorted(numbers))


def count(option: str, text: str, least: int = 1, most: int | None = None) -> int:
    """Reads a whole number from `least`, to `most` if that is given."""
    whole = text.isascii() and text.isdigit() and len(text) < 19 and int(text) >= least
    if not whole or (most is not None and int(text) > most):
        end = "" if most is None else f" to {most}"
        raise UsageError(f"{option} {text!r}: give a whole number from {least}{end}")
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


def extras(values: Mapping[str, Any]) -> tuple[str, ...]:
    """Those of `EXTRAS` that are asked for.

    Raises:
        UsageError: If a library is missing that one of them needs.
    """
    wanted = tuple(name for name in EXTRAS if values.get(name))
    for name in wanted:
        if not is_installed(EXTRAS[name]):
            raise UsageError(
                f"--{name}: needs {EXTRAS[name]}, which is not installed; "
                f"pip install 'mode-collapse-benchmark[{name}]'"
            )
    return wanted


def settings(assignments: Iterable[str | Assignment]) -> dict[str, dict[str, Any]]:
    """Values by owner and field, later ones over earlier ones.

    Arguments:
        assignments: Texts such as `owner.field=value` from the command line, or assignments from a file.
    """
    merged: dict[str, dict[str, Any]] = {}
    for assignment in assignments:
        owner, field, value = _parsed(assignment) if isinstance(assignment, str) else assignment
        merged.setdefault(owner, {})[field] = value.strip() if isinstance(value, str) else value
    return merged


def _parsed(text: str) -> Assignment:
    target, equals, value = text.partition("=")
    owner, dot, field = target.strip().rpartition(".")
    if not (equals and dot and owner and field):
        raise UsageError(f"--set {text}: give OWNER.FIELD=VALUE, such as wgan-gp.penalty=1")
    return Assignment(owner, field, value)


def as_text(key: str, value: Any, where: str) -> Any:
    """A value of a configuration in the form in which the command line would give it.

    Arguments:
        key: The option.
        value: Its value, as TOML or Python has it.
        where: Where it is from, to begin an error with.
    """
    if key == "set":
        return _assignments(value, where)
    value = plain(value)
    if key == "plugin":
        files = [value] if isinstance(value, str) else value
        if not isinstance(files, list) or not all(isinstance(file, str) for file in files):
            raise UsageError(f"{where}: plugin must be a file name or a list of them")
        return files
    if key in FLAGS:
        if not isinstance(value, bool):
            raise UsageError(f"{where}: {key} must be true or false")
        return value
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        text = ",".join(map(str, value))
        # One seed in a list is that seed, and not a number of seeds.
        return f"{text}," if key == "seeds" and len(value) == 1 else text
    if isinstance(value, bool | dict | list | set | tuple):
        raise UsageError(f"{where}: {key} must be a text, a number or a list")
    return str(value)


def _assignments(tables: Any, where: str) -> list[Assignment]:
    """Settings by owner and field as assignments."""
    accepted = "tables such as [set.wgan-gp], or {'wgan-gp': {'penalty': 1}}"
    if not isinstance(tables, Mapping):
        raise UsageError(f"{where}: give settings by owner and field: {accepted}")
    assignments = []
    for owner, table in tables.items():
        if not isinstance(table, Mapping):
            raise UsageError(f"{where}: give settings by owner and field: {accepted}")
        for field, value in table.items():
            items = value if isinstance(value, list | tuple) else [value]
            if any(isinstance(item, Mapping | list | tuple) for item in items):
                accepted = "a text, a number, true or false, or a list of these"
                raise UsageError(f"{where}: set.{owner}.{field} must be {accepted}")
            assignments.append(Assignment(owner, field, value))
    return assignments
