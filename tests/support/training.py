"""Trains a group of seeds eagerly on the CPU, and keeps what the trainer reports."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from benchmark.datasets.base import Dataset
from benchmark.method import Method
from benchmark.records.checkpoint import Checkpoint
from benchmark.suites.budget import Budget
from benchmark.training.cost import cost_of
from benchmark.training.settings import Settings
from benchmark.training.trainer import Saver, Standing, train

CPU = torch.device("cpu")


@dataclass
class Training:
    """The reports of a training: every evaluation, and every share of the budget with its stage."""

    standings: list[Standing] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)
    stages: list[str] = field(default_factory=list)

    @property
    def end(self) -> Standing:
        return self.standings[-1]

    def progress(self, share: float, stage: str) -> None:
        self.shares.append(share)
        self.stages.append(stage)


class StopError(Exception):
    pass


class StopAt:
    """Takes one checkpoint, after that many cycles, and ends the training there."""

    checkpoint: Checkpoint

    def __init__(self, cycles: int) -> None:
        self.cycles = cycles

    def due(self, cycles: int) -> bool:
        return cycles >= self.cycles

    def save(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint
        raise StopError


def trained(
    method: Method,
    data: Dataset,
    seeds: Sequence[int],
    budget: Budget,
    saver: Saver | None = None,
    start: Checkpoint | None = None,
    compile: bool = False,
    settings: Sequence[Settings] | None = None,
) -> Training:
    """A training to its end, or to where a `StopAt` stops it."""
    training = Training()
    try:
        train(
            method,
            data,
            seeds,
            budget,
            cost=cost_of(method, data),
            evaluate=training.standings.append,
            progress=training.progress,
            device=CPU,
            compile=compile,
            saver=saver,
            start=start,
            settings=settings,
        )
    except StopError:
        assert isinstance(saver, StopAt)
    return training
