"""EBGAN and BEGAN, whose discriminators are autoencoders, against numpy on linear networks."""

from functools import partial
from itertools import permutations

import numpy as np
import pytest
import torch
from support.by_hand import (
    TINY,
    Descent,
    Move,
    Tiny,
    assert_a_cycle_is_that_of,
    central_differences,
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

from baselines.ebgan import pulling_away
from baselines.networks import Autoencoder
from benchmark.commands.checks.made_up_data import Pictures
from benchmark.method import DataSpec
from benchmark.registry import METHODS
from benchmark.training.step import Cycle
from benchmark.training.trees import tree_map

DATA, LATENT = 2, 3
NETWORKS = {
    "generator": partial(nn.Linear, LATENT, DATA),
    "discriminator": lambda: Autoencoder(nn.Linear(DATA, LATENT), nn.Linear(LATENT, DATA)),
}
PICTURES = Pictures(batch=4, width=4, latent=LATENT)
PIXELS = 3 * 12 * 12
OF_PICTURES = {
    "generator": lambda: nn.Sequential(nn.Linear(LATENT, PIXELS), nn.Unflatten(1, (3, 12, 12))),
    "discriminator": lambda: Autoencoder(
        nn.Sequential(nn.Flatten(), nn.Linear(PIXELS, LATENT)),
        nn.Sequential(nn.Linear(LATENT, PIXELS), nn.Unflatten(1, (3, 12, 12))),
    ),
}
NAMES = ("ebgan", "ebgan-pt")
EVERYTHING_ZERO = {"encoder.weight": 0.0, "encoder.bias": 0.0, "decoder.weight": 0.0, "decoder.bias": 0.0}


def batch_of(method, draw=0, data=TINY):
    return drawn(method, data)[draw].map(lambda t: t[0].numpy())


def autoencoded(state, x):
    """The reconstructions and the codes of flat data."""
    encoder_weight, encoder_bias, decoder_weight, decoder_bias = state.parameters["discriminator"].values()
    codes = x @ encoder_weight.T + encoder_bias
    return codes @ decoder_weight.T + decoder_bias, codes


def energies(state, x):
    """The mean squared error over the dimensions of each sample."""
    reconstruction, _ = autoencoded(state, x)
    return ((reconstruction - x) ** 2).mean(axis=1)


def generated(state, batch):
    return linear(state, "generator", batch.z)


# EBGAN


def judged(state, batch, margin):
    hinges = [max(0.0, margin - energy) for energy in energies(state, generated(state, batch))]
    return energies(state, batch.x).mean() + np.mean(hinges)


def little_energy(state, batch):
    return energies(state, generated(state, batch)).mean()


def repulsion(state, batch):
    """The mean over ordered pairs of different samples."""
    _, codes = autoencoded(state, generated(state, batch))
    squares = []
    for one, other in permutations(codes, 2):
        squares.append((one @ other) ** 2 / (one @ one) / (other @ other))
    return np.mean(squares)


def apart_and_little_energy(state, batch, pull):
    return little_energy(state, batch) + pull * repulsion(state, batch)


def a_margin_amid(method):
    """Some of the generated samples of the first update have less energy, and some have more."""
    state, batch = warm_state(method), batch_of(method)
    low, *_, high = sorted(energies(state, generated(state, batch)))
    assert high > 1.5 * low
    return (low + high) / 2


@pytest.mark.parametrize("name", NAMES)
def test_a_cycle_of_ebgan_is_that_of_numpy(name):
    """The hinge is each sample's own. The pulling-away term is the generator's alone."""
    margin = a_margin_amid(on_networks(name, NETWORKS))
    settings = {"pull": 0.7} if name == "ebgan-pt" else {}
    method = on_networks(name, NETWORKS, lr=0.05, beta1=0.6, margin=margin, **settings)
    pull = settings.get("pull", 0.0)
    moves = [
        Move(("discriminator",), partial(judged, margin=margin), Descent(0.05, 0.6)),
        Move(("generator",), partial(apart_and_little_energy, pull=pull), Descent(0.05, 0.6)),
    ]
    assert_a_cycle_is_that_of(moves, method)


@pytest.mark.parametrize("name", NAMES)
def test_samples_beyond_the_margin_teach_ebgans_discriminator_nothing(name):
    """Its gradient is that of the real data's energy; below the margin, generated data takes its own away."""
    state, networks = warm_state(on_networks(name, NETWORKS)), ["discriminator"]
    for margin, share in ((1e-6, 0.0), (1e6, -1.0)):
        method = on_networks(name, NETWORKS, margin=margin)
        batch = batch_of(method)
        _, gradients = loss_and_gradients(method, "discriminator", state, batch)
        real = central_differences(lambda s, b: energies(s, b.x).mean(), state, batch, networks)
        fake = central_differences(little_energy, state, batch, networks)
        for key, gradient in gradients["discriminator"].items():
            expected = real["discriminator"][key] + share * fake["discriminator"][key]
            np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-8)


def test_ebgans_samples_have_a_gradient_as_what_they_are_compared_with():
    """Of an autoencoder that gives 0, the energy is $|G|^2 / 2$ in two dimensions, and its gradient $G$.

    With the comparison detached it would be 0.
    """
    method = on_networks("ebgan", NETWORKS)
    state = with_weights(
        warm_state(method),
        generator={"weight": 0.0, "bias": [3.0, -4.0]},
        discriminator=EVERYTHING_ZERO,
    )
    loss, gradients = loss_and_gradients(method, "generator", state, batch_of(method, 1))
    assert loss == pytest.approx(12.5)
    np.testing.assert_allclose(gradients["generator"]["bias"], [3.0, -4.0])
    loss, _ = loss_and_gradients(method, "discriminator", state, batch_of(method))
    # The generated samples are beyond the margin of 1.
    assert loss == pytest.approx((batch_of(method).x ** 2).mean())


def test_ebgans_energy_of_an_image_is_a_mean_over_all_of_it():
    """The hinge is that of images, not of pixels."""
    method = on_networks("ebgan", OF_PICTURES)
    state, batch = warm_state(method, PICTURES), batch_of(method, 0, PICTURES)
    weight, bias = state.parameters["generator"].values()
    real, fake = batch.x.reshape(4, PIXELS), batch.z @ weight.T + bias
    low, *_, high = sorted(energies(state, fake))
    margin = (low + high) / 2
    method = on_networks("ebgan", OF_PICTURES, margin=margin)
    expected = energies(state, real).mean() + np.maximum(0, margin - energies(state, fake)).mean()
    loss, _ = loss_and_gradients(method, "discriminator", state, batch, PICTURES)
    assert loss == pytest.approx(expected, rel=1e-6)
    loss, _ = loss_and_gradients(method, "generator", state, batch, PICTURES)
    assert loss == pytest.approx(energies(state, fake).mean(), rel=1e-6)


RIGHT, UP = [1.0, 0.0], [0.0, 1.0]


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([RIGHT, UP], 0.0),
        ([RIGHT, RIGHT, RIGHT], 1.0),
        ([RIGHT, [-5.0, 0.0]], 1.0),  # The square: opposite codes are as bad as equal ones.
        ([RIGHT, RIGHT, UP, UP], 1 / 3),
        ([RIGHT, [1.0, 1.0]], 0.5),
        ([[3.0, 0.0], [3.0, 3.0**0.5]], 0.75),
    ],
)
def test_codes_pull_away_by_their_directions(codes, expected):
    assert pulling_away(torch.tensor(codes)).item() == pytest.approx(expected, abs=1e-6)


def test_ebgans_published_settings():
    ebgan, pulling = METHODS.get("ebgan")(), METHODS.get("ebgan-pt")()
    assert (ebgan.lr, ebgan.beta1, ebgan.margin) == (2e-4, 0.5, 1.0)
    assert (pulling.lr, pulling.beta1, pulling.margin, pulling.pull) == (2e-4, 0.5, 1.0, 0.1)
    assert not ebgan.simultaneous


@pytest.mark.parametrize(
    ("name", "settings", "problem"),
    [
        ("ebgan", {"margin": 0.0}, "margin must be a finite number above 0, not 0.0"),
        ("ebgan-pt", {"margin": -1.0}, "margin must be a finite number above 0, not -1.0"),
        ("ebgan-pt", {"pull": -0.1}, "pull must be a finite number of at least 0, not -0.1"),
        ("began", {"gamma": 0.0}, r"gamma must be a finite number above 0 and at most 1, not 0.0"),
        ("began", {"gamma": 1.1}, r"gamma must be a finite number above 0 and at most 1, not 1.1"),
        ("began", {"gain": -1.0}, "gain must be a finite number of at least 0, not -1.0"),
    ],
)
def test_senseless_settings_are_refused(name, settings, problem):
    with pytest.raises(ValueError, match=problem):
        METHODS.get(name)(**settings)


# BEGAN


def error(state, x):
    reconstruction, _ = autoencoded(state, x)
    return np.abs(reconstruction - x).mean()


def real_error(state, batch):
    return error(state, batch.x)


def fake_error(state, batch):
    return error(state, generated(state, batch))


def balanced(state, batch, k):
    return real_error(state, batch) - k * fake_error(state, batch)


def began(k=0.25, **settings):
    """On linear networks, with another weight to begin with than 0."""
    cls = type(on_networks("began", NETWORKS))
    start = {"variables": lambda self, data: {"k": torch.tensor(k)}}
    return type("Started", (cls,), start)(**settings)


@pytest.mark.parametrize("simultaneous", [True, False])
def test_a_cycle_of_began_is_that_of_numpy(simultaneous):
    """The discriminator's loss takes the weight as it was before, however much it changes."""
    method = began(0.25, lr=0.05, gain=100.0, simultaneous=simultaneous)
    moves = [
        Move(("discriminator",), partial(balanced, k=0.25), Descent(0.05)),
        Move(("generator",), fake_error, Descent(0.05)),
    ]
    assert_a_cycle_is_that_of(moves, method)


@pytest.mark.parametrize("scale", [0.01, 30.0])
@pytest.mark.parametrize("gamma", [0.2, 1.0])
def test_began_weighs_generated_data_more_where_its_error_is_too_small(scale, gamma):
    """The weight rises if and only if gamma times the error of real data is more than that."""
    method = began(0.25, gamma=gamma, gain=0.01)
    state, batch = warm_state(method), batch_of(method)
    batch = batch._replace(x=scale * batch.x)
    real, fake = real_error(state, batch), fake_error(state, batch)
    k = updated(method, "discriminator", state, batch).variables["k"]
    assert k == pytest.approx(0.25 + 0.01 * (gamma * real - fake), rel=1e-6)
    assert (k > 0.25) == (gamma * real > fake) == (scale == 30.0)


@pytest.mark.parametrize(("scale", "end"), [(0.01, 0.0), (30.0, 1.0)])
@pytest.mark.parametrize("start", [0.0, 0.25, 1.0])
def test_began_keeps_the_weight_between_0_and_1(start, scale, end):
    method = began(start, gain=1e3)
    batch = batch_of(method)
    after = updated(method, "discriminator", warm_state(method), batch._replace(x=scale * batch.x))
    assert after.variables["k"] == end


def test_began_carries_the_weight_from_update_to_update():
    method = began(0.25, lr=0.05, gain=0.01)
    state = warm_state(method)
    batches = drawn(method)
    (batch,) = [batch.map(lambda t: t[0].numpy()) for batch in batches]
    k = 0.25
    for _ in range(3):
        k += 0.01 * (0.5 * real_error(state, batch) - fake_error(state, batch))
        state, _ = run_cycle(method, state, batches)
        assert state.variables["k"] == pytest.approx(k, rel=1e-6)
    # The generator's update leaves it alone.
    assert updated(method, "generator", state, batch).variables["k"] == state.variables["k"]


def test_every_seed_of_began_has_a_weight_of_its_own():
    """Two seeds at once, on other data and from other weights, and each of them alone."""
    method = began(gain=0.01)
    cycle, (batch,) = Cycle(method, TINY.spec), drawn(method)
    both = batch.map(lambda t: torch.cat([t, 20 * t]))
    k = torch.tensor([0.25, 0.75], dtype=torch.float64)
    state = tree_map(lambda leaf: torch.from_numpy(np.stack([leaf, leaf])), warm_state(method))
    state = state._replace(variables={"k": k.clone()})
    cycle.run(state, [both])
    alone = []
    for start, own_batch in zip(k.numpy(), (batch, batch.map(lambda t: 20 * t)), strict=True):
        after, _ = run_cycle(method, warm_state(method)._replace(variables={"k": start}), [own_batch])
        alone.append(float(after.variables["k"]))
    assert state.variables["k"].tolist() == pytest.approx(alone, rel=1e-12)
    assert min(abs(alone[0] - 0.25), abs(alone[1] - 0.75)) > 1e-3


def test_began_draws_its_latents_uniformly():
    many = Tiny(batch=5000)
    z = batch_of(METHODS.get("began")(), 0, many).z
    assert -1 < z.min() < -0.99 < 0.99 < z.max() < 1
    assert z.std() == pytest.approx(3**-0.5, rel=0.02)


def test_began_halves_its_rate_twice():
    """As after 100,000 and 200,000 of 500,000 steps."""
    for player in METHODS.get("began")().players(TINY.spec).values():
        shares = [player.optimiser.schedule(torch.tensor(p)).item() for p in (0, 0.19, 0.21, 0.39, 0.41, 1)]
        assert shares == [1, 1, 0.5, 0.5, 0.25, 0.25]


def test_begans_published_settings():
    method = METHODS.get("began")()
    assert (method.lr, method.gamma, method.gain, method.simultaneous) == (8e-5, 0.5, 0.001, True)
    assert method.variables(TINY.spec) == {"k": 0}
    for player in method.players(TINY.spec).values():
        assert (player.optimiser.lr, player.optimiser.betas) == (8e-5, (0.9, 0.999))


def test_began_normalises_nothing():
    networks = METHODS.get("began")().networks(DataSpec("images", (3, 12, 12), latent=6, width=4, depth=2))
    for network in networks.values():
        assert not [
            layer for layer in network.modules() if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)
        ]
