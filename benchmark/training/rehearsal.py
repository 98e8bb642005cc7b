"""A first cycle, run before anything is planned: what would fail in training fails here."""

import torch

from benchmark.datasets.base import Dataset
from benchmark.method import Method
from benchmark.training.attributes import check_unchanged, plain_attributes
from benchmark.training.step import Cycle, initialise
from benchmark.training.streams import Batches

__all__ = ["rehearse"]


def rehearse(method: Method, data: Dataset) -> None:
    """One cycle of one seed, vectorised as in training.

    Raises:
        ValueError: If a forward pass changes something that is neither parameter nor buffer.
        Exception: Whatever the method raises.
    """
    cpu = torch.device("cpu")
    cycle = Cycle(method, data.spec)
    networks = {name: module.network for name, module in cycle.modules.items()}
    before = plain_attributes(networks)
    batches = next(Batches(data, cycle.draws, [0], cpu))
    cycle.run(initialise(method, data, [0], cpu), batches)
    check_unchanged(before, plain_attributes(networks))
