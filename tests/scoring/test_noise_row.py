"""The calibration row of noise: one Gaussian with the mean and the covariance of training data."""

import math

import numpy as np
import pytest
import scipy.stats
import torch

from benchmark.datasets.mixtures import Grid, HighDimensional, Ring
from benchmark.datasets.places import using
from benchmark.datasets.stacked import StackedMNIST
from benchmark.scoring.calibration import noise

CPU = torch.device("cpu")


def moments(data):
    """The mean and the covariance of a mixture."""
    means = data.means.double()
    within = torch.zeros(data.shape, dtype=torch.float64)
    within[: data.noisy] = data.std**2
    return means.mean(dim=0), means.T.cov(correction=0) + within.diag()


@pytest.mark.parametrize("data", [Ring(), Grid(), HighDimensional()], ids=lambda data: data.name)
def test_noise_has_the_mean_and_the_covariance_of_training_data(data):
    """Along some directions, within five standard errors of the draw and of the 10 000 training samples."""
    n = 4000
    x = noise(data, 0, CPU)(n).double()
    assert x.shape == (n, *data.shape)
    mean, covariance = moments(data)
    random = torch.randn(6, *data.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    axes = torch.eye(*data.shape, dtype=torch.float64)[[0, -1]]
    directions = torch.cat([random, torch.ones(1, *data.shape), axes])
    directions = torch.nn.functional.normalize(directions, dim=1)
    along, expected = x @ directions.T, (directions @ covariance * directions).sum(dim=1)
    means = directions @ mean
    error = (expected * (1 / n + 1 / 10_000)).sqrt()
    assert ((along.mean(dim=0) - means).abs() < 5 * error).all()
    # A Gaussian's variance varies by 2 v^2 / n, that of mixtures by no more than twice as much.
    assert ((along.var(dim=0) - expected).abs() < 5 * expected * math.sqrt(2 / n + 4 / 10_000)).all()
    # It is a Gaussian, where the data is not: of a mixture along a line, far from it.
    standardised = (along - along.mean(dim=0)) / along.std(dim=0)
    assert scipy.stats.kstest(standardised[:, 0].numpy(), "norm").pvalue > 1e-3
    if data.noisy < data.shape[0]:
        # Constant coordinates are all the same in each sample, and so they are in noise.
        assert (x[:, data.noisy :] - x[:, -1:]).abs().max() < 1e-3
        assert x[:, -1].std() > 1


def test_noise_of_images_is_a_gaussian_that_is_clipped(digits_root):
    """Some pixels beside those of a Gaussian with the same moments, drawn in NumPy and clipped."""
    with using(str(digits_root), None):
        data = StackedMNIST(original=False, digits=2)
        n, choice = 3000, [300, 301, 120, 420, 784 + 300, 784 + 120]
        x = noise(data, 0, CPU)(n)
        assert x.shape == (n, 2, 28, 28)
        assert x.dtype == torch.uint8
        train = data.sample(40_000, data.stream(1, "data")).flatten(1)[:, choice].double().numpy()
    random = np.random.default_rng(0)
    drawn = random.multivariate_normal(train.mean(axis=0), np.cov(train.T), size=200_000).clip(-1, 1)
    own = x.flatten(1)[:, choice].double().numpy() / 127.5 - 1
    deviation = drawn.std(axis=0)
    assert (deviation > 0.2).all()
    error = 5 * deviation * math.sqrt(1 / n + 1 / 10_000) + 1 / 255
    assert (abs(own.mean(axis=0) - drawn.mean(axis=0)) < error).all()
    correlation = np.corrcoef(drawn.T)
    assert abs(np.corrcoef(own.T) - correlation).max() < 5 * math.sqrt(1 / n + 1 / 10_000)
    assert correlation[0, 1] > 0.5 > 5 * abs(correlation[0, 4])
    # Many pixels would lie outside.
    assert 0.01 < (own == -1).mean() < 0.9


@pytest.mark.parametrize("images", [False, True])
def test_noise_is_the_same_for_a_seed_and_differs_between_seeds(digits_root, images):
    with using(str(digits_root), None):
        data = StackedMNIST(original=False, digits=1) if images else Ring()
        first, again, other = (noise(data, seed, CPU)(300) for seed in (0, 0, 1))
        assert torch.equal(first, again)
        assert not torch.equal(first, other)
        # All samples of a seed differ, also over the parts in which they are drawn.
        assert len(first.flatten(1).unique(dim=0)) == 300
        # Nothing of it depends on what was drawn of another dataset between.
        noise(Grid(), 0, CPU)(10)
        assert torch.equal(noise(data, 0, CPU)(300), first)
