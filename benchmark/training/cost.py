"""What a cycle of a method costs, counted on a real one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode  # torch has no public name for it
from torch.utils.flop_counter import flop_registry

from benchmark.datasets.base import Dataset
from benchmark.errors import UsageError
from benchmark.method import Method, Player
from benchmark.suites.budget import Budget
from benchmark.training.generators import TrainedGenerators
from benchmark.training.step import FIT_SAMPLES, Cycle, begins_with_data, initialise, select_seed
from benchmark.training.streams import Batches
from benchmark.training.trees import tree_leaves

__all__ = ["Cost", "Operations", "cost_of", "count_operations"]


@dataclass(frozen=True)
class Cost:
    """What one cycle of a method takes, per seed, and what it trains.

    Attributes:
        flops: FLOPs per cycle.
        generator_steps: Updates of the generator per cycle.
        discriminator_steps: Updates of discriminators and critics per cycle.
        samples: Real samples drawn per cycle.
        parameters: Trained parameters, over all networks.
        fit_flops: FLOPs of what is fitted to training data, before the training and before samples are
            taken; spent once.
        fit_samples: Real samples that it is fitted to.
        sample_flops: FLOPs per sample.
        sample_evaluations: Evaluations of networks per sample.
        operations: Tensor operations per cycle.
        compiled_operations: Tensor operations in all functions that are compiled, however often they run.
    """

    flops: int
    generator_steps: int
    discriminator_steps: int
    samples: int
    parameters: int
    fit_flops: int
    fit_samples: int
    sample_flops: int
    sample_evaluations: int
    operations: int
    compiled_operations: int

    def cycles(self, budget: Budget) -> int | None:
        """The whole number of cycles that comes nearest to the budget; `None` for a budget of device-seconds.

        Raises:
            UsageError: If the budget does not pay for half a cycle.
        """
        if budget.unit == "s":
            return None
        per_cycle = {"flops": self.flops, "steps": self.generator_steps, "samples": self.samples}[budget.unit]
        if per_cycle == 0:
            raise UsageError(f"--budget {budget}: a cycle takes no {budget.unit}; give another unit")
        fit = {"flops": self.fit_flops, "steps": 0, "samples": self.fit_samples}[budget.unit]
        cycles = round((budget.amount - fit) / per_cycle)
        if cycles < 1:
            and_fit = f" and what is fitted to data {fit}" if fit else ""
            raise UsageError(
                f"--budget {budget}: one cycle takes {per_cycle} {budget.unit}{and_fit}; "
                f"give at least {per_cycle + fit}"
            )
        return cycles


def cost_of(method: Method, data: Dataset) -> Cost:
    """Counts one real cycle of one model."""
    cpu = torch.device("cpu")
    cycle = Cycle(method, data.spec)
    with _FlopCounter() as beginning:
        start = initialise(method, data, [0], cpu)
    state = select_seed(start, 0)
    batches = iter([stacked.map(itemgetter(0)) for stacked in next(Batches(data, cycle.draws, [0], cpu))])
    flops, operations, compiled_operations = 0, 0, 0
    updates: list[Player] = []
    for phase in cycle.phases:
        of_repeats = list(islice(batches, phase.repeats * phase.batches))
        # Each repeat takes batches of the same shapes.
        count = count_operations(cycle.single, phase, state, of_repeats[: phase.batches])
        flops += phase.repeats * count.flops
        operations += phase.repeats * count.operations
        compiled_operations += count.operations
        updates += phase.repeats * list(phase.players.values())
    generators = TrainedGenerators.of(method, data.spec, start)
    sampling = _cost_of_sampling(generators, data)
    return Cost(
        flops=flops,
        generator_steps=sum("generator" in player.networks for player in updates),
        discriminator_steps=sum(map(_trains_discriminators, updates)),
        samples=data.batch * sum(draw.batches for draw in cycle.draws if draw.real),
        parameters=sum(parameter.numel() for parameter in tree_leaves(state.parameters)),
        fit_flops=beginning.flops + sampling.fit_flops,
        fit_samples=FIT_SAMPLES * (generators.fits + begins_with_data(method)),
        sample_flops=sampling.flops,
        sample_evaluations=sampling.evaluations,
        operations=operations,
        compiled_operations=compiled_operations,
    )


def _trains_discriminators(player: Player) -> bool:
    """Whether it trains discriminators or critics and nothing else."""
    return all(network.startswith(("discriminator", "critic")) for network in player.networks)


class _Sampling(NamedTuple):
    """What the sampler of a method takes: once, and per sample."""

    fit_flops: int
    flops: int
    evaluations: int


def _cost_of_sampling(generators: TrainedGenerators, data: Dataset) -> _Sampling:
    """Counts what real samples of one model take.

    Raises:
        ValueError: If the sampler does not give samples of the data's shape.
    """
    evaluations = 0

    def count(_: Any, inputs: tuple[Tensor, ...]) -> None:
        nonlocal evaluations
        evaluations += bool(inputs)  # a network without inputs is a number that is learnt

    with torch.no_grad(), _FlopCounter() as fit:
        generators = generators.fitted(data, [0])
    for module in generators.modules.values():
        module.register_forward_pre_hook(count)
    with torch.no_grad(), _FlopCounter() as sampling:
        samples = generators(torch.zeros(1, data.batch, generators.latents.numbers))[0]
    shape, expected = tuple(samples.shape), (data.batch, *data.shape)
    if shape != expected:
        raise ValueError(f"samples have shape {shape} for {data.batch} latents; they must have {expected}")
    return _Sampling(fit.flops, sampling.flops // data.batch, evaluations)


@dataclass(frozen=True)
class Operations:
    """Tensor operations, and FLOPs of the matrix products, convolutions and eigenvectors among them."""

    operations: int
    flops: int


def count_operations(function: Callable[..., Any], *arguments: Any) -> Operations:
    """Counts what one call of a function computes, `torch.func` transforms inside it included."""
    with _FlopCounter() as counter:
        function(*arguments)
    return Operations(counter.operations, counter.flops)


def _of_eigenvectors(matrix: Tensor, *_: Any, **__: Any) -> int:
    """About the FLOPs of eigenvalues and eigenvectors of symmetric matrices, $9 n^3$ each.

    References:
        Matrix Computations (Golub & Van Loan, 2013), section 8.3.
    """
    return 9 * matrix.shape[-1] * matrix.numel()


EIGENVECTORS = torch.ops.aten._linalg_eigh  # noqa: SLF001 - what torch.linalg.eigh calls

FORMULAS = {**flop_registry, EIGENVECTORS: _of_eigenvectors}


class _FlopCounter(TorchDispatchMode):
    """Counts operations, and FLOPs of matrix products, convolutions and eigenvectors, those in `torch.func`
    transforms too.

    `torch.utils.flop_counter.FlopCounterMode` raises on gradient penalties; its table of formulas is right.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flops = 0
        self.operations = 0

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        self.operations += 1
        formula = FORMULAS.get(func.overloadpacket)
        if formula is not None:
            self.flops += formula(*args, **kwargs, out_val=out)
        return out
