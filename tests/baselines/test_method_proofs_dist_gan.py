"""Dist-GAN, against numpy on small networks."""

import math
from functools import partial

import numpy as np
from support.by_hand import (
    Descent,
    Move,
    assert_a_cycle_is_that_of,
    linear,
    log_sigmoid,
    on_networks,
    sigmoid,
)
from torch import nn

from baselines.networks import MLP, WithFeatures

DATA, LATENT = 2, 3


def generated(state, batch):
    return linear(state, "generator", batch.z)


WITH_FEATURES = {
    "generator": partial(nn.Linear, LATENT, DATA),
    "encoder": partial(nn.Linear, DATA, LATENT),
    "discriminator": lambda: WithFeatures(MLP(DATA, 1, width=4, depth=1, activation=nn.Tanh)),
}


def features(state, x):
    p = state.parameters["discriminator"]
    return np.tanh(x @ p["features.0.weight"].T + p["features.0.bias"])


def logits(state, x):
    p = state.parameters["discriminator"]
    return features(state, x) @ p["head.weight"].T + p["head.bias"]


def again(state, batch):
    codes = linear(state, "encoder", batch.x)
    return codes, linear(state, "generator", codes)


def constrained(state, batch):
    codes, reconstructed = again(state, batch)
    moved = (features(state, reconstructed) - features(state, generated(state, batch))).mean()
    apart = moved - math.sqrt(LATENT / 4) * (codes - batch.z).mean()
    error = (features(state, batch.x) - features(state, reconstructed)) ** 2
    return error.mean() + 0.7 * apart**2


def steepness(state, batch):
    """How far the slope between pairs is from 1, by the chain rule."""
    p = state.parameters["discriminator"]
    mix = batch.noise["mix"]
    points = mix * batch.x + (1 - mix) * generated(state, batch)
    slopes = (1 - features(state, points) ** 2) * p["head.weight"] @ p["features.0.weight"]
    return ((np.linalg.norm(slopes, axis=1) - 1) ** 2).mean()


def distance_judged(state, batch):
    _, reconstructed = again(state, batch)
    taken_for_real = 0.95 * -log_sigmoid(logits(state, batch.x)).mean()
    taken_for_real += 0.05 * -log_sigmoid(logits(state, reconstructed)).mean()
    found_out = -np.log(1 - sigmoid(logits(state, generated(state, batch)))).mean()
    return taken_for_real + found_out + 0.3 * steepness(state, batch)


def scores_apart(state, batch):
    real, fake = sigmoid(logits(state, batch.x)), sigmoid(logits(state, generated(state, batch)))
    return np.abs(real.mean() - fake.mean())


def test_a_cycle_of_dist_gan_is_that_of_numpy():
    settings = {"lr": 0.05, "beta1": 0.6, "penalty": 0.3, "regularisation": 0.7}
    method = on_networks("dist-gan", WITH_FEATURES, **settings)
    adam = Descent(0.05, 0.6, 0.9)
    moves = [
        Move(("encoder", "generator"), constrained, adam),
        Move(("discriminator",), distance_judged, adam),
        Move(("generator",), scores_apart, adam, optimiser="adversarial"),
    ]
    assert_a_cycle_is_that_of(moves, method)
