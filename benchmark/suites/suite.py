"""What a suite is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["CheckedRun", "Protocol", "Suite"]


@dataclass(frozen=True)
class CheckedRun:
    """How a method was run on a dataset of a paper's suite.

    Attributes:
        seeds: The number of seeds.
        budget: The budget of each.
    """

    seeds: int
    budget: str


@dataclass(frozen=True)
class Protocol:
    """Where the settings of a paper's experiment come from.

    Attributes:
        paper: The paper, with its arXiv number.
        code: The code that was read, or the lack of it.
        gives: What the sources give, as the suite has it.
        open: What they leave open, or state in two ways.
        chosen: What was chosen there, and where the suite departs from the sources.
        checked: What was run in this suite, by method and dataset; its tables are in `results/reference`.
    """

    paper: str
    code: str
    gives: tuple[str, ...]
    open: tuple[str, ...]
    chosen: tuple[str, ...]
    checked: Mapping[str, Mapping[str, CheckedRun]] = field(default_factory=dict)


@dataclass(frozen=True)
class Suite:
    """A question that is asked of every method.

    Attributes:
        title: One line that says what it is.
        datasets: The datasets, by name.
        methods: The methods that are run by default.
        metrics: The metrics, in the order of the table's columns.
        budgets: The default budget of each dataset.
        settings: Settings of datasets, methods and metrics that differ from their own defaults, by
            `name.field`.
        exceptions: For some datasets, settings that differ from `settings` there, by `name.field`.
        fitted_rows: Which densities stand beside the methods, fitted to training data.
        protocol: Where the settings come from, for a suite that reproduces a paper.
        notes: What a reader of the tables must know of a method in this suite, in sentences, by its name.
        name: The name on the command line; a registered suite has the name that it is registered under.
    """

    title: str
    datasets: tuple[str, ...]
    methods: tuple[str, ...]
    metrics: tuple[str, ...]
    budgets: Mapping[str, str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    exceptions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    fitted_rows: tuple[str, ...] = ()
    protocol: Protocol | None = None
    notes: Mapping[str, str] = field(default_factory=dict)
    name: str = ""

    def settings_on(self, dataset: str) -> dict[str, dict[str, Any]]:
        """The settings on one dataset, by owner and field."""
        settings: dict[str, dict[str, Any]] = {}
        for key, value in {**self.settings, **self.exceptions.get(dataset, {})}.items():
            owner, _, setting = key.rpartition(".")
            settings.setdefault(owner, {})[setting] = value
        return settings
