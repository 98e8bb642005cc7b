"""Clipped density and clipped coverage: by hand, by their authors' definition, and linear."""

import math

import numpy as np
import pytest
import torch
from metric_cases import normal, score
from scipy.special import betaln, gammaln, logsumexp

from benchmark.datasets.mixtures import HighDimensional, Ring
from metrics.clipped import clipped_coverage, clipped_density, expected_coverage
from metrics.neighbourhoods import radii

LINE = torch.tensor([[0.0], [1.0], [3.0], [4.0], [20.0]], dtype=torch.float64)


def density(real, generated, k):
    return clipped_density(real, generated, k, radii(real, k))


def coverage(real, generated, k):
    return clipped_coverage(real, generated, k, radii(real, k))


def test_density_by_hand():
    """Radii to the first neighbour are 1, 1, 1, 1, 16, of which the last is clipped to 1.

    Of the real points the first four lie in one other ball each and the fifth in none: 4 / 5. Of the samples
    0.5 lies in two balls, which count for one, 2 in two, 10 in none: 2 / 3.
    """
    generated = torch.tensor([[0.5], [2.0], [10.0]], dtype=torch.float64)
    assert density(LINE, generated, 1) == pytest.approx((2 / 3) / (4 / 5))
    assert density(LINE, generated[:2], 1) == 1


def test_samples_in_no_ball_have_a_density_of_0():
    """Also where all real data is one point, whose balls have no extent."""
    real = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    assert density(real, real + 5, 1) == 0
    assert density(torch.zeros(4, 1, dtype=torch.float64), torch.ones(3, 1), 1) == 0


def test_coverage_by_hand():
    """Two samples in the ball of 0, of radius 3 to the second neighbour, one in that of 20, of radius 17.

    The clipped counts over k are 2/2, 2/2, 1/2, 1/2 and 1/2 (the balls of 0, 1, 3, 4 and 20 have the radii 3,
    2, 2, 3 and 17; the samples are 0.5, 2.5 and 21, of which 0.5 and 2.5 lie in the first two, 2.5 in the
    third and fourth). Their mean is turned by linear interpolation into a share of good samples.
    """
    generated = torch.tensor([[0.5], [2.5], [21.0]], dtype=torch.float64)
    mean = (1 + 1 + 0.5 + 0.5 + 0.5) / 5
    expected = expected_coverage(np.arange(4), 5, 2)
    by_hand = np.interp(mean, expected, np.arange(4) / 3)
    assert coverage(LINE, generated, 2) == pytest.approx(by_hand)


def authors_coverage(m, n, k):
    """The expected coverage as the authors' code sums it: all numbers of samples in a ball, in logarithms."""
    j = np.arange(1, m + 1)
    binomial = gammaln(m + 1) - gammaln(j + 1) - gammaln(m - j + 1)
    terms = np.log(np.minimum(j, k)) + binomial + betaln(k + j, n + m - k - j) - betaln(k, n - k)
    return np.exp(logsumexp(terms)) / k


@pytest.mark.parametrize(
    ("m", "n", "k"), [(5, 50, 5), (40, 50, 5), (300, 100, 3), (1000, 1000, 5), (7, 9, 1)]
)
def test_expected_coverage_is_that_of_the_authors(m, n, k):
    assert expected_coverage(np.array([m]), n, k)[0] == pytest.approx(authors_coverage(m, n, k), rel=1e-9)


def test_expected_coverage_is_what_is_found():
    n, m, k = 60, 45, 4
    found = []
    for seed in range(300):
        real, generated = normal(n, 3, seed=seed), normal(m, 3, seed=1000 + seed)
        inside = (torch.cdist(real, generated) < radii(real, k)[:, None]).sum(dim=1)
        found.append((inside / k).clamp(max=1).mean().item())
    error = np.std(found) / math.sqrt(len(found))
    assert np.mean(found) == pytest.approx(expected_coverage(np.array([m]), n, k)[0], abs=4 * error)


def authors_scores(real, generated, k):
    """Both scores as the authors' code has them, one point after the other."""
    distances = np.sort(np.linalg.norm(real[:, None] - real, axis=2), axis=1)
    own = distances[:, k]
    reach = np.minimum(own, np.median(own))
    to_samples = np.linalg.norm(real[:, None] - generated, axis=2)
    appearances = np.minimum((to_samples <= reach[:, None]).sum(axis=0) / k, 1).mean()
    among_real = np.linalg.norm(real[:, None] - real, axis=2) <= reach[:, None]
    real_appearances = np.minimum((among_real.sum(axis=0) - 1) / k, 1).mean()
    covered = np.minimum((to_samples < own[:, None]).sum(axis=1) / k, 1).mean()
    m, n = len(generated), len(real)
    expected = [0.0] * k + [authors_coverage(i, n, k) for i in range(k, m + 1)]
    share = np.searchsorted(expected, covered) / (m + 1)
    return min(appearances / real_appearances, 1), share


@pytest.mark.parametrize("shift", [0.0, 0.7, 2.0])
def test_both_scores_are_those_of_the_authors(shift):
    """Coverage but for the interpolation between whole numbers of samples."""
    real, generated = normal(150, 4), normal(150, 4, seed=1) + shift
    own_density, own_coverage = authors_scores(real.numpy(), generated.numpy(), 5)
    assert density(real, generated, 5) == pytest.approx(own_density, rel=1e-9)
    assert coverage(real, generated, 5) == pytest.approx(own_coverage, abs=1.5 / 150)


@pytest.mark.parametrize("name", ["clipped_density", "clipped_coverage"])
@pytest.mark.parametrize("bad", [0.0, 0.25, 0.5, 0.9])
def test_the_score_is_the_share_of_good_samples(name, bad):
    data = Ring()
    real = data.draw(4000, data.stream(0, "real"))
    samples = data.draw(4000, data.stream(1, "samples"))
    samples[: int(4000 * bad)] += 100
    assert score(name, data, samples[None], real).item() == pytest.approx(1 - bad, abs=0.03)


def test_real_data_of_many_dimensions_has_a_density_of_one():
    """And so have samples that are too near to the centres, whose density is far above 1."""
    data = HighDimensional(dimension=300)
    real, samples = (data.draw(1000, data.stream(seed, "data")) for seed in (0, 1))
    centre = data.centres[data.assign(samples).mode]
    rows = torch.stack([samples, (samples + centre) / 2])
    clipped = score("clipped_density", data, rows, real).tolist()
    assert clipped == pytest.approx([1, 1], abs=0.1)
    assert score("density", data, rows, real)[1] > 5


@pytest.mark.parametrize("name", ["clipped_density", "clipped_coverage"])
def test_fewer_points_than_neighbours_have_no_score(name):
    data = Ring()
    assert score(name, data, normal(1, 5, 2), normal(5, 2)).isnan().all()
