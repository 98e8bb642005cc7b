"""Compiled functions of trees of tensors."""

import pytest
import torch
from support.training import CPU
from torch._dynamo.utils import counters

from benchmark.datasets.mixtures import Ring
from benchmark.registry import METHODS
from benchmark.training.compiled import Compiled, traced
from benchmark.training.step import Cycle, initialise
from benchmark.training.streams import Batches
from benchmark.training.trees import tree_map

SMALL_RING = Ring(batch=16, width=8)


def accumulate(state, batch):
    """Writes into its first argument."""
    state["sum"] += batch[0] * 2
    return state["sum"].sum()


def test_a_compiled_function_does_what_the_function_does():
    compiled = Compiled(accumulate)
    state, expected = {"sum": torch.zeros(3)}, {"sum": torch.zeros(3)}
    for i in range(3):
        batch = [torch.full((3,), float(i)), None]
        assert compiled(state, batch) == accumulate(expected, batch)
    assert torch.equal(state["sum"], expected["sum"])


def test_tracing_changes_nothing():
    state = {"sum": torch.ones(3)}
    graph = traced(accumulate, state, [torch.ones(3), None])
    assert state["sum"].tolist() == [1, 1, 1]
    tensor = torch.ones(3)
    assert graph(tensor, torch.ones(3)) == 9
    assert tensor.tolist() == [3, 3, 3]


def test_the_first_argument_may_be_given_once():
    compiled = Compiled(accumulate)
    state, expected = {"sum": torch.zeros(3)}, {"sum": torch.zeros(3)}
    on_state = compiled.on(state)
    for i in range(3):
        batch = [torch.full((3,), float(i)), None]
        assert on_state(batch) == accumulate(expected, batch)
    other = {"sum": torch.ones(3)}
    assert compiled.on(other)([torch.zeros(3), None]) == 3
    assert torch.equal(state["sum"], expected["sum"])


def test_python_runs_once():
    calls = []

    def noted(tensor):
        calls.append(tensor)
        return tensor.sum()

    compiled = Compiled(noted)
    assert [compiled(torch.full((2,), float(i))).item() for i in range(3)] == [0, 2, 4]
    assert len(calls) == 1


def test_what_was_compiled_before_is_read_from_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    counters.clear()
    for _ in range(2):
        Compiled(accumulate)({"sum": torch.zeros(3)}, [torch.ones(3)])
    assert counters["inductor"]["fxgraph_cache_miss"] == 1
    assert counters["inductor"]["fxgraph_cache_hit"] == 1


@pytest.mark.parametrize("name", METHODS.names())
def test_a_cycle_leaves_no_tensor_on_the_cpu(name):
    """On the device without values, no tensor of the CPU may take part."""
    method = METHODS.get(name)()
    cycle = Cycle(method, SMALL_RING.spec)
    state = initialise(method, SMALL_RING, (0, 1), CPU)
    batches = next(Batches(SMALL_RING, cycle.draws, (0, 1), CPU))
    elsewhere = [batch.map(lambda tensor: tensor.to("meta")) for batch in batches]
    losses = cycle.run(tree_map(lambda tensor: tensor.to("meta"), state), elsewhere)
    assert losses.device.type == "meta"
    assert losses.shape[1] == 2
