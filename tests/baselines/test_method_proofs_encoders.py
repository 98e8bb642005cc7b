"""Losses, gradients and whole cycles of ALI, VEEGAN and AEGAN, against numpy on linear networks."""

from functools import partial

import numpy as np
import pytest
from support.by_hand import (
    Descent,
    Move,
    Pair,
    assert_a_cycle_is_that_of,
    central_differences,
    drawn,
    linear,
    log_sigmoid,
    loss_and_gradients,
    on_networks,
    run_cycle,
    sigmoid,
    updated,
    warm_state,
    with_weights,
)
from torch import nn
from torch.utils._pytree import tree_map

from benchmark.method import Batch
from benchmark.registry import METHODS

DATA, LATENT = 2, 3
PAIRS = {"generator": partial(nn.Linear, LATENT, DATA), "discriminator": partial(Pair, DATA + LATENT, 1)}
ALI = PAIRS | {"encoder": partial(nn.Linear, DATA, 2 * LATENT)}
VEEGAN = PAIRS | {"reconstructor": partial(nn.Linear, DATA, LATENT)}
AEGAN = {
    "generator": PAIRS["generator"],
    "encoder": VEEGAN["reconstructor"],
    "discriminator_x": partial(nn.Linear, DATA, 1),
    "discriminator_z": partial(nn.Linear, LATENT, 1),
}


def batch_of(method, draw=0):
    return drawn(method)[draw].map(lambda t: t[0].numpy())


def telling_apart(method):
    """Real data at (1, 0), generated data at (-1, 0), and a discriminator with logit 10 at the real ones, -10 at the others."""
    state = with_weights(
        warm_state(method),
        generator={"weight": 0.0, "bias": [-1.0, 0.0]},
        discriminator={"weight": [10.0, 0.0, 0.0, 0.0, 0.0], "bias": 0.0},
    )
    batch = batch_of(method)
    return state, batch._replace(x=np.tile([1.0, 0.0], (len(batch.x), 1)))


RIGHT, WRONG = 2 * np.log1p(np.exp(-10.0)), 2 * np.log1p(np.exp(10.0))


# ALI


def ali_logits(state, batch):
    """Of real data with a sample from $q(z|x) = N(\\mu(x), \\sigma(x)^2)$, and of generated data with its own code."""
    mean, log_std = np.split(linear(state, "encoder", batch.x), 2, axis=1)
    code = mean + np.exp(log_std) * batch.noise["code"]
    return linear(state, "discriminator", batch.x, code), linear(
        state, "discriminator", linear(state, "generator", batch.z), batch.z
    )


def ali_told_apart(state, batch):
    real, fake = ali_logits(state, batch)
    return -log_sigmoid(real).mean() - np.log(1 - sigmoid(fake)).mean()


def ali_flipped(state, batch):
    real, fake = ali_logits(state, batch)
    return -np.log(1 - sigmoid(real)).mean() - log_sigmoid(fake).mean()


@pytest.mark.parametrize("simultaneous", [False, True])
def test_a_cycle_of_ali_is_that_of_numpy(simultaneous):
    """Generator and encoder descend the flipped cross-entropy together."""
    method = on_networks("ali", ALI, lr=0.05, beta1=0.6, simultaneous=simultaneous)
    adam = Descent(0.05, 0.6)
    moves = [
        Move(("discriminator",), ali_told_apart, adam),
        Move(("generator", "encoder"), ali_flipped, adam),
    ]
    assert_a_cycle_is_that_of(moves, method)


def test_a_cycle_of_ali_whose_encoder_takes_noise_is_that_of_numpy():
    """The code is what the encoder makes of a datum and as many features of noise."""

    def noisy_logits(state, batch):
        code = linear(state, "encoder", batch.x, batch.noise["code"])
        generated = linear(state, "generator", batch.z)
        return linear(state, "discriminator", batch.x, code), linear(
            state, "discriminator", generated, batch.z
        )

    def told_apart(state, batch):
        real, fake = noisy_logits(state, batch)
        return -log_sigmoid(real).mean() - np.log(1 - sigmoid(fake)).mean()

    def flipped(state, batch):
        real, fake = noisy_logits(state, batch)
        return -np.log(1 - sigmoid(real)).mean() - log_sigmoid(fake).mean()

    method = on_networks(
        "ali", ALI | {"encoder": partial(Pair, 2 * DATA, LATENT)}, lr=0.05, beta1=0.6, noisy_input=True
    )
    adam = Descent(0.05, 0.6)
    assert_a_cycle_is_that_of(
        [Move(("discriminator",), told_apart, adam), Move(("generator", "encoder"), flipped, adam)], method
    )


def test_ali_labels_the_real_pairs_one():
    """A discriminator that gives them high logits is right, and what its adversaries minimise is then high."""
    method = on_networks("ali", ALI)
    state, batch = telling_apart(method)
    assert loss_and_gradients(method, "discriminator", state, batch)[0] == pytest.approx(RIGHT, rel=1e-9)
    assert loss_and_gradients(method, "generator", state, batch)[0] == pytest.approx(WRONG, rel=1e-9)


def test_alis_adversaries_are_not_saturated_by_a_sure_discriminator():
    """With flipped labels, each of them still has a gradient of its own where the discriminator is sure; with equation 1 negated, none has."""
    method = on_networks("ali", ALI)
    state, batch = telling_apart(method)
    weight = np.full(DATA + LATENT, 1.0)
    weight[0] = 10.0
    state = with_weights(state, discriminator={"weight": weight}, encoder={"weight": 0.0, "bias": 0.0})
    gradients = loss_and_gradients(method, "generator", state, batch)[1]
    # d softplus(D) / d code is D's weight of the code where D is sure of a real pair, and -(D's weight) where sure of a generated one.
    np.testing.assert_allclose(gradients["encoder"]["bias"][:LATENT], 1.0, atol=0.05)
    np.testing.assert_allclose(gradients["generator"]["bias"], [-10.0, -1.0], atol=0.5)


def test_alis_codes_are_reparameterised_gaussians():
    """The gradient in the mean is that in the code; in the logarithm of the deviation, that times $\\sigma \\epsilon$."""
    method = on_networks("ali", ALI)
    state, batch = warm_state(method), batch_of(method)
    log_std = np.array([-1.0, 0.0, 0.5])
    state = with_weights(state, encoder={"weight": 0.0, "bias": np.concatenate([[0.3, -0.2, 0.1], log_std])})
    bias = loss_and_gradients(method, "generator", state, batch)[1]["encoder"]["bias"]
    real, _ = ali_logits(state, batch)
    in_code = sigmoid(real) * state.parameters["discriminator"]["weight"][:, DATA:]
    np.testing.assert_allclose(bias[:LATENT], in_code.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(
        bias[LATENT:], (in_code * np.exp(log_std) * batch.noise["code"]).mean(axis=0), rtol=1e-9
    )


# VEEGAN


def veegan_formulas(free=0):
    """Of the discriminator, of generator and reconstructor, and of the reconstruction alone; the last `free` dimensions are noise only."""
    kept = LATENT - free

    def told_apart(state, batch):
        """Algorithm 1: generated pairs have the label 1; codes of real data are samples of $N(F(x), I)$, as in the notebook."""
        generated = linear(state, "discriminator", linear(state, "generator", batch.z), batch.z[:, :kept])
        real = linear(
            state, "discriminator", batch.x, linear(state, "reconstructor", batch.x) + batch.noise["code"]
        )
        return -log_sigmoid(generated).mean() - np.log(1 - sigmoid(real)).mean()

    def reconstruction(state, batch):
        """Half the squared error, summed over the latent dimensions, averaged over samples."""
        error = batch.z[:, :kept] - linear(state, "reconstructor", linear(state, "generator", batch.z))
        return sum(0.5 * sum(coordinate**2 for coordinate in sample) for sample in error) / len(error)

    def joint(state, batch):
        logit = linear(state, "discriminator", linear(state, "generator", batch.z), batch.z[:, :kept])
        return logit.mean() + reconstruction(state, batch)

    return told_apart, joint, reconstruction


veegan_reconstruction = veegan_formulas()[2]


@pytest.mark.parametrize("free", [0, 1, 2])
@pytest.mark.parametrize("simultaneous", [False, True])
def test_a_cycle_of_veegan_is_that_of_numpy(free, simultaneous):
    """The reconstructor does not move with the discriminator, although that sees the reconstructor's codes."""
    kept = LATENT - free
    networks = VEEGAN | {
        "reconstructor": partial(nn.Linear, DATA, kept),
        "discriminator": partial(Pair, DATA + kept, 1),
    }
    method = on_networks("veegan", networks, lr=0.05, beta1=0.6, free=free, simultaneous=simultaneous)
    told_apart, joint, _ = veegan_formulas(free)
    adam = Descent(0.05, 0.6)
    moves = [Move(("discriminator",), told_apart, adam), Move(("generator", "reconstructor"), joint, adam)]
    assert_a_cycle_is_that_of(moves, method)


def test_veegan_labels_the_generated_pairs_one():
    """A discriminator that gives the real ones high logits is wrong; one that is right has logits that the generator lowers."""
    method = on_networks("veegan", VEEGAN)
    state, batch = telling_apart(method)
    assert loss_and_gradients(method, "discriminator", state, batch)[0] == pytest.approx(WRONG, rel=1e-9)
    right = with_weights(state, discriminator={"weight": [-10.0, 0.0, 0.0, 0.0, 0.0]})
    assert loss_and_gradients(method, "discriminator", right, batch)[0] == pytest.approx(RIGHT, rel=1e-9)
    reconstruction = veegan_reconstruction(state, batch)
    assert loss_and_gradients(method, "generator", right, batch)[0] == pytest.approx(
        10 + reconstruction, rel=1e-9
    )
    assert loss_and_gradients(method, "generator", state, batch)[0] == pytest.approx(
        -10 + reconstruction, rel=1e-9
    )


def test_veegans_reconstruction_is_half_the_squared_error_summed_over_the_latent():
    """A reconstructor of nothing but zeros, a discriminator of nothing but zeros: what is left is $|z|^2 / 2$; for z = (1, 2, 2) it is 4.5."""
    method = on_networks("veegan", VEEGAN)
    blank = {"weight": 0.0, "bias": 0.0}
    state = with_weights(warm_state(method), discriminator=blank, reconstructor=blank)
    batch = Batch(None, np.array([[1.0, 2.0, 2.0], [0.0, 0.0, 0.0]]), {})
    loss, gradients = loss_and_gradients(method, "generator", state, batch)
    assert loss == pytest.approx(4.5 / 2)
    # The gradient in the reconstructor's bias is minus the mean error, not minus twice that or a third of it.
    np.testing.assert_allclose(gradients["reconstructor"]["bias"], [-0.5, -1.0, -1.0])


def test_veegans_reconstructor_learns_nothing_from_the_discriminator():
    """Its gradient is that of the reconstruction alone, whatever the discriminator; the generator's is not."""
    method = on_networks("veegan", VEEGAN)
    state, batch = warm_state(method), batch_of(method)
    loud = with_weights(state, discriminator={"weight": 100 * state.parameters["discriminator"]["weight"]})
    quiet_gradients, loud_gradients = (
        loss_and_gradients(method, "generator", s, batch)[1] for s in (state, loud)
    )
    alone = central_differences(veegan_reconstruction, state, batch, ["reconstructor"])["reconstructor"]
    for key, expected in alone.items():
        np.testing.assert_allclose(quiet_gradients["reconstructor"][key], expected, rtol=1e-6, atol=1e-9)
        np.testing.assert_array_equal(
            loud_gradients["reconstructor"][key], quiet_gradients["reconstructor"][key]
        )
        assert not np.allclose(loud_gradients["generator"][key], quiet_gradients["generator"][key])


# AEGAN


def judged_as(label, network, judged):
    """Binary cross-entropy to a smoothed label."""

    def formula(state, batch):
        p = sigmoid(linear(state, network, judged(state, batch)))
        return -(label * np.log(p) + (1 - label) * np.log(1 - p)).mean()

    return formula


def generated(state, batch):
    return linear(state, "generator", batch.z)


def encoded(state, batch):
    return linear(state, "encoder", batch.x)


def data_again(state, batch):
    return linear(state, "generator", encoded(state, batch))


def latent_again(state, batch):
    return linear(state, "encoder", generated(state, batch))


SIX = {
    "x generated": (1, judged_as(1, "discriminator_x", generated)),
    "x reconstructed": (1, judged_as(1, "discriminator_x", data_again)),
    "z encoded": (1, judged_as(1, "discriminator_z", encoded)),
    "z reconstructed": (1, judged_as(1, "discriminator_z", latent_again)),
    "data": (10, lambda state, batch: np.abs(batch.x - data_again(state, batch)).mean()),
    "latent": (5, lambda state, batch: ((batch.z - latent_again(state, batch)) ** 2).mean()),
}
EIGHT = {
    "discriminator_x": [
        (0.95, lambda state, batch: batch.x),
        (0.05, generated),
        (0.95, lambda state, batch: batch.x),
        (0.05, data_again),
    ],
    "discriminator_z": [
        (0.95, lambda state, batch: batch.z),
        (0.05, encoded),
        (0.95, lambda state, batch: batch.z),
        (0.05, latent_again),
    ],
}


def six_terms(state, batch, without=()):
    return sum(weight * term(state, batch) for name, (weight, term) in SIX.items() if name not in without)


def test_a_cycle_of_aegan_is_that_of_numpy():
    """Eight updates of discriminators on batches of their own, labels 0.95 and 0.05, then four of generator and encoder together, all clipped."""
    method = on_networks("aegan", AEGAN, lr=0.05, discriminator_lr=0.04, beta1=0.6)
    judge, joint = Descent(0.04, 0.6, clip_norm=1.0), Descent(0.05, 0.6, clip_norm=1.0)
    moves = [
        Move((network,), judged_as(label, network, judged), judge)
        for network, four in EIGHT.items()
        for label, judged in four
    ]
    moves += [Move(("generator", "encoder"), six_terms, joint)] * 4
    assert_a_cycle_is_that_of(moves, method)


def test_an_aegan_cycle_counts_its_updates():
    method = on_networks("aegan", AEGAN)
    start = warm_state(method)
    end, losses = run_cycle(method, start, drawn(method))
    assert len(losses) == 12
    assert {network: end.steps[network] - start.steps[network] for network in AEGAN} == dict.fromkeys(
        AEGAN, 4
    )
    # Only what looks at real data draws some: the real, the real and the reconstructed; the encoded; the four joint updates.
    assert [batch.x is not None for batch in drawn(method)] == [
        True,
        False,
        True,
        True,
        False,
        True,
        False,
        False,
    ] + [True] * 4


@pytest.mark.parametrize("term", SIX)
def test_every_term_of_aegan_counts(term):
    """All six make the loss and its gradients; without any one of them they are others."""
    method = on_networks("aegan", AEGAN)
    state, batch = warm_state(method), batch_of(method, -1)
    loss, gradients = loss_and_gradients(method, "autoencoder", state, batch)
    assert loss == pytest.approx(six_terms(state, batch), rel=1e-9)
    weight, formula = SIX[term]
    assert loss - six_terms(state, batch, without=(term,)) == pytest.approx(
        weight * formula(state, batch), rel=1e-6
    )
    whole, rest = (
        central_differences(partial(six_terms, without=w), state, batch, ["generator", "encoder"])
        for w in ((), (term,))
    )
    for network, tensors in gradients.items():
        for key, gradient in tensors.items():
            np.testing.assert_allclose(gradient, whole[network][key], rtol=1e-6, atol=1e-8)
    assert any(
        not np.allclose(gradients[network]["weight"], rest[network]["weight"], rtol=1e-3)
        for network in gradients
    )


def test_aegans_gradients_are_clipped_tensor_by_tensor():
    """From first moments of 0, an update leaves 1 - beta1 of the gradient in them: half, and half of its direction where it is longer than 1."""
    method = on_networks("aegan", AEGAN)
    state = warm_state(method)
    state = state._replace(first=tree_map(np.zeros_like, state.first))
    moves = {
        "x_generated": (["discriminator_x"], judged_as(0.05, "discriminator_x", generated)),
        "autoencoder": (["generator", "encoder"], six_terms),
    }
    lengths = []
    for player, (networks, formula) in moves.items():
        batch = batch_of(method, -1)
        after = updated(method, player, state, batch)
        for network, tensors in central_differences(formula, state, batch, networks).items():
            for key, gradient in tensors.items():
                lengths.append(np.linalg.norm(gradient))
                np.testing.assert_allclose(
                    after.first[network][key],
                    0.5 * gradient * min(1.0, 1 / lengths[-1]),
                    rtol=1e-6,
                    atol=1e-9,
                )
    assert min(lengths) < 0.9 < 1.1 < max(lengths)


def test_aegans_published_settings():
    method = METHODS.get("aegan")()
    assert (method.lr, method.discriminator_lr, method.beta1) == (2e-4, 5e-4, 0.5)
