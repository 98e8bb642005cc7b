"""Distributions along curves, taken apart again."""

import math

import pytest
import torch
from scipy import stats
from sklearn.datasets import make_moons

from benchmark.datasets.curves import RingOfRings, Spirals, TwoMoons
from benchmark.datasets.gaussians_40 import Gaussians40
from benchmark.registry import METRICS

N = 200_000
ALL = [TwoMoons(), Spirals(), RingOfRings()]


def without_noise(data):
    """Points of the curves themselves."""
    curve, t = torch.rand(2, N, generator=torch.Generator().manual_seed(0))
    return data.place(curve, t).double(), curve


def uniform(values):
    return stats.kstest(values.numpy(), "uniform").pvalue > 1e-3


@pytest.mark.parametrize("data", ALL, ids=lambda data: data.name)
def test_draws_are_points_of_the_curves_with_noise(data):
    """The distance of a draw from the curves: no nearer and no farther than noise goes."""
    x = data.draw(2000, data.stream(0, "data")).double()
    curve, _ = without_noise(data)
    distance = torch.cdist(x, curve).amin(dim=1) / data.std
    assert distance.max() < 5
    # Across the curve it is one coordinate of the noise, nearly.
    assert distance.square().mean().item() == pytest.approx(1, abs=0.1)
    again = data.draw(2000, data.stream(0, "data")).double()
    assert torch.equal(x, again)


def test_the_moons_are_those_of_scikit_learn():
    ours, curve = without_noise(TwoMoons())
    theirs = torch.from_numpy(make_moons(2000, noise=None)[0])
    assert torch.cdist(theirs, ours).amin(dim=1).max() < 1e-3
    assert torch.cdist(ours[:2000], theirs).amin(dim=1).max() < 5e-3
    upper = ours[curve < 0.5]
    assert uniform(torch.atan2(upper[:, 1], upper[:, 0]) / math.pi)
    assert (curve < 0.5).double().mean().item() == pytest.approx(0.5, abs=5e-3)


def test_the_spirals_have_uniform_squared_radii_and_angles_that_follow():
    x, curve = without_noise(Spirals())
    radius = x.norm(dim=1) / 2
    assert uniform(radius.square())
    angle = torch.atan2(x[:, 1], x[:, 0]) - 3 * math.pi * radius - math.pi * (curve < 0.5)
    assert torch.cos(angle).min() > 1 - 1e-6


def test_the_ring_of_rings_has_eight_equal_rings():
    x, _ = without_noise(RingOfRings())
    angles = 2 * math.pi * torch.arange(8) / 8
    centres = torch.stack([angles.cos(), angles.sin()], dim=1).double()
    distance = torch.cdist(x, centres)
    ring = (distance - 0.3).abs().argmin(dim=1)
    own = x - centres[ring]
    assert (own.norm(dim=1) - 0.3).abs().max() < 1e-6
    assert stats.chisquare(torch.bincount(ring).numpy()).pvalue > 1e-3
    assert uniform(torch.atan2(own[:, 1], own[:, 0]) / (2 * math.pi) + 0.5)


@pytest.mark.parametrize("data", ALL, ids=lambda data: data.name)
def test_curves_have_no_modes_and_metrics_of_modes_do_not_apply(data):
    assert data.modes == 0
    assert not METRICS.get("modes")().applies(data)
    assert METRICS.get("energy_distance")().applies(data)
    with pytest.raises(NotImplementedError, match="has no known modes"):
        data.assign(torch.zeros(1, 2))
    with pytest.raises(ValueError, match="std must be a finite number from 1e-06"):
        type(data)(std=0)


def test_forty_gaussians_are_those_of_the_public_code():
    """Uniform numbers of torch's global generator, seed 0."""
    data = Gaussians40()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        expected = (torch.rand(40, 2) - 0.5) * 2 * 40
    assert torch.equal(data.means, expected)
    assert data.std == pytest.approx(math.log(1 + math.e))
    x = data.draw(N, data.stream(0, "data"))
    # A few modes lie within each other, so that more samples are near to one.
    assert 1 - math.exp(-4.5) < data.assign(x).high_quality.double().mean().item() < 0.995


@pytest.mark.parametrize("dimension", [1, 2, 50])
def test_forty_gaussians_in_any_dimension(dimension):
    data = Gaussians40(dimension=dimension)
    assert data.means.shape == (40, dimension)
    assert data.means.abs().max() <= 40
    x = data.draw(20_000, data.stream(0, "data"))
    noise = (x - data.means[torch.cdist(x, data.means).argmin(dim=1)]) / data.std
    if dimension == 50:
        assert noise.square().sum(dim=1).mean().item() == pytest.approx(50, rel=0.01)
        share = data.assign(x).high_quality.double().mean().item()
        assert share == pytest.approx(1 - math.exp(-4.5), abs=5e-3)
    with pytest.raises(ValueError, match="dimension must be a whole number from 1"):
        Gaussians40(dimension=0)
