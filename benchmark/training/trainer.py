"""The loop that spends a budget on a group of seeds."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.utils._pytree import tree_map

from benchmark.budget import Budget, Cost
from benchmark.datasets.base import Dataset
from benchmark.method import Method, Networks, State
from benchmark.training.step import Cycle, initialise, modules_of, select_seed
from benchmark.training.streams import batches

__all__ = ["Checkpoint", "Generator", "train"]

CHECK = 64
"""Cycles between two looks at the losses."""


class Generator:
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

    def select(self, indices: Sequence[int]) -> "Generator":
        """The generators of some of the seeds."""
        return Generator(self.method, self.modules, tree_map(lambda leaf: leaf[list(indices)], self.state))

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
class Checkpoint:
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
    generator: Generator
    diverged: list[int]
    last: bool


def train(
    method: Method,
    data: Dataset,
    seeds: Sequence[int],
    budget: Budget,
    cost: Cost,
    evaluate: Callable[[Checkpoint], None],
    progress: Callable[[float], None],
    device: torch.device,
    compile: bool,
) -> None:
    """Trains a group of seeds until the budget is spent, or until all of them have diverged.

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
    """
    torch.compiler.reset()
    cycle = Cycle(method, data.spec, compile)
    state = initialise(method, data, seeds, device)
    inference = {name: module.eval() for name, module in modules_of(method, data.spec).items()}
    stream = batches(data, cycle.draws, seeds, device)
    total, points = cost.cycles(budget), data.evaluations
    if compile:
        # The first call compiles; it runs on a copy of the state and its time is not the method's.
        cycle.run(initialise(method, data, seeds, device), next(batches(data, cycle.draws, seeds, device)))
    diverged = torch.zeros(len(seeds), dtype=torch.long, device=device)
    done, point, seconds = 0, 0, 0.0

    while True:
        reached = done * points // total if total else min(points, int(points * seconds / budget.amount))
        nobody_left = bool(diverged.all())
        if reached > point or nobody_left:
            point = reached
            last = point == points or nobody_left
            evaluate(Checkpoint(point, done, seconds, Generator(method, inference, state), diverged.tolist(), last))
            if last:
                return
        due = -(-(point + 1) * total // points) if total else done + CHECK
        began = time.perf_counter()
        # The tensors' shapes never change, so what was compiled need not be checked to fit them at every call.
        with torch.compiler.set_stance("default", skip_guard_eval_unsafe=compile):
            losses = [cycle.run(state, next(stream)) for _ in range(min(CHECK, due - done))]
        finite = torch.stack(losses).isfinite().all(dim=1)
        _synchronise(device)
        seconds += (time.perf_counter() - began) / len(seeds)
        first = done + 1 + (~finite).int().argmax(dim=0)
        diverged = torch.where((diverged == 0) & ~finite.all(dim=0), first, diverged)
        done += len(losses)
        progress(done / total if total else min(seconds / budget.amount, 1.0))


def _synchronise(device: torch.device) -> None:
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
