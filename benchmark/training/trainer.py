"""The loop that spends a budget on a group of seeds."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.errors import is_out_of_memory
from benchmark.method import Method, State
from benchmark.records.checkpoint import Checkpoint
from benchmark.suites.budget import Budget
from benchmark.training.average import Average, Averaging
from benchmark.training.captured_cycle import CapturedCycle
from benchmark.training.compiled_cycles import compiled_cycle
from benchmark.training.cost import Cost
from benchmark.training.falls import Falls
from benchmark.training.generators import TrainedGenerators
from benchmark.training.saved_state import fitting, load_tree, tree_arrays
from benchmark.training.settings import Settings, methods_of
from benchmark.training.step import Cycle, CycleFunction, initialise
from benchmark.training.streams import Batches

__all__ = ["Saver", "Standing", "train"]

CYCLES_BETWEEN_CHECKS = 64
"""How often the losses are checked for divergence, in cycles, counted from the first."""


@dataclass(frozen=True)
class Standing:
    """Where training stands at an evaluation.

    Attributes:
        point: Number of the evaluation, from 1; 0 if all models have diverged before the first one.
        cycles: Cycles so far.
        seconds: Device-seconds of training so far, per seed.
        generator: The generators.
        diverged: For each seed, the cycle (from 1) in which a loss stopped being finite, or 0.
        last: Whether the budget is spent.
    """

    point: int
    cycles: int
    seconds: float
    generator: TrainedGenerators
    diverged: list[int]
    last: bool


class Saver(Protocol):
    """Who keeps checkpoints."""

    def due(self, cycles: int) -> bool:
        """Whether a checkpoint is wanted after that many cycles; stays true until one is saved.

        Called in every cycle.
        """

    def save(self, checkpoint: Checkpoint) -> None:
        """Keeps a checkpoint. May raise to end the training there."""


class Unsaved:
    """Wants no checkpoints."""

    def due(self, cycles: int) -> bool:
        return False

    def save(self, checkpoint: Checkpoint) -> None:
        raise NotImplementedError


def train(
    method: Method,
    data: Dataset,
    seeds: Sequence[int],
    budget: Budget,
    cost: Cost,
    evaluate: Callable[[Standing], None],
    progress: Callable[[float, str], None],
    device: torch.device,
    compile: bool,
    uncompiled: Callable[[Exception], None] | None = None,
    saver: Saver | None = None,
    start: Checkpoint | None = None,
    settings: Sequence[Settings] | None = None,
) -> None:
    """Trains a group of models until the budget is spent, or until all of them have diverged.

    Training that goes on from a checkpoint ends in the same state, bit for bit, as training that was never
    interrupted.

    Arguments:
        method: The method.
        data: The dataset.
        seeds: The seeds of the models, trained side by side.
        budget: What each of them may spend.
        cost: What a cycle takes, from `cost_of`.
        evaluate: Called at `data.evaluations` evenly spaced points of the budget. Its time is not counted.
        progress: Called with the share of the budget that is spent and the stage, `compiling` or `training`:
            once as each stage begins, and then after every stretch of training.
        device: Where to train.
        compile: Whether to compile the step.
        uncompiled: Called with the error if the step does not compile; if it returns, training is eager. By
            default, the error is raised.
        saver: Who keeps checkpoints; nobody by default.
        start: Where to go on; at the beginning by default.
        settings: What each model has of its own in place of the method's settings; nothing by default.

    Raises:
        UnfitError: If `start` is a checkpoint of something else.
        ValueError: If models cannot differ in a setting, or one is out of range.
    """
    saver = saver or Unsaved()
    cycle = Cycle(method, data.spec)
    schedule = _Schedule(budget.amount, cost.cycles(budget), data.evaluations)
    methods = methods_of(method, data.spec, seeds, settings)
    run = _Run(
        state=initialise(method, data, seeds, device, settings),
        stream=Batches(data, cycle.draws, seeds, device),
        schedule=schedule,
        falls=Falls(methods),
        averaging=Averaging.of(methods, cost.generator_steps),
    )
    if start is not None:
        with fitting():
            run.restore(start)
    generators = TrainedGenerators.of(method, data.spec, run.state)

    one_cycle = cycle.on(run.state)
    if compile:
        progress(run.share, "compiling")
        try:
            one_cycle = _compiled(method, data, seeds, run.state)
        except Exception as error:  # a compiler can fail in any way
            if uncompiled is None or is_out_of_memory(error):
                raise
            uncompiled(error)
    progress(run.share, "training")

    while True:
        reached = schedule.points_reached(run.done, run.seconds)
        # Checked in fixed cycles alone, so that a checkpoint between them changes nothing.
        checks = reached > run.point or run.done % CYCLES_BETWEEN_CHECKS == 0
        nobody_left = checks and bool((run.diverged > 0).all())
        if reached > run.point or nobody_left:
            last = reached == schedule.points or nobody_left
            generator = generators.at(run.sampled_state()).fitted(data, seeds)
            evaluate(Standing(reached, run.done, run.seconds, generator, run.diverged.tolist(), last))
            run.point = reached
            if last:
                return
        run.advance(one_cycle, saver)
        progress(run.share, "training")
        if saver.due(run.done):
            saver.save(run.checkpoint())


def _compiled(method: Method, data: Dataset, seeds: Sequence[int], state: State) -> CycleFunction:
    """The compiled cycle of a state; on a GPU, captured."""
    device = state.progress.device
    cycle = compiled_cycle(method, data, seeds, device)
    if device.type != "cuda":
        return cycle.on(state)
    return CapturedCycle(cycle, state, next(Batches(data, cycle.draws, seeds, device)))


class _Run:
    """All that changes while a group is trained.

    Arguments:
        state: The stacked initial state.
        stream: The batches.
        schedule: The budget.
        falls: How learning rates fall.
        averaging: Which average of the generator's weights is wanted, if one is.
    """

    def __init__(
        self,
        state: State,
        stream: Batches,
        schedule: "_Schedule",
        falls: Falls,
        averaging: Averaging | None,
    ) -> None:
        self.state = state
        self.stream = stream
        self.schedule = schedule
        self.falls = falls
        self.average: Average | None = None
        if averaging is not None:
            self.average = Average(averaging, state.parameters["generator"])
        self.device = state.progress.device
        self.seeds = len(state.progress)
        self.diverged = torch.zeros(self.seeds, dtype=torch.long, device=self.device)
        self.done, self.point, self.seconds = 0, 0, 0.0

    @property
    def share(self) -> float:
        """The share of the budget that is spent, in [0, 1]."""
        return self.schedule.share(self.done, self.seconds)

    @property
    def _changing(self) -> State:
        """What training changes of the state."""
        return self.state._replace(settings={})

    def sampled_state(self) -> State:
        """The state that samples are taken from."""
        if self.average is None:
            return self.state
        return self.state.replace_in("generator", parameters=self.average.mean)

    def advance(self, one_cycle: CycleFunction, saver: Saver) -> None:
        """Trains to the next check of the losses, evaluation or checkpoint, for one cycle at least."""
        losses: list[Tensor] = []
        watch = _Watch(self.device)
        done, seconds = self.done, self.seconds
        while not losses or not self._stops(done, seconds, saver):
            losses.append(self._one_cycle(one_cycle, done, seconds))
            if self.schedule.cycles is None:
                self._wait()  # else the seconds of a cycle would not be its own
            done += 1
            seconds = self.seconds + watch.seconds() / self.seeds
        finite = torch.stack(losses).isfinite().all(dim=1)
        self._wait()
        self.seconds += watch.seconds() / self.seeds
        first = self.done + 1 + (~finite).int().argmax(dim=0)
        self.diverged = torch.where((self.diverged == 0) & ~finite.all(dim=0), first, self.diverged)
        self.done = done

    def _wait(self) -> None:
        """Waits until the device has done what it was asked for."""
        if self.device.type != "cpu":
            torch.accelerator.synchronize(self.device)

    def _stops(self, done: int, seconds: float, saver: Saver) -> bool:
        """Whether something is to be done after that many cycles and device-seconds."""
        evaluates = self.schedule.points_reached(done, seconds) > self.point
        return evaluates or done % CYCLES_BETWEEN_CHECKS == 0 or saver.due(done)

    def _one_cycle(self, one_cycle: CycleFunction, done: int, seconds: float) -> Tensor:
        """Trains for one cycle, after that many and so many device-seconds; returns the losses."""
        share = self.schedule.share(done, seconds)
        self.state.progress.fill_(share)
        self.falls.write(self.state.rate, share)
        losses = one_cycle(next(self.stream))
        if self.average is not None:
            self.average.add(self.state.parameters["generator"], self.schedule.cycle_share(done, seconds))
        return losses

    def checkpoint(self) -> Checkpoint:
        values = {
            "done": self.done,
            "point": self.point,
            "seconds": self.seconds,
            "diverged": self.diverged.tolist(),
        }
        parts = {"run": Checkpoint(tree_arrays(self._changing), values), "streams": self.stream.checkpoint()}
        if self.average is not None:
            parts["average"] = Checkpoint(
                tree_arrays(self.average.mean), {"total": self.average.total.tolist()}
            )
        return Checkpoint.join(parts)

    def restore(self, checkpoint: Checkpoint) -> None:
        run = checkpoint.part("run")
        load_tree(self._changing, run.arrays)
        self.stream.restore(checkpoint.part("streams"))
        values = run.values
        self.diverged.copy_(torch.tensor(values["diverged"], dtype=torch.long))
        self.done, self.point, self.seconds = values["done"], values["point"], values["seconds"]
        if self.average is not None:
            average = checkpoint.part("average")
            load_tree(self.average.mean, average.arrays)
            self.average.total[:] = average.values["total"]


class _Watch:
    """Counts the seconds in which a device was at work, from now on."""

    def __init__(self, device: torch.device) -> None:
        self.on_cpu = device.type == "cpu"
        self.began, self.worked_before = time.perf_counter(), time.process_time()

    def seconds(self) -> float:
        """The seconds so far."""
        passed = time.perf_counter() - self.began
        if self.on_cpu:
            # A job that is suspended does not work, and neither does one that waits for a core.
            return min(passed, time.process_time() - self.worked_before)
        return passed


@dataclass(frozen=True)
class _Schedule:
    """How far a training is, and where its evaluations lie.

    Attributes:
        seconds: The budget, if it is one of device-seconds per seed.
        cycles: The budget in cycles; `None` if it is one of device-seconds.
        points: The number of evaluations.
    """

    seconds: float
    cycles: int | None
    points: int

    def share(self, done: int, seconds: float) -> float:
        """The share of the budget that so many cycles and device-seconds have spent, in [0, 1]."""
        if self.cycles is None:
            return min(seconds / self.seconds, 1.0)
        return done / self.cycles

    def cycle_share(self, done: int, seconds: float) -> float:
        """The share that one cycle takes: of device-seconds, as many as the cycles so far."""
        if self.cycles is None:
            return seconds / self.seconds / max(done, 1)
        return 1 / self.cycles

    def points_reached(self, done: int, seconds: float) -> int:
        """How many evaluations are due by now, those that are done included."""
        if self.cycles is None:
            return min(self.points, int(self.points * seconds / self.seconds))
        return done * self.points // self.cycles
