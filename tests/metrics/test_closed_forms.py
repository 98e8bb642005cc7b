"""Metrics are what closed forms say. For metrics of single modes see `test_closed_forms_of_modes.py`."""

import math

import numpy as np
import pytest
import scipy.stats
import torch
from metric_cases import normal, score

from benchmark.datasets.mixtures import Grid, HighDimensional, Ring
from benchmark.registry import METRICS
from metrics import prdc
from metrics.fid import Moments, frechet_distance
from metrics.kl import histogram_kl


def test_kl_of_a_histogram_against_unequal_weights():
    """Shares 1/4, 1/4, 1/2, 0 against 1/2, 1/4, 1/8, 1/8: -1/4 ln 2 + 0 + 1/2 ln 4 + 0."""
    counts = torch.tensor([[2.0, 2.0, 4.0, 0.0]], dtype=torch.float64)
    weights = torch.tensor([0.5, 0.25, 0.125, 0.125], dtype=torch.float64)
    assert histogram_kl(counts, weights).item() == pytest.approx(0.75 * math.log(2), rel=1e-12)


def histograms(n, weights, draws):
    """Counts of that many draws of n samples each."""
    counts = np.random.default_rng(0).multinomial(n, weights.numpy(), size=draws)
    return torch.from_numpy(counts).double()


def mean_kl_of_a_perfect_sampler(n, weights, draws=20_000):
    return histogram_kl(histograms(n, weights, draws), weights).mean().item()


@pytest.mark.parametrize("data", [Ring(), Grid(), HighDimensional()], ids=lambda data: data.name)
def test_kl_of_a_perfect_sampler_is_modes_less_one_over_twice_the_samples(data):
    expected = (data.modes - 1) / (2 * data.samples)
    mean = mean_kl_of_a_perfect_sampler(data.samples, data.mode_weights)
    assert mean == pytest.approx(expected, rel=0.02)
    assert METRICS.get("kl")().best(data) == METRICS.get("kl_high_quality")().best(data) == expected


def test_kl_of_a_perfect_sampler_of_a_thousand_modes():
    weights = torch.full((1000,), 1 / 1000, dtype=torch.float64)
    mean = mean_kl_of_a_perfect_sampler(26_000, weights, draws=2000)
    assert mean == pytest.approx(999 / (2 * 26_000), rel=0.02)


@pytest.mark.parametrize("data", [Ring(), Grid(), HighDimensional()], ids=lambda data: data.name)
def test_joint_kl_of_a_perfect_sampler_is_modes_over_twice_the_samples(data):
    """It has one bin more than modes, of the share that fails the rule of quality."""
    q = scipy.stats.chi2.cdf(data.radius**2, data.noisy)
    weights = torch.tensor([q / data.modes] * data.modes + [1 - q], dtype=torch.float64)
    expected = METRICS.get("kl_joint")().best(data)
    assert expected == data.modes / (2 * data.samples)
    assert mean_kl_of_a_perfect_sampler(data.samples, weights) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(
    ("kept", "entropy"), [([0], 0), ([0, 1], 1 / 3), ([0, 2, 4, 6], 2 / 3), ([*range(8)], 1)]
)
def test_mode_entropy_of_some_modes_alike(kept, entropy):
    """ln m over ln K. That samples are off by ten deviations does not matter."""
    data = Ring()
    samples = (data.means[kept] + 10 * data.std).repeat(30, 1)
    assert score("mode_entropy", data, samples[None]).item() == pytest.approx(entropy, abs=1e-12)


def test_distance_of_two_gaussians_of_unlike_axes_in_the_plane():
    """Of 2 x 2 matrices, tr (AB)^(1/2) is the root of tr AB + 2 (det A det B)^(1/2): here 12.5 + 2 * 4."""
    a = torch.tensor([[4.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    b = torch.tensor([[2.5, 1.5], [1.5, 2.5]], dtype=torch.float64)
    assert not torch.allclose(a @ b, b @ a)
    means = torch.tensor([[1.0, 2.0], [4.0, -2.0]], dtype=torch.float64)
    expected = 25 + 5 + 5 - 2 * math.sqrt(20.5)
    distance = frechet_distance(Moments.of_covariance(means[0], a), Moments.of_covariance(means[1], b))
    assert distance.item() == pytest.approx(expected, rel=1e-12)
    # And of samples that have these moments exactly.
    samples, held_out = exact(normal(50, 2), means[0], a), exact(normal(70, 2, seed=1), means[1], b)
    assert score("fid", Ring(), samples[None], held_out).item() == pytest.approx(expected, rel=1e-9)


def exact(x, mean, covariance):
    """Points moved so that their mean and covariance are these."""
    centred = x - x.mean(dim=0)
    white = torch.linalg.solve_triangular(torch.linalg.cholesky(centred.T.cov()), centred.T, upper=False).T
    return mean + white @ torch.linalg.cholesky(covariance).T


@pytest.mark.parametrize("d", [3, 40])
def test_distance_of_a_gaussian_from_its_image_under_the_best_transport(d):
    """A symmetric positive matrix T is the optimal map from N(0, A) to N(0, TAT).

    It costs tr (T - 1) A (T - 1).
    """
    root, other = normal(2, d, 2 * d)
    a, t = root @ root.T / d, other @ other.T / d
    assert not torch.allclose(a @ t, t @ a)
    moved = t - torch.eye(d, dtype=torch.float64)
    shift = normal(d, seed=2)
    origin = Moments.of_covariance(torch.zeros_like(shift), a)
    distance = frechet_distance(origin, Moments.of_covariance(shift, t @ a @ t))
    expected = torch.trace(moved @ a @ moved) + shift.square().sum()
    assert distance.item() == pytest.approx(expected.item(), rel=1e-9)


ALONG, ACROSS, POINT = torch.tensor([0.6, 0.8]), torch.tensor([0.8, -0.6]), torch.tensor([0.3, 0.1])


@pytest.mark.parametrize(
    ("generate", "error"),
    [
        (lambda z: z[..., :1] * ALONG, lambda x: (x @ ACROSS.double()) ** 2),
        (lambda z: 0 * z[..., :2] + POINT, lambda x: ((x - POINT) ** 2).sum(dim=1)),
        (lambda z: torch.nn.functional.normalize(z[..., :2], dim=-1), lambda x: (x.norm(dim=1) - 1) ** 2),
    ],
    ids=["line", "point", "circle"],
)
def test_ivom_is_the_mean_squared_distance_to_the_range_per_coordinate(generate, error):
    data = Ring()
    held_out = 0.5 * data.draw(50, data.stream("all", "held-out"), "held-out")
    expected = error(held_out.double()).mean().item() / 2
    measured = score("ivom", data, held_out[None], held_out, generate, points=50).item()
    assert measured == pytest.approx(expected, rel=1e-4)


def test_the_four_of_neighbourhoods_counted_by_hand():
    """The balls around 0, 1, 3, 10 reach 1, 1, 2, 7 far, and those around 0.9, 20, 31 reach 19.1, 11, 11."""
    real, generated = torch.tensor([[0.0], [1.0], [3.0], [10.0]]), torch.tensor([[0.9], [20.0], [31.0]])
    # 0.9 lies in the balls of 0 and 1, the other two in none; the ball of 0.9 holds all data; near it are 0
    # and 1.
    assert prdc.prdc(real, generated, 1) == pytest.approx((1 / 3, 4 / 4, 2 / 3, 2 / 4))


def test_out_of_range_counted_by_hand():
    """Around (10, 3) held-out data reaches 2 far, and so the range 4; or, three times as far, 6."""
    data, centre = Ring(), torch.tensor([10.0, 3.0])
    held_out = centre + torch.tensor([[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    turned = torch.nn.functional.normalize(normal(5, 2), dim=1).float()
    distances = torch.tensor([[0.0, 1.0, 3.0, 3.99, 4.01], [3.9, 4.1, 5.9, 6.1, 1e6]])
    samples = centre + turned * distances[..., None]
    assert score("out_of_range", data, samples, held_out).tolist() == [0.2, 0.8]
    assert score("out_of_range", data, samples, held_out, times=3.0).tolist() == [0, 0.4]
    with pytest.raises(ValueError, match="times must be a finite number of at least 1"):
        score("out_of_range", data, samples, held_out, times=0.9)
