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
    cross_entropy,
    drawn,
    linear,
    loss_and_gradients,
    on_networks,
    run_cycle,
    sigmoid,
    updated,
    warm_state,
    with_weights,
)
from torch import nn

from benchmark.method import Batch
from benchmark.registry import METHODS
from benchmark.training.trees import tree_map

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


def easy_to_judge(method):
    """Real data at (1, 0) with logit 10, and generated data at (-1, 0) with logit -10."""
    state = with_weights(
        warm_state(method),
        generator={"weight": 0.0, "bias": [-1.0, 0.0]},
        discriminator={"weight": [10.0, 0.0, 0.0, 0.0, 0.0], "bias": 0.0},
    )
    batch = batch_of(method)
    return state, batch._replace(x=np.tile([1.0, 0.0], (len(batch.x), 1)))


def loss_of(method, player, state, batch):
    loss, _ = loss_and_gradients(method, player, state, batch)
    return loss


RIGHT, WRONG = 2 * np.log1p(np.exp(-10.0)), 2 * np.log1p(np.exp(10.0))


# ALI


def ali_logits(state, batch):
    """Of real data and samples of $q(z|x) = N(\\mu(x), \\sigma(x)^2)$, and of generated data and its code."""
    mean, log_std = np.split(linear(state, "encoder", batch.x), 2, axis=1)
    code = mean + np.exp(log_std) * batch.noise["code"]
    generated = linear(state, "generator", batch.z)
    return linear(state, "discriminator", batch.x, code), linear(state, "discriminator", generated, batch.z)


def ali_judged(state, batch):
    real, fake = ali_logits(state, batch)
    return cross_entropy(real, fake)


def ali_flipped(state, batch):
    real, fake = ali_logits(state, batch)
    return cross_entropy(fake, real)


@pytest.mark.parametrize("simultaneous", [False, True])
def test_a_cycle_of_ali_is_that_of_numpy(simultaneous):
    """Generator and encoder descend the flipped cross-entropy together."""
    method = on_networks("ali", ALI, lr=0.05, beta1=0.6, simultaneous=simultaneous)
    adam = Descent(0.05, 0.6)
    moves = [
        Move(("discriminator",), ali_judged, adam),
        Move(("generator", "encoder"), ali_flipped, adam),
    ]
    assert_a_cycle_is_that_of(moves, method)


def test_a_cycle_of_ali_whose_encoder_takes_noise_is_that_of_numpy():
    """The encoder makes the code from a sample and as many features of noise."""

    def noisy_logits(state, batch):
        code = linear(state, "encoder", batch.x, batch.noise["code"])
        generated = linear(state, "generator", batch.z)
        real, fake = (batch.x, code), (generated, batch.z)
        return linear(state, "discriminator", *real), linear(state, "discriminator", *fake)

    def judged(state, batch):
        real, fake = noisy_logits(state, batch)
        return cross_entropy(real, fake)

    def flipped(state, batch):
        real, fake = noisy_logits(state, batch)
        return cross_entropy(fake, real)

    networks = ALI | {"encoder": partial(Pair, 2 * DATA, LATENT)}
    method = on_networks("ali", networks, lr=0.05, beta1=0.6, noisy_input=True)
    adam = Descent(0.05, 0.6)
    moves = [Move(("discriminator",), judged, adam), Move(("generator", "encoder"), flipped, adam)]
    assert_a_cycle_is_that_of(moves, method)


def test_ali_labels_the_real_pairs_one():
    """A discriminator that gives them high logits is right, and then the loss of its adversaries is high."""
    method = on_networks("ali", ALI)
    state, batch = easy_to_judge(method)
    assert loss_of(method, "discriminator", state, batch) == pytest.approx(RIGHT, rel=1e-9)
    assert loss_of(method, "generator", state, batch) == pytest.approx(WRONG, rel=1e-9)


def test_alis_adversaries_are_not_saturated_by_a_sure_discriminator():
    """With flipped labels, each still has a gradient of its own where the discriminator is sure.

    With equation 1 negated, none has.
    """
    method = on_networks("ali", ALI)
    state, batch = easy_to_judge(method)
    weight = np.full(DATA + LATENT, 1.0)
    weight[0] = 10.0
    state = with_weights(state, discriminator={"weight": weight}, encoder={"weight": 0.0, "bias": 0.0})
    _, gradients = loss_and_gradients(method, "generator", state, batch)
    # d softplus(D) / d code is D's weight of the code where D is sure of a real pair, and minus that weight
    # where D is sure of a generated one.
    np.testing.assert_allclose(gradients["encoder"]["bias"][:LATENT], 1.0, atol=0.05)
    np.testing.assert_allclose(gradients["generator"]["bias"], [-10.0, -1.0], atol=0.5)


def test_alis_codes_are_reparameterised_gaussians():
    """The gradient in the mean is that in the code; in the log deviation, $\\sigma \\epsilon$ times that."""
    method = on_networks("ali", ALI)
    state, batch = warm_state(method), batch_of(method)
    log_std = np.array([-1.0, 0.0, 0.5])
    state = with_weights(state, encoder={"weight": 0.0, "bias": np.concatenate([[0.3, -0.2, 0.1], log_std])})
    _, gradients = loss_and_gradients(method, "generator", state, batch)
    in_mean, in_log_std = np.split(gradients["encoder"]["bias"], 2)
    real, _ = ali_logits(state, batch)
    in_code = sigmoid(real) * state.parameters["discriminator"]["weight"][:, DATA:]
    np.testing.assert_allclose(in_mean, in_code.mean(axis=0), rtol=1e-9)
    expected = (in_code * np.exp(log_std) * batch.noise["code"]).mean(axis=0)
    np.testing.assert_allclose(in_log_std, expected, rtol=1e-9)


# VEEGAN


def veegan_generated(state, batch, free):
    """The logits of generated pairs; the last `free` latent dimensions are noise only."""
    codes = batch.z[:, : LATENT - free]
    return linear(state, "discriminator", linear(state, "generator", batch.z), codes)


def veegan_judged(state, batch, free=0):
    """Algorithm 1: generated pairs have the label 1; codes of real data are samples of $N(F(x), I)$."""
    codes = linear(state, "reconstructor", batch.x) + batch.noise["code"]
    real = linear(state, "discriminator", batch.x, codes)
    return cross_entropy(veegan_generated(state, batch, free), real)


def veegan_reconstruction(state, batch, free=0):
    """Half the squared error, summed over the latent dimensions, averaged over samples."""
    codes = batch.z[:, : LATENT - free]
    error = codes - linear(state, "reconstructor", linear(state, "generator", batch.z))
    return sum(0.5 * (sample @ sample) for sample in error) / len(error)


def veegan_joint(state, batch, free=0):
    return veegan_generated(state, batch, free).mean() + veegan_reconstruction(state, batch, free)


@pytest.mark.parametrize("free", [0, 1, 2])
@pytest.mark.parametrize("simultaneous", [False, True])
def test_a_cycle_of_veegan_is_that_of_numpy(free, simultaneous):
    """The reconstructor does not move with the discriminator, which sees its codes."""
    kept = LATENT - free
    networks = VEEGAN | {
        "reconstructor": partial(nn.Linear, DATA, kept),
        "discriminator": partial(Pair, DATA + kept, 1),
    }
    method = on_networks("veegan", networks, lr=0.05, beta1=0.6, free=free, simultaneous=simultaneous)
    judged, joint = partial(veegan_judged, free=free), partial(veegan_joint, free=free)
    adam = Descent(0.05, 0.6)
    moves = [Move(("discriminator",), judged, adam), Move(("generator", "reconstructor"), joint, adam)]
    assert_a_cycle_is_that_of(moves, method)


def test_veegan_labels_the_generated_pairs_one():
    """High logits of real pairs are wrong, and the generator lowers those of generated pairs."""
    method = on_networks("veegan", VEEGAN)
    wrong, batch = easy_to_judge(method)
    assert loss_of(method, "discriminator", wrong, batch) == pytest.approx(WRONG, rel=1e-9)
    right = with_weights(wrong, discriminator={"weight": [-10.0, 0.0, 0.0, 0.0, 0.0]})
    assert loss_of(method, "discriminator", right, batch) == pytest.approx(RIGHT, rel=1e-9)
    reconstruction = veegan_reconstruction(wrong, batch)
    assert loss_of(method, "generator", right, batch) == pytest.approx(10 + reconstruction, rel=1e-9)
    assert loss_of(method, "generator", wrong, batch) == pytest.approx(-10 + reconstruction, rel=1e-9)


def test_veegans_reconstruction_is_half_the_squared_error_summed_over_the_latent():
    """If reconstructor and discriminator give 0, the loss is $|z|^2 / 2$; for z = (1, 2, 2) it is 4.5."""
    method = on_networks("veegan", VEEGAN)
    blank = {"weight": 0.0, "bias": 0.0}
    state = with_weights(warm_state(method), discriminator=blank, reconstructor=blank)
    batch = Batch(None, np.array([[1.0, 2.0, 2.0], [0.0, 0.0, 0.0]]), {})
    loss, gradients = loss_and_gradients(method, "generator", state, batch)
    assert loss == pytest.approx(4.5 / 2)
    # The gradient in the reconstructor's bias is minus the mean error, not minus twice that or a third of it.
    np.testing.assert_allclose(gradients["reconstructor"]["bias"], [-0.5, -1.0, -1.0])


def test_veegans_reconstructor_learns_nothing_from_the_discriminator():
    """Its gradient is that of the reconstruction alone, for any discriminator; the generator's is not."""
    method = on_networks("veegan", VEEGAN)
    state, batch = warm_state(method), batch_of(method)
    loud = with_weights(state, discriminator={"weight": 100 * state.parameters["discriminator"]["weight"]})
    _, gradients = loss_and_gradients(method, "generator", state, batch)
    _, loud_gradients = loss_and_gradients(method, "generator", loud, batch)
    alone = central_differences(veegan_reconstruction, state, batch, ["reconstructor"])["reconstructor"]
    for key, expected in alone.items():
        own = gradients["reconstructor"][key]
        np.testing.assert_allclose(own, expected, rtol=1e-6, atol=1e-9)
        np.testing.assert_array_equal(loud_gradients["reconstructor"][key], own)
        assert not np.allclose(loud_gradients["generator"][key], gradients["generator"][key])


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


def data_error(state, batch):
    return 10 * np.abs(batch.x - data_again(state, batch)).mean()


def latent_error(state, batch):
    return 5 * ((batch.z - latent_again(state, batch)) ** 2).mean()


def real_data(state, batch):
    return batch.x


def real_latent(state, batch):
    return batch.z


SIX_TERMS = {
    "x generated": judged_as(1, "discriminator_x", generated),
    "x reconstructed": judged_as(1, "discriminator_x", data_again),
    "z encoded": judged_as(1, "discriminator_z", encoded),
    "z reconstructed": judged_as(1, "discriminator_z", latent_again),
    "data": data_error,
    "latent": latent_error,
}
EIGHT_JUDGEMENTS = [
    ("discriminator_x", 0.95, real_data),
    ("discriminator_x", 0.05, generated),
    ("discriminator_x", 0.95, real_data),
    ("discriminator_x", 0.05, data_again),
    ("discriminator_z", 0.95, real_latent),
    ("discriminator_z", 0.05, encoded),
    ("discriminator_z", 0.95, real_latent),
    ("discriminator_z", 0.05, latent_again),
]


def six_terms(state, batch, without=None):
    """The loss of generator and encoder, or the loss without one of its terms."""
    return sum(term(state, batch) for name, term in SIX_TERMS.items() if name != without)


def test_a_cycle_of_aegan_is_that_of_numpy():
    """Eight updates of discriminators on batches of their own, then four of generator and encoder together.

    The labels are 0.95 and 0.05, and all gradients are clipped.
    """
    method = on_networks("aegan", AEGAN, lr=0.05, discriminator_lr=0.04, beta1=0.6)
    judge, joint = Descent(0.04, 0.6, clip_norm=1.0), Descent(0.05, 0.6, clip_norm=1.0)
    moves = []
    for network, label, judged in EIGHT_JUDGEMENTS:
        moves.append(Move((network,), judged_as(label, network, judged), judge))
    moves += [Move(("generator", "encoder"), six_terms, joint)] * 4
    assert_a_cycle_is_that_of(moves, method)


def test_an_aegan_cycle_counts_its_updates():
    method = on_networks("aegan", AEGAN)
    start = warm_state(method)
    end, losses = run_cycle(method, start, drawn(method))
    assert len(losses) == 12
    for network in AEGAN:
        assert end.steps[network] - start.steps[network] == 4
    # Real data is drawn where it is looked at: for real and reconstructed data, encoded data, and the joint
    # updates.
    of_data, of_latents, joint = [1, 0, 1, 1], [0, 1, 0, 0], [1, 1, 1, 1]
    assert [batch.x is not None for batch in drawn(method)] == of_data + of_latents + joint


@pytest.mark.parametrize("term", SIX_TERMS)
def test_every_term_of_aegan_counts(term):
    """All six make the loss and its gradients; without any one of them they are others."""
    method = on_networks("aegan", AEGAN)
    state, batch = warm_state(method), batch_of(method, -1)
    loss, gradients = loss_and_gradients(method, "autoencoder", state, batch)
    assert loss == pytest.approx(six_terms(state, batch), rel=1e-9)
    difference = loss - six_terms(state, batch, without=term)
    assert difference == pytest.approx(SIX_TERMS[term](state, batch), rel=1e-6)
    networks = ["generator", "encoder"]
    whole = central_differences(six_terms, state, batch, networks)
    rest = central_differences(partial(six_terms, without=term), state, batch, networks)
    for network, tensors in gradients.items():
        for key, gradient in tensors.items():
            np.testing.assert_allclose(gradient, whole[network][key], rtol=1e-6, atol=1e-8)
    unchanged = [
        np.allclose(gradients[network]["weight"], rest[network]["weight"], rtol=1e-3) for network in networks
    ]
    assert not all(unchanged)


def test_aegans_gradients_are_clipped_tensor_by_tensor():
    """From first moments of 0, an update leaves 1 - beta1, or half, of the clipped gradient in them."""
    method = on_networks("aegan", AEGAN)
    state, batch = warm_state(method), batch_of(method, -1)
    state = state._replace(first=tree_map(np.zeros_like, state.first))
    moves = {
        "x_generated": (["discriminator_x"], judged_as(0.05, "discriminator_x", generated)),
        "autoencoder": (["generator", "encoder"], six_terms),
    }
    lengths = []
    for player, (networks, formula) in moves.items():
        first = updated(method, player, state, batch).first
        for network, tensors in central_differences(formula, state, batch, networks).items():
            for key, gradient in tensors.items():
                length = np.linalg.norm(gradient)
                lengths.append(length)
                clipped = gradient * min(1.0, 1 / length)
                np.testing.assert_allclose(first[network][key], 0.5 * clipped, rtol=1e-6, atol=1e-9)
    assert min(lengths) < 0.9 < 1.1 < max(lengths)


def test_aegans_published_settings():
    method = METHODS.get("aegan")()
    assert (method.lr, method.discriminator_lr, method.beta1) == (2e-4, 5e-4, 0.5)
