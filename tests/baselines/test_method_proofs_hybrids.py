"""Losses, gradients and whole cycles of AAE, BiGAN, VGH and VGH++, against numpy on linear networks."""

from functools import partial

import numpy as np
import pytest
import torch
from support.by_hand import (
    CPU,
    TINY,
    Descent,
    Move,
    Pair,
    WithDecay,
    as_tensors,
    assert_a_cycle_is_that_of,
    cross_entropy,
    drawn,
    linear,
    log_sigmoid,
    loss_and_gradients,
    on_networks,
    run_cycle,
    sigmoid,
    warm_state,
    with_weights,
)
from torch import nn

from benchmark.datasets.mixtures import Ring
from benchmark.method import DataSpec, Networks
from benchmark.registry import METHODS
from benchmark.training.generators import TrainedGenerators
from benchmark.training.step import Cycle, initialise
from benchmark.training.trees import tree_map

DATA, LATENT = 2, 3
GENERATOR, ENCODER = partial(nn.Linear, LATENT, DATA), partial(nn.Linear, DATA, LATENT)
OF_DATA, OF_CODES = partial(nn.Linear, DATA, 1), partial(nn.Linear, LATENT, 1)
AAE = {"generator": GENERATOR, "encoder": ENCODER, "discriminator": OF_CODES}
BIGAN = {"generator": GENERATOR, "encoder": ENCODER, "discriminator": partial(Pair, DATA + LATENT, 1)}
VGH = {
    "generator": GENERATOR,
    "encoder": partial(nn.Linear, DATA, 2 * LATENT),
    "discriminator": OF_DATA,
}
VGH_PP = {
    "generator": GENERATOR,
    "encoder": ENCODER,
    "discriminator": OF_DATA,
    "discriminator_z": OF_CODES,
}
ALL = {"aae": AAE, "bigan": BIGAN, "vgh": VGH, "vgh++": VGH_PP}


def encoded(state, batch):
    return linear(state, "encoder", batch.x)


def generated(state, batch):
    return linear(state, "generator", batch.z)


def again(state, batch):
    """Reconstructions of data."""
    return linear(state, "generator", encoded(state, batch))


def deception(logits):
    """Of a discriminator, which is to give them the label 1."""
    return -log_sigmoid(logits).mean()


def loss_of(method, player, state, batch):
    loss, _ = loss_and_gradients(method, player, state, batch)
    return loss


def batch_of(method, draw=0):
    return drawn(method)[draw].map(lambda tensor: tensor[0].numpy())


# AAE


def squared_error(state, batch):
    return ((again(state, batch) - batch.x) ** 2).mean()


def judged_codes(state, batch, network="discriminator"):
    """Samples of the prior have the label 1, codes of data the label 0."""
    return cross_entropy(linear(state, network, batch.z), linear(state, network, encoded(state, batch)))


def regularisation(state, batch):
    return deception(linear(state, "discriminator", encoded(state, batch)))


def test_a_cycle_of_aae_is_that_of_numpy():
    """Reconstruction, discriminator of codes, then regularisation of the encoder alone."""
    method = on_networks("aae", AAE, lr=0.05, beta1=0.6)
    adam = Descent(0.05, 0.6)
    moves = [
        Move(("generator", "encoder"), squared_error, adam),
        Move(("discriminator",), judged_codes, adam),
        Move(("encoder",), regularisation, adam, optimiser="adversarial"),
    ]
    assert_a_cycle_is_that_of(moves, method)


def test_aaes_discriminator_tells_the_prior_from_codes():
    """One that gives high logits to latents at 1 and low ones to codes at -1 is right, and the encoder is
    not deceiving it.
    """
    method = on_networks("aae", AAE)
    state = with_weights(
        warm_state(method),
        encoder={"weight": 0.0, "bias": [-1.0, 0.0, 0.0]},
        discriminator={"weight": [10.0, 0.0, 0.0], "bias": 0.0},
    )
    batch = batch_of(method, 1)
    batch = batch._replace(z=np.tile([1.0, 0.0, 0.0], (len(batch.z), 1)))
    assert loss_of(method, "discriminator", state, batch) == pytest.approx(2 * np.log1p(np.exp(-10.0)))
    assert loss_of(method, "encoder", state, batch) == pytest.approx(np.log1p(np.exp(10.0)))


# BiGAN


def bigan_logits(state, batch):
    """Of pairs of data and their codes in (-1, 1), and of generated data and their latents."""
    code = 2 * sigmoid(encoded(state, batch)) - 1
    real = linear(state, "discriminator", batch.x, code)
    return real, linear(state, "discriminator", generated(state, batch), batch.z)


def bigan_judged(state, batch):
    real, fake = bigan_logits(state, batch)
    return cross_entropy(real, fake) / 2


def bigan_flipped(state, batch):
    real, fake = bigan_logits(state, batch)
    return cross_entropy(fake, real) / 2


@pytest.mark.parametrize("simultaneous", [False, True])
def test_a_cycle_of_bigan_is_that_of_numpy(simultaneous):
    """Generator and encoder descend the flipped cross-entropy together, with weight decay."""
    settings = {"lr": 0.05, "beta1": 0.6, "weight_decay": 0.3, "simultaneous": simultaneous}
    method = on_networks("bigan", BIGAN, **settings)
    adam = WithDecay(0.05, 0.6, weight_decay=0.3)
    moves = [
        Move(("discriminator",), bigan_judged, adam),
        Move(("generator", "encoder"), bigan_flipped, adam),
    ]
    assert_a_cycle_is_that_of(moves, method)


def test_bigan_labels_the_real_pairs_one():
    """A discriminator that gives high logits to data at 1 and low ones to samples at -1 is right."""
    method = on_networks("bigan", BIGAN)
    state = with_weights(
        warm_state(method),
        generator={"weight": 0.0, "bias": [-1.0, 0.0]},
        discriminator={"weight": [10.0, 0.0, 0.0, 0.0, 0.0], "bias": 0.0},
    )
    batch = batch_of(method)
    batch = batch._replace(x=np.tile([1.0, 0.0], (len(batch.x), 1)))
    assert loss_of(method, "discriminator", state, batch) == pytest.approx(np.log1p(np.exp(-10.0)))
    assert loss_of(method, "generator", state, batch) == pytest.approx(np.log1p(np.exp(10.0)))


def test_bigans_latents_and_codes_fill_the_same_cube():
    """Latents are uniform there, in training and in sampling."""
    method = on_networks("bigan", BIGAN)
    z = torch.cat([batch.z for batch in drawn(method, Ring(latent=LATENT, batch=4000))])
    assert z.abs().max() < 1
    torch.testing.assert_close(z.std().item(), 3**-0.5, rtol=0.02, atol=0)
    on_latents = on_networks("bigan", BIGAN | {"generator": nn.Identity})
    generators = TrainedGenerators.of(on_latents, TINY.spec, initialise(on_latents, TINY, [0], CPU))
    samples = generators(torch.tensor([[[-10.0, 0.0, 0.6745]]]))
    torch.testing.assert_close(samples[0, 0], torch.tensor([-1.0, 0.0, 0.5]), rtol=1e-4, atol=1e-4)


def test_bigans_learning_rate_falls_to_a_hundredth_in_the_second_half():
    """From moments of 0, the first step of Adam is the learning rate."""
    method = on_networks("bigan", BIGAN, lr=0.01)
    state = warm_state(method)
    zeros = tree_map(np.zeros_like, (state.first, state.second, state.steps))
    state = state._replace(first=zeros[0], second=zeros[1], steps=zeros[2])
    for progress, share in [(0.0, 1), (0.5, 1), (0.75, 0.1), (1.0, 0.01)]:
        end, _ = run_cycle(method, state._replace(progress=np.asarray(progress)), drawn(method))
        for network in BIGAN:
            moved = end.parameters[network]["weight"] - state.parameters[network]["weight"]
            np.testing.assert_allclose(np.abs(moved), 0.01 * share, rtol=1e-4)


# VGH


def variational(state, batch):
    """Reconstructions through the code's noise, and the KL divergence of each code from the prior."""
    mean, log_variance = np.split(encoded(state, batch), 2, axis=1)
    code = mean + np.exp(log_variance / 2) * batch.noise["code"]
    kl = 0.5 * (np.exp(log_variance) + mean**2 - 1 - log_variance).sum(axis=1)
    return linear(state, "generator", code), kl


VGH_TERMS = {
    "error": lambda state, batch: 4 * np.abs(variational(state, batch)[0] - batch.x).mean(),
    "divergence": lambda state, batch: variational(state, batch)[1].mean() / DATA,
    "deception": lambda state, batch: deception(linear(state, "discriminator", generated(state, batch))),
}


def vgh_joint(state, batch):
    return sum(term(state, batch) for term in VGH_TERMS.values())


def vgh_judged(state, batch):
    """Reconstructions are not judged."""
    real = linear(state, "discriminator", batch.x)
    return cross_entropy(real, linear(state, "discriminator", generated(state, batch)))


def test_a_cycle_of_vgh_is_that_of_numpy():
    """Generator and encoder twice, then the discriminator, each on a batch of its own."""
    method = on_networks("vgh", VGH, lr=0.05, beta1=0.6, beta2=0.8, reconstruction=4.0)
    adam = Descent(0.05, 0.6, 0.8)
    joint = Move(("generator", "encoder"), vgh_joint, adam)
    assert_a_cycle_is_that_of([joint, joint, Move(("discriminator",), vgh_judged, adam)], method)


# VGH++


def fakes(state, batch):
    return np.concatenate([generated(state, batch), again(state, batch)])


VGH_PP_TERMS = {
    "error": lambda state, batch: 4 * np.abs(again(state, batch) - batch.x).mean(),
    "deception": lambda state, batch: deception(linear(state, "discriminator", fakes(state, batch))),
    "codes": lambda state, batch: deception(linear(state, "discriminator_z", encoded(state, batch))),
}


def vgh_pp_joint(state, batch):
    return sum(term(state, batch) for term in VGH_PP_TERMS.values())


def vgh_pp_judged(state, batch):
    """Samples and reconstructions have the label 0, and each kind weighs half."""
    real = linear(state, "discriminator", batch.x)
    samples = linear(state, "discriminator", generated(state, batch))
    reconstructions = linear(state, "discriminator", again(state, batch))
    return (cross_entropy(real, samples) + cross_entropy(real, reconstructions)) / 2


def test_a_cycle_of_vgh_pp_is_that_of_numpy():
    """Generator and encoder twice, then each discriminator once."""
    method = on_networks("vgh++", VGH_PP, lr=0.05, beta1=0.6, beta2=0.8, reconstruction=4.0)
    adam = Descent(0.05, 0.6, 0.8)
    joint = Move(("generator", "encoder"), vgh_pp_joint, adam)
    judged_z = partial(judged_codes, network="discriminator_z")
    moves = [
        joint,
        joint,
        Move(("discriminator",), vgh_pp_judged, adam),
        Move(("discriminator_z",), judged_z, adam),
    ]
    assert_a_cycle_is_that_of(moves, method)


def test_vgh_pp_does_not_swap_prior_and_posterior():
    """A discriminator that gives high logits to latents and low ones to codes is right; the encoder aims for
    high ones.
    """
    method = on_networks("vgh++", VGH_PP, reconstruction=0.0)
    state = with_weights(
        warm_state(method),
        encoder={"weight": 0.0, "bias": [-1.0, 0.0, 0.0]},
        discriminator={"weight": 0.0, "bias": 0.0},
        discriminator_z={"weight": [10.0, 0.0, 0.0], "bias": 0.0},
    )
    batch = batch_of(method)
    batch = batch._replace(z=np.tile([1.0, 0.0, 0.0], (len(batch.z), 1)))
    assert loss_of(method, "discriminator_z", state, batch) == pytest.approx(2 * np.log1p(np.exp(-10.0)))
    expected = np.log(2) + np.log1p(np.exp(10.0))
    assert loss_of(method, "autoencoder", state, batch) == pytest.approx(expected)


def test_vgh_pps_discriminator_of_codes_has_no_batch_normalisation():
    images = DataSpec("images", (1, 8, 8), LATENT, width=4, depth=2)
    network = METHODS.get("vgh++")().networks(images)["discriminator_z"]
    assert {type(module).__name__ for module in network.modules()} == {"MLP", "Linear", "ReLU"}


# All


@pytest.mark.parametrize("name", ALL)
def test_codes_are_the_encoders_output_or_mean(name):
    """Those of BiGAN lie in (-1, 1)."""
    method = on_networks(name, ALL[name])
    state = warm_state(method)
    batch = batch_of(method)
    nets = Networks(Cycle(method, TINY.spec).modules, as_tensors(state), {})
    codes = encoded(state, batch)[:, :LATENT]
    expected = 2 * sigmoid(codes) - 1 if name == "bigan" else codes
    np.testing.assert_allclose(method.encode(nets, torch.from_numpy(batch.x)), expected)


@pytest.mark.parametrize(
    ("name", "lr", "betas", "weight_decay"),
    [
        ("aae", 1e-3, (0.9, 0.999), None),
        ("bigan", 2e-4, (0.5, 0.999), 2.5e-5),
        ("vgh", 8e-4, (0.5, 0.9), None),
        ("vgh++", 8e-4, (0.5, 0.9), None),
    ],
)
def test_published_settings(name, lr, betas, weight_decay):
    method = METHODS.get(name)()
    assert method.simultaneous == (name == "bigan")
    assert getattr(method, "reconstruction", 1.0) == 1.0
    for player in method.players(TINY.spec).values():
        adam = player.optimiser
        assert (adam.lr, adam.betas, adam.weight_decay) == (lr, betas, weight_decay)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("bigan", {"weight_decay": -1.0}, "weight_decay must be a finite number of at least 0, not -1"),
        ("bigan", {"end_rate": 0.0}, r"end_rate must be a finite number above 0 and at most 1, not 0"),
        ("bigan", {"end_rate": 2.0}, r"end_rate must be a finite number above 0 and at most 1, not 2"),
        ("vgh", {"reconstruction": -1.0}, "reconstruction must be a finite number of at least 0, not -1"),
    ],
)
def test_nonsense_is_refused(name, settings, message):
    with pytest.raises(ValueError, match=message):
        METHODS.get(name)(**settings)
