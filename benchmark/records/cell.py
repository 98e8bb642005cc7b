"""A cell and its trials, as plain values: the message from a plan to a worker, and back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np

from benchmark.records.sealed_files import canonical
from benchmark.suites.budget import Budget

__all__ = ["MODEL_PARTS", "Cell", "CellKey", "Configured", "Trial", "config_hash"]

MODEL_PARTS = ("generator", "encoder", "sampler")
"""The parts of a trial that are a trained model, each a file of its own."""

CellKey = tuple[str, str, tuple[int, ...], tuple[int, ...]]
"""The dataset, the method, the group and the wanted seeds of a cell."""


class Configured(NamedTuple):
    """A registered dataset, method or metric.

    Attributes:
        name: The name.
        settings: All of its settings.
        sources: What the code of a plug-in is made of, digests by file; empty for one of this program.
    """

    name: str
    settings: dict[str, Any]
    sources: dict[str, str] = {}

    @property
    def content(self) -> dict[str, Any]:
        """What a result depends on, apart from the name."""
        if self.sources:
            return {**self.settings, "sources": self.sources}
        return self.settings


@dataclass(frozen=True)
class Cell:
    """One method on one dataset for a group of seeds: all that a worker needs to know, as plain values.

    Attributes:
        suite: The suite's name.
        dataset: The dataset.
        method: The method; a calibration row has no settings.
        metrics: The metrics, in the order of the tables.
        budget: The budget of each trial.
        group: The seeds of the models that are trained side by side.
        wanted: Those of them whose results are wanted.
        settings: What each model of the group has of its own in place of the method's settings; empty if
            there is nothing.
        keeps: Whether samples and generators are kept with the results.
        compile: Whether to compile the step.
        eager_instead: Whether to train eagerly if the step does not compile; else the cell fails.
        device: The device's name.
        plugins: Plug-in files to load first.
        files: What the dataset is read from and judged by, from `Dataset.prepare`.
    """

    suite: str
    dataset: Configured
    method: Configured
    metrics: tuple[Configured, ...]
    budget: Budget
    group: tuple[int, ...] = ()
    wanted: tuple[int, ...] = ()
    settings: tuple[Mapping[str, Any], ...] = ()
    keeps: bool = True
    compile: bool = False
    eager_instead: bool = False
    device: str = "cpu"
    plugins: tuple[str, ...] = ()
    files: Mapping[str, Any] = field(default_factory=dict)

    def configuration_of(self, seed: int) -> dict[str, Any]:
        """What the result of a seed depends on, apart from the seeds beside it."""
        own = self.settings[self.group.index(seed)] if self.settings else {}
        return self._configuration(own)

    @property
    def config_hash(self) -> str:
        """The hash of what the results of all of its seeds depend on."""
        if not self.settings:
            return config_hash(self._configuration({}))
        return config_hash({str(seed): self.configuration_of(seed) for seed in self.group})

    def _configuration(self, own: Mapping[str, Any]) -> dict[str, Any]:
        """What a result depends on, of a model that has some settings of its own."""
        configuration = {
            "suite": self.suite,
            "dataset": {"name": self.dataset.name, **self.dataset.content},
            "method": {"name": self.method.name, **self.method.content, **own},
            "metrics": {metric.name: metric.content for metric in self.metrics},
            "budget": str(self.budget),
            "device": self.device.partition(":")[0],
        }
        if self.files:
            configuration["files"] = dict(self.files)
        return configuration

    @property
    def key(self) -> CellKey:
        """Distinguishes a cell from the others of a run."""
        return (self.dataset.name, self.method.name, self.group, self.wanted)

    @property
    def label(self) -> str:
        return f"{self.dataset.name} {self.method.name}"


@dataclass
class Trial:
    """The result of one seed.

    Attributes:
        seed: The seed.
        status: `ok` or `diverged`.
        metrics: The final scores, or the last finite ones of a diverged seed.
        audit: What was spent.
        curve: One entry per evaluation point: what was spent by then, and the metrics.
        arrays: What pictures need: `samples`, the packed samples that were scored, shape (N, *), and others
            by name.
        generator: The generator's weights; empty for a calibration row.
        encoder: The weights of the networks that encode data, for a method with an encoder.
        sampler: What else a sample is made with: other networks, and variables.
    """

    seed: int
    status: str = "ok"
    metrics: dict[str, float] = field(default_factory=dict)
    audit: dict[str, Any] = field(default_factory=dict)
    curve: list[dict[str, Any]] = field(default_factory=list)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    generator: dict[str, np.ndarray] = field(default_factory=dict)
    encoder: dict[str, np.ndarray] = field(default_factory=dict)
    sampler: dict[str, np.ndarray] = field(default_factory=dict)


def config_hash(configuration: Mapping[str, Any]) -> str:
    """Twelve hexadecimal digits that stand for a configuration."""
    return sha256(canonical(configuration)).hexdigest()[:12]
