"""Losses, gradients and whole cycles of the methods without an encoder, against numpy on tiny networks."""

import math
from functools import partial

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

from benchmark.commands.checks.made_up_data import Pictures
from benchmark.registry import METHODS
from benchmark.training.trees import tree_map

LINEAR = {"generator": partial(nn.Linear, 3, 2), "discriminator": partial(nn.Linear, 2, 1)}
SEVEN = {"gan", "dcgan", "wgan-gp", "unrolled", "ali", "veegan", "aegan"}
CRITIC = {"generator": LINEAR["generator"], "critic": LINEAR["discriminator"]}


def numpy_batch(method, data=TINY):
    """The first batch of a cycle, as one model sees it."""
    return drawn(method, data)[0].map(lambda t: t[0].numpy())


def logits(state, batch):
    """The discriminator's, of real and of generated data."""
    generated = linear(state, "generator", batch.z)
    return linear(state, "discriminator", batch.x), linear(state, "discriminator", generated)


def judged(state, batch):
    """Equation 1 of the GAN's paper, negated."""
    return cross_entropy(*logits(state, batch))


def fooled(state, batch):
    """The non-saturating loss of the generator: the generated data labelled as real."""
    return -log_sigmoid(linear(state, "discriminator", linear(state, "generator", batch.z))).mean()


# GAN


@pytest.mark.parametrize("simultaneous", [False, True])
def test_a_cycle_of_gan_is_that_of_numpy(simultaneous):
    """In turns, each on a batch of its own, or both at once, from one batch and the same networks."""
    method = on_networks("gan", LINEAR, lr=0.05, beta1=0.6, beta2=0.9, simultaneous=simultaneous)
    adam = Descent(0.05, 0.6, 0.9)
    moves = [Move(("discriminator",), judged, adam), Move(("generator",), fooled, adam)]
    assert_a_cycle_is_that_of(moves, method)


@pytest.mark.parametrize("logit", [-20.0, -1.0, 0.0, 3.0])
def test_the_gans_generator_is_pushed_hardest_where_it_is_found_out(logit):
    """Where D is the identity and G a constant, the gradient of $-\\log \\sigma(D)$ is $-\\sigma(-D)$.

    It is -1 for a sure discriminator.
    """
    one = Tiny(dimensions=1)
    networks = {"generator": partial(nn.Linear, 3, 1), "discriminator": partial(nn.Linear, 1, 1)}
    method = on_networks("gan", networks)
    still = with_weights(
        warm_state(method, one),
        generator={"weight": 0.0, "bias": logit},
        discriminator={"weight": 1.0, "bias": 0.0},
    )
    loss, gradients = loss_and_gradients(method, "generator", still, numpy_batch(method, one), one)
    assert loss == pytest.approx(math.log1p(math.exp(-logit)), rel=1e-12)
    assert gradients["generator"]["bias"].item() == pytest.approx(-1 / (1 + math.exp(logit)), rel=1e-12)


@pytest.mark.parametrize("simultaneous", [False, True])
@pytest.mark.parametrize(
    ("name", "settings"),
    [("gan", {}), ("unrolled", {"unrolled_steps": 0, "saturating": False, "discriminator_lr": 0.5})],
)
def test_who_sees_whom_in_a_game_of_two_weights(name, settings, simultaneous):
    """D(x) = a x and G(z) = w z, with a = 1, w = 2, x = 1 and z = 1.

    D's gradient in a is $-\\sigma(-a x) x + \\sigma(a w z) w z = -0.27 + 1.76$, positive, so Adam's first
    step takes a from 1 to 1/2. G's gradient in w is $-\\sigma(-a w z) a z$: at the old a where both move at
    once, at the new a where they take turns.
    """
    one = Tiny(dimensions=1, latent=1)
    line = partial(nn.Linear, 1, 1, bias=False)
    networks = {"generator": line, "discriminator": line}
    method = on_networks(name, networks, lr=0.5, beta1=0.5, simultaneous=simultaneous, **settings)
    warm = with_weights(warm_state(method, one), generator={"weight": 2.0}, discriminator={"weight": 1.0})
    start = warm._replace(
        first=tree_map(np.zeros_like, warm.first),
        second=tree_map(np.zeros_like, warm.second),
        steps=tree_map(np.zeros_like, warm.steps),
    )
    ones = [batch.map(torch.ones_like) for batch in drawn(method, one)]
    end, _ = run_cycle(method, start, ones, one)
    a = 1.0 if simultaneous else 0.5
    half = 0.5  # 1 - beta1, the share of a gradient in the first moment
    d_gradient = -sigmoid(-1.0) + 2 * sigmoid(2.0)
    assert end.first["discriminator"]["weight"].item() == pytest.approx(half * d_gradient, rel=1e-9)
    assert end.first["generator"]["weight"].item() == pytest.approx(-half * sigmoid(-2 * a) * a, rel=1e-6)
    assert end.parameters["discriminator"]["weight"].item() == pytest.approx(0.5, abs=1e-6)
    assert end.parameters["generator"]["weight"].item() == pytest.approx(2.5, abs=1e-6)


def test_who_plays_at_once_by_default():
    """Unrolled GAN, ALI and VEEGAN, as in their public code; the others take turns."""
    at_once = {name for name in METHODS.names() if METHODS.get(name)().simultaneous}
    assert at_once & SEVEN == {"unrolled", "ali", "veegan"}


# PacGAN


@pytest.mark.parametrize("packing", [1, 2, 3])
@pytest.mark.parametrize("simultaneous", [False, True])
def test_a_cycle_of_pacgan_is_that_of_numpy(packing, simultaneous):
    """The GAN's losses of packs of samples, which all carry the same label.

    A batch holds as many packs as another method's has samples.
    """
    networks = LINEAR | {"discriminator": partial(nn.Linear, 2 * packing, 1)}
    method = on_networks("pacgan2", networks, lr=0.05, beta1=0.6, packing=packing, simultaneous=simultaneous)

    def packs(x):
        return np.concatenate([x[TINY.batch * k : TINY.batch * (k + 1)] for k in range(packing)], axis=1)

    def fake(state, batch):
        return linear(state, "discriminator", packs(linear(state, "generator", batch.z)))

    def packs_judged(state, batch):
        real = linear(state, "discriminator", packs(batch.x))
        return cross_entropy(real, fake(state, batch))

    def packs_fooled(state, batch):
        return -log_sigmoid(fake(state, batch)).mean()

    adam = Descent(0.05, 0.6)
    moves = [Move(("discriminator",), packs_judged, adam), Move(("generator",), packs_fooled, adam)]
    assert_a_cycle_is_that_of(moves, method)


# WGAN-GP


def wasserstein(state, batch):
    """Equation 3 of the paper for a linear critic, whose slope is its weight everywhere."""
    fake = linear(state, "critic", linear(state, "generator", batch.z))
    slope = np.sqrt((state.parameters["critic"]["weight"] ** 2).sum())
    return fake.mean() - linear(state, "critic", batch.x).mean() + 10 * (slope - 1) ** 2


def critic_fooled(state, batch):
    return -linear(state, "critic", linear(state, "generator", batch.z)).mean()


def test_a_cycle_of_wgan_gp_is_that_of_numpy():
    """Five updates of the critic, each on a batch of its own, then one of the generator."""
    method = on_networks("wgan-gp", CRITIC, lr=0.05)
    adam = Descent(0.05, 0.5, 0.9)
    moves = [Move(("critic",), wasserstein, adam)] * 5 + [Move(("generator",), critic_fooled, adam)]
    assert_a_cycle_is_that_of(moves, method)


@pytest.mark.parametrize("weight", [(3.0, 4.0), (0.06, -0.08)])
def test_the_penalty_of_a_linear_critic_and_its_gradient_are_known(weight):
    """Penalty $\\lambda (|w| - 1)^2$, gradient $2 \\lambda (|w| - 1) w / |w|$, with |w| 5 and 0.1."""
    method = on_networks("wgan-gp", CRITIC, penalty=2.0)
    state, batch = with_weights(warm_state(method), critic={"weight": weight}), numpy_batch(method)
    loss, gradients = loss_and_gradients(method, "critic", state, batch)
    w, length = np.array(weight), math.hypot(*weight)
    apart = linear(state, "generator", batch.z).mean(axis=0) - batch.x.mean(axis=0)
    assert loss == pytest.approx(apart @ w + 2.0 * (length - 1) ** 2, rel=1e-9)
    expected = apart + 2 * 2.0 * (length - 1) * w / length
    np.testing.assert_allclose(gradients["critic"]["weight"][0], expected, rtol=1e-9)


def test_a_flat_critic_costs_the_whole_penalty_and_has_a_finite_gradient():
    method = on_networks("wgan-gp", CRITIC, penalty=2.0)
    flat = with_weights(warm_state(method), critic={"weight": 0.0, "bias": 0.0})
    loss, gradients = loss_and_gradients(method, "critic", flat, numpy_batch(method))
    assert loss == pytest.approx(2.0, rel=1e-5)
    assert np.isfinite(gradients["critic"]["weight"]).all()


class Bowl(nn.Module):
    """D(x) = a |x|^2 over all dimensions of a sample. The slope is 2 a x, so the penalty depends on x."""

    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(torch.ones(()))

    def forward(self, x):
        return self.a * x.square().flatten(1).sum(dim=1, keepdim=True)


PICTURES = Pictures(batch=4, width=4, latent=3)
MAKE = {
    "points": LINEAR["generator"],
    "images": lambda: nn.Sequential(nn.Linear(3, 3 * 12 * 12), nn.Unflatten(1, (3, 12, 12))),
}


@pytest.mark.parametrize("data", [TINY, PICTURES], ids=lambda data: data.kind)
def test_the_penalty_is_taken_between_pairs_over_all_dimensions_of_a_sample(data):
    """One mixing coefficient per sample; the penalty is averaged over samples, not over their dimensions."""
    method = on_networks("wgan-gp", {"generator": MAKE[data.kind], "critic": Bowl}, penalty=3.0)
    a = 0.05 if data.kind == "images" else 0.4
    state, batch = with_weights(warm_state(method, data), critic={"a": a}), numpy_batch(method, data)
    share = batch.noise["mix"].reshape(4, 1)
    assert ((share >= 0) & (share < 1)).all()
    weight, bias = state.parameters["generator"].values()  # of its one linear layer
    real, fake = batch.x.reshape(4, -1), batch.z @ weight.T + bias

    def by_hand(a):
        mixed = share * real + (1 - share) * fake
        slope = np.array([math.hypot(*(2 * a * sample)) for sample in mixed])
        judged = a * (fake**2).sum(axis=1).mean() - a * (real**2).sum(axis=1).mean()
        return judged + 3.0 * ((slope - 1) ** 2).mean()

    loss, gradients = loss_and_gradients(method, "critic", state, batch, data)
    assert loss == pytest.approx(by_hand(a), rel=1e-6)
    slope = (by_hand(a + 1e-5) - by_hand(a - 1e-5)) / 2e-5
    assert gradients["critic"]["a"].item() == pytest.approx(slope, rel=1e-6)


# Unrolled GAN


def own_slope(state, batch):
    """The gradient of the linear discriminator's cross-entropy in its own weights, in closed form."""
    fake_data = linear(state, "generator", batch.z)
    real, fake = logits(state, batch)
    weight = (-sigmoid(-real) * batch.x + sigmoid(fake) * fake_data).mean(axis=0, keepdims=True)
    return {"weight": weight, "bias": (-sigmoid(-real) + sigmoid(fake)).mean(axis=0)}


def look_ahead(state, batch, steps=5, judged_from=None):
    """The state after steps of the discriminator against the generator of `judged_from`, or of `state`."""
    adam = Descent(0.04, 0.6)
    generator = (judged_from or state).parameters["generator"]
    ahead = state
    for _ in range(steps):
        source = ahead._replace(parameters={**ahead.parameters, "generator": generator})
        ahead = adam.step(ahead, "discriminator", own_slope(source, batch))
    return ahead


FINAL = {True: lambda state, batch: -judged(state, batch), False: fooled}
UNROLLED = {"lr": 0.05, "discriminator_lr": 0.04, "beta1": 0.6}


@pytest.mark.parametrize("simultaneous", [False, True])
@pytest.mark.parametrize("saturating", [True, False])
def test_a_cycle_of_unrolled_gan_is_that_of_numpy(saturating, simultaneous):
    """The discriminator's own update looks at its present loss; the generator's, five updates ahead."""
    method = on_networks("unrolled", LINEAR, saturating=saturating, simultaneous=simultaneous, **UNROLLED)

    def unrolled(state, batch):
        return FINAL[saturating](look_ahead(state, batch), batch)

    moves = [
        Move(("discriminator",), judged, Descent(0.04, 0.6)),
        Move(("generator",), unrolled, Descent(0.05, 0.6)),
    ]
    assert_a_cycle_is_that_of(moves, method)


@pytest.mark.parametrize("saturating", [True, False])
def test_the_unrolled_gradient_flows_through_five_adam_steps(saturating):
    """Central differences through all of them give the gradient.

    They give another one where the discriminator to come does not depend on the generator, as in a
    first-order version, where the optimiser starts anew, and where there is one step more or less.
    """
    method = on_networks("unrolled", LINEAR, saturating=saturating, **UNROLLED)
    state, batch, final = warm_state(method), numpy_batch(method), FINAL[saturating]
    _, gradients = loss_and_gradients(method, "generator", state, batch)

    def numeric(ahead):
        def formula(moved, batch):
            return final(ahead(moved, batch), batch)

        return central_differences(formula, state, batch, ["generator"])["generator"]["weight"]

    def cold(moved, batch):
        zeros = {key: np.zeros_like(value) for key, value in moved.parameters["discriminator"].items()}
        start = moved._replace(
            first={**moved.first, "discriminator": zeros},
            second={**moved.second, "discriminator": zeros},
            steps={**moved.steps, "discriminator": 0.0},
        )
        return look_ahead(start, batch)

    ours = gradients["generator"]["weight"]
    np.testing.assert_allclose(ours, numeric(look_ahead), rtol=1e-6, atol=1e-9)
    first_order = partial(look_ahead, judged_from=state)
    fewer, more = partial(look_ahead, steps=4), partial(look_ahead, steps=6)
    scale = np.abs(ours).max()
    for other in (first_order, cold, fewer, more):
        assert np.abs(numeric(other) - ours).max() > 1e-3 * scale  # a thousand times the tolerance above


@pytest.mark.parametrize("saturating", [True, False])
def test_unrolled_gan_without_unrolling_is_the_gan(saturating):
    """Non-saturating, it has the GAN's loss and gradient; saturating, minus those of the discriminator."""
    method = on_networks("unrolled", LINEAR, unrolled_steps=0, saturating=saturating)
    gan = on_networks("gan", LINEAR)
    state, batch = warm_state(method), numpy_batch(method)
    loss, gradients = loss_and_gradients(method, "generator", state, batch)
    assert loss == pytest.approx(FINAL[saturating](state, batch), rel=1e-12)
    expected = central_differences(FINAL[saturating], state, batch, ["generator"])["generator"]
    gans_loss, gans = loss_and_gradients(gan, "generator", state, batch)
    for key, gradient in gradients["generator"].items():
        np.testing.assert_allclose(gradient, expected[key], rtol=1e-6, atol=1e-9)
        assert np.allclose(gradient, gans["generator"][key], rtol=1e-12) != saturating
    assert (loss == pytest.approx(gans_loss, rel=1e-12)) != saturating


def test_unrolled_gans_published_settings():
    """Those of the authors' notebook for mixtures."""
    method = METHODS.get("unrolled")()
    assert method.unrolled_steps == 5
    assert (method.discriminator_lr, method.lr, method.beta1) == (1e-4, 1e-3, 0.5)
    assert method.saturating
