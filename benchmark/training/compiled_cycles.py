"""Compiled cycles, kept for the next training in the same process that differs in seeds and numbers alone."""

from collections import OrderedDict
from collections.abc import Sequence

import torch

from benchmark.datasets.base import Dataset
from benchmark.method import Method
from benchmark.training.settings import structure_of
from benchmark.training.step import Cycle, initialise
from benchmark.training.streams import Batches

__all__ = ["compiled_cycle", "forget_compiled_cycles", "program_of"]

KEPT = 8
"""How many cycles are kept: those that were used last."""

_kept: OrderedDict[tuple, Cycle] = OrderedDict()


def program_of(method: Method, data: Dataset) -> str:
    """Trainings for which this is the same, and which have as many models, share one compiled program."""
    cls = type(method)
    structure = structure_of(method, data.spec)
    return repr((cls.__module__, cls.__qualname__, structure, data.spec, data.batch))


def forget_compiled_cycles() -> None:
    """Keeps none any longer."""
    _kept.clear()


def compiled_cycle(method: Method, data: Dataset, seeds: Sequence[int], device: torch.device) -> Cycle:
    """The compiled cycle for that many models.

    A first cycle compiles it; it runs on a state of its own.
    """
    key = (type(method), program_of(method, data), len(seeds), device)
    if key not in _kept:
        cycle = Cycle(method, data.spec, compile=True)
        cycle.run(initialise(method, data, seeds, device), next(Batches(data, cycle.draws, seeds, device)))
        _kept[key] = cycle
    _kept.move_to_end(key)
    while len(_kept) > KEPT:
        _kept.popitem(last=False)
    return _kept[key]
