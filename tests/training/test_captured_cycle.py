"""A cycle that is captured once and replayed: on a GPU as a CUDA graph, here with a stand-in that records a
function as it is.
"""

import pytest
import torch
from support.training import CPU

from benchmark.datasets.mixtures import Ring
from benchmark.registry import METHODS
from benchmark.training.captured_cycle import CapturedCycle, capture_cuda
from benchmark.training.step import Cycle, initialise
from benchmark.training.streams import Batches
from benchmark.training.trees import tree_leaves

DATA = Ring(batch=16, width=8)

SEEDS = (0, 1)


def as_it_is(function, device):
    return function


@pytest.mark.parametrize(
    ("device", "capture"),
    [
        (CPU, as_it_is),
        pytest.param(
            torch.device("cuda"),
            capture_cuda,
            marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"),
        ),
    ],
)
@pytest.mark.parametrize("name", ["gan", "wgan-gp", "veegan"])
def test_a_captured_cycle_does_what_the_cycle_does(name, device, capture):
    method = METHODS.get(name)()
    cycle = Cycle(method, DATA.spec, compile=device.type == "cuda")
    expected, state = (initialise(method, DATA, SEEDS, device) for _ in range(2))
    batches = Batches(DATA, cycle.draws, SEEDS, device)
    spare = initialise(method, DATA, SEEDS, device)
    cycle.run(spare, next(Batches(DATA, cycle.draws, SEEDS, device)))
    captured = CapturedCycle(cycle, state, next(Batches(DATA, cycle.draws, SEEDS, device)), capture)
    for _ in range(3):
        batch = next(batches)
        losses = captured(batch)
        assert losses.shape == (cycle.updates, len(SEEDS))
        torch.testing.assert_close(losses, cycle.run(expected, batch))
    for leaf, other in zip(tree_leaves(state), tree_leaves(expected), strict=True):
        torch.testing.assert_close(leaf, other)


def test_losses_stay_when_the_next_cycle_runs():
    method = METHODS.get("gan")()
    cycle = Cycle(method, DATA.spec)
    state = initialise(method, DATA, SEEDS, CPU)
    batches = Batches(DATA, cycle.draws, SEEDS, CPU)
    captured = CapturedCycle(cycle, state, next(batches), as_it_is)
    first = captured(next(batches))
    kept = first.clone()
    captured(next(batches))
    assert torch.equal(first, kept)
