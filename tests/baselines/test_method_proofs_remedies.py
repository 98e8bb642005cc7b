"""LSGAN, D2GAN, MSGAN and R3GAN: cycles against numpy, and what is known of their losses. Settings of all
remedies.
"""

import math
import re
from functools import partial

import numpy as np
import pytest
import torch
from support.by_hand import (
    TINY,
    Descent,
    Move,
    WithDecay,
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

from baselines.d2gan import log_softplus
from baselines.r3gan import fallen as schedule
from baselines.r3gan import squared_slope
from benchmark.datasets.mixtures import Ring
from benchmark.registry import METHODS

DATA, LATENT = 2, 3
PLAIN = {"generator": partial(nn.Linear, LATENT, DATA), "discriminator": partial(nn.Linear, DATA, 1)}


def judged(state, x, network="discriminator"):
    return linear(state, network, x)


def generated(state, batch):
    return linear(state, "generator", batch.z)


def softplus(x):
    return np.log1p(np.exp(x))


def batch_of(method, draw=0):
    return drawn(method)[draw].map(lambda t: t[0].numpy())


# LSGAN


def least_squares(state, batch):
    real, fake = judged(state, batch.x), judged(state, generated(state, batch))
    return ((real - 1) ** 2).mean() / 2 + (fake**2).mean() / 2


def least_squares_fooled(state, batch):
    return ((judged(state, generated(state, batch)) - 1) ** 2).mean() / 2


def test_a_cycle_of_lsgan_is_that_of_numpy():
    method = on_networks("lsgan", PLAIN, lr=0.05, discriminator_lr=0.02, beta1=0.6)
    moves = [
        Move(("discriminator",), least_squares, Descent(0.02, 0.6)),
        Move(("generator",), least_squares_fooled, Descent(0.05, 0.6)),
    ]
    assert_a_cycle_is_that_of(moves, method)


def test_lsgans_best_score_is_the_share_of_real_data():
    """On two places where p and q are known: p / (p + q) has no gradient, and the loss is half of the sum of
    p q / (p + q). Samples are one-hot, so a linear discriminator has a score of its own for each place.
    """
    p, q = np.array([0.25, 0.75]), np.array([0.75, 0.25])
    method = on_networks("lsgan", PLAIN)
    places = np.eye(2)
    batch = batch_of(method)._replace(x=places[[0, 1, 1, 1]], z=np.c_[places[[0, 0, 0, 1]], np.zeros(4)])
    state = with_weights(
        warm_state(method),
        generator={"weight": np.eye(2, 3), "bias": 0.0},
        discriminator={"weight": (p / (p + q))[None], "bias": 0.0},
    )
    loss, gradients = loss_and_gradients(method, "discriminator", state, batch)
    np.testing.assert_allclose(gradients["discriminator"]["weight"], 0, atol=1e-12)
    assert loss == pytest.approx((p * q / (p + q)).sum() / 2)


# D2GAN

DUAL = {
    "generator": PLAIN["generator"],
    "discriminator_real": PLAIN["discriminator"],
    "discriminator_fake": PLAIN["discriminator"],
}


def dual(state, batch):
    """Both discriminators are positive: the softplus of a logit."""
    fake = generated(state, batch)

    def score(network, x):
        return softplus(judged(state, x, network))

    of_real = -0.4 * np.log(score("discriminator_real", batch.x)) + score("discriminator_real", fake)
    of_fake = score("discriminator_fake", batch.x) - 0.7 * np.log(score("discriminator_fake", fake))
    return of_real.mean() + of_fake.mean()


def dual_fooled(state, batch):
    fake = generated(state, batch)
    of_fake = np.log(softplus(judged(state, fake, "discriminator_fake")))
    return -softplus(judged(state, fake, "discriminator_real")).mean() + 0.7 * of_fake.mean()


def test_a_cycle_of_d2gan_is_that_of_numpy():
    method = on_networks("d2gan", DUAL, lr=0.05, beta1=0.6, alpha=0.4, beta=0.7)
    adam = Descent(0.05, 0.6)
    judges = ("discriminator_real", "discriminator_fake")
    assert_a_cycle_is_that_of([Move(judges, dual, adam), Move(("generator",), dual_fooled, adam)], method)


def test_d2gans_best_discriminators_are_ratios_of_densities():
    """With the loss of the class, on two places where p and q are known: D1 = alpha p/q, D2 = beta q/p.

    Samples are one-hot: a linear discriminator without bias has a logit of its own for each place.
    """
    p, q, alpha, beta = 0.25, 0.75, 0.4, 0.7
    method = on_networks("d2gan", DUAL, alpha=alpha, beta=beta)
    places = np.eye(2)
    batch = batch_of(method)._replace(
        x=places[[0, 1, 1, 1]],  # a quarter at the first place
        z=np.c_[places[[0, 0, 0, 1]], np.zeros(4)],  # three quarters there
    )

    def logits(values):
        return np.log(np.expm1(values))[None]

    ratio = np.array([p / q, q / p])
    state = with_weights(
        warm_state(method),
        generator={"weight": np.eye(2, 3), "bias": 0.0},
        discriminator_real={"weight": logits(alpha * ratio), "bias": 0.0},
        discriminator_fake={"weight": logits(beta / ratio), "bias": 0.0},
    )
    _, gradients = loss_and_gradients(method, "discriminators", state, batch)
    for network in ("discriminator_real", "discriminator_fake"):
        np.testing.assert_allclose(gradients[network]["weight"], 0, atol=1e-12)


def test_the_logarithm_of_softplus_is_finite_everywhere():
    x = torch.tensor([-200.0, -50.0, -15.0, -1.0, 0.0, 30.0], requires_grad=True)
    value = log_softplus(x)
    exact = torch.nn.functional.softplus(x.detach().double()).log()
    assert torch.allclose(value[2:].double(), exact[2:], atol=1e-6)
    assert value[:2].tolist() == [-200.0, -50.0]
    value.sum().backward()
    assert x.grad[:2].tolist() == [1.0, 1.0]
    assert x.grad.isfinite().all()


# MSGAN


def twice_generated(state, batch):
    return generated(state, batch), linear(state, "generator", batch.noise["other"])


def seeking(state, batch):
    fake = np.concatenate(twice_generated(state, batch))
    return 2 * cross_entropy(judged(state, batch.x), judged(state, fake))


def seeking_fooled(state, batch):
    one, two = twice_generated(state, batch)
    deception = -log_sigmoid(judged(state, one)).mean() - log_sigmoid(judged(state, two)).mean()
    ratio = np.abs(one - two).mean() / np.abs(batch.z - batch.noise["other"]).mean()
    return deception + 0.3 / (ratio + 1e-5)


def test_a_cycle_of_msgan_is_that_of_numpy():
    method = on_networks("msgan", PLAIN, lr=0.05, beta1=0.6, weight=0.3, weight_decay=0.2)
    adam = WithDecay(0.05, 0.6, weight_decay=0.2)
    moves = [Move(("discriminator",), seeking, adam), Move(("generator",), seeking_fooled, adam)]
    assert_a_cycle_is_that_of(moves, method)


@pytest.mark.parametrize(("size", "ratio"), [(1.0, 1.0), (0.0, 0.0)])
def test_msgans_ratio_of_an_identity_and_of_a_constant(size, ratio):
    networks = PLAIN | {"generator": partial(nn.Linear, DATA, DATA)}
    data = type(TINY)(latent=DATA)
    method = on_networks("msgan", networks, weight=2.0)
    state = with_weights(
        warm_state(method, data),
        generator={"weight": size * np.eye(2), "bias": 0.0},
        discriminator={"weight": 0.0, "bias": 0.0},
    )
    batch = drawn(method, data)[1].map(lambda t: t[0].numpy())
    loss, _ = loss_and_gradients(method, "generator", state, batch, data)
    assert loss - 2 * math.log(2) == pytest.approx(2 / (ratio + 1e-5))


# R3GAN


def fallen(end, progress):
    """Half a cosine from 1 to `end`."""
    return end + (1 - end) * 0.5 * (1 + math.cos(math.pi * progress))


def relativistic(state, batch):
    """A linear critic has the same slope everywhere."""
    lead = judged(state, batch.x) - judged(state, generated(state, batch))
    slope = (state.parameters["discriminator"]["weight"] ** 2).sum()
    return softplus(-lead).mean() + 0.8 / 2 * fallen(0.1, state.progress) * 2 * slope


def relativistic_fooled(state, batch):
    lead = judged(state, generated(state, batch)) - judged(state, batch.x)
    return softplus(-lead).mean()


def penalised(state, batch):
    slope = (state.parameters["discriminator"]["weight"] ** 2).sum()
    real, fake = judged(state, batch.x), judged(state, generated(state, batch))
    loss = softplus(-real).mean() + softplus(fake).mean()
    return loss + 0.8 / 2 * fallen(0.1, state.progress) * 2 * slope


def plainly_fooled(state, batch):
    return softplus(-judged(state, generated(state, batch))).mean()


@pytest.mark.parametrize("progress", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(
    ("in_pairs", "of_discriminator", "of_generator"),
    [(True, relativistic, relativistic_fooled), (False, penalised, plainly_fooled)],
)
def test_a_cycle_of_r3gan_is_that_of_numpy(in_pairs, of_discriminator, of_generator, progress):
    """Rate, penalty and the memory of the second moment follow half a cosine; there is no first moment."""
    method = on_networks("r3gan", PLAIN, lr=0.05, penalty=0.8, relativistic=in_pairs)
    adam = Descent(0.05 * fallen(0.25, progress), 0.0, 0.99 - 0.09 * fallen(0.0, progress))
    moves = [Move(("discriminator",), of_discriminator, adam), Move(("generator",), of_generator, adam)]
    assert_a_cycle_is_that_of(moves, method, progress=progress)


def test_r3gans_schedules_end_with_the_burn_in():
    share = partial(schedule, end=0.1)
    assert share(torch.tensor(0.0), 0.2).item() == 1
    assert share(torch.tensor(0.1), 0.2).item() == pytest.approx(0.55)
    assert share(torch.tensor(0.0), 0.0).item() == pytest.approx(0.1)  # before the first update
    assert share(torch.tensor(0.2), 0.2).item() == share(torch.tensor(0.9), 0.2).item() == pytest.approx(0.1)


def test_r3gan_does_not_see_a_constant():
    method = on_networks("r3gan", PLAIN, penalty=0.0)
    state, batch = warm_state(method), batch_of(method)
    shifted = with_weights(state, discriminator={"bias": 7.0})
    for player in ("discriminator", "generator"):
        loss, _ = loss_and_gradients(method, player, state, batch)
        again, _ = loss_and_gradients(method, player, shifted, batch)
        assert loss == pytest.approx(again, rel=1e-12)
        level = with_weights(state, discriminator={"weight": 0.0})
        assert loss_and_gradients(method, player, level, batch)[0] == pytest.approx(math.log(2))


def test_a_slope_is_over_all_dimensions():
    images = torch.randn(4, 3, 5, 5)
    weight = torch.randn(75)
    assert squared_slope(lambda x: x.flatten(1) @ weight, images).item() == pytest.approx(
        weight.square().sum().item(), rel=1e-5
    )


# All


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("lsgan", {"lr": 1e-3, "discriminator_lr": 1e-4, "beta1": 0.5}),
        ("d2gan", {"lr": 2e-4, "beta1": 0.5, "alpha": 1, "beta": 1}),
        ("msgan", {"lr": 2e-4, "beta1": 0.5, "weight": 1, "weight_decay": 1e-4}),
        ("r3gan", {"lr": 2e-4, "average_half_life": 0.025}),
        ("mgan", {"lr": 2e-4, "beta1": 0.5, "diversity": 0.01, "generators": 10}),
        ("dist-gan", {"lr": 2e-4, "beta1": 0.5, "beta2": 0.9, "penalty": 1, "regularisation": 1}),
        ("gdpp", {"lr": 1e-3, "discriminator_lr": 1e-4, "beta1": 0.5, "simultaneous": True}),
        ("bourgan", {"lr": 1e-3, "beta1": 0.5, "weight": 0.1}),
        ("presgan", {"lr": 2e-4, "beta1": 0.5, "entropy": 0.01}),
        ("ddgan", {"lr": 1.5e-4, "discriminator_lr": 1e-4, "beta1": 0.5, "penalty": 0.05, "steps": 4}),
    ],
)
def test_the_published_settings(name, published):
    method = METHODS.get(name)()
    assert {setting: getattr(method, setting) for setting in published} == published


@pytest.mark.parametrize(
    ("name", "setting", "value", "problem"),
    [
        ("d2gan", "alpha", 0.0, "alpha must be a finite number above 0, not 0.0"),
        ("msgan", "weight", -1.0, "weight must be a finite number of at least 0, not -1.0"),
        ("r3gan", "penalty", -1.0, "penalty must be a finite number of at least 0, not -1.0"),
        ("r3gan", "burn_in", 2.0, "burn_in must be a finite number from 0 to 1, not 2.0"),
        ("gdpp", "weight", -1.0, "weight must be a finite number of at least 0, not -1.0"),
        ("mgan", "generators", 0, "generators must be a whole number from 1 to 1000, not 0"),
        ("dist-gan", "penalty", -1.0, "penalty must be a finite number of at least 0, not -1.0"),
        ("bourgan", "points", 1, "points must be a whole number from 2 to 10000, not 1"),
        ("presgan", "entropy", -1.0, "entropy must be a finite number of at least 0, not -1.0"),
        ("mmd", "bandwidth", 0.0, "bandwidth must be a finite number above 0, not 0.0"),
        ("drifting", "temperature", 0.0, "temperature must be a finite number above 0, not 0.0"),
        (
            "flow-matching",
            "evaluations",
            3,
            "evaluations must be a whole number from 2 to 1000 in steps of 2, not 3",
        ),
        ("ddpm", "evaluations", 0, "evaluations must be a whole number from 1 to 1000, not 0"),
        ("ddgan", "steps", 0, "steps must be a whole number from 1 to 1000, not 0"),
        ("spline-flow", "bins", 0, "bins must be a whole number from 1 to 1000, not 0"),
    ],
)
def test_a_setting_out_of_range_is_refused(name, setting, value, problem):
    with pytest.raises(ValueError, match="^" + re.escape(problem) + "$"):
        METHODS.get(name)(**{setting: value})


def test_a_method_of_points_names_its_kind():
    assert METHODS.get("spline-flow").kinds == ("points",)


@pytest.mark.parametrize("name", ["d2gan", "msgan", "mgan", "dist-gan"])
def test_all_discriminators_are_counted_as_such(name):
    networks = METHODS.get(name)().networks(Ring(batch=4, width=8).spec)
    judges = set(networks) - {"generator", "encoder"}
    assert judges
    assert all(judge.startswith("discriminator") for judge in judges)
