"""A cell: one method on one dataset, trained and scored for a group of seeds."""

import time
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.errors import UsageError, in_one_line
from benchmark.method import Method
from benchmark.metric import Metric
from benchmark.records.cell import MODEL_PARTS, Cell, Trial
from benchmark.records.checkpoint import Checkpoint
from benchmark.records.schema import CALIBRATION_ROWS
from benchmark.registry import DATASETS, METHODS, METRICS, load_plugin
from benchmark.running.peak_memory import peak_memory, reset_peak_memory
from benchmark.scoring.calibration import CALIBRATIONS
from benchmark.scoring.fitted_rows import FITTED
from benchmark.scoring.kept_arrays import kept_arrays, kept_samples
from benchmark.scoring.scorer import Scorer
from benchmark.training.cost import Cost, cost_of
from benchmark.training.generators import TrainedGenerators
from benchmark.training.kept_models import ModelUses, kept_model
from benchmark.training.repeatable import ask_for_repeatable_results
from benchmark.training.saved_state import UnfitError, fitting
from benchmark.training.trainer import Saver, Standing, train

__all__ = ["Link", "run_cell"]

TRIAL_ARRAYS = ("arrays", *MODEL_PARTS)
"""The parts of a trial that a checkpoint keeps as arrays."""

TRIAL_VALUES = ("seed", "status", "metrics", "audit", "curve")
"""The parts of a trial that a checkpoint keeps as values."""


class Link(Saver, Protocol):
    """Receives the reports of a running cell."""

    def progress(self, share: float, stage: str) -> None:
        """That share of the budget is spent; the stage is `compiling`, `training` or `scoring`."""

    def say(self, text: str) -> None:
        """Something that the user should know."""


def run_cell(cell: Cell, link: Link, start: Checkpoint | None = None) -> list[Trial]:
    """Trains and scores a cell; returns the trials whose seeds it is to record.

    Arguments:
        cell: The cell.
        link: Receives the reports.
        start: Where to go on. If it does not fit, this is reported and the training starts anew.
    """
    device = torch.device(cell.device)
    ask_for_repeatable_results(device)
    reset_peak_memory(device)
    for plugin in cell.plugins:
        load_plugin(Path(plugin))
    _check_sources(cell)
    data: Dataset = DATASETS.build(cell.dataset.name, cell.dataset.settings)
    metrics: dict[str, Metric] = {}
    for metric in cell.metrics:
        metrics[metric.name] = METRICS.build(metric.name, metric.settings)
    scorer = Scorer(data, metrics, device)
    if cell.method.name in CALIBRATION_ROWS:
        trials = _calibrate(cell, data, scorer, link)
    else:
        trials = _train(cell, data, scorer, link, start)
    return [trial for trial in trials if trial.seed in cell.wanted]


def _check_sources(cell: Cell) -> None:
    """Refuses to run code that is not the code of the plan."""
    parts = [(DATASETS, cell.dataset), *((METRICS, metric) for metric in cell.metrics)]
    if cell.method.name not in CALIBRATION_ROWS:
        parts.append((METHODS, cell.method))
    for registry, part in parts:
        if registry.sources(part.name) != part.sources:
            raise UsageError(f"{registry.kind} {part.name!r} was edited after the run began; start it again")


def _calibrate(cell: Cell, data: Dataset, scorer: Scorer, link: Link) -> list[Trial]:
    trials = []
    for i, seed in enumerate(cell.group):
        link.progress(i / len(cell.group), "scoring")
        draw = _calibration_row(cell, data, seed, scorer.device)
        evaluation = scorer.evaluation(draw(data.samples)[None], [seed])
        scores = {**scorer.final(evaluation)[0], **scorer.large(draw, seed)}
        audit = {
            "peak_memory_bytes": peak_memory(scorer.device),
            "group": list(cell.group),
            "compiled": False,
        }
        arrays = kept_arrays(evaluation, 0) if cell.keeps else {}
        trials.append(Trial(seed, metrics=scores, arrays=arrays, audit=audit))
    return trials


def _calibration_row(cell: Cell, data: Dataset, seed: int, device: torch.device) -> Callable[[int], Tensor]:
    name = cell.method.name
    if name in FITTED:
        return FITTED[name](data, seed, device, cell.method.settings["points"])
    return CALIBRATIONS[name](data, seed, device)


def _train(cell: Cell, data: Dataset, scorer: Scorer, link: Link, start: Checkpoint | None) -> list[Trial]:
    method = METHODS.build(cell.method.name, cell.method.settings)
    group = _GroupInTraining(cell, scorer, cost_of(method, data), link)
    try:
        group.train(method, start)
    except UnfitError as error:
        link.say(f"{cell.label}: its checkpoint does not fit ({error}); training starts anew")
        group = _GroupInTraining(cell, scorer, group.cost, link)
        group.train(method, None)
    return group.finished()


class _GroupInTraining:
    """The seeds of a cell in training, and their trials so far.

    Evaluations fill the trials, and checkpoints keep them.
    """

    def __init__(self, cell: Cell, scorer: Scorer, cost: Cost, link: Link) -> None:
        self.cell = cell
        self.trials = [Trial(seed) for seed in cell.group]
        self.scorer = scorer
        self.cost = cost
        self.link = link
        self.compiled = cell.compile
        self.began = time.perf_counter()
        self.training = self.compiling = self.evaluation = 0.0
        self.share = 0.0
        self.resumed = False
        self.uses: ModelUses | None = None
        self.stage, self.stage_began = "", self.began

    def train(self, method: Method, start: Checkpoint | None) -> None:
        """Trains from the beginning, or from a checkpoint that `save` was given.

        Raises:
            UnfitError: If the checkpoint is that of something else.
        """
        self.resumed = start is not None
        if start is not None:
            with fitting():
                self._restore(start.part("trials"))
                start = start.part("training")
            if self.cell.compile and not self.compiled and not self.cell.eager_instead:
                raise UnfitError("it was not compiled, and must be")
        train(
            method,
            self.scorer.data,
            self.cell.group,
            self.cell.budget,
            self.cost,
            evaluate=self.evaluate,
            progress=self.progress,
            device=self.scorer.device,
            compile=self.compiled,
            uncompiled=self.uncompiled,
            saver=self,
            start=start,
            settings=self.cell.settings or None,
        )

    def progress(self, share: float, stage: str) -> None:
        if stage != self.stage:
            now = time.perf_counter()
            if self.stage == "compiling":
                self.compiling += now - self.stage_began
            self.stage, self.stage_began = stage, now
        self.share = share
        self.link.progress(share, stage)

    def uncompiled(self, error: Exception) -> None:
        """The step does not compile: the group is trained eagerly, unless it must be compiled.

        Raises:
            UnfitError: If a part of the training was compiled: the rest would not go on from it bit by bit.
        """
        if not self.cell.eager_instead:
            raise error
        if self.resumed:
            raise UnfitError("it was compiled, and does not compile here")
        self.compiled = False
        self.link.say(f"{self.cell.label}: does not compile ({in_one_line(error)}); it is trained eagerly")

    def evaluate(self, standing: Standing) -> None:
        self.link.progress(self.share, "scoring")
        began = time.perf_counter()
        self.training = standing.seconds * len(self.trials)
        seeds = [trial.seed for trial in self.trials]
        samples, finite = self.scorer.sample(standing.generator, seeds)
        alive = []
        for i, trial in enumerate(self.trials):
            if trial.status == "diverged":
                continue
            diverged_in = standing.diverged[i]
            if not diverged_in and not finite[i]:
                diverged_in = standing.cycles
            if diverged_in:
                trial.status = "diverged"
                trial.audit |= self._spent(diverged_in, standing.seconds)
                trial.audit["diverged_at"] = diverged_in * self.cost.generator_steps
            else:
                trial.audit |= self._spent(standing.cycles, standing.seconds)
                alive.append(i)
        if alive:
            self._score(standing, samples[alive], alive)
        self.evaluation += time.perf_counter() - began
        if not standing.last:
            self.link.progress(self.share, "training")

    def due(self, cycles: int) -> bool:
        return self.link.due(cycles)

    def save(self, checkpoint: Checkpoint) -> None:
        self.link.save(Checkpoint.join({"training": checkpoint, "trials": self._checkpoint()}))

    def _checkpoint(self) -> Checkpoint:
        arrays, trials = {}, []
        for i, trial in enumerate(self.trials):
            trials.append({name: deepcopy(getattr(trial, name)) for name in TRIAL_VALUES})
            for kind in TRIAL_ARRAYS:
                for name, array in getattr(trial, kind).items():
                    arrays[f"{i}/{kind}/{name}"] = array
        elapsed = time.perf_counter() - self.began
        values = {
            "trials": trials,
            "compiled": self.compiled,
            "compiling": self.compiling,
            "evaluation": self.evaluation,
            "elapsed": elapsed,
        }
        return Checkpoint(arrays, values)

    def _restore(self, checkpoint: Checkpoint) -> None:
        values = checkpoint.values
        trials = [Trial(**trial) for trial in values["trials"]]
        if [trial.seed for trial in trials] != list(self.cell.group):
            raise ValueError("it is that of other seeds")
        for key, array in checkpoint.arrays.items():
            index, kind, name = key.split("/", 2)
            if kind not in TRIAL_ARRAYS:
                raise ValueError(f"unknown part {kind!r}")
            getattr(trials[int(index)], kind)[name] = array
        self.trials = trials
        self.compiled = bool(values.get("compiled", self.cell.compile))
        self.compiling = float(values["compiling"])
        self.evaluation = float(values["evaluation"])
        self.began -= float(values["elapsed"])

    def finished(self) -> list[Trial]:
        """The trials, with what they have in common."""
        elapsed = time.perf_counter() - self.began
        parts = {"training": self.training, "compiling": self.compiling, "evaluation": self.evaluation}
        parts["rest"] = elapsed - sum(parts.values())
        for trial in self.trials:
            trial.audit |= {
                "parameters": self.cost.parameters,
                "sample_evaluations": self.cost.sample_evaluations,
                "sample_flops": self.cost.sample_flops,
                "peak_memory_bytes": peak_memory(self.scorer.device),
                "group": list(self.cell.group),
                "compiled": self.compiled,
                "group_seconds": parts,
            }
        return self.trials

    def _score(self, standing: Standing, samples: Tensor, alive: list[int]) -> None:
        """Scores the models that have not diverged.

        Arguments:
            standing: Where the training stands.
            samples: Their samples, stacked.
            alive: Their places in the group.
        """
        trials = [self.trials[i] for i in alive]
        generator = standing.generator.select(alive)
        evaluation = self.scorer.evaluation(samples, [trial.seed for trial in trials], generator)
        scores = self.scorer.final(evaluation) if standing.last else self.scorer.curve(evaluation)
        spent = self._spent(standing.cycles, standing.seconds)
        for place, trial in enumerate(trials):
            trial.curve.append({"point": standing.point, **spent, "metrics": scores[place]})
            trial.metrics = dict(scores[place])
            if self.cell.keeps and standing.last:
                trial.arrays = kept_arrays(evaluation, place, generator.reconstruction(place))
            elif self.cell.keeps:
                trial.arrays = {"samples": kept_samples(self.scorer.data, samples[place]).cpu().numpy()}
            if self.cell.keeps:
                self._keep_model(trial, generator, place)
            if standing.last:
                draw = partial(self._draw, generator.select([place]), trial.seed)
                trial.metrics |= self.scorer.large(draw, trial.seed)

    def _keep_model(self, trial: Trial, generator: TrainedGenerators, place: int) -> None:
        self.uses = self.uses or ModelUses.of(generator)
        for part, tensors in kept_model(generator, place, self.uses).items():
            setattr(trial, part, {key: value.cpu().numpy() for key, value in tensors.items()})

    def _draw(self, generator: TrainedGenerators, seed: int, n: int) -> Tensor:
        return self.scorer.sample(generator, [seed], n).packed[0]

    def _spent(self, cycles: int, seconds: float) -> dict[str, Any]:
        return {
            "flops": cycles * self.cost.flops + self.cost.fit_flops,
            "generator_steps": cycles * self.cost.generator_steps,
            "discriminator_steps": cycles * self.cost.discriminator_steps,
            "samples_seen": cycles * self.cost.samples + self.cost.fit_samples,
            "device_seconds": seconds,
        }
