"""The vectorised step against plain PyTorch."""

from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest
import torch
from torch import nn
from torch.nn.functional import softplus

from benchmark.datasets.mixtures import Ring
from benchmark.method import Adam, Latents, Method, Networks, Noise, Player, update
from benchmark.registry import METHODS
from benchmark.training.step import Cycle, initialise, phases_of, select_seed
from benchmark.training.streams import Batches, Draw
from benchmark.training.trees import tree_leaves, tree_map

CPU = torch.device("cpu")
SMALL_RING = Ring(batch=16, width=8)


def start(name, seeds=(0,), data=SMALL_RING, **settings):
    method = METHODS.get(name)(**settings)
    cycle = Cycle(method, data.spec)
    return cycle, initialise(method, data, seeds, CPU), Batches(data, cycle.draws, seeds, CPU)


def module(cycle, state, name):
    """A real module with one seed's parameters."""
    net = cycle.modules[name].network.to_empty(device="cpu")
    net.load_state_dict({**state.parameters[name], **state.buffers[name]})
    return net


def assert_close(net, state, name):
    """All tensors, apart from biases in front of a normalisation.

    Their gradient is pure rounding, of which Adam makes whole steps; they have no effect.
    """
    ours = {**state.parameters[name], **state.buffers[name]}
    normalised = any(isinstance(layer, nn.BatchNorm1d) for layer in net.modules())
    for key, tensor in [*net.named_parameters(), *net.named_buffers()]:
        if normalised and key.endswith(("bias", "running_mean")):
            continue
        assert torch.allclose(tensor.float(), ours[key].float(), atol=5e-6), key


@contextmanager
def statistics_kept(net):
    """Within it the network's running statistics stay as they are: the update is another player's."""
    before = {key: buffer.clone() for key, buffer in net.named_buffers()}
    yield
    net.load_state_dict(before, strict=False)


@pytest.mark.parametrize("name", ["gan", "dcgan"])
def test_steps_equal_those_of_a_plain_loop(name):
    cycle, state, stream = start(name, seeds=(0, 1))
    plain_cycle, plain_state, _ = start(name, seeds=(1,))
    one = select_seed(plain_state, 0)
    generator = module(plain_cycle, one, "generator")
    discriminator = module(plain_cycle, one, "discriminator")
    method = METHODS.get(name)()
    betas = (method.beta1, 0.999)
    d_adam = torch.optim.Adam(discriminator.parameters(), method.lr, betas)
    g_adam = torch.optim.Adam(generator.parameters(), method.lr, betas)
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
    method, data = METHODS.get("wgan-gp")(), replace(SMALL_RING, depth=1)
    eager, compiled = Cycle(method, data.spec), Cycle(method, data.spec, compile=True)
    eager_state, compiled_state = (initialise(method, data, [0, 1], CPU) for _ in range(2))
    stream = Batches(data, eager.draws, [0, 1], CPU)
    for _ in range(3):
        batch = next(stream)
        losses = eager.run(eager_state, batch)
        assert torch.allclose(losses, compiled.run(compiled_state, batch), atol=1e-5)
    for a, b in zip(tree_leaves(eager_state), tree_leaves(compiled_state), strict=True):
        assert torch.allclose(a, b, atol=1e-5)


def test_simultaneous_players_start_from_the_same_networks():
    cycle, state, stream = start("veegan")
    before = tree_map(torch.clone, select_seed(state, 0))
    batch = next(stream)
    cycle.run(state, batch)
    one = batch[0].map(lambda t: t[0])
    for player in cycle.players.values():
        expected, _ = update(Networks(cycle.modules, before, cycle.players), player, one)
        for network in player.networks:
            for key, value in expected.parameters[network].items():
                assert torch.allclose(value, state.parameters[network][key][0], atol=1e-6)


def with_named_optimisers(cls):
    """A method of the class whose players all have an optimiser of their own."""

    @dataclass(frozen=True)
    class Named(cls):
        def players(self, data):
            players = super().players(data)
            return {name: replace(player, optimiser_name=name) for name, player in players.items()}

    return Named()


@pytest.mark.parametrize("name", ["gan", "veegan"])
def test_moments_of_a_named_optimiser_are_kept_from_cycle_to_cycle(name):
    """Where no network has two players, the names change nothing, whether these are simultaneous or not."""
    ends = []
    for method in (METHODS.get(name)(), with_named_optimisers(METHODS.get(name))):
        cycle = Cycle(method, SMALL_RING.spec)
        state = initialise(method, SMALL_RING, (0,), CPU)
        stream = Batches(SMALL_RING, cycle.draws, (0,), CPU)
        for _ in range(3):
            cycle.run(state, next(stream))
        ends.append(state)
    shared, named = ends
    for one, other in zip(tree_leaves(shared.parameters), tree_leaves(named.parameters), strict=True):
        assert torch.equal(one, other)
    assert named.steps["discriminator (discriminator)"] == 3
    assert named.steps["discriminator"] == 0


def test_phases_of_the_methods():
    def shapes(name):
        phases = phases_of(METHODS.get(name)(), SMALL_RING.spec)
        return [(len(phase.players), phase.repeats, phase.simultaneous) for phase in phases]

    assert shapes("gan") == [(2, 1, False)]
    assert shapes("wgan-gp") == [(1, 5, False), (1, 1, False)]
    assert shapes("ali") == [(2, 1, True)]
    assert shapes("aegan") == [(8, 1, False), (1, 4, False)]


def test_contradictory_players_are_refused():
    def loss(nets, batch):
        return batch.z.sum()

    @dataclass(frozen=True)
    class Broken(Method):
        def networks(self, data):
            return {}

        def players(self, data):
            return {str(lr): Player(("generator",), loss, Adam(lr)) for lr in (0.1, 0.2)}

    with pytest.raises(
        ValueError, match="two different optimisers; give one of its players another optimiser_name"
    ):
        phases_of(Broken(), SMALL_RING.spec)

    @dataclass(frozen=True)
    class Shared(Broken):
        simultaneous = True
        noises: tuple = ({}, {})
        networks_of: tuple = ("generator", "generator")

        def players(self, data):
            players = {}
            for network, noise in zip(self.networks_of, self.noises, strict=True):
                players[str(len(players))] = Player((network,), loss, Adam(0.1), noise=noise)
            return players

    with pytest.raises(ValueError, match="two train the same"):
        phases_of(Shared(), SMALL_RING.spec)
    with pytest.raises(ValueError, match="different noise of the same name"):
        phases_of(Shared(({"e": Noise((1,))}, {"e": Noise((2,))}), ("generator", "critic")), SMALL_RING.spec)
    with pytest.raises(ValueError, match="at least one step"):
        Player((), loss, Adam(0.1), steps=0)


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


def test_simultaneous_players_share_one_draw():
    """As large as theirs, with all that any of them needs."""
    latents = Latents(SMALL_RING.latent)
    (draw,) = Cycle(METHODS.get("veegan")(), SMALL_RING.spec).draws
    assert draw == Draw(latents, batches=1, real=True, noise={"code": Noise((SMALL_RING.latent,))})
    critic, *others, generator = Cycle(METHODS.get("wgan-gp")(), SMALL_RING.spec).draws
    assert critic == Draw(latents, noise={"mix": Noise((1,), "uniform")})
    assert others == [critic] * 4
    assert generator == Draw(latents, real=False)
