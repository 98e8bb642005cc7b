"""Metrics of diversity, of memorising and of what is rare."""

import numpy as np
import pytest
import torch
from metric_cases import normal, score
from scipy.stats import norm

from benchmark.datasets.mixtures import Ring, UnbalancedRing
from metrics.minority_recall import rare_modes
from metrics.ndb import share_of_different_bins
from metrics.neighbourhoods import nearest
from metrics.vendi import vendi_of_order_2


def draw(data, n, seed, split="train"):
    return data.draw(n, data.stream(seed, "test"), split)


def test_the_z_test_of_ndb_by_hand():
    """Of 100 and 200 points, bins of 50 and 100 are equal, 30 and 90 are not, 20 and 10 are not.

    In the second the pooled share is 0.4, the error sqrt(0.4 0.6 (1/100 + 1/200)) = 0.06, the difference
    0.15: 2.5 errors. In the third the pooled share is 0.1, the error 0.0367, the difference 0.15.
    """
    real, samples = np.array([50, 30, 20]), np.array([100, 90, 10])
    assert share_of_different_bins(real, samples, 0.05) == pytest.approx(2 / 3)
    # At the level that 2.5 errors have, both still differ; just below it only the third does.
    level = 2 * (1 - norm.cdf(2.5))
    assert share_of_different_bins(real, samples, level * 1.001) == pytest.approx(2 / 3)
    assert share_of_different_bins(real, samples, level * 0.999) == pytest.approx(1 / 3)


def test_real_data_differs_in_as_many_bins_as_the_level_says():
    data = Ring()
    held_out = draw(data, 5000, 0)
    samples = torch.stack([draw(data, 5000, seed) for seed in range(1, 11)])
    for level in (0.05, 0.3):
        scores = score("ndb", data, samples, held_out, seeds=range(10), significance=level)
        # One half of one set of held-out data is behind all ten scores.
        assert scores.mean().item() == pytest.approx(level, abs=0.05)
    few = samples[:1, data.assign(samples[0]).mode < 4]
    assert score("ndb", data, few, held_out).item() > 0.8


def test_vendi_is_the_inverse_of_the_sum_of_squared_eigenvalues():
    x = normal(60, 3)
    kernel = torch.exp(-torch.cdist(x, x).square() / (2 * 0.7**2))
    eigenvalues = torch.linalg.eigvalsh(kernel / 60)
    assert eigenvalues.sum().item() == pytest.approx(1)
    expected = 1 / eigenvalues.square().sum().item()
    assert vendi_of_order_2(x, 0.7).item() == pytest.approx(expected, rel=1e-9)


def test_vendi_counts_points_that_are_far_apart():
    points = 1000.0 * torch.arange(7, dtype=torch.float64)[:, None]
    assert vendi_of_order_2(points.repeat(5, 1), 1.0).item() == pytest.approx(7)
    weights = torch.tensor([3, 1])
    assert vendi_of_order_2(points[:2].repeat_interleave(weights, dim=0), 1.0).item() == pytest.approx(1.6)


def test_the_vendi_ratio_is_the_share_of_the_modes():
    data = Ring()
    held_out, samples = draw(data, 2000, 0), draw(data, 2000, 1)
    mode = data.assign(samples).mode
    halves = samples[mode < 4]
    rows = torch.stack([samples, halves[torch.arange(2000) % len(halves)]])
    assert score("vendi_ratio", data, rows, held_out).tolist() == pytest.approx([1, 0.5], abs=0.02)


def test_the_support_of_memorised_samples_is_their_number():
    """Uniform draws from n points are equal in one of n pairs."""
    data = Ring()
    held_out, points = draw(data, 4000, 0), draw(data, 50, 1)
    index = torch.randint(50, (4000,), generator=torch.Generator().manual_seed(0))
    rows = torch.stack([points[index], points[:1].expand(4000, 2), draw(data, 4000, 2)])
    memorised, collapsed, real = score("support_size", data, rows, held_out).tolist()
    counts = torch.bincount(index).double()
    expected = 4000 * 3999 / (counts * (counts - 1)).sum().item()
    assert memorised == pytest.approx(expected, rel=0.03)
    assert collapsed == 1
    assert 8000 < real <= 10_000


@pytest.mark.parametrize("size", [300, 20_000])
def test_copies_of_training_data_are_told(size):
    """Half of the samples are copies; the other half are new. All training data counts."""
    data = Ring(training_set=size)
    copies, new = draw(data, 1000, 0), draw(data, 1000, 1, "held-out")
    held_out = draw(data, 2000, 2, "held-out")
    rows = torch.stack([new, torch.cat([copies[:500], new[:500]]), copies])
    authentic = score("authenticity", data, rows, held_out)
    assert authentic[2] == 0
    assert authentic[1].item() == pytest.approx(authentic[0].item() / 2, abs=0.03)
    distance = score("training_distance", data, rows, held_out)
    assert distance[0].item() == pytest.approx(1, abs=0.1)
    assert distance[2] == 0
    assert distance[1] < 0.3


def test_authenticity_by_hand():
    """Of training points at 0, 1 and 5, the nearest other ones are 1, 1 and 4 away."""

    class Three(Ring):
        name = "three"
        shape = (1,)

        def draw(self, n, rng, split="train"):
            return torch.tensor([[0.0], [1.0], [5.0], [5.0]])

    samples = torch.tensor([[[0.4], [-1.5], [5.5], [9.5]]])
    assert score("authenticity", Three(), samples, torch.zeros(3, 1)).item() == pytest.approx(2 / 4)
    # Distances of 0.4, 1.5, 0.5 and 4.5 have the (lower) median 0.5, that of held-out data is 2.
    held_out = torch.tensor([[3.0], [-2.0], [7.0]])
    assert score("training_distance", Three(), samples, held_out).item() == pytest.approx(0.5 / 2)
    distance, place = nearest(samples[0], torch.tensor([[0.0], [1.0], [5.0]]))
    assert place.tolist() == [0, 0, 2, 2]
    assert distance.tolist() == pytest.approx([0.4, 1.5, 0.5, 4.5])


def test_a_single_training_datum_has_no_neighbour_to_be_nearer_to():
    class One(Ring):
        name = "one"

        def draw(self, n, rng, split="train"):
            return torch.zeros(4, 2)

    samples = torch.ones(2, 4, 2)
    assert score("authenticity", One(), samples, torch.zeros(3, 2)).isnan().all()


def test_which_modes_are_rare():
    assert rare_modes(torch.tensor([0.05, 0.05, 0.4, 0.5])).tolist() == [True, True, False, False]
    assert rare_modes(torch.tensor([0.24, 0.25, 0.25, 0.26])).tolist() == [True, False, False, False]
    assert rare_modes(torch.full((4,), 0.25)).all()
    third = torch.tensor([1 / 3, 1 / 3, 1 - 2 / 3], dtype=torch.float64)
    assert rare_modes(third).all()


def test_minority_recall_of_the_unbalanced_ring():
    """The four rare modes have 4 / 84 of the probability."""
    data = UnbalancedRing()
    held_out, samples = draw(data, 10_000, 0), draw(data, 10_000, 1)
    frequent = samples[data.assign(samples).mode >= 4]
    without_rare = frequent[torch.arange(10_000) % len(frequent)]
    half_as_often = torch.cat([samples[:5000], without_rare[5000:]])
    equal = Ring(std=0.05, circle=2.5).draw(10_000, data.stream(2, "test"))
    rows = torch.stack([samples, without_rare, half_as_often, equal])
    real, none, half, balanced = score("minority_recall", data, rows, held_out).tolist()
    assert real > 0.9
    assert none == 0
    assert half == pytest.approx(0.5, abs=0.07)
    # Too many of the rare ones count as enough.
    assert balanced == 1


def test_minority_recall_of_equal_weights_is_that_of_all_modes():
    data = Ring()
    held_out, samples = draw(data, 4000, 0), draw(data, 4000, 1)
    half = samples[data.assign(samples).mode < 4]
    rows = torch.stack([samples, half[torch.arange(4000) % len(half)]])
    recall = score("minority_recall", data, rows, held_out).tolist()
    assert recall == pytest.approx([0.98, 0.5], abs=0.02)
