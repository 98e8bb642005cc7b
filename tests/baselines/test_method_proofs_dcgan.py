"""DCGAN: losses on batch-normalised networks, statistics in training and sampling, architecture."""

from typing import NamedTuple

import numpy as np
import pytest
import torch
from support.by_hand import (
    TINY,
    Descent,
    Move,
    assert_a_cycle_is_that_of,
    cross_entropy,
    drawn,
    log_sigmoid,
    on_networks,
    updated,
    warm_state,
)
from support.training import trained
from torch import nn

from benchmark.commands.checks.made_up_data import Pictures
from benchmark.registry import METHODS
from benchmark.suites.budget import Budget


def generator():
    return nn.Sequential(nn.Linear(3, 4, bias=False), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))


def discriminator():
    return nn.Sequential(
        nn.Linear(2, 4),
        nn.LeakyReLU(0.2),
        nn.Linear(4, 3, bias=False),
        nn.BatchNorm1d(3),
        nn.LeakyReLU(0.2),
        nn.Linear(3, 1),
    )


NETWORKS = {"generator": generator, "discriminator": discriminator}


def normalised(h, p, layer, statistics=None):
    """Batch normalisation by the statistics of the batch, its variance with divisor n, or by given ones."""
    mean, variance = statistics or (h.mean(axis=0), h.var(axis=0))
    return (h - mean) / np.sqrt(variance + 1e-5) * p[f"{layer}.weight"] + p[f"{layer}.bias"]


def generate(p, z, statistics=None):
    h = normalised(z @ p["0.weight"].T, p, 1, statistics)
    return np.maximum(h, 0) @ p["3.weight"].T + p["3.bias"]


def judged(p, x):
    """The logits, and what is normalised on the way."""
    h = x @ p["0.weight"].T + p["0.bias"]
    h = np.where(h > 0, h, 0.2 * h) @ p["2.weight"].T
    out = normalised(h, p, 3)
    return np.where(out > 0, out, 0.2 * out) @ p["5.weight"].T + p["5.bias"], h


def told_apart(state, batch):
    """Real and generated data are normalised apart, as in the paper's code."""
    g, d = state.parameters["generator"], state.parameters["discriminator"]
    real, _ = judged(d, batch.x)
    fake, _ = judged(d, generate(g, batch.z))
    return cross_entropy(real, fake)


def fooled(state, batch):
    g, d = state.parameters["generator"], state.parameters["discriminator"]
    fake, _ = judged(d, generate(g, batch.z))
    return -log_sigmoid(fake).mean()


def test_a_cycle_of_dcgan_is_that_of_numpy():
    """The GAN's losses and order of play, every forward pass by the statistics of its own batch."""
    method = on_networks("dcgan", NETWORKS, lr=0.05)
    adam = Descent(0.05, 0.5)
    moves = [Move(("discriminator",), told_apart, adam), Move(("generator",), fooled, adam)]
    assert_a_cycle_is_that_of(moves, method)


@pytest.mark.parametrize("player", ["discriminator", "generator"])
def test_running_statistics_follow_every_batch_that_passes_in_a_networks_own_updates(player):
    """A tenth of the way to the batch's mean, and to its variance with divisor n - 1.

    The discriminator sees two batches, real then generated. The other player's network runs, too, and its
    statistics stay as they are.
    """
    method = on_networks("dcgan", NETWORKS)
    state, batch = warm_state(method), drawn(method)[0].map(lambda t: t[0].numpy())
    after = updated(method, player, state, batch).buffers
    g, d = state.parameters["generator"], state.parameters["discriminator"]
    _, of_real = judged(d, batch.x)
    _, of_fake = judged(d, generate(g, batch.z))
    passes = {
        ("generator", "1"): [batch.z @ g["0.weight"].T],
        ("discriminator", "3"): [of_real, of_fake],
    }
    for (network, layer), batches in passes.items():
        mean, variance = 0.0, 1.0
        if network == player:
            for h in batches:
                mean = 0.9 * mean + 0.1 * h.mean(axis=0)
                variance = 0.9 * variance + 0.1 * h.var(axis=0, ddof=1)
        # Buffers start in float32.
        np.testing.assert_allclose(after[network][f"{layer}.running_mean"], mean, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(after[network][f"{layer}.running_var"], variance, rtol=1e-5, atol=1e-7)


def test_samples_are_normalised_by_the_running_statistics():
    """The sample of a latent does not depend on the latents beside it, and is the same in numpy."""
    method = on_networks("dcgan", NETWORKS, lr=0.05)
    generator = trained(method, TINY, (0,), Budget(50, "steps")).end.generator
    z = torch.randn(1, 5, 3, generator=torch.Generator().manual_seed(0))
    x = generator(z).detach()
    for i in range(5):
        assert torch.allclose(generator(z[:, i : i + 1]), x[:, i : i + 1], atol=1e-6)
    tensors = {key: tensor.detach().numpy() for key, tensor in generator.tensors(0).items()}
    running = tensors["1.running_mean"], tensors["1.running_var"]
    by_running = generate(tensors, z[0].numpy(), running)
    np.testing.assert_allclose(x[0].numpy(), by_running, rtol=1e-4, atol=1e-5)
    by_batch = generate(tensors, z[0].numpy())
    assert np.abs(x[0].numpy() - by_batch).max() > 0.01


WEIGHTED = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
NORMALISED = (nn.BatchNorm1d, nn.BatchNorm2d)


class Block(NamedTuple):
    """A layer with weights, and the names of those behind it."""

    layer: nn.Module
    following: list[str]


def blocks_of(network):
    """Every layer with weights, in order, with the layers up to the next one, apart from changes of shape."""
    blocks = []
    for layer in network.modules():
        if isinstance(layer, WEIGHTED):
            blocks.append(Block(layer, []))
        elif isinstance(layer, NORMALISED):
            blocks[-1].following.append("norm")
        elif not list(layer.children()) and not isinstance(layer, nn.Flatten | nn.Unflatten):
            blocks[-1].following.append(type(layer).__name__)
    return blocks


@pytest.mark.parametrize("data", [TINY, Pictures(batch=4, width=4, latent=3)], ids=lambda data: data.kind)
def test_the_architecture_follows_the_rules_of_dcgan(data):
    """Normalisation, nonlinearities and strides are where the recipe has them.

    Batch normalisation is everywhere but at the generator's output and the discriminator's input, for points
    in the generator alone; ReLU in the generator, LeakyReLU(0.2) in the discriminator; tanh at the output for
    images; strided convolutions instead of pooling.
    """
    networks = METHODS.get("dcgan")().networks(data.spec)
    first_made, *inner_made, last_made = blocks_of(networks["generator"])
    first_judge, *inner_judge, last_judge = blocks_of(networks["discriminator"])
    images = data.kind == "images"
    assert inner_made
    assert inner_judge
    for block in (first_made, *inner_made):
        assert block.following == ["norm", "ReLU"]
    assert last_made.following == (["Tanh"] if images else [])
    assert first_judge.following == ["LeakyReLU"]
    for block in inner_judge:
        assert block.following == (["norm", "LeakyReLU"] if images else ["LeakyReLU"])
    assert last_judge.following == []
    for layer in networks["discriminator"].modules():
        assert not isinstance(layer, nn.LeakyReLU) or layer.negative_slope == 0.2
    if images:
        for block in (*inner_made, last_made):
            assert isinstance(block.layer, nn.ConvTranspose2d)
            assert block.layer.stride == (2, 2)
        for block in (first_judge, *inner_judge):
            assert isinstance(block.layer, nn.Conv2d)
            assert block.layer.stride == (2, 2)


def test_dcgans_published_optimiser():
    """Section 4: Adam with learning rate 2e-4 and beta1 1/2, for both players."""
    for player in METHODS.get("dcgan")().players(TINY.spec).values():
        assert (player.optimiser.lr, player.optimiser.betas) == (2e-4, (0.5, 0.999))
