"""The loop that spends a budget on a group of seeds."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.utils._pytree import tree_map

from benchmark.datasets.base import Dataset
from benchmark.method import Method, Networks, State
from benchmark.records.checkpoint import Checkpoint
from benchmark.suites.budget import Budget
from benchmark.training.cost import Cost
from benchmark.training.saved_state import fitting, load_tree, tree_arrays
from benchmark.training.step import Cycle, initialise, modules_of, select_seed
from benchmark.training.streams import Batches

__all__ = ["Saver", "Standing", "TrainedGenerators", "train"]

CHECK = 64
"""Cycles between two looks at the losses, counted from the first."""


class TrainedGenerators:
    """The generators of a group of seeds, in inference mode, and the encoders of a method that has them.

    Arguments:
        method: The method.
        modules: Its networks' architectures, in inference mode.
        state: The stacked state.
    """

    def __init__(self, method: Method, modules: Mapping[str, nn.Module], state: State) -> None:
        self.method = method
        self.modules = modules
        self.state = state

    def __call__(self, z: Tensor) -> Tensor:
        """Maps latents of shape $(S, N, L)$ to data of shape $(S, N, *)$, each seed by its own generator."""
        module = self.modules["generator"]
        tensors = {**self.state.parameters["generator"], **self.state.buffers["generator"]}
        if len(z) == 1:  # where one seed is all, vmap costs a seventh of the time
            return functional_call(module, {key: value[0] for key, value in tensors.items()}, (z[0],))[None]
        return vmap(lambda t, z: functional_call(module, t, (z,)))(tensors, z)

    def tensors(self, index: int) -> dict[str, Tensor]:
        """The generator's parameters and buffers of one seed."""
        tensors = {**self.state.parameters["generator"], **self.state.buffers["generator"]}
        return {key: value[index].clone() for key, value in tensors.items()}

    def select(self, indices: Sequence[int]) -> "TrainedGenerators":
        """The generators of some of the seeds."""
        return TrainedGenerators(
            self.method, self.modules, tree_map(lambda leaf: leaf[list(indices)], self.state)
        )

    def reconstruction(self, index: int) -> Callable[[Tensor], Tensor] | None:
        """Maps data $(n, *)$ to what one seed's encoder and generator make of it; `None` for a method without an encoder."""
        if type(self.method).encode is Method.encode:
            return None

        def reconstruct(x: Tensor) -> Tensor:
            nets = Networks(self.modules, select_seed(self.state, index), {})
            with torch.no_grad():
                return nets.generator(self.method.encode(nets, x))

        return reconstruct


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
        """Whether a checkpoint is wanted after that many cycles; stays true until one is saved. Asked in every cycle."""

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
    progress: Callable[[float], None],
    device: torch.device,
    compile: bool,
    saver: Saver | None = None,
    start: Checkpoint | None = None,
) -> None:
    """Trains a group of seeds until the budget is spent, or until all of them have diverged.

    Training that goes on from a checkpoint ends in the same state, bit for bit, as training that was never interrupted.

    Arguments:
        method: The method.
        data: The dataset.
        seeds: The seeds, trained side by side.
        budget: What each of them may spend.
        cost: What a cycle takes, from `cost_of`.
        evaluate: Called at `data.evaluations` evenly spaced points of the budget. Its time is not counted.
        progress: Called with the share of the budget that is spent.
        device: Where to train.
        compile: Whether to compile the step.
        saver: Who keeps checkpoints; nobody by default.
        start: Where to go on; at the beginning by default.

    Raises:
        UnfitError: If `start` is a checkpoint of something else.
    """
    torch.compiler.reset()
    saver = saver or Unsaved()
    cycle = Cycle(method, data.spec, compile)
    run = _Run(
        initialise(method, data, seeds, device), Batches(data, cycle.draws, seeds, device), len(seeds), device
    )
    if start is not None:
        with fitting():
            run.restore(start)
    inference = {name: module.eval() for name, module in modules_of(method, data.spec).items()}
    total, points = cost.cycles(budget), data.evaluations

    def share() -> float:
        return run.done / total if total else min(run.seconds / budget.amount, 1.0)

    progress(share())
    if compile:
        # The first call compiles; it runs on a copy of the state and its time is not the method's.
        cycle.run(initialise(method, data, seeds, device), next(Batches(data, cycle.draws, seeds, device)))

    while True:
        reached = (
            run.done * points // total if total else min(points, int(points * run.seconds / budget.amount))
        )
        # Looked at in fixed cycles alone, so that a checkpoint between them changes nothing.
        nobody_left = (reached > run.point or run.done % CHECK == 0) and bool((run.diverged > 0).all())
        if reached > run.point or nobody_left:
            last = reached == points or nobody_left
            evaluate(
                Standing(
                    reached,
                    run.done,
                    run.seconds,
                    TrainedGenerators(method, inference, run.state),
                    run.diverged.tolist(),
                    last,
                )
            )
            run.point = reached
            if last:
                return
        until = run.done - run.done % CHECK + CHECK
        if total:
            until = min(until, -(-(run.point + 1) * total // points))
        run.advance(cycle, until, saver, skip_guards=compile)
        progress(share())
        if saver.due(run.done):
            saver.save(run.checkpoint())


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

    def advance(self, cycle: Cycle, until: int, saver: Saver, skip_guards: bool) -> None:
        """Trains to that cycle, or to one before it, the next at least, where a checkpoint is due."""
        losses: list[Tensor] = []
        began = time.perf_counter()
        # The tensors' shapes never change, so what was compiled need not be checked to fit them at every call.
        with torch.compiler.set_stance("default", skip_guard_eval_unsafe=skip_guards):
            while not losses or (self.done + len(losses) < until and not saver.due(self.done + len(losses))):
                losses.append(cycle.run(self.state, next(self.stream)))
        finite = torch.stack(losses).isfinite().all(dim=1)
        if self.device.type != "cpu":
            torch.accelerator.synchronize(self.device)
        self.seconds += (time.perf_counter() - began) / self.seeds
        first = self.done + 1 + (~finite).int().argmax(dim=0)
        self.diverged = torch.where((self.diverged == 0) & ~finite.all(dim=0), first, self.diverged)
        self.done += len(losses)

    def checkpoint(self) -> Checkpoint:
        facts = {
            "done": self.done,
            "point": self.point,
            "seconds": self.seconds,
            "diverged": self.diverged.tolist(),
        }
        return Checkpoint.join(
            {"run": Checkpoint(tree_arrays(self.state), facts), "streams": self.stream.checkpoint()}
        )

    def restore(self, checkpoint: Checkpoint) -> None:
        run = checkpoint.part("run")
        load_tree(self.state, run.arrays)
        self.stream.restore(checkpoint.part("streams"))
        facts: Any = run.facts
        self.diverged.copy_(torch.tensor(facts["diverged"], dtype=torch.long))
        self.done, self.point, self.seconds = facts["done"], facts["point"], facts["seconds"]
