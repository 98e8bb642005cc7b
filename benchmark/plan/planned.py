"""A dataset and a method of a plan, and estimates of what the method takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

from benchmark.datasets.base import Dataset, Preparation
from benchmark.metric import Metric
from benchmark.records.cell import Cell
from benchmark.suites.budget import Budget
from benchmark.training.cost import Cost
from benchmark.training.settings import Settings

__all__ = ["MOST_PARAMETERS", "Planned", "PlannedDataset"]

EAGER_FLOPS, COMPILED_FLOPS = 30e9, 55e9
"""Nominal FLOPs per second on one CPU core."""

EAGER_OVERHEAD = 1.5e-5
"""Nominal seconds per tensor operation that is not compiled."""

COMPILER_START, COMPILING = 10, 0.025
"""Nominal seconds that compiling takes, however little it is, and per tensor operation."""

MOST_PARAMETERS = 1 << 24
"""Of all models of a group. Large ones do not gain by company, and the system's allocator keeps far more
memory than it needs where their tensors, side by side, have some megabytes each: a group of eight splines in
1200 dimensions grew by 0.2 GiB with every update.
"""

LIBRARIES_BYTES, COMPILER_BYTES = 0.8e9, 0.25e9
"""Memory that a worker needs for the libraries, and for compiling."""


@dataclass(frozen=True)
class PlannedDataset:
    """A dataset, and what all of its cells have in common.

    Attributes:
        name: Its name.
        data: The dataset.
        metrics: The metrics that apply to it, by name, with the settings that they leave to the dataset
            filled in.
        budget: The budget of each trial.
        files: The files that it needs, from `Dataset.prepare`.
        preparation: What must be made first, in a plan that makes nothing; its files are not known then.
    """

    name: str
    data: Dataset
    metrics: Mapping[str, Metric]
    budget: Budget
    files: Mapping[str, Any]
    preparation: Preparation | None = None


@dataclass(frozen=True)
class Planned:
    """A method of one structure, or a calibration row, on a dataset, and what a group of its seeds takes.

    Attributes:
        template: The cell, without seeds.
        dataset: Its dataset.
        seeds: All of its seeds.
        settings: What the models of some seeds have of their own in place of the method's settings.
        cost: The cost of a cycle; `None` for a calibration row.
        cycles: Cycles in the budget; `None` if it is in seconds or there is nothing to train.
        program: What identifies the compiled program, apart from the number of models.
    """

    template: Cell
    dataset: PlannedDataset
    seeds: tuple[int, ...]
    settings: Mapping[int, Settings] = field(default_factory=dict)
    cost: Cost | None = None
    cycles: int | None = None
    program: str = ""

    def cell(self, group: Sequence[int], wanted: Sequence[int], compile: str) -> Cell:
        """The cell for a group of seeds.

        Arguments:
            group: The seeds that are trained side by side.
            wanted: Those of them whose results are wanted.
            compile: `on`, `off`, or `auto`. With `auto` it is not compiled yet: whether that pays depends on
                all cells that share its program, and `find_remaining` decides.
        """
        return replace(
            self.template,
            group=tuple(group),
            settings=tuple(self.settings[seed] for seed in group) if self.settings else (),
            wanted=tuple(wanted),
            compile=compile == "on" and self.cost is not None,
            eager_instead=compile == "auto",
        )

    @property
    def seeds_together(self) -> int:
        """How many seeds are trained side by side at most."""
        most = self.dataset.data.seeds_together
        if self.cost is None:
            return most
        return max(1, min(most, MOST_PARAMETERS // max(1, self.cost.parameters)))

    def work(self, seeds: int) -> float:
        """FLOPs of that many seeds, or device-seconds if the budget is in seconds."""
        if self.cost is None:
            return 0.0
        if self.cycles is None:
            return self.template.budget.amount * seeds
        return float(self.cycles * self.cost.flops * seeds)

    def seconds(self, seeds: int, compiled: bool, again: bool = False) -> float:
        """Nominal seconds on one CPU core.

        The rates are fixed and not measured, so that the decision to compile, which changes results by
        rounding, is the same each time for the same cells.

        Arguments:
            seeds: The number of models.
            compiled: Whether their training is compiled.
            again: Whether another cell compiles the same program, which is then read from a cache.
        """
        if self.cost is None:
            return 0.0
        compiling = float(COMPILER_START) if compiled else 0.0
        if compiled and not again:
            compiling += COMPILING * self.cost.compiled_operations
        if self.cycles is None:
            # A budget of seconds buys more training when compiled, so only compiling itself counts against
            # it.
            slowdown = 1 if compiled else 1.5
            return self.template.budget.amount * seeds * slowdown + compiling
        flops = self.cycles * self.cost.flops * seeds
        if compiled:
            return flops / COMPILED_FLOPS + compiling
        return flops / EAGER_FLOPS + self.cycles * EAGER_OVERHEAD * self.cost.operations

    def compiling_takes(self, seeds: int) -> float:
        """Nominal seconds that the program for that many models takes to compile, once."""
        first = self.seconds(seeds, compiled=True)
        return first - self.seconds(seeds, compiled=True, again=True)

    def compiled_saves(self, seeds: int) -> float:
        """Nominal seconds that a training of that many models saves by a program that was compiled before;
        negative where reading it takes longer.
        """
        return self.seconds(seeds, compiled=False) - self.seconds(seeds, compiled=True, again=True)

    def sampling_seconds(self, seeds: int) -> float:
        """Nominal seconds on one CPU core that it takes to draw the samples which are scored."""
        if self.cost is None:
            return 0.0
        data = self.dataset.data
        samples = data.samples * data.evaluations + data.samples_large
        return seeds * samples * self.cost.sample_flops / EAGER_FLOPS

    def memory(self, seeds: int, compiled: bool) -> float:
        """About the bytes that a worker holds at its peak.

        They are for the libraries, the compiler, the state, and samples while they are scored. Fitted to
        peaks that were measured on CPUs, and right within a third there.
        """
        data = self.dataset.data
        samples = max(data.samples * seeds, data.samples_large, data.held_out)
        parameters = self.cost.parameters * seeds if self.cost else 0
        compiler = COMPILER_BYTES if compiled else 0
        scored = 12 * data.packed_bytes * samples * prod(data.shape)
        return LIBRARIES_BYTES + compiler + scored + 32 * parameters
