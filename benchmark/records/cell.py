"""A cell and its trials, as plain values: the message from a plan to a worker, and back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import numpy as np
import torch

from benchmark.records.sealed_files import canonical

__all__ = ["Cell", "Trial", "config_hash"]


@dataclass(frozen=True)
class Cell:
    """All that a worker needs to know, as plain values.

    Attributes:
        suite: The suite's name.
        dataset: The dataset's name and settings.
        method: The method's name and settings; a calibration row has no settings.
        metrics: The metrics' settings, by name.
        budget: As on the command line.
        group: The seeds that are trained side by side.
        record: Those of them whose results are wanted.
        compile: Whether to compile the step.
        device: The device's name.
        plugins: Plug-in files to load first.
        files: What the dataset is read from and judged by, from `Dataset.prepare`.
        source: SHA-256 of the plug-in file that defines the method; empty for a method from elsewhere.
    """

    suite: str
    dataset: tuple[str, dict[str, Any]]
    method: tuple[str, dict[str, Any]]
    metrics: dict[str, dict[str, Any]]
    budget: str
    group: tuple[int, ...]
    record: tuple[int, ...]
    compile: bool = False
    device: str = "cpu"
    plugins: tuple[str, ...] = ()
    files: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""

    @property
    def configuration(self) -> dict[str, Any]:
        """What a result depends on, apart from the seeds beside it."""
        return {
            "suite": self.suite,
            "dataset": {"name": self.dataset[0], **self.dataset[1]},
            "method": {"name": self.method[0], **self.method[1]} | ({"source": self.source} if self.source else {}),
            "metrics": self.metrics,
            "budget": self.budget,
            "device": torch.device(self.device).type,
        } | ({"files": dict(self.files)} if self.files else {})

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells a cell from the others of a run."""
        return (self.dataset[0], self.method[0], self.group, self.record)

    @property
    def label(self) -> str:
        return f"{self.dataset[0]} {self.method[0]}"


@dataclass
class Trial:
    """The result of one seed.

    Attributes:
        seed: The seed.
        status: `ok` or `diverged`.
        metrics: The final scores, or the last finite ones of a diverged seed.
        audit: What was spent.
        curve: One entry per evaluation point: what was spent by then, and the metrics.
        arrays: What pictures need: `samples`, the packed samples that were scored, shape (N, *), and others by name.
        generator: The generator's weights; empty for a calibration row.
    """

    seed: int
    status: str = "ok"
    metrics: dict[str, float] = field(default_factory=dict)
    audit: dict[str, Any] = field(default_factory=dict)
    curve: list[dict[str, Any]] = field(default_factory=list)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    generator: dict[str, np.ndarray] = field(default_factory=dict)


def config_hash(configuration: Mapping[str, Any]) -> str:
    """Twelve hexadecimal digits that stand for a configuration."""
    return sha256(canonical(configuration)).hexdigest()[:12]
