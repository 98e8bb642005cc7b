"""A cell: one method on one dataset, trained and scored for a group of seeds."""

import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmark import registry
from benchmark.budget import Cost, cost_of, parse_budget
from benchmark.datasets.base import Dataset
from benchmark.exhibits import exhibits, kept
from benchmark.metric import Metric
from benchmark.scoring import CALIBRATIONS, Scorer
from benchmark.training.trainer import Checkpoint, train

__all__ = ["Cell", "Trial", "run_cell"]


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


def run_cell(cell: Cell, progress: Callable[[float], None]) -> list[Trial]:
    """Trains and scores a cell; returns the trials whose seeds it is to record.

    Arguments:
        cell: The cell.
        progress: Called with the share of the budget that is spent.
    """
    for plugin in cell.plugins:
        registry.load_plugin(Path(plugin))
    device = torch.device(cell.device)
    data: Dataset = registry.DATASETS.get(cell.dataset[0])(**cell.dataset[1])
    metrics: dict[str, Metric] = {name: registry.METRICS.get(name)(**settings) for name, settings in cell.metrics.items()}
    scorer = Scorer(data, metrics, device)
    trials = _calibrate(cell, data, scorer) if cell.method[0] in CALIBRATIONS else _train(cell, data, scorer, progress)
    return [trial for trial in trials if trial.seed in cell.record]


def _calibrate(cell: Cell, data: Dataset, scorer: Scorer) -> list[Trial]:
    trials = []
    for seed in cell.group:
        audit = {"peak_memory_bytes": _peak_memory(scorer.device), "group": list(cell.group), "compiled": False}
        draw = CALIBRATIONS[cell.method[0]](data, seed, scorer.device)
        evaluation = scorer.evaluation(draw(data.samples)[None], [seed])
        scores = {**scorer.final(evaluation)[0], **scorer.large(draw, seed)}
        trials.append(Trial(seed, metrics=scores, arrays=exhibits(evaluation, 0), audit=audit))
    return trials


def _train(cell: Cell, data: Dataset, scorer: Scorer, progress: Callable[[float], None]) -> list[Trial]:
    method = registry.METHODS.get(cell.method[0])(**cell.method[1])
    cost = cost_of(method, data)
    recorder = _Recorder([Trial(seed) for seed in cell.group], scorer, cost)
    began = time.perf_counter()
    train(method, data, cell.group, parse_budget(cell.budget), cost, recorder.evaluate, progress, scorer.device, cell.compile)
    elapsed = time.perf_counter() - began
    training = sum(trial.audit["device_seconds"] for trial in recorder.trials)
    for trial in recorder.trials:
        trial.audit |= {
            "parameters": cost.parameters,
            "peak_memory_bytes": _peak_memory(scorer.device),
            "group": list(cell.group),
            "compiled": cell.compile,
            "group_seconds": {"training": training, "evaluation": recorder.seconds, "rest": elapsed - training - recorder.seconds},
        }
    return recorder.trials


class _Recorder:
    """Turns evaluations into trials."""

    def __init__(self, trials: list[Trial], scorer: Scorer, cost: Cost) -> None:
        self.trials = trials
        self.scorer = scorer
        self.cost = cost
        self.seconds = 0.0

    def evaluate(self, checkpoint: Checkpoint) -> None:
        began = time.perf_counter()
        seeds = [trial.seed for trial in self.trials]
        samples, finite = self.scorer.sample(checkpoint.generator, seeds)
        alive = []
        for i, trial in enumerate(self.trials):
            if trial.status == "diverged":
                continue
            cycle = checkpoint.diverged[i] or (0 if bool(finite[i]) else checkpoint.cycles)
            trial.audit.update(self._spent(cycle or checkpoint.cycles, checkpoint.seconds))
            if cycle:
                trial.status = "diverged"
                trial.audit["diverged_at"] = cycle * self.cost.generator_steps
            else:
                alive.append(i)
        if alive:
            self._score(checkpoint, samples[alive], alive)
        self.seconds += time.perf_counter() - began

    def _score(self, checkpoint: Checkpoint, samples: Tensor, alive: list[int]) -> None:
        seeds = [self.trials[i].seed for i in alive]
        generator = checkpoint.generator.select(alive)
        evaluation = self.scorer.evaluation(samples, seeds, generator)
        scores = self.scorer.final(evaluation) if checkpoint.last else self.scorer.curve(evaluation)
        for j, i in enumerate(alive):
            trial = self.trials[i]
            trial.curve.append({"point": checkpoint.point, **self._spent(checkpoint.cycles, checkpoint.seconds), "metrics": scores[j]})
            trial.metrics = dict(scores[j])
            if checkpoint.last:
                trial.arrays = exhibits(evaluation, j, generator.reconstruction(j))
            else:
                trial.arrays = {"samples": kept(self.scorer.data, samples[j]).cpu().numpy()}
            trial.generator = {key: value.cpu().numpy() for key, value in generator.tensors(j).items()}
            if checkpoint.last:
                trial.metrics |= self.scorer.large(partial(self._draw, checkpoint, i), trial.seed)

    def _draw(self, checkpoint: Checkpoint, i: int, n: int) -> Tensor:
        return self.scorer.sample(checkpoint.generator.select([i]), [self.trials[i].seed], n)[0][0]

    def _spent(self, cycles: int, seconds: float) -> dict[str, Any]:
        return {
            "flops": cycles * self.cost.flops,
            "generator_steps": cycles * self.cost.generator_steps,
            "discriminator_steps": cycles * self.cost.discriminator_steps,
            "samples_seen": cycles * self.cost.samples,
            "device_seconds": seconds,
        }


def _peak_memory(device: torch.device) -> int:
    """Bytes: the device's own peak where it has memory of its own, else this process's."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
