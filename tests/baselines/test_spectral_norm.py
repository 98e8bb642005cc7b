"""Spectral normalisation against torch's own, and for many seeds at once."""

import copy

import pytest
import torch
from torch import nn
from torch.func import functional_call, vmap
from torch.nn.utils import spectral_norm as torch_spectral_norm

from baselines.spectral_norm import spectral_norm

LAYERS = [nn.Linear(5, 3), nn.Conv2d(2, 4, 3), nn.ConvTranspose2d(2, 4, 3)]


def inputs(layer):
    shape = (7, 5) if isinstance(layer, nn.Linear) else (7, 2, 6, 6)
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


@pytest.fixture(params=LAYERS, ids=lambda layer: type(layer).__name__)
def pair(request):
    """Our layer and torch's, at the same vectors."""
    ours = spectral_norm(copy.deepcopy(request.param))
    theirs = torch_spectral_norm(copy.deepcopy(request.param))
    own = ours.parametrizations.weight[0]
    own.u, own.v = theirs.weight_u.clone(), theirs.weight_v.clone()
    return ours, theirs


def test_it_is_torchs_in_training_and_in_evaluation(pair):
    ours, theirs = pair
    x = inputs(ours)
    for layer in pair:
        layer.train()
    for _ in range(3):
        one, other = ours(x), theirs(x)
        assert torch.allclose(one, other, atol=1e-6)
        one.square().sum().backward()
        other.square().sum().backward()
    gradient = ours.parametrizations.weight.original.grad
    assert torch.allclose(gradient, theirs.weight_orig.grad, rtol=1e-4, atol=1e-3)
    for layer in pair:
        layer.eval()
    before = ours.parametrizations.weight[0].u
    assert torch.allclose(ours(x), theirs(x), atol=1e-6)
    assert ours.parametrizations.weight[0].u is before


def test_the_largest_singular_value_comes_to_one(pair):
    ours, _ = pair
    for _ in range(200):
        weight = ours.weight
    outputs = 1 if isinstance(ours, nn.ConvTranspose2d) else 0
    matrix = weight.movedim(outputs, 0).flatten(1)
    assert torch.linalg.matrix_norm(matrix, 2).item() == pytest.approx(1, abs=1e-4)


def test_many_seeds_are_as_many_layers():
    layers = [spectral_norm(nn.Linear(5, 3)) for _ in range(4)]
    x = torch.randn(4, 7, 5)
    stacked = {}
    for key in layers[0].state_dict():
        stacked[key] = torch.stack([layer.state_dict()[key] for layer in layers])
    together = vmap(lambda own, x: functional_call(layers[0], own, (x,)))(stacked, x)
    alone = torch.stack([layer(own) for layer, own in zip(layers, x, strict=True)])
    assert torch.allclose(together, alone, atol=1e-6)
