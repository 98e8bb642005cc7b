"""Distances between samples that need no modes: closed forms, scipy and torch-fidelity."""

import math

import numpy as np
import pytest
import scipy.stats
import torch
from metric_cases import evaluate, normal, score

from benchmark.datasets.curves import TwoMoons
from benchmark.datasets.mixtures import Ring
from metrics.features import features_of, held_out_features
from metrics.mmd import gaussian_kernel, polynomial_kernel, squared_mmd
from metrics.pairs import mean_distance, mean_within, median_distance
from metrics.sliced_wasserstein import sliced_wasserstein


def at(*values):
    return torch.tensor(values, dtype=torch.float64)[:, None]


def test_energy_distance_of_lines_is_that_of_scipy():
    x, y = normal(2, 200, 1), 0.5 + 2 * normal(300, 1, seed=1)
    expected = [scipy.stats.energy_distance(row[:, 0].numpy(), y[:, 0].numpy()) for row in x]
    assert score("energy_distance", Ring(), x, y).tolist() == pytest.approx(expected, rel=1e-6)


def test_energy_distance_of_two_points_by_hand():
    """One sample at 3 against two held-out data at 0 and 4: 2 (3 + 1) / 2 - 0 - 2."""
    assert score("energy_distance", Ring(), at(3)[None], at(0, 4)).item() == pytest.approx(math.sqrt(4 - 2))
    assert score("energy_distance", Ring(), at(0, 4)[None], at(0, 4)).item() == 0


def test_sliced_wasserstein_by_hand():
    """Along one line the sorted points are compared; a shift costs its part along the line."""
    x, y = at(0, 5, 1), at(2, 1, 7)
    assert sliced_wasserstein(x, y, at(1.0)).item() == pytest.approx(math.sqrt((1 + 1 + 4) / 3))
    points, shift = normal(100, 2), torch.tensor([3.0, 4.0], dtype=torch.float64)
    # The mean square of a shift of length 5 along all lines in the plane is 25 / 2.
    value = score("sliced_wasserstein", Ring(), (points + shift)[None], points, lines=20_000).item()
    assert value == pytest.approx(5 / math.sqrt(2), rel=0.01)


def test_sliced_wasserstein_of_gaussians():
    x, y = 3 * normal(1, 50_000, 2), normal(50_000, 2, seed=1)
    assert score("sliced_wasserstein", Ring(), x, y, points=50_000).item() == pytest.approx(2, rel=0.02)


def test_squared_mmd_of_two_points_each_by_hand():
    def kernel(x, y):
        return (-(x - y.T).abs()).exp()

    x, y = at(0, 1), at(0, 3)
    across = (1 + math.exp(-3) + math.exp(-1) + math.exp(-2)) / 4
    expected = math.exp(-1) + math.exp(-3) - 2 * across
    assert squared_mmd(x, y, kernel).item() == pytest.approx(expected, rel=1e-12)


def test_squared_mmd_of_equal_laws_is_0_on_average_and_may_be_negative():
    values = []
    for seed in range(200):
        x, y = normal(40, 2, seed=seed), normal(40, 2, seed=1000 + seed)
        values.append(squared_mmd(x, y, gaussian_kernel(1.0)).item())
    error = np.std(values) / math.sqrt(len(values))
    assert abs(np.mean(values)) < 4 * error
    assert min(values) < 0


def test_mmd_of_gaussians_that_are_shifted():
    r"""With bandwidth $h$ in one dimension, variances $s^2$ and a shift $d$ it is
    $2 h / \sqrt{h^2 + 2 s^2} (1 - \exp(-d^2 / 2 (h^2 + 2 s^2)))$.
    """
    x, y = normal(20_000, 1), normal(20_000, 1, seed=1) + 1.5
    h = median_distance(y)
    expected = 2 * h / math.sqrt(h**2 + 2) * (1 - math.exp(-(1.5**2) / (2 * (h**2 + 2))))
    assert squared_mmd(x, y, gaussian_kernel(h)).item() == pytest.approx(expected, rel=0.03)
    assert score("mmd", Ring(), x[None, :5000], y[:5000]).item() == pytest.approx(expected, rel=0.06)


@pytest.mark.parametrize("case", ["stacked-mnist"], indirect=True)
def test_kid_and_mmd_on_the_classifiers_features_agree_with_torch_fidelity(case):
    package = pytest.importorskip("torch_fidelity.metric_kid")
    data, samples, held_out = case
    evaluation = evaluate(*case)
    features = features_of(evaluation, "classifier").double().numpy()
    real = held_out_features(evaluation, "classifier").double()
    cubic = {"kid_kernel": "poly", "kid_kernel_poly_degree": 3, "kid_kernel_poly_coef0": 1}
    gaussian = {"kid_kernel": "rbf", "kid_kernel_rbf_sigma": median_distance(real)}
    for name, options in (("kid", cubic), ("mmd", gaussian)):
        expected = [package.kernel_mmd(x, real.numpy(), **options) for x in features]
        assert score(name, data, samples, held_out).tolist() == pytest.approx(expected, rel=1e-5, abs=1e-9)
        assert max(expected) > 10 * abs(min(expected))


def test_the_cubic_kernel_by_hand():
    x, y = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 1.0]])
    assert polynomial_kernel(x, y).item() == pytest.approx((5 / 2 + 1) ** 3)


def test_pair_diversity_by_hand():
    """Distances of 1, 3 and 2, and of 5: their means over that of held-out data, 4."""
    samples, held_out = at(0, 1, 3), at(0, 4)
    assert score("pair_diversity", Ring(), samples[None], held_out).item() == pytest.approx(2 / 4)
    assert score("pair_diversity", Ring(), at(2, 2)[None], held_out).item() == 0


@pytest.mark.parametrize("name", ["mmd", "kid", "pair_diversity", "support_size"])
def test_one_sample_makes_no_pair(name):
    assert score(name, Ring(), normal(2, 1, 2), normal(50, 2)).isnan().all()


def test_pairs_are_of_two_different_points():
    def same(x, y):
        return torch.cdist(x, y) == 0

    assert mean_within(at(1, 1, 2, 3), same).item() == pytest.approx(2 / 12)


def test_half_of_the_pairs_stand_for_all():
    """More points than are handled at a time, and not a multiple of those."""
    x = normal(2500, 3).double()
    pairs = torch.pdist(x)
    assert mean_within(x, torch.cdist).item() == pytest.approx(pairs.mean().item(), rel=1e-12)
    assert mean_distance(x).item() == pytest.approx(2 * pairs.sum().item() / 2500**2, rel=1e-12)


@pytest.mark.parametrize("name", ["energy_distance", "sliced_wasserstein", "mmd"])
def test_a_curve_without_modes_is_scored(name):
    """One of the two moons alone is told from both."""
    data = TwoMoons()
    real, held_out = (data.draw(1500, data.stream(seed, "data")) for seed in (0, 1))
    upper = real.clone()
    low = upper[:, 1] < 0.25
    upper[low] = torch.stack([1 - upper[low, 0], 0.5 - upper[low, 1]], dim=1)
    both, one = score(name, data, torch.stack([real, upper]), held_out).tolist()
    assert one > 5 * abs(both)


@pytest.mark.parametrize(
    ("name", "settings", "problem"),
    [
        ("energy_distance", {"points": 1}, "points must be a whole number from 2"),
        ("sliced_wasserstein", {"lines": 0}, "lines must be a whole number from 1"),
        ("vendi_ratio", {"bandwidth": 0.0}, "bandwidth must be a finite number above 0"),
        ("support_size", {"pairs": 1}, "pairs must be a whole number from 2"),
        ("ndb", {"bins": 1}, "bins must be a whole number from 2"),
        ("ndb", {"significance": 1.0}, "significance must be a finite number above 0 and below 1"),
        ("overlap_x", {"bins": 1}, "bins must be a whole number from 2"),
        ("kid", {"features": "none"}, "there are no features 'none'"),
        ("clipped_density", {"k": 0}, "k must be a whole number from 1"),
    ],
)
def test_wrong_settings(name, settings, problem):
    with pytest.raises(ValueError, match=problem):
        score(name, Ring(), normal(1, 3, 2), normal(9, 2), **settings)
