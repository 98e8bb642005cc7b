"""The rows of fitted densities: what they are fitted to, what they draw, and who asks for them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.mixture import GaussianMixture

from benchmark.commands.checks.made_up_data import Pictures
from benchmark.datasets.mixtures import Grid, HighDimensional, Ring
from benchmark.errors import UsageError
from benchmark.plan.plan import make_plan
from benchmark.plan.request import Request
from benchmark.scoring.fitted_rows import (
    BANDWIDTHS,
    FITTED,
    bandwidth_of,
    best_mixture,
    fitted_mixture,
)
from benchmark.suites import get_suite
from benchmark.suites.budget import parse_budget
from benchmark.suites.fitted_rows import FITTED_ROWS
from benchmark.suites.rules import check_rules

CPU = torch.device("cpu")


def normal(n, dimensions, seed=0):
    return torch.randn(n, dimensions, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def draw(row, data, n, seed=0, points=4000):
    return FITTED[row](data, seed, CPU, points)(n)


@pytest.mark.parametrize("row", FITTED_ROWS)
def test_images_are_drawn_as_they_are_kept(row):
    data = Pictures(side=4)
    samples = draw(row, data, 200, points=400)
    real = data.draw(200, data.stream(0, "data"))
    assert (samples.dtype, samples.shape) == (real.dtype, real.shape)
    assert samples.double().mean() == pytest.approx(real.double().mean().item(), rel=0.1)


@pytest.mark.parametrize("row", FITTED_ROWS)
@pytest.mark.parametrize("data", [Ring(), Grid()], ids=lambda data: data.name)
def test_it_reproduces_a_mixture_in_the_plane(row, data):
    """But for quality at the edge of modes, as real data does."""
    samples = draw(row, data, 5000)
    found = data.assign(samples)
    counts = torch.bincount(found.mode[found.high_quality], minlength=data.modes)
    assert found.high_quality.double().mean() > 0.95
    assert stats.chisquare(counts.numpy()).pvalue > 1e-6


@pytest.mark.parametrize("row", FITTED_ROWS)
def test_it_draws_in_1200_dimensions(row):
    data = HighDimensional()
    samples = draw(row, data, 50, points=1500)
    assert samples.shape == (50, 1200)
    assert samples.dtype == torch.float32
    assert samples.isfinite().all()


@pytest.mark.parametrize("row", FITTED_ROWS)
def test_seeds_are_fitted_and_drawn_by_themselves_and_again_alike(row):
    data = Ring()
    one = FITTED[row](data, 0, CPU, 1000)
    assert torch.equal(one(20), one(20))
    assert torch.equal(one(20), draw(row, data, 20, points=1000))
    assert not torch.equal(one(20), draw(row, data, 20, seed=1, points=1000))
    assert not torch.equal(one(20), draw(row, data, 20, points=900))


def test_the_criterion_finds_the_number_of_components():
    x = torch.cat([normal(500, 2) + 10 * k for k in range(3)])
    mixture = best_mixture(x, (1, 2, 3, 4, 6), 1, 0)
    assert mixture.means.shape == (3, 2)
    samples = mixture.draw(20_000, torch.Generator().manual_seed(0))
    assert samples.mean(dim=0).tolist() == pytest.approx(x.mean(dim=0).tolist(), abs=0.2)
    covariance = np.cov(samples.numpy().T)
    np.testing.assert_allclose(covariance, np.cov(x.numpy().T), rtol=0.05)


def test_mixtures_are_compared_on_the_first_data_and_fitted_to_all(monkeypatch):
    x = torch.cat([normal(500, 2, seed) + 10 * seed for seed in range(3)])
    x = x[torch.randperm(1500, generator=torch.Generator().manual_seed(0))]
    monkeypatch.setattr("benchmark.scoring.fitted_rows.NUMBERS_TO_COMPARE_ON", 600)
    seen = []
    fit = GaussianMixture.fit

    def counting_fit(self, x):
        seen.append(len(x))
        return fit(self, x)

    monkeypatch.setattr(GaussianMixture, "fit", counting_fit)
    mixture = best_mixture(x, (1, 2, 3, 4, 6), 1, 0)
    assert mixture.means.shape == (3, 2)
    mean = (mixture.weights[:, None] * mixture.means).sum(dim=0).tolist()
    assert mean == pytest.approx(x.mean(dim=0).tolist(), rel=1e-5)
    assert mean != pytest.approx(x[:300].mean(dim=0).tolist(), rel=1e-3)
    assert seen == [300, 300, 300, 300, 300, 1500]
    best_mixture(x, (1, 40), 1, 0)
    assert seen[6:] == [800, 800, 1500]


def test_expectation_maximisation_never_loses_likelihood():
    """From step to step, as it must be."""
    x = Grid().draw(2000, torch.Generator().manual_seed(0)).double().numpy()
    bounds = []
    for steps in range(1, 15):
        mixture = fitted_mixture(x, 25, max_iter=steps, tol=0, random_state=0)
        assert not mixture.converged_
        bounds.append(mixture.score(x))
    assert np.diff(bounds).min() > -1e-9


def test_the_bandwidth_is_the_most_likely_one():
    """Of a Gaussian, about the rule of Silverman; of narrow modes, about their width."""
    rule = (4 / 3 / 3600) ** 0.2
    assert bandwidth_of(normal(4000, 1)) == pytest.approx(rule, rel=0.7)
    narrow = torch.cat([0.01 * normal(1000, 1, k) + k for k in range(4)])
    order = torch.randperm(4000, generator=torch.Generator().manual_seed(0))
    assert bandwidth_of(narrow[order]) < 0.01


@pytest.mark.parametrize("dimensions", [1, 2, 300])
@pytest.mark.parametrize("modes", [1, 4])
def test_the_bandwidth_is_that_of_sums_in_double_precision(dimensions, modes):
    parts = [0.01 * normal(500, dimensions, k) + k for k in range(modes)]
    x = torch.cat(parts)[torch.randperm(500 * modes, generator=torch.Generator().manual_seed(0))]
    others = len(x) // 10
    squared = torch.cdist(x[:others], x[others:]).square()
    unit = (x - x.mean(dim=0)).square().sum(dim=1).mean().sqrt()
    likelihoods = []
    for bandwidth in unit * torch.from_numpy(BANDWIDTHS):
        densities = torch.logsumexp(squared / (-2 * bandwidth**2), dim=1)
        likelihoods.append(densities.mean() - dimensions * bandwidth.log())
    best = unit * BANDWIDTHS[torch.stack(likelihoods).argmax()]
    assert bandwidth_of(x) == pytest.approx(float(best), rel=1e-12)


def test_only_suites_that_ask_have_them_and_they_see_no_more_than_a_method():
    suite = replace(get_suite("synthetic"), fitted_rows=FITTED_ROWS)

    def settings(suite, budget):
        plan = make_plan(Request(suite, (0,), datasets=("ring",), methods=("gan",), budget=budget))
        return {planned.template.method.name: planned.template.method.settings for planned in plan.cells}

    plenty = settings(suite, parse_budget("1e10flops"))
    assert [plenty[row] for row in FITTED_ROWS] == [{"points": 20_000}] * 3
    little = settings(suite, parse_budget("100steps"))
    assert {little[row]["points"] for row in FITTED_ROWS} == {100 * 64}
    assert not set(FITTED_ROWS) & set(settings(get_suite("synthetic"), parse_budget("100steps")))


def test_a_suite_can_only_ask_for_rows_that_there_are():
    with pytest.raises(UsageError, match=r"^fitted_rows has 'histogram'; choose from gaussian-mixture, "):
        check_rules(replace(get_suite("synthetic"), fitted_rows=("histogram",)))
    check_rules(replace(get_suite("synthetic"), fitted_rows=FITTED_ROWS))
