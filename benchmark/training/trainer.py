"""The loop that spends a budget on a group of seeds."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Protocol

import torch
from torch import Tensor
from torch.func import vmap

from benchmark.datasets.base import Dataset
from benchmark.errors import is_out_of_memory
from benchmark.method import Method, Networks, PureNetwork, State, Tensors
from benchmark.records.checkpoint import Checkpoint
from benchmark.suites.budget import Budget
from benchmark.training.cost import Cost
from benchmark.training.saved_state import fitting, load_tree, tree_arrays
from benchmark.training.step import Cycle, initialise, modules_of, select_seed
from benchmark.training.streams import Batches
from benchmark.training.trees import tree_map

__all__ = ["Saver", "Standing", "TrainedGenerators", "train"]

CYCLES_BETWEEN_CHECKS = 64
"""How often the losses are checked for divergence, in cycles, counted from the first."""


class TrainedGenerators:
    """The generators of a group of seeds, in inference mode, and the encoders of a method that has them.

    Arguments:
        method: The method.
        modules: Its networks, in inference mode.
        state: The stacked state.
    """

    def __init__(self, method: Method, modules: Mapping[str, PureNetwork], state: State) -> None:
        self.method = method
        self.modules = modules
        self.state = state

    def __call__(self, z: Tensor) -> Tensor:
        """Maps latents of shape $(S, N, L)$ to data of shape $(S, N, *)$, each seed by its own generator."""
        if len(z) == 1:  # where one seed is all, vmap costs a seventh of the time
            parameters, buffers = tree_map(itemgetter(0), self._stacked_tensors())
            return self._generate(parameters, buffers, z[0])[None]
        return vmap(self._generate)(*self._stacked_tensors(), z)

    def tensors(self, index: int) -> dict[str, Tensor]:
        """The generator's parameters and buffers of one seed."""
        parameters, buffers = self._stacked_tensors()
        return {key: value[index].clone() for key, value in {**parameters, **buffers}.items()}

    def select(self, indices: Sequence[int]) -> "TrainedGenerators":
        """The generators of some of the seeds."""
        state = tree_map(lambda leaf: leaf[list(indices)], self.state)
        return TrainedGenerators(self.method, self.modules, state)

    def reconstruction(self, index: int) -> Callable[[Tensor], Tensor] | None:
        """Maps data $(n, *)$ to its reconstruction by one seed's encoder and generator.

        It is `None` for a method without an encoder.
        """
        if type(self.method).encode is Method.encode:
            return None

        def reconstruct(x: Tensor) -> Tensor:
            nets = Networks(self.modules, select_seed(self.state, index), {})
            with torch.no_grad():
                return nets.generator(self.method.encode(nets, x))

        return reconstruct

    def _stacked_tensors(self) -> tuple[Tensors, Tensors]:
        """The generator's parameters and buffers of all seeds."""
        return self.state.parameters["generator"], self.state.buffers["generator"]

    def _generate(self, parameters: Tensors, buffers: Tensors, z: Tensor) -> Tensor:
        """The data of one seed's generator."""
        output, _ = self.modules["generator"].with_tensors(parameters, buffers, (z,))
        return output


@dataclass(frozen=True)
class Standing:
    """Where training stands at an evaluation.

    Attributes:
        point: Number of the evaluation, from 1.
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
) -> None:
    """Trains a group of seeds until the budget is spent, or until all of them have diverged.

    Training that goes on from a checkpoint ends in the same state, bit for bit, as training that was never
    interrupted.

    Arguments:
        method: The method.
        data: The dataset.
        seeds: The seeds, trained side by side.
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

    Raises:
        UnfitError: If `start` is a checkpoint of something else.
    """
    torch.compiler.reset()
    saver = saver or Unsaved()
    cycle = Cycle(method, data.spec)
    run = _Run(
        initialise(method, data, seeds, device), Batches(data, cycle.draws, seeds, device), len(seeds), device
    )
    if start is not None:
        with fitting():
            run.restore(start)
    inference = {name: module.eval() for name, module in modules_of(method, data.spec).items()}
    schedule = _Schedule(budget.amount, cost.cycles(budget), data.evaluations)

    if compile:
        progress(schedule.share(run), "compiling")
        try:
            cycle = _compiled(method, data, seeds, device)
        except Exception as error:  # a compiler can fail in any way
            if uncompiled is None or is_out_of_memory(error):
                raise
            uncompiled(error)
    progress(schedule.share(run), "training")

    while True:
        reached = schedule.points_reached(run)
        # Checked in fixed cycles alone, so that a checkpoint between them changes nothing.
        checks = reached > run.point or run.done % CYCLES_BETWEEN_CHECKS == 0
        nobody_left = checks and bool((run.diverged > 0).all())
        if reached > run.point or nobody_left:
            last = reached == schedule.points or nobody_left
            generator = TrainedGenerators(method, inference, run.state)
            evaluate(Standing(reached, run.done, run.seconds, generator, run.diverged.tolist(), last))
            run.point = reached
            if last:
                return
        run.advance(cycle, schedule.next_stop(run), saver)
        progress(schedule.share(run), "training")
        if saver.due(run.done):
            saver.save(run.checkpoint())


def _compiled(method: Method, data: Dataset, seeds: Sequence[int], device: torch.device) -> Cycle:
    """The compiled cycle.

    The first call compiles; it runs on a copy of the state, and its time is not the method's.
    """
    cycle = Cycle(method, data.spec, backend="inductor")
    cycle.run(initialise(method, data, seeds, device), next(Batches(data, cycle.draws, seeds, device)))
    return cycle


class _Run:
    """All that changes while a group is trained.

    Arguments:
        state: The stacked initial state.
        stream: The batches.
        seeds: The number of seeds.
        device: Where the training runs.
    """

    def __init__(self, state: State, stream: Batches, seeds: int, device: torch.device) -> None:
        self.state = state
        self.stream = stream
        self.seeds = seeds
        self.device = device
        self.diverged = torch.zeros(seeds, dtype=torch.long, device=device)
        self.done, self.point, self.seconds = 0, 0, 0.0

    def advance(self, cycle: Cycle, until: int, saver: Saver) -> None:
        """Trains to that cycle, or to one before it, the next at least, where a checkpoint is due."""
        losses: list[Tensor] = []
        began, worked_before = time.perf_counter(), time.process_time()
        # The tensors' shapes never change, so the compiled functions need not check them at every call.
        with torch.compiler.set_stance("default", skip_guard_eval_unsafe=cycle.compiled):
            while not losses or (self.done + len(losses) < until and not saver.due(self.done + len(losses))):
                losses.append(cycle.run(self.state, next(self.stream)))
        finite = torch.stack(losses).isfinite().all(dim=1)
        if self.device.type != "cpu":
            torch.accelerator.synchronize(self.device)
        seconds = time.perf_counter() - began
        if self.device.type == "cpu":
            # A job that is suspended does not work, and neither does one that waits for a core.
            seconds = min(seconds, time.process_time() - worked_before)
        self.seconds += seconds / self.seeds
        first = self.done + 1 + (~finite).int().argmax(dim=0)
        self.diverged = torch.where((self.diverged == 0) & ~finite.all(dim=0), first, self.diverged)
        self.done += len(losses)

    def checkpoint(self) -> Checkpoint:
        values = {
            "done": self.done,
            "point": self.point,
            "seconds": self.seconds,
            "diverged": self.diverged.tolist(),
        }
        run = Checkpoint(tree_arrays(self.state), values)
        return Checkpoint.join({"run": run, "streams": self.stream.checkpoint()})

    def restore(self, checkpoint: Checkpoint) -> None:
        run = checkpoint.part("run")
        load_tree(self.state, run.arrays)
        self.stream.restore(checkpoint.part("streams"))
        values = run.values
        self.diverged.copy_(torch.tensor(values["diverged"], dtype=torch.long))
        self.done, self.point, self.seconds = values["done"], values["point"], values["seconds"]


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

    def share(self, run: _Run) -> float:
        """The share of the budget that is spent, in [0, 1]."""
        if self.cycles is None:
            return min(run.seconds / self.seconds, 1.0)
        return run.done / self.cycles

    def points_reached(self, run: _Run) -> int:
        """How many evaluations are due by now, those that are done included."""
        if self.cycles is None:
            return min(self.points, int(self.points * run.seconds / self.seconds))
        return run.done * self.points // self.cycles

    def next_stop(self, run: _Run) -> int:
        """The cycle of the next check of the losses or of the next evaluation, whichever is first."""
        check = run.done - run.done % CYCLES_BETWEEN_CHECKS + CYCLES_BETWEEN_CHECKS
        if self.cycles is None:
            return check
        evaluation = -(-(run.point + 1) * self.cycles // self.points)
        return min(check, evaluation)
