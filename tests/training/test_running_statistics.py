"""Running statistics of a batch normalisation follow the updates of the player that trains the network."""

from collections import Counter

import pytest
import torch
from support.training import CPU, trained

from benchmark.commands.checks.made_up_data import Pictures
from benchmark.datasets.mixtures import Ring
from benchmark.method import Networks
from benchmark.registry import METHODS
from benchmark.suites.budget import Budget
from benchmark.training.step import Cycle, initialise, select_seed
from benchmark.training.streams import Batches
from benchmark.training.trees import tree_map

POINTS = Ring(batch=8, latent=2, width=4, depth=2, architecture="pacgan-2018")
IMAGES = Pictures(batch=4, latent=3, width=4)
TRACKED = "num_batches_tracked"


def is_normalised(buffers):
    return any(key.endswith(TRACKED) for key in buffers)


def own_passes(cycle, state, batches):
    """How often each network runs in its own player's updates in a cycle, counted on the losses alone."""
    counts = Counter()
    remaining = iter(batches)
    for phase in cycle.phases:
        for _ in range(phase.repeats):
            shared = next(remaining) if phase.simultaneous else None
            for player in phase.players.values():
                batch = shared or next(remaining)
                player.loss(Counting(cycle, state, counts, player.networks), batch)
    return counts


class Counting(Networks):
    """Networks that count the calls of some of them."""

    def __init__(self, cycle, state, counts, counted):
        super().__init__(cycle.modules, state, cycle.players)
        self.counts = counts
        self.counted = counted

    def __getattr__(self, name):
        if name in self.counted:
            self.counts[name] += 1
        return super().__getattr__(name)


@pytest.mark.parametrize("data", [POINTS, IMAGES], ids=lambda data: data.kind)
@pytest.mark.parametrize("name", METHODS.names())
def test_statistics_take_one_step_per_forward_pass_of_the_networks_own_player(name, data):
    method = METHODS.get(name)()
    cycle = Cycle(method, data.spec)
    state = initialise(method, data, [0], CPU)
    if not any(map(is_normalised, state.buffers.values())):
        pytest.skip("no network has batch normalisation")
    stacked = next(Batches(data, cycle.draws, [0], CPU))
    before = tree_map(torch.clone, select_seed(state, 0))
    expected = own_passes(cycle, before, [batch.map(lambda tensor: tensor[0]) for batch in stacked])
    cycle.run(state, stacked)
    after = select_seed(state, 0).buffers
    for network, buffers in after.items():
        for key, buffer in buffers.items():
            if key.endswith(TRACKED):
                assert buffer == expected[network] > 0, (network, key)
            else:
                assert not torch.equal(buffer, before.buffers[network][key]), (network, key)


def test_an_unrolled_generator_samples_by_statistics_of_its_own():
    """After some cycles they are near those of its batches, where they once stayed at 0 and 1."""
    steps = 40
    generator = trained(METHODS.get("unrolled")(), IMAGES, (0,), Budget(steps, "steps")).end.generator
    tensors = generator.tensors(0)
    tracked = next(key for key in tensors if key.endswith(TRACKED))
    layer = tracked.removesuffix(f".{TRACKED}")
    assert tensors[tracked] == steps
    module = generator.modules["generator"].network.to_empty(device="cpu")
    module.load_state_dict(tensors)
    inputs = []
    dict(module.named_modules())[layer].register_forward_hook(lambda _, own, __: inputs.append(own[0]))
    with torch.no_grad():
        module(torch.randn(2000, IMAGES.latent, generator=torch.Generator().manual_seed(1)))
    features = inputs[0].transpose(0, 1).flatten(1)
    spread = float(features.std())
    assert torch.allclose(tensors[f"{layer}.running_mean"], features.mean(dim=1), atol=0.3 * spread)
    assert torch.allclose(tensors[f"{layer}.running_var"], features.var(dim=1), rtol=0.5)
