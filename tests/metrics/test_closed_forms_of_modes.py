"""Quality and width of modes, `overlap` and `kl_joint` are what closed forms and histograms in numpy say."""

import math

import numpy as np
import pytest
import scipy.stats
import torch
from metric_cases import POINTS, normal, score

from benchmark.datasets.digit_classifier import digit_classifier
from benchmark.datasets.image_files import load_digits
from benchmark.datasets.mixtures import Grid, HighDimensional, Ring
from benchmark.datasets.stacked import StackedMNIST


@pytest.mark.parametrize("data", [Ring(), Grid()], ids=lambda data: data.name)
def test_high_quality_ends_at_three_deviations(data):
    direction = torch.nn.functional.normalize(normal(data.modes, 2), dim=1).float()
    at = [data.means + radius * data.std * direction for radius in (0, 1, 2.99, 3.01, 5)]
    assert score("high_quality", data, torch.stack(at)).tolist() == [1, 1, 1, 0, 0]
    assert score("high_quality", data, torch.cat(at)[None]).item() == pytest.approx(3 / 5)


@pytest.mark.parametrize("width", [0.5, 1, 26**0.5])
@pytest.mark.parametrize("data", [Ring(), Grid()], ids=lambda data: data.name)
def test_high_quality_of_gaussians_of_any_width(data, width):
    """1 - exp(-4.5 / w^2) for w times the true deviation, within four deviations of a binomial share."""
    n, share = 50_000, 1 - math.exp(-4.5 / width**2)
    x = data.means[torch.arange(n) % data.modes] + width * data.std * normal(n, 2).float()
    error = 4 * math.sqrt(share * (1 - share) / n) + 1e-9
    assert score("high_quality", data, x[None]).item() == pytest.approx(share, abs=error)


def test_high_quality_in_1200_dimensions_ends_at_a_sphere_in_all_coordinates():
    """Of 99.5 % of real data, in any direction. Points without spread lie within; see `within_mode_std`."""
    data = HighDimensional()
    radius = math.sqrt(scipy.stats.chi2.ppf(0.995, 700))
    direction = torch.nn.functional.normalize(normal(data.modes, 1200), dim=1).float()
    along = torch.nn.functional.normalize(normal(data.modes, 500, seed=1), dim=1).float()
    constant = torch.cat([torch.zeros(data.modes, 700), along], dim=1)
    for unit in (direction, constant):
        at = [data.means + share * radius * unit for share in (0, 0.999, 1.001)]
        assert score("high_quality", data, torch.stack(at)).tolist() == [1, 1, 0]
    points = data.means.repeat(20, 1)[None]
    assert score("overlap", data, points, data.draw(2000, data.stream(0, "data"))).item() > 0.98
    assert score("within_mode_std", data, points).item() == 0


def test_the_literal_rule_ends_at_ten_in_all_of_1200_coordinates():
    data = HighDimensional()
    direction = torch.nn.functional.normalize(normal(data.modes, 1200), dim=1).float()
    at = [data.means + radius * direction for radius in (0, 9.99, 10.01)]
    assert score("high_quality_legacy", data, torch.stack(at)).tolist() == [1, 1, 0]


def test_within_mode_std_is_the_mean_over_modes_of_their_own_widths():
    """Of four corners five times over, each coordinate's variance is (20 / 19) a^2.

    Modes with few samples, and bad samples, do not count.
    """
    data = Ring()
    # By hand, the deviation of a Gaussian in the plane that is cut off at three of its own.
    truncated = data.std * math.sqrt(1 - 4.5 * math.exp(-4.5) / (1 - math.exp(-4.5)))
    corners = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]]).repeat(5, 1)
    x = torch.cat(
        [
            data.means[0] + 0.004 * corners,
            data.means[3] + 0.012 * corners,
            data.means[5] + 0.02 * corners[:8],
            data.means[0] + 0.03 * corners,
        ]
    )
    expected = (0.004 + 0.012) / 2 * math.sqrt(20 / 19) / truncated
    assert score("within_mode_std", data, x[None]).item() == pytest.approx(expected, rel=1e-5)
    assert score("within_mode_std", data, x[None], least=21).isnan()


@pytest.mark.parametrize("width", [0.25, 0.5])
def test_within_mode_std_of_a_gaussian_of_another_width_in_1200_dimensions(width):
    """Only the 700 noisy coordinates count."""
    data = HighDimensional()
    x = data.draw(400, data.stream(0, "data"))
    centres = data.means[data.assign(x).mode]
    narrow = centres + width * (x - centres)
    measured = score("within_mode_std", data, narrow[None]).item()
    assert measured == pytest.approx(width / data.truncated_std, rel=3e-3)


def by_hand(data, x):
    """In numpy, of samples (N, D): each one's nearest mode, and whether it is of high quality."""
    means, x = data.means.double().numpy(), x.double().numpy()
    distances = np.stack([np.sqrt(((x - mean) ** 2).sum(axis=1)) for mean in means])
    deviations = 3
    if data.name == "high-dimensional":
        deviations = math.sqrt(scipy.stats.chi2.ppf(0.995, 700))
    return distances.argmin(axis=0), distances.min(axis=0) <= deviations * data.std


def joint_histogram(data, mode, good):
    """The shares of the bins: of good samples in each mode, and of all others."""
    shares = np.array([(good & (mode == k)).mean() for k in range(data.modes)])
    return np.append(shares, (~good).mean())


def divergence(p, q):
    """KL(p || q) in nats, term by term."""
    return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True) if a > 0)


@pytest.mark.parametrize("case", POINTS, indirect=True)
def test_overlap_and_joint_kl_of_points_are_those_of_histograms_in_numpy(case):
    """1 minus the total variation, and the divergence, between the samples' shares and the true ones.

    The true shares are the held-out share of high quality, spread evenly over the modes, and the rest.
    """
    data, samples, held_out = case
    held_out = torch.cat([held_out, samples[1, :30]])
    _, good = by_hand(data, held_out)
    assert 0 < good.mean() < 1
    true = np.append(np.full(data.modes, good.mean() / data.modes), 1 - good.mean())
    own = [joint_histogram(data, *by_hand(data, x)) for x in samples]
    overlaps = score("overlap", data, samples, held_out).tolist()
    assert overlaps == pytest.approx([1 - abs(p - true).sum() / 2 for p in own], abs=1e-12)
    # And by its other form, the sum of the minima.
    assert overlaps == pytest.approx([np.minimum(p, true).sum() for p in own], abs=1e-12)
    divergences = [divergence(p, true) for p in own]
    assert score("kl_joint", data, samples, held_out).tolist() == pytest.approx(divergences, rel=1e-9)
    assert len(set(divergences)) == len(samples)


@pytest.mark.parametrize("case", ["stacked-mnist"], indirect=True)
def test_overlap_and_joint_kl_of_digits_are_those_of_histograms_in_numpy(case):
    """With the weights of unequal frequencies, and a confidence that some of the held-out digits lack."""
    data, samples, held_out = case
    logits = digit_classifier(load_digits("MNIST", False)).network(held_out.flatten(0, 1))[0].detach()
    sure = logits.softmax(dim=-1)[:, :10].amax(dim=1).view(len(held_out), data.digits).amin(dim=1)
    data = StackedMNIST(original=False, digits=2, confidence=float(sure.double().quantile(0.2)))
    assigned, real = data.assign(samples), data.assign(held_out)
    share = real.high_quality.double().mean().item()
    assert 0.7 < share < 0.9
    true = np.append(share * data.mode_weights.numpy(), 1 - share)
    own = []
    for mode, good in zip(assigned.mode.numpy(), assigned.high_quality.numpy(), strict=True):
        own.append(joint_histogram(data, mode, good))
    overlaps = [1 - abs(p - true).sum() / 2 for p in own]
    assert score("overlap", data, samples, held_out).tolist() == pytest.approx(overlaps, abs=1e-12)
    divergences = [scipy.stats.entropy(p, true) for p in own]
    assert score("kl_joint", data, samples, held_out).tolist() == pytest.approx(divergences, rel=1e-9)


def test_overlap_and_joint_kl_counted_by_hand():
    """Of eight modes, real data has a tenth in no mode: 0.1125 for each mode.

    Of the samples, 40 % are in one mode, 10 % in another, half in none.
    """
    data = Ring()
    far = torch.tensor([[5.0, 5.0]])
    held_out = torch.cat([data.means[[0] * 9], far])
    samples = torch.cat([data.means[[2] * 4 + [5]], far.expand(5, 2)])[None]
    assert score("overlap", data, samples, held_out).item() == pytest.approx(0.1125 + 0.1 + 0.1, abs=1e-12)
    expected = 0.4 * math.log(0.4 / 0.1125) + 0.1 * math.log(0.1 / 0.1125) + 0.5 * math.log(0.5 / 0.1)
    assert score("kl_joint", data, samples, held_out).item() == pytest.approx(expected, rel=1e-12)


def test_overlap_and_joint_kl_where_all_real_data_is_good():
    """No real data is outside the modes: samples there count nothing, and make the divergence infinite."""
    data = Ring()
    held_out, far = data.means.repeat(3, 1), torch.tensor([[5.0, 5.0]])
    half = data.means[:4].repeat(6, 1)
    samples = torch.stack([held_out, half, torch.cat([held_out[:-1], far]), far.expand(24, 2)])
    seeds = (0, 1, 2, 3)
    overlaps = score("overlap", data, samples, held_out, seeds=seeds).tolist()
    assert overlaps == pytest.approx([1, 0.5, 23 / 24, 0], abs=1e-12)
    divergences = score("kl_joint", data, samples, held_out, seeds=seeds).tolist()
    assert divergences == pytest.approx([0, math.log(2), math.inf, math.inf], abs=1e-12)
