"""Losses, gradients and whole cycles of AAE, BiGAN, VGH and VGH++, against numpy on linear networks."""

from functools import partial

import numpy as np
import pytest
import torch
from support.by_hand import (
    TINY,
    Descent,
    Move,
    Pair,
    assert_a_cycle_is_that_of,
    cross_entropy,
    drawn,
    linear,
    log_sigmoid,
    loss_and_gradients,
    on_networks,
    warm_state,
    with_weights,
)
from torch import nn

from benchmark.registry import METHODS

DATA, LATENT = 2, 3
CODED = {
    "generator": partial(nn.Linear, LATENT, DATA),
    "encoder": partial(nn.Linear, DATA, LATENT),
}
AAE = CODED | {"discriminator": partial(nn.Linear, LATENT, 1)}
BIGAN = CODED | {"discriminator": partial(Pair, DATA + LATENT, 1)}
VGH = CODED | {
    "encoder": partial(nn.Linear, DATA, 2 * LATENT),
    "discriminator": partial(nn.Linear, DATA, 1),
}
VGH_PLUS_PLUS = CODED | {
    "discriminator": partial(nn.Linear, DATA, 1),
    "discriminator_z": partial(nn.Linear, LATENT, 1),
}


def decoded(state, batch):
    """The code of data, and its reconstruction."""
    code = linear(state, "encoder", batch.x)
    return code, linear(state, "generator", code)


# AAE


def squared_error(state, batch):
    _, reconstruction = decoded(state, batch)
    return ((reconstruction - batch.x) ** 2).mean()


def judged_codes(state, batch):
    """Latents have the label 1, codes of data the label 0."""
    code, _ = decoded(state, batch)
    return cross_entropy(linear(state, "discriminator", batch.z), linear(state, "discriminator", code))


def regularised(state, batch):
    code, _ = decoded(state, batch)
    return -log_sigmoid(linear(state, "discriminator", code)).mean()


def test_a_cycle_of_aae_is_that_of_numpy():
    """Reconstruction, discriminator of codes, regularisation of the encoder alone."""
    method = on_networks("aae", AAE, lr=0.05, beta1=0.6)
    adam = Descent(0.05, 0.6)
    moves = [
        Move(("generator", "encoder"), squared_error, adam),
        Move(("discriminator",), judged_codes, adam),
        Move(("encoder",), regularised, adam),
    ]
    assert_a_cycle_is_that_of(moves, method)


# BiGAN


def sigmoid_code(state, batch):
    return np.tanh(linear(state, "encoder", batch.x) / 2)


def bigan_logits(state, batch):
    generated = linear(state, "generator", batch.z)
    real = linear(state, "discriminator", batch.x, sigmoid_code(state, batch))
    return real, linear(state, "discriminator", generated, batch.z)


def bigan_judged(state, batch):
    real, fake = bigan_logits(state, batch)
    return cross_entropy(real, fake) / 2


def bigan_flipped(state, batch):
    real, fake = bigan_logits(state, batch)
    return cross_entropy(fake, real) / 2


def test_a_cycle_of_bigan_is_that_of_numpy():
    """All networks move at once; real pairs have the label 1 for the discriminator, and 0 for the others."""
    method = on_networks("bigan", BIGAN, lr=0.05, beta1=0.6, weight_decay=0.0)
    adam = Descent(0.05, 0.6)
    moves = [
        Move(("discriminator",), bigan_judged, adam),
        Move(("generator", "encoder"), bigan_flipped, adam),
    ]
    assert_a_cycle_is_that_of(moves, method)


def test_a_sure_discriminator_of_bigan_gives_real_pairs_high_logits():
    method = on_networks("bigan", BIGAN)
    state = with_weights(
        warm_state(method),
        generator={"weight": 0.0, "bias": [-1.0, 0.0]},
        discriminator={"weight": [10.0, 0.0, 0.0, 0.0, 0.0], "bias": 0.0},
    )
    batch = drawn(method)[0].map(lambda t: t[0].numpy())
    batch = batch._replace(x=np.tile([1.0, 0.0], (len(batch.x), 1)))
    right, _ = loss_and_gradients(method, "discriminator", state, batch)
    wrong, _ = loss_and_gradients(method, "generator", state, batch)
    assert right == pytest.approx(np.log1p(np.exp(-10.0)), rel=1e-9)
    assert wrong == pytest.approx(np.log1p(np.exp(10.0)), rel=1e-9)


def test_bigan_has_its_sources_decay_and_latents():
    method = METHODS.get("bigan")()
    for player in method.players(TINY.spec).values():
        assert player.optimiser.weight_decay == 2.5e-5
        shares = [player.optimiser.schedule(torch.tensor(at)).item() for at in (0.0, 0.5, 0.75, 1.0)]
        assert shares == pytest.approx([1, 1, 0.1, 0.01])
    assert method.latents(TINY.spec).law == "uniform"
    assert method.simultaneous


# VGH and VGH++


def vgh_autoencoder(state, batch):
    """The mean absolute error, the divergence from the prior per coordinate, and the deception by samples."""
    mean, log_variance = np.split(linear(state, "encoder", batch.x), 2, axis=1)
    reconstruction = linear(state, "generator", mean + np.exp(log_variance / 2) * batch.noise["code"])
    divergence = 0.5 * (np.exp(log_variance) + mean**2 - 1 - log_variance).sum(axis=1).mean()
    fake = linear(state, "discriminator", linear(state, "generator", batch.z))
    error = abs(reconstruction - batch.x).mean()
    return 0.7 * error + divergence / DATA - log_sigmoid(fake).mean()


def vgh_judged(state, batch):
    """Samples alone have the label 0."""
    fake = linear(state, "discriminator", linear(state, "generator", batch.z))
    return cross_entropy(linear(state, "discriminator", batch.x), fake)


def test_a_cycle_of_vgh_is_that_of_numpy():
    method = on_networks("vgh", VGH, lr=0.05, beta1=0.6, beta2=0.99, reconstruction=0.7)
    adam = Descent(0.05, 0.6, 0.99)
    autoencoder = Move(("generator", "encoder"), vgh_autoencoder, adam)
    moves = [autoencoder, autoencoder, Move(("discriminator",), vgh_judged, adam)]
    assert_a_cycle_is_that_of(moves, method)


def fakes(state, batch):
    """Logits of samples and of reconstructions, each as many."""
    _, reconstruction = decoded(state, batch)
    samples = linear(state, "generator", batch.z)
    return [linear(state, "discriminator", data) for data in (samples, reconstruction)]


def hybrid_autoencoder(state, batch):
    code, reconstruction = decoded(state, batch)
    samples, reconstructions = fakes(state, batch)
    deception = (log_sigmoid(samples).mean() + log_sigmoid(reconstructions).mean()) / 2
    of_codes = log_sigmoid(linear(state, "discriminator_z", code)).mean()
    return 0.7 * abs(reconstruction - batch.x).mean() - deception - of_codes


def hybrid_judged(state, batch):
    real = linear(state, "discriminator", batch.x)
    samples, reconstructions = fakes(state, batch)
    return (cross_entropy(real, samples) + cross_entropy(real, reconstructions)) / 2


def hybrid_judged_codes(state, batch):
    code, _ = decoded(state, batch)
    return cross_entropy(linear(state, "discriminator_z", batch.z), linear(state, "discriminator_z", code))


def test_a_cycle_of_vgh_plus_plus_is_that_of_numpy():
    """The discriminator sees samples and reconstructions, each kind for half; latents have the label 1."""
    method = on_networks("vgh++", VGH_PLUS_PLUS, lr=0.05, beta1=0.6, beta2=0.99, reconstruction=0.7)
    adam = Descent(0.05, 0.6, 0.99)
    autoencoder = Move(("generator", "encoder"), hybrid_autoencoder, adam)
    moves = [
        autoencoder,
        autoencoder,
        Move(("discriminator",), hybrid_judged, adam),
        Move(("discriminator_z",), hybrid_judged_codes, adam),
    ]
    assert_a_cycle_is_that_of(moves, method)


@pytest.mark.parametrize("name", ["vgh", "vgh++"])
def test_a_negative_weight_is_refused(name):
    with pytest.raises(ValueError, match="reconstruction must be at least 0, not -1"):
        METHODS.get(name)(reconstruction=-1)


def test_bad_settings_of_bigan_are_refused():
    with pytest.raises(ValueError, match="weight_decay must be at least 0, not -1"):
        METHODS.get("bigan")(weight_decay=-1)
    with pytest.raises(ValueError, match="end_rate must lie in"):
        METHODS.get("bigan")(end_rate=0)
