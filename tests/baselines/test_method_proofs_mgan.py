"""MGAN: a mixture of generators, against numpy on linear networks."""

from functools import partial

import numpy as np
import pytest
import torch
from support.by_hand import (
    Descent,
    Move,
    assert_a_cycle_is_that_of,
    cross_entropy,
    linear,
    log_sigmoid,
    on_networks,
)
from torch import nn

from baselines.mgan import Generators
from baselines.networks import generator
from benchmark.datasets.mixtures import Ring
from benchmark.method import DataSpec
from benchmark.registry import METHODS
from benchmark.training.cost import cost_of

DATA, LATENT = 2, 3


def judged(state, x):
    return linear(state, "discriminator", x)


GENERATORS = 3
SPEC = DataSpec("points", (DATA,), LATENT, 4, 1)


class Several(nn.Linear):
    """A linear generator for each number, all of them one layer of gated inputs."""

    def forward(self, z, which):
        chosen = (which[:, None] == torch.arange(GENERATORS)).to(z)
        return super().forward((chosen[:, :, None] * z[:, None]).flatten(1))


MIXTURE = {
    "generator": partial(Several, GENERATORS * LATENT, DATA),
    "discriminator": partial(nn.Linear, DATA, 1 + GENERATORS),
}


def mixed(state, batch):
    p = state.parameters["generator"]
    which = (batch.noise["which"] * GENERATORS).astype(int)
    weights = p["weight"].reshape(DATA, GENERATORS, LATENT)
    fake = np.stack([weights[:, k] @ z for k, z in zip(which, batch.z, strict=True)])
    return fake + p["bias"], which


def told_apart(logits, which):
    """The cross-entropy of the classifier."""
    total = np.log(np.exp(logits).sum(axis=1))
    return (total - logits[np.arange(len(which)), which]).mean()


def mixture_judged(state, batch):
    fake, which = mixed(state, batch)
    real, judged_fake = judged(state, batch.x), judged(state, fake)
    return cross_entropy(real[:, 0], judged_fake[:, 0]) + told_apart(judged_fake[:, 1:], which)


def mixture_fooled(state, batch):
    fake, which = mixed(state, batch)
    logits = judged(state, fake)
    return -log_sigmoid(logits[:, 0]).mean() + 0.4 * told_apart(logits[:, 1:], which)


def test_a_cycle_of_mgan_is_that_of_numpy():
    method = on_networks("mgan", MIXTURE, lr=0.05, beta1=0.6, generators=GENERATORS, diversity=0.4)
    adam = Descent(0.05, 0.6)
    moves = [Move(("discriminator",), mixture_judged, adam), Move(("generator",), mixture_fooled, adam)]
    assert_a_cycle_is_that_of(moves, method)


def test_the_generators_have_a_first_layer_of_their_own_and_share_the_others():
    network = Generators(SPEC, GENERATORS)
    z, which = torch.randn(6, LATENT), torch.tensor([0, 1, 2, 0, 1, 2])
    for sample, latent, k in zip(network(z, which), z, which, strict=True):
        hidden = network.weight[k] @ latent + network.bias[k]
        assert torch.allclose(sample, network.shared(hidden), atol=1e-6)


@pytest.mark.parametrize("architecture", ["shared", "pacgan-2018", "unrolled-2017"])
def test_each_generator_begins_as_one_alone(architecture):
    """By its architecture; the first layer of PacGAN's has no biases, for normalisation follows."""
    wide = DataSpec("points", (DATA,), 15, 400, 2, architecture)
    several, alone = Generators(wide, 10), generator(wide)
    assert several.weight.std().item() == pytest.approx(alone[0].weight.std().item(), rel=0.1)
    assert (several.bias is None) == (alone[0].bias is None)
    assert not torch.equal(several.weight[0], several.weight[1])


def test_several_generators_cost_no_more_than_one():
    data = Ring(batch=16, width=8)
    cost = {name: cost_of(METHODS.get(name)(), data).sample_flops for name in ("dcgan", "mgan")}
    assert cost["mgan"] == cost["dcgan"]


def test_every_generator_makes_as_many_samples():
    method = METHODS.get("mgan")(generators=GENERATORS)
    seen = []
    nets = type("Nets", (), {"generator": staticmethod(lambda z, which: seen.append(which) or z)})
    normal = torch.randn(30_000, 1, generator=torch.Generator().manual_seed(0))
    method.sample(nets, torch.zeros(30_000, LATENT), normal)
    method.sample(nets, torch.zeros(2, LATENT), torch.tensor([[-50.0], [50.0]]))
    shares = torch.bincount(seen[0].long(), minlength=GENERATORS) / 30_000
    assert torch.allclose(shares, torch.full((GENERATORS,), 1 / GENERATORS), atol=0.01)
    assert seen[1].tolist() == [0, GENERATORS - 1]
