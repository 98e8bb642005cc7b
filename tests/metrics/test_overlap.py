"""`overlap` orders samples as a person would, and is what its closed form says."""

import math
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from dummy_samples import CPU, make_dataset, point_samples
from scipy import stats

from benchmark.registry import METRICS
from benchmark.scoring.scorer import Scorer

DOCS = Path(__file__).parents[2] / "docs"

SEEDS = {"ring": range(8), "grid": range(8), "high-dimensional": range(4)}
# From best to worst. In 1200 dimensions little noise is as bad as much, and worse than one Gaussian or one
# sample: see docs/metrics.md.
ORDER = {
    "ring": ("real", "slightly noisy", "unequal", "half", "noisy", "collapsed", "noise"),
    "grid": ("real", "slightly noisy", "unequal", "half", "noisy", "collapsed", "noise"),
    "high-dimensional": ("real", "unequal", "half", "noise", "collapsed", "slightly noisy"),
}
DUMMIES_IN_CLOSED_FORM = (*ORDER["ring"], "narrow", "points")


@cache
def overlaps(dataset):
    """The overlap of every dummy on a mixture, and of real data with noise of one deviation, by seed."""
    data = make_dataset(dataset)
    scorer = Scorer(data, {"overlap": METRICS.get("overlap")()}, CPU)
    rows = []
    for seed in SEEDS[dataset]:
        samples = point_samples(data, seed, data.samples)
        rng = data.stream(seed, "slightly")
        real = data.draw(data.samples, rng)
        noise = torch.randn(data.samples, *data.shape, generator=rng)
        samples["slightly noisy"] = real + data.std * noise
        scores = scorer.final(scorer.evaluation(torch.stack(list(samples.values())), [seed] * len(samples)))
        rows.append({dummy: score["overlap"] for dummy, score in zip(samples, scores, strict=True)})
    return rows


def good_share(data, width):
    """The share of a Gaussian of `width` times a mode's deviation that is good, where modes are far apart."""
    return stats.chi2.cdf(data.radius**2 / width**2, data.noisy)


def shares_of_noise(data):
    """The probability of the ball of each mode under one Gaussian with the mixture's mean and covariance."""
    means = data.means.double().numpy()
    if data.noisy == 2:
        # The covariance is v times the identity, so squared distances from a centre are noncentral
        # chi-square.
        v = (means**2).sum(axis=1).mean() / 2 + data.std**2
        return stats.ncx2.cdf((data.radius * data.std) ** 2 / v, 2, (means**2).sum(axis=1) / v)
    # It lies at t (1, ..., 1), and its 700 noisy coordinates around that. At a distance d from a centre, the
    # sum of their squares is noncentral chi-square.
    line = means[:, 0]
    t = np.linspace(-40, 40, 160_001)
    density = stats.norm.pdf(t, line.mean(), line.std()) * (t[1] - t[0])
    nearest = np.abs(t[:, None] - line).argmin(axis=1)
    d = t - line[nearest]
    good = np.where(
        np.abs(d) < 1,
        stats.ncx2.cdf(data.radius**2 - 500 * np.minimum(d**2, 1), 700, np.maximum(700 * d**2, 1e-9)),
        0,
    )
    return np.bincount(nearest, density * good, len(line))


def exact_shares(data):
    """The probabilities of the modes' balls, under the dummies of which they are known."""
    k, q, one = data.modes, good_share(data, 1), np.ones(data.modes)
    first = np.arange(k) < k // 2
    low, high = first / first.sum(), ~first / (~first).sum()
    shares = {
        "real": q * one / k,
        "collapsed": one * (np.arange(k) == 0),
        "half": q * low,
        "unequal": q * (0.8 * low + 0.2 * high),
        "points": one / k,
        "narrow": good_share(data, 0.5) * one / k,
        "noise": shares_of_noise(data),
        # Over the 700 coordinates and the 500 others, noise alone is far too much.
        "slightly noisy": 0 * one,
        "noisy": 0 * one,
    }
    if data.noisy == 2:
        shares["slightly noisy"] = good_share(data, 2**0.5) * one / k
        shares["noisy"] = good_share(data, 26**0.5) * one / k
    return shares


def bins(data, shares, good):
    """The true probabilities of the bins and those of a dummy; `good` is the good share of real data."""
    return [*[good / data.modes] * data.modes, 1 - good], [*shares, max(0.0, 1 - sum(shares))]


def expected_overlap(data, shares, good=None):
    """Over draws of n samples, a bin of probability p counts E min(Binomial(n, p) / n, t).

    This is less than min(p, t), since the number of samples is finite.
    """
    x = np.arange(data.samples + 1)
    total = 0.0
    for t, p in zip(*bins(data, shares, good_share(data, 1) if good is None else good), strict=True):
        total += np.minimum(x / data.samples, t) @ stats.binom.pmf(x, data.samples, p)
    return total


def deviation_of_overlap(data, shares, good):
    """The standard deviation over draws of n samples, from 2000 histograms."""
    true, own = bins(data, shares, good)
    counts = np.random.default_rng(0).multinomial(data.samples, np.array(own) / sum(own), size=2000)
    return np.minimum(counts / data.samples, true).sum(axis=1).std()


@pytest.mark.parametrize("dataset", SEEDS)
def test_overlap_orders_the_dummies_as_a_person_would(dataset):
    """On ring and grid. In 1200 dimensions only those that are not noisy."""
    for row in overlaps(dataset):
        scores = [row[dummy] for dummy in ORDER[dataset]]
        assert scores == sorted(scores, reverse=True), row
    # And not by accident: the expected values have this order.
    data = make_dataset(dataset)
    shares = exact_shares(data)
    expected = [expected_overlap(data, shares[dummy]) for dummy in ORDER[dataset]]
    assert all(a > 1.04 * b for a, b in pairwise(expected))


@pytest.mark.parametrize("dataset", SEEDS)
@pytest.mark.parametrize("dummy", DUMMIES_IN_CLOSED_FORM)
def test_overlap_is_what_its_closed_form_says(dataset, dummy):
    """Within four standard errors, and a thousandth for the noise, whose moments are those of finite data."""
    data = make_dataset(dataset)
    scores, shares = [row[dummy] for row in overlaps(dataset)], exact_shares(data)[dummy]
    # The true shares are those of the held-out data.
    held_out = data.draw(data.held_out, data.stream("all", "held-out"), "held-out")
    good = data.assign(held_out).high_quality.double().mean().item()
    error = 4 * deviation_of_overlap(data, shares, good) / math.sqrt(len(scores)) + 1e-9
    if dummy == "noise":
        error += 1e-3
    assert np.mean(scores) == pytest.approx(expected_overlap(data, shares, good), abs=error)
    assert abs(good - good_share(data, 1)) < 4 * math.sqrt(good * (1 - good) / data.held_out)


@pytest.mark.parametrize("dataset", SEEDS)
def test_overlap_does_not_see_where_in_a_mode_the_samples_lie(scores_on, dataset):
    """One point for every mode scores as real data does, up to the share of real data that is not good.

    `within_mode_std` shows the difference.
    """
    data, scores = make_dataset(dataset), scores_on(dataset)
    shares = exact_shares(data)
    real = expected_overlap(data, shares["real"])
    assert expected_overlap(data, shares["points"]) == pytest.approx(real, abs=1 - good_share(data, 1))
    assert min(row["points"] for row in overlaps(dataset)) > 0.9
    assert scores["within_mode_std"]["points"] == pytest.approx(0, abs=1e-5)


def test_the_page_about_metrics_has_the_expected_overlaps():
    page = (DOCS / "metrics.md").read_text()
    rows = {dummy: [] for dummy in ORDER["ring"]}
    for dataset in SEEDS:
        data = replace(make_dataset(dataset), samples=2500)
        shares = exact_shares(data)
        for dummy, cells in rows.items():
            cells.append(f"{expected_overlap(data, shares[dummy]):.3f}")
    for dummy, cells in rows.items():
        assert page.count(f"| {dummy} | {' | '.join(cells)} |") == 1, (dummy, cells)


def test_overlap_orders_stacked_digits_too(scores_on):
    """With shares of the test digits behind the dummies; the classifier classifies all of these rightly."""
    row = scores_on("stacked-mnist")["overlap"]
    scores = [row[dummy] for dummy in ("real", "unequal", "half", "memorising", "collapsed")]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > row["narrow"] > row["noise"] < 0.005
    assert row["half"] > row["noisy"] > row["noise"]
    # 5000 samples of 1000 modes are too few: of real data, E min(Binomial(5000, 0.001) / 5, 1).
    n, x = 5000, np.arange(5001)

    def filled(share):
        return np.minimum(x / n, 1e-3) @ stats.binom.pmf(x, n, share)

    assert row["real"] == pytest.approx(1000 * filled(1e-3), abs=0.02)
    assert row["unequal"] == pytest.approx(500 * (filled(1.6e-3) + filled(0.4e-3)), abs=0.02)
    assert row["half"] == pytest.approx(500 * filled(2e-3), abs=0.02)
    assert row["memorising"] < 0.1 + 1e-9
    assert row["collapsed"] == pytest.approx(1e-3, abs=1e-4)
