"""Two cycles, run before anything is planned: what would fail in training fails here."""

import torch

from benchmark.datasets.base import Dataset
from benchmark.method import Method
from benchmark.training.attributes import Attributes, check_unchanged, plain_attributes
from benchmark.training.generators import TrainedGenerators
from benchmark.training.step import Cycle, initialise
from benchmark.training.streams import Batches

__all__ = ["rehearse"]

SEEDS = (0, 1)


def rehearse(method: Method, data: Dataset) -> None:
    """Two cycles of two seeds, vectorised as in training, and samples of them.

    An attribute that the first cycle sets and the second one leaves alone, such as a shape, is no state.

    Raises:
        ValueError: If a forward pass changes something that is neither parameter nor buffer.
        Exception: Whatever the method raises.
    """
    cpu = torch.device("cpu")
    cycle = Cycle(method, data.spec)
    networks = {name: module.network for name, module in cycle.modules.items()}
    state = initialise(method, data, SEEDS, cpu)
    stream = Batches(data, cycle.draws, SEEDS, cpu)
    after_cycles: list[Attributes] = []
    for _ in range(2):
        cycle.run(state, next(stream))
        after_cycles.append(plain_attributes(networks))
    check_unchanged(*after_cycles)
    generators = TrainedGenerators.of(method, data.spec, state)
    with torch.no_grad():
        generators(torch.zeros(len(SEEDS), data.batch, generators.latents.numbers))
