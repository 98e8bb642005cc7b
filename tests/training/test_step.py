"""The vectorised step against plain PyTorch."""

from contextlib import contextmanager
from dataclasses import dataclass

import pytest
import torch
from torch import nn
from torch.nn.functional import softplus
from torch.utils._pytree import tree_leaves

from benchmark.datasets.mixtures import Ring
from benchmark.method import Adam, Method, Networks, Noise, Player, State, update
from benchmark.registry import METHODS
from benchmark.training.step import Cycle, initialise, phases_of, select_seed
from benchmark.training.streams import Batches

CPU = torch.device("cpu")
SMALL = Ring(batch=16, width=8)


def start(name, seeds=(0,), data=SMALL, **settings):
    method = METHODS.get(name)(**settings)
    cycle = Cycle(method, data.spec)
    return cycle, initialise(method, data, seeds, CPU), Batches(data, cycle.draws, seeds, CPU)


def module(cycle, state, name):
    """A real module with one seed's parameters."""
    net = cycle.modules[name].to_empty(device="cpu")
    net.load_state_dict({**state.parameters[name], **state.buffers[name]})
    return net


def assert_close(net, state, name):
    """Biases in front of a normalisation have a gradient of pure rounding, of which Adam makes whole steps; they have no effect."""
    normalised = any(isinstance(m, nn.BatchNorm1d) for m in net.modules())
    for key, tensor in [*net.named_parameters(), *net.named_buffers()]:
        if not (normalised and key.endswith(("bias", "running_mean"))):
            ours = {**state.parameters[name], **state.buffers[name]}[key]
            assert torch.allclose(tensor.float(), ours.float(), atol=5e-6), key


@contextmanager
def statistics_kept(net):
    """Within it the network's running statistics stay as they are: the update is another player's."""
    held = {key: buffer.clone() for key, buffer in net.named_buffers()}
    yield
    net.load_state_dict(held, strict=False)


@pytest.mark.parametrize("name", ["gan", "dcgan"])
def test_steps_equal_those_of_a_plain_loop(name):
    cycle, state, stream = start(name, seeds=(0, 1))
    plain_cycle, plain_state, _ = start(name, seeds=(1,))
    one = select_seed(plain_state, 0)
    generator, discriminator = (
        module(plain_cycle, one, "generator"),
        module(plain_cycle, one, "discriminator"),
    )
    method = METHODS.get(name)()
    d_adam, g_adam = (
        torch.optim.Adam(net.parameters(), method.lr, (method.beta1, 0.999))
        for net in (discriminator, generator)
    )
    for _ in range(5):
        batch = next(stream)
        cycle.run(state, batch)
        x, z, z2 = batch[0].x[1], batch[0].z[1], batch[1].z[1]
        with statistics_kept(generator):
            fake = generator(z).detach()
        loss = softplus(-discriminator(x)).mean() + softplus(discriminator(fake)).mean()
        d_adam.zero_grad()
        loss.backward()
        d_adam.step()
        loss = softplus(-discriminator(generator(z2))).mean()
        g_adam.zero_grad()
        loss.backward()
        g_adam.step()
    trained = select_seed(state, 1)
    assert_close(generator, trained, "generator")
    assert_close(discriminator, trained, "discriminator")


def test_compiled_steps_equal_eager_ones():
    method = METHODS.get("wgan-gp")()
    eager, compiled = Cycle(method, SMALL.spec), Cycle(method, SMALL.spec, compile=True)
    states = [initialise(method, SMALL, [0, 1], CPU) for _ in range(2)]
    stream = Batches(SMALL, eager.draws, [0, 1], CPU)
    for _ in range(3):
        batch = next(stream)
        assert torch.allclose(eager.run(states[0], batch), compiled.run(states[1], batch), atol=1e-5)
    for a, b in zip(*map(tree_leaves, states), strict=True):
        assert torch.allclose(a, b, atol=1e-5)


@pytest.mark.parametrize(
    ("lr", "betas", "eps"), [(0.01, (0.5, 0.9), 1e-8), (0.1, (0.9, 0.999), 1e-8), (0.1, (0.0, 0.99), 0.1)]
)
def test_adam_is_torchs_adam(lr, betas, eps):
    """Weights and both moments, over gradients of very different sizes, some of them 0."""
    shapes = {"w": (3, 2), "b": (3,)}
    theirs = {key: nn.Parameter(torch.randn(shape, dtype=torch.float64)) for key, shape in shapes.items()}
    zeros = {"n": {key: torch.zeros_like(weight) for key, weight in theirs.items()}}
    start = {"n": {key: weight.detach().clone() for key, weight in theirs.items()}}
    ours = State(start, {"n": {}}, zeros, zeros, {"n": torch.zeros((), dtype=torch.float64)})
    adam, reference = Adam(lr, betas, eps), torch.optim.Adam(theirs.values(), lr, betas, eps)
    for i in range(10):
        for weight in theirs.values():
            weight.grad = torch.randn_like(weight) * 10.0 ** (i % 4 - 2) * (torch.rand_like(weight) < 0.8)
        ours = adam.apply(ours, "n", {key: weight.grad.clone() for key, weight in theirs.items()})
        reference.step()
        assert ours.steps["n"] == i + 1
        for key, weight in theirs.items():
            state = reference.state[weight]
            torch.testing.assert_close(ours.parameters["n"][key], weight.detach())
            torch.testing.assert_close(ours.first["n"][key], state["exp_avg"])
            torch.testing.assert_close(ours.second["n"][key], state["exp_avg_sq"])


def test_adam_clips_each_tensor_on_its_own():
    zero = {"n": {"a": torch.zeros(4), "b": torch.zeros(4)}}
    state = State(zero, {"n": {}}, zero, zero, {"n": torch.zeros(())})
    after = Adam(1.0, (0.0, 0.0), clip_norm=1.0).apply(
        state, "n", {"a": torch.full((4,), 5.0), "b": torch.full((4,), 0.1)}
    )
    assert torch.allclose(after.first["n"]["a"], torch.full((4,), 0.5))
    assert torch.allclose(after.first["n"]["b"], torch.full((4,), 0.1))


@pytest.mark.parametrize("settings", [{"lr": 0.0}, {"lr": -1.0}, {"lr": 1.0, "betas": (1.0, 0.9)}])
def test_adam_refuses_what_cannot_work(settings):
    with pytest.raises(ValueError, match="must"):
        Adam(**settings)


def test_simultaneous_players_start_from_the_same_networks():
    cycle, state, stream = start("veegan")
    before = select_seed(State(*[dict(part) for part in state]), 0)
    before = State(
        *[
            {
                k: ({n: t.clone() for n, t in v.items()} if isinstance(v, dict) else v.clone())
                for k, v in part.items()
            }
            for part in before
        ]
    )
    batch = next(stream)
    cycle.run(state, batch)
    one = batch[0].map(lambda t: t[0])
    for player in cycle.players.values():
        expected, _ = update(Networks(cycle.modules, before, cycle.players), player, one)
        for network in player.networks:
            for key, value in expected.parameters[network].items():
                assert torch.allclose(value, state.parameters[network][key][0], atol=1e-6)


def test_phases_of_the_methods():
    shapes = {
        name: [
            (len(p.players), p.repeats, p.simultaneous) for p in phases_of(METHODS.get(name)(), SMALL.spec)
        ]
        for name in METHODS.names()
    }
    assert shapes["gan"] == [(2, 1, False)]
    assert shapes["wgan-gp"] == [(1, 5, False), (1, 1, False)]
    assert shapes["ali"] == [(2, 1, True)]
    assert shapes["aegan"] == [(8, 1, False), (1, 4, False)]


def test_contradictory_players_are_refused():
    @dataclass(frozen=True)
    class Broken(Method):
        def networks(self, data):
            return {}

        def players(self, data):
            return {
                str(lr): Player(("generator",), lambda nets, batch: batch.z.sum(), Adam(lr))
                for lr in (0.1, 0.2)
            }

    with pytest.raises(ValueError, match="two different optimisers"):
        phases_of(Broken(), SMALL.spec)

    @dataclass(frozen=True)
    class Shared(Broken):
        simultaneous = True
        noises: tuple = ({}, {})
        networks_of: tuple = ("generator", "generator")

        def players(self, data):
            pairs = enumerate(zip(self.networks_of, self.noises, strict=True))
            return {
                str(i): Player((net,), lambda nets, batch: batch.z.sum(), Adam(0.1), noise=noise)
                for i, (net, noise) in pairs
            }

    with pytest.raises(ValueError, match="two train the same"):
        phases_of(Shared(), SMALL.spec)
    with pytest.raises(ValueError, match="different noise of the same name"):
        phases_of(Shared(({"e": Noise((1,))}, {"e": Noise((2,))}), ("generator", "critic")), SMALL.spec)
    with pytest.raises(ValueError, match="at least one step"):
        Player((), lambda nets, batch: batch.z.sum(), Adam(0.1), steps=0)


def test_batches_are_fresh_and_belong_to_their_seed():
    cycle, _, stream = start("gan", seeds=(3, 5))
    _, _, alone = start("gan", seeds=(5,))
    previous = None
    for _ in range(300):  # beyond one block
        batch, single = next(stream), next(alone)
        assert torch.equal(batch[0].x[1], single[0].x[0])
        assert torch.equal(batch[1].z[1], single[1].z[0])
        assert batch[1].x is None
        assert previous is None or not torch.equal(previous, batch[0].x)
        assert not torch.equal(batch[0].z, batch[1].z)
        previous = batch[0].x
    with pytest.raises(AttributeError, match="no network 'critic'"):
        Networks(cycle.modules, None, {}).critic  # noqa: B018
