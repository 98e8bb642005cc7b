"""Compiled cycles, kept for the next training in the same process that differs in seeds and numbers alone."""

from collections import OrderedDict
from collections.abc import Sequence

import torch

from benchmark.datasets.base import Dataset
from benchmark.method import Method
from benchmark.training.settings import structure_of
from benchmark.training.step import Cycle, initialise
from benchmark.training.streams import Batches

__all__ = ["compiled_cycle"]

KEPT = 8
"""How many cycles are kept: those that were used last."""

_kept: OrderedDict[tuple, Cycle] = OrderedDict()


def compiled_cycle(method: Method, data: Dataset, seeds: Sequence[int], device: torch.device) -> Cycle:
    """The compiled cycle for that many models.

    A first cycle compiles it; it runs on a state of its own.
    """
    structure = repr(structure_of(method, data.spec))
    key = (type(method), structure, data.spec, data.batch, len(seeds), device)
    if key not in _kept:
        cycle = Cycle(method, data.spec, compile=True)
        cycle.run(initialise(method, data, seeds, device), next(Batches(data, cycle.draws, seeds, device)))
        _kept[key] = cycle
    _kept.move_to_end(key)
    while len(_kept) > KEPT:
        _kept.popitem(last=False)
    return _kept[key]
