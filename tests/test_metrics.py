"""Metrics against closed forms."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy import linalg

from benchmark.datasets.mixtures import Grid, HighDimensional, Ring
from benchmark.metric import Evaluation
from benchmark.registry import METRICS
from metrics.fid import frechet_distance
from metrics.kl import histogram_kl
from metrics.lbfgs import minimise


def evaluation(samples, data=None, generator=None, held_out=None):
    """An evaluation of samples (N, D) or (S, N, D)."""
    data = data or Ring()
    samples = samples if samples.ndim == 3 else samples[None]
    held_out = data.sample(1000, data.stream("all", "held-out")) if held_out is None else held_out
    return Evaluation(data, samples, held_out, list(range(len(samples))), generator)


def score(name, *arguments, **settings):
    return METRICS.get(name)(**settings).score(evaluation(*arguments))


@pytest.mark.parametrize("name", METRICS.names())
def test_a_metric_gives_one_number_per_seed(name):
    data = Ring()
    samples = torch.stack([data.sample(500, data.stream(seed, "data")) for seed in range(3)])
    metric = METRICS.get(name)()
    if not metric.applies(data):
        data = HighDimensional()
        samples = torch.stack([data.sample(50, data.stream(seed, "data")) for seed in range(3)])
    scores = metric.score(evaluation(samples, data))
    assert scores.shape == (3,)
    assert scores.isfinite().all()
    assert all(metric.bounds[0] <= s <= metric.bounds[1] for s in scores.tolist())
    # A seed's score does not depend on the seeds beside it.
    assert metric.score(evaluation(samples[1], data))[0].item() == pytest.approx(scores[1].item(), rel=1e-6)
    assert metric.better in ("higher", "lower", "one")


def test_modes_count_only_high_quality_samples():
    means = Ring().means
    x = torch.cat([means[:3], means[3:4] + 0.1])
    assert score("modes", x).item() == 3


def test_robust_modes_need_a_fifth_of_their_share():
    means = Ring().means
    n = 800  # a fifth of an eighth is 20
    x = torch.cat([means[0].expand(n - 39, 2), means[1].expand(20, 2), means[2].expand(19, 2)])
    assert score("modes", x).item() == 3
    assert score("modes_robust", x).item() == 2
    assert score("modes_robust", x, share=0.1).item() == 3


def test_high_quality_of_a_gaussian_of_another_width():
    """Of a Gaussian with twice the deviation, 1 - exp(-4.5 / 4) lies within three of the true ones."""
    data = Ring()
    x = data.means[0] + 0.02 * torch.randn(100_000, 2, generator=torch.Generator().manual_seed(0))
    assert score("high_quality", x).item() == pytest.approx(1 - math.exp(-4.5 / 4), abs=5e-3)


def test_kl_of_a_known_histogram():
    counts = torch.tensor([[4.0, 2.0, 1.0, 1.0], [8.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]], dtype=torch.float64)
    kl = histogram_kl(counts, torch.full((4,), 0.25, dtype=torch.float64))
    assert kl[0].item() == pytest.approx(math.log(4) - 1.75 * math.log(2))
    assert kl[1].item() == pytest.approx(math.log(4))
    assert kl[2].isnan()


def test_kl_counts_all_samples_and_its_twin_the_good_ones():
    means = Ring().means
    x = torch.cat([means[0].expand(10, 2), means[1].expand(10, 2) * 1.2])
    assert score("kl", x).item() == pytest.approx(math.log(4))
    assert score("kl_high_quality", x).item() == pytest.approx(math.log(8))
    assert score("kl_high_quality", 1.2 * means).isnan()


def test_kl_floor_is_what_real_data_scores():
    data = Grid()
    x = torch.stack([data.sample(data.samples, data.stream(seed, "data")) for seed in range(40)])
    measured = METRICS.get("kl")().score(evaluation(x, data)).mean().item()
    assert measured == pytest.approx(METRICS.get("kl")().floor(data), rel=0.2)


@pytest.mark.parametrize("width", [0.3, 1.0])
def test_within_mode_std_is_the_ratio_of_widths(width):
    data = Ring()
    x = data.sample(50_000, data.stream(0, "data"))
    mode = data.assign(x).mode
    narrow = data.means[mode] + width * (x - data.means[mode])
    # A narrower Gaussian is hardly truncated, so its ratio is to the truncated width.
    expected = 1.0 if width == 1 else width * data.std / data.truncated_std
    assert score("within_mode_std", narrow).item() == pytest.approx(expected, rel=5e-3)


def test_within_mode_std_is_undefined_without_samples():
    assert score("within_mode_std", torch.full((20, 2), 9.0)).isnan()


def test_frechet_distance_of_gaussians():
    d = 5
    mean1, mean2 = torch.randn(d, dtype=torch.float64), torch.randn(d, dtype=torch.float64)
    a, b = torch.rand(d, dtype=torch.float64), torch.rand(d, dtype=torch.float64)
    expected = ((mean1 - mean2) ** 2).sum() + ((a.sqrt() - b.sqrt()) ** 2).sum()
    assert frechet_distance(mean1, torch.diag(a), mean2, torch.diag(b)).item() == pytest.approx(expected.item())
    x, y = (np.random.default_rng(seed).normal(size=(50, d)) @ np.random.default_rng(seed + 9).normal(size=(d, d)) for seed in (0, 1))
    c1, c2 = np.cov(x.T), np.cov(y.T)
    reference = np.trace(c1 + c2 - 2 * linalg.sqrtm(c1 @ c2).real)
    zero = torch.zeros(d, dtype=torch.float64)
    assert frechet_distance(zero, torch.from_numpy(c1), zero, torch.from_numpy(c2)).item() == pytest.approx(reference)


def test_frechet_distance_with_fewer_samples_than_dimensions():
    x = torch.randn(10, 30, dtype=torch.float64)
    assert frechet_distance(x.mean(0), torch.cov(x.T), x.mean(0), torch.cov(x.T)).item() == pytest.approx(0, abs=1e-6)


def test_fid_of_shifted_data_is_the_squared_shift():
    data = Ring()
    held_out = data.sample(1000, data.stream(0, "data"))
    shifted = held_out + torch.tensor([0.3, -0.4])
    assert METRICS.get("fid")().score(evaluation(shifted, data, None, held_out)).item() == pytest.approx(0.25, rel=1e-4)


def test_lbfgs_finds_the_minima_of_quadratics():
    rng = torch.Generator().manual_seed(0)
    root = torch.randn(6, 4, 4, generator=rng, dtype=torch.float64)
    matrix = root @ root.mT + 0.1 * torch.eye(4, dtype=torch.float64)
    target = torch.randn(6, 4, generator=rng, dtype=torch.float64)

    def objective(x):
        d = x - target
        return 0.5 * (d[:, None] @ matrix @ d[:, :, None])[:, 0, 0]

    x, value = minimise(objective, torch.zeros(6, 4, dtype=torch.float64), 60)
    assert torch.allclose(x, target, atol=1e-5)
    assert value.max() < 1e-9


def test_lbfgs_solves_rosenbrock_and_never_rises():
    def objective(x):
        return (1 - x[:, 0]) ** 2 + 100 * (x[:, 1] - x[:, 0] ** 2) ** 2

    start = torch.tensor([[-1.2, 1.0], [3.0, -2.0], [0.0, 0.0]], dtype=torch.float64)
    values = [minimise(objective, start, n)[1] for n in (0, 1, 5, 20, 200)]
    assert all((after <= before).all() for before, after in itertools.pairwise(values))
    assert values[-1].max() < 1e-8


def test_lbfgs_rows_are_independent():
    objective = lambda x: (x**4).sum(1) + x[:, 0]  # noqa: E731
    start = torch.randn(5, 3, dtype=torch.float64)
    together, alone = minimise(objective, start, 10)[0], minimise(objective, start[2:3], 10)[0]
    assert torch.allclose(together[2], alone[0])


def test_ivom_of_a_linear_generator_is_the_least_squares_residual():
    data = Ring(latent=1)
    weight = torch.tensor([[0.6, 0.8]])
    held_out = data.sample(50, data.stream(0, "data"))
    residual = held_out - (held_out @ weight.T) @ weight
    expected = residual.square().mean().item()
    case = evaluation(torch.zeros(2, 10, 2), data, lambda z: z @ weight, held_out)
    scores = METRICS.get("ivom")(points=50, restarts=2, iterations=20).score(case)
    assert scores.tolist() == pytest.approx([expected, expected], rel=1e-5)


def test_ivom_gains_from_restarts_and_iterations():
    data = Ring(latent=2)
    generator = lambda z: torch.sin(3 * z)  # noqa: E731
    case = evaluation(torch.zeros(1, 10, 2), data, generator)
    few, more, most = (METRICS.get("ivom")(points=50, restarts=r, iterations=i).score(case).item() for r, i in ((1, 2), (1, 30), (4, 30)))
    assert few >= more >= most


def test_ivom_without_a_generator_takes_the_nearest_sample():
    held_out = torch.tensor([[0.0, 0.0], [1.0, 1.0]])
    case = evaluation(torch.tensor([[0.0, 1.0], [5.0, 5.0]]), Ring(), None, held_out)
    assert METRICS.get("ivom")().score(case).item() == pytest.approx(0.5)
