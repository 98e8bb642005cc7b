"""WGAN and SN-GAN: losses and cycles against numpy, weights in their bounds, layers of norm 1."""

from functools import partial

import numpy as np
import pytest
import torch
from support.by_hand import (
    TINY,
    Descent,
    Move,
    RootMeanSquareDescent,
    Tiny,
    assert_a_cycle_is_that_of,
    drawn,
    linear,
    loss_and_gradients,
    on_networks,
    run_cycle,
    updated,
    warm_state,
    with_weights,
)
from torch import nn

from baselines.spectral_norm import spectral_norm
from baselines.wgan import clipping
from benchmark.commands.checks.made_up_data import Pictures
from benchmark.datasets.mixtures import Ring
from benchmark.registry import METHODS
from benchmark.training.step import Cycle, initialise
from benchmark.training.streams import Batches
from benchmark.training.trees import tree_leaves

CPU = torch.device("cpu")
LINEAR = {"generator": partial(nn.Linear, 3, 2), "discriminator": partial(nn.Linear, 2, 1)}
CRITIC = {"generator": LINEAR["generator"], "critic": LINEAR["discriminator"]}
KINDS = [Ring(batch=16, width=8), Pictures(batch=8, width=4, latent=8)]


def kind(data):
    return data.kind


def batch_of(method, player, data=TINY):
    """The first batch of a player in a cycle, as one model sees it."""
    order = []
    for name, its in method.players(data.spec).items():
        order += [name] * its.steps
    return drawn(method, data)[order.index(player)].map(lambda t: t[0].numpy())


# WGAN


def wasserstein(state, batch):
    """What the critic minimises: the generated data's mean less the real data's, as in the paper."""
    fake = linear(state, "critic", linear(state, "generator", batch.z))
    return fake.mean() - linear(state, "critic", batch.x).mean()


def critic_fooled(state, batch):
    return -linear(state, "critic", linear(state, "generator", batch.z)).mean()


def test_a_cycle_of_wgan_is_that_of_numpy():
    """Five updates of the critic by RMSprop, each with its weights clipped, then one of the generator."""
    method = on_networks("wgan", CRITIC, lr=0.02, clip=0.3)
    rmsprop = RootMeanSquareDescent(0.02)
    critic = Move(("critic",), wasserstein, rmsprop, bounds={"critic": 0.3})
    moves = [critic] * 5 + [Move(("generator",), critic_fooled, rmsprop)]
    assert_a_cycle_is_that_of(moves, method)


def test_a_linear_critic_looks_for_the_way_from_generated_to_real_data():
    """Its gradient is the difference of the means; the generator goes where the critic rises."""
    method = on_networks("wgan", CRITIC)
    state, batch = warm_state(method), batch_of(method, "critic")
    _, gradients = loss_and_gradients(method, "critic", state, batch)
    apart = linear(state, "generator", batch.z).mean(axis=0) - batch.x.mean(axis=0)
    np.testing.assert_allclose(gradients["critic"]["weight"][0], apart, rtol=1e-9)
    _, gradients = loss_and_gradients(method, "generator", state, batch)
    uphill = -state.parameters["critic"]["weight"][0]
    np.testing.assert_allclose(gradients["generator"]["bias"], uphill, rtol=1e-9)


@pytest.mark.parametrize("data", KINDS, ids=kind)
def test_after_every_update_of_the_critic_all_its_weights_are_in_bounds(data):
    """From the first one on, the weights of batch normalisation too. Those of the generator are free."""
    method = METHODS.get("wgan")(critic_steps=1, lr=1e-3)
    cycle, state = Cycle(method, data.spec), initialise(method, data, [0, 1], CPU)

    def largest(network):
        return max(float(parameter.abs().max()) for parameter in tree_leaves(state.parameters[network]))

    assert largest("critic") > 0.1
    stream = Batches(data, cycle.draws, [0, 1], CPU)
    for _ in range(3):
        cycle.run(state, next(stream))
        assert largest("critic") == pytest.approx(0.01, rel=1e-6)
        assert largest("generator") > 0.1


def test_clipping_moves_a_number_to_the_nearest_bound():
    given = torch.tensor([-2.0, -0.5, 0.1, 0.7])
    clipped = clipping(0.5)({"weight": given})
    assert torch.equal(clipped["weight"], torch.tensor([-0.5, -0.5, 0.1, 0.5]))
    with pytest.raises(ValueError, match="clip must be positive, not 0"):
        clipping(0)


def test_wgans_published_settings():
    method = METHODS.get("wgan")()
    assert (method.lr, method.clip, method.critic_steps) == (5e-5, 0.01, 5)


# SN-GAN


def hinge(state, batch):
    """Real data is to lie above 1, generated data below -1."""
    real = linear(state, "discriminator", batch.x)
    fake = linear(state, "discriminator", linear(state, "generator", batch.z))
    return np.maximum(0, 1 - real).mean() + np.maximum(0, 1 + fake).mean()


def hinge_fooled(state, batch):
    return -linear(state, "discriminator", linear(state, "generator", batch.z)).mean()


@pytest.mark.parametrize("progress", [0.0, 0.75])
def test_a_cycle_of_sn_gan_is_that_of_numpy(progress):
    """First the generator, on a batch of twice the size, then five updates of the discriminator.

    The learning rate is what is left of it: the networks are linear, and not normalised here.
    """
    method = on_networks("sn-gan", LINEAR, lr=0.04)
    adam = Descent(0.04 * (1 - progress), 0.0, 0.9)
    moves = [Move(("generator",), hinge_fooled, adam)] + [Move(("discriminator",), hinge, adam)] * 5
    assert_a_cycle_is_that_of(moves, method, progress=progress)
    sizes = [len(batch.z[0]) for batch in drawn(method)]
    assert sizes == [2 * TINY.batch] + 5 * [TINY.batch]


def test_the_hinge_has_a_gradient_only_for_what_is_not_yet_beyond_it():
    """D(x) = w x with w = 1: of real data only what lies below 1 counts, of generated what is above -1."""
    one = Tiny(dimensions=1)
    networks = {"generator": partial(nn.Linear, 3, 1), "discriminator": partial(nn.Linear, 1, 1)}
    method = on_networks("sn-gan", networks)
    state = with_weights(
        warm_state(method, one),
        generator={"weight": [[1.0, 0.0, 0.0]], "bias": 0.0},
        discriminator={"weight": 1.0, "bias": 0.0},
    )
    batch = batch_of(method, "discriminator", one)
    real, fake = np.array([[0.5], [3.0], [-2.0], [1.5]]), np.array([-0.5, -3.0, 2.0, -1.5])
    batch = batch._replace(x=real, z=np.stack([fake, fake, fake], axis=1))
    loss, gradients = loss_and_gradients(method, "discriminator", state, batch, one)
    assert loss == pytest.approx((0.5 + 3.0) / 4 + (0.5 + 3.0) / 4, rel=1e-12)
    slope = -(0.5 - 2.0) / 4 + (-0.5 + 2.0) / 4
    assert gradients["discriminator"]["weight"].item() == pytest.approx(slope, rel=1e-12)
    assert gradients["discriminator"]["bias"].item() == pytest.approx(0.0, abs=1e-12)
    loss, gradients = loss_and_gradients(method, "generator", state, batch, one)
    assert loss == pytest.approx(-fake.mean(), rel=1e-12)
    assert gradients["generator"]["bias"].item() == pytest.approx(-1.0, rel=1e-12)


def layers_of(network):
    return [m for m in network.modules() if isinstance(m, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)]


@pytest.mark.parametrize("data", KINDS, ids=kind)
def test_every_layer_of_the_discriminator_comes_to_norm_1_and_none_of_the_generator(data):
    torch.manual_seed(0)
    networks = METHODS.get("sn-gan")().networks(data.spec)
    for layer in layers_of(networks["generator"]):
        assert not hasattr(layer, "parametrizations")
    judge = networks["discriminator"]
    for _ in range(300):
        judge(torch.zeros(2, *data.spec.shape))
    judge.eval()
    assert len(layers_of(judge)) >= 3
    for layer in layers_of(judge):
        norm = torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item()
        assert norm == pytest.approx(1, abs=1e-3)
    assert not [m for m in judge.modules() if isinstance(m, nn.BatchNorm2d)]


def test_a_layer_of_singular_values_3_and_1_gets_3_times_smaller():
    layer = nn.Linear(2, 2)
    turn = torch.tensor([[0.6, -0.8], [0.8, 0.6]])
    with torch.no_grad():
        layer.weight.copy_(turn @ torch.diag(torch.tensor([3.0, 1.0])) @ turn)
    given = layer.weight.detach().clone()
    normalised = spectral_norm(layer)
    for _ in range(30):
        normalised(torch.zeros(1, 2))
    values = torch.linalg.svdvals(normalised.weight)
    torch.testing.assert_close(values, torch.tensor([1.0, 1 / 3]), rtol=1e-5, atol=0)
    torch.testing.assert_close(normalised.weight, given / 3, rtol=1e-5, atol=1e-6)


def one_step(weight, u):
    """One step of the power iteration on a matrix."""
    v = weight.T @ u
    v = v / np.linalg.norm(v)
    u = weight @ v
    return u / np.linalg.norm(u), v


NORMALISED = LINEAR | {"discriminator": lambda: spectral_norm(nn.Linear(2, 3))}
U, V = "parametrizations.weight.0.u", "parametrizations.weight.0.v"


def test_an_update_of_the_discriminator_takes_two_steps_and_one_of_the_generator_none():
    """One for the real and one for the generated data, from the vectors as they are."""
    method = on_networks("sn-gan", NORMALISED)
    state = warm_state(method)
    weight = state.parameters["discriminator"]["parametrizations.weight.original"]
    start = state.buffers["discriminator"]
    for player, steps in (("discriminator", 2), ("generator", 0)):
        u, v = start[U], start[V]
        for _ in range(steps):
            u, v = one_step(weight, u)
        after = updated(method, player, state, batch_of(method, player)).buffers["discriminator"]
        np.testing.assert_allclose(after[U], u, rtol=1e-9)
        np.testing.assert_allclose(after[V], v, rtol=1e-9)


def test_in_evaluation_the_vectors_stay():
    judge = METHODS.get("sn-gan")().networks(KINDS[0].spec)["discriminator"].eval()
    before = {key: value.clone() for key, value in judge.named_buffers()}
    judge(torch.randn(4, 2))
    after = dict(judge.named_buffers())
    assert len(before) == 2 * len(layers_of(judge))
    for key, value in before.items():
        assert torch.equal(value, after[key])
    judge.train()
    judge(torch.randn(4, 2))
    after = dict(judge.named_buffers())
    assert [key for key, value in before.items() if not torch.equal(value, after[key])]


def test_each_judges_with_the_weight_that_its_own_step_gives():
    """The norm that divides is $u^T W v$ after the step, so that real and generated data differ in it."""
    method = on_networks("sn-gan", NORMALISED)
    state, batch = warm_state(method), batch_of(method, "discriminator")
    judge = state.parameters["discriminator"]
    weight, bias = judge["parametrizations.weight.original"], judge["bias"]
    u, logits = state.buffers["discriminator"][U], []
    for x in (batch.x, linear(state, "generator", batch.z)):
        u, v = one_step(weight, u)
        logits.append(x @ weight.T / (u @ weight @ v) + bias)
    real, fake = logits
    loss, _ = loss_and_gradients(method, "discriminator", state, batch)
    expected = np.maximum(0, 1 - real).mean() + np.maximum(0, 1 + fake).mean()
    assert loss == pytest.approx(expected, rel=1e-9)


def test_the_rate_falls_to_nothing():
    """At the end of the training an update changes nothing any more."""
    method = on_networks("sn-gan", LINEAR, lr=0.04)
    state = warm_state(method)._replace(progress=np.asarray(1.0))
    after, _ = run_cycle(method, state, drawn(method))
    for network, parameters in state.parameters.items():
        for key, value in parameters.items():
            np.testing.assert_allclose(after.parameters[network][key], value, rtol=1e-12)


def test_sn_gans_published_settings():
    method = METHODS.get("sn-gan")()
    assert (method.lr, method.beta1, method.beta2, method.discriminator_steps) == (2e-4, 0.0, 0.9, 5)
