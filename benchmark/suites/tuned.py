"""Settings that a search has chosen, as a TOML file."""

from collections.abc import Mapping
from hashlib import sha256
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec

from benchmark.errors import UsageError, first_line
from benchmark.suites.budget import parse_budget

__all__ = ["FORMAT", "Chosen", "Tuned", "TunedFile", "read_tuned", "shipped_tuning"]

FORMAT = 1
"""The version of the file's form."""

Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class Chosen(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The settings that were chosen for a method on a dataset.

    Attributes:
        settings: The settings; the others are as published.
        point: Their number among the points that were tried; 0 for the published ones.
        score: Their mean score over the seeds of the search.
        flops: What all trials of the method on the dataset spent in the search.
        published_score: That of the published settings, if they have one.
    """

    settings: dict[str, Any]
    point: Annotated[int, msgspec.Meta(ge=0)]
    score: float
    flops: float
    published_score: float | None = None


class Tuned(msgspec.Struct, forbid_unknown_fields=True):
    """What a search has chosen.

    Attributes:
        format: The version of the file's form.
        suite: The suite.
        points: How many settings of each method were tried on each dataset.
        seeds: With how many seeds each.
        halving: If more than 1, one in so many settings was tried at so many times the budget.
        rungs: At how many budgets settings were tried.
        metrics: The metric that they were scored by, by dataset.
        budgets: The whole budget of a trial, by dataset.
        commit: The commit of the program that searched; empty if it is not known.
        chosen: What was chosen, by dataset and method.
        searched: All settings of each dataset, of its metric, and of each method at its chosen point, by
            dataset and name; those that are missing in older files are taken to be as in the run.
    """

    format: int
    suite: str
    points: Count
    seeds: Count
    halving: Count
    rungs: Count
    metrics: dict[str, str]
    budgets: dict[str, str]
    commit: str
    chosen: dict[str, dict[str, Chosen]]
    searched: dict[str, dict[str, dict[str, Any]]] = {}

    def settings_on(self, dataset: str) -> dict[str, Mapping[str, Any]]:
        """The settings on one dataset, by method."""
        return {method: chosen.settings for method, chosen in self.on(dataset).items()}

    def on(self, dataset: str) -> dict[str, Chosen]:
        """What was chosen on one dataset, by method."""
        return self.chosen.get(dataset, {})

    def changed(self, dataset: str, name: str, settings: Mapping[str, Any]) -> set[str]:
        """The names of the settings that the dataset, its metric or a method did not have in the search."""
        searched = self.searched.get(dataset, {}).get(name, {})
        return {key for key in searched.keys() & settings if searched[key] != settings[key]}

    def as_text(self) -> str:
        return msgspec.toml.encode(self).decode()


class TunedFile(NamedTuple):
    """A file of chosen settings.

    Attributes:
        name: Its name, without directories.
        checksum: The SHA-256 of its content.
        content: The settings.
    """

    name: str
    checksum: str
    content: Tuned


def shipped_tuning(suite: str) -> Path | None:
    """The file of the settings that come with a suite of this program, if some do."""
    file = Path(__file__).with_name("tunings") / f"{suite}.toml"
    return file if file.is_file() else None


def read_tuned(file: Path, suite: str) -> TunedFile:
    """Reads the file of a search of that suite.

    Raises:
        UsageError: If it cannot be read, or is that of another suite or version.
    """
    where = f"--settings {file}"
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{where}: {error.strerror}; give published, tuned or a file of a search") from error
    try:
        version = msgspec.toml.decode(content, type=_Version).format
        if version != FORMAT:
            raise UsageError(f"has format {version}; this program reads {FORMAT}; search anew")
        tuned = msgspec.toml.decode(content, type=Tuned)
        _check_whole(tuned)
    except UsageError as error:
        raise UsageError(f"{where}: {str(error).removeprefix('--budget ')}") from None
    except (msgspec.ValidationError, msgspec.DecodeError, ValueError, RecursionError) as error:
        raise UsageError(f"{where}: is not the file of a search ({first_line(error)})") from error
    if tuned.suite != suite:
        raise UsageError(f"{where}: is of suite {tuned.suite!r}, not {suite!r}")
    return TunedFile(file.name, sha256(content).hexdigest(), tuned)


class _Version(msgspec.Struct):
    """The version of a file, whatever else is in it."""

    format: int


def _check_whole(tuned: Tuned) -> None:
    """Raises a `ValueError` if something is missing or no number, and a `UsageError` for a wrong budget."""
    for budget in tuned.budgets.values():
        parse_budget(budget)
    for dataset, methods in tuned.chosen.items():
        if dataset not in tuned.metrics or dataset not in tuned.budgets:
            raise ValueError(f"it has no metric or no budget of {dataset}")
        for method, chosen in methods.items():
            where = f"of {method} on {dataset}"
            for name in ("score", "published_score", "flops"):
                number = getattr(chosen, name)
                if number is not None and not isfinite(number):
                    raise ValueError(f"the {name} {where} is {number}")
            if chosen.flops <= 0:
                raise ValueError(f"the flops {where} are {chosen.flops}")
            if chosen.point >= tuned.points:
                raise ValueError(f"the point {where} is {chosen.point}, of {tuned.points}")
