"""Metrics against closed forms."""

import math

import pytest
import torch

from benchmark.datasets.mixtures import Grid, HighDimensional, Ring
from benchmark.datasets.shapes import Shapes
from benchmark.metric import Evaluation, HeldOut
from benchmark.registry import METRICS
from metrics.kl import histogram_kl


def evaluation(samples, data=None):
    """An evaluation of samples (N, *) or (S, N, *)."""
    data = data or Ring()
    samples = samples if samples.ndim == 2 + len(data.shape) else samples[None]
    held_out = HeldOut(data.draw(1000, data.stream("all", "held-out"), "held-out"))
    return Evaluation(data, samples, held_out, range(len(samples)))


def score(name, *arguments, **settings):
    return METRICS.get(name)(**settings).score(evaluation(*arguments))


@pytest.mark.parametrize("name", METRICS.names())
def test_a_metric_gives_one_number_per_seed(name):
    data = Ring()
    samples = torch.stack([data.sample(500, data.stream(seed, "data")) for seed in range(3)])
    metric = METRICS.get(name)()
    if not metric.applies(data):
        data = Shapes() if metric.applies(Shapes()) else HighDimensional()
        samples = torch.stack([data.draw(50, data.stream(seed, "data")) for seed in range(3)])
    metric = metric.on(data)
    scores = metric.score(evaluation(samples, data))
    assert scores.shape == (3,)
    assert scores.isfinite().all()
    least, greatest = metric.range(data)
    assert all(least <= score <= greatest for score in scores.tolist())
    # A seed's score does not depend on the seeds beside it.
    assert metric.score(evaluation(samples[1], data))[0].item() == pytest.approx(scores[1].item(), rel=1e-6)
    assert metric.better in ("higher", "lower", "one")


def test_how_metrics_are_compared():
    """By differences or by those of logarithms; three are shown and not compared."""
    metrics = {name: METRICS.get(name) for name in METRICS.names()}
    by_logarithms = {name for name, metric in metrics.items() if metric.scale == "log"}
    distances = {"fid", "ivom", "energy_distance", "sliced_wasserstein"}
    assert by_logarithms == {*distances, "kl", "kl_high_quality", "kl_joint", "support_size"}
    assert {metric.scale for metric in metrics.values()} == {"linear", "log"}
    not_compared = {name for name, metric in metrics.items() if not metric.ranked}
    assert not_compared == {"high_quality_legacy", "out_of_range", "authenticity"}
    # The logarithm of a score that may be below 0 has no meaning.
    assert all(metric.bounds[0] >= 0 for metric in metrics.values() if metric.scale == "log")


@pytest.mark.parametrize("data", [Ring(), Grid(), HighDimensional()], ids=lambda data: data.name)
def test_what_a_perfect_generator_scores_is_known_or_told_by_real_data(data):
    metrics = {name: METRICS.get(name)() for name in METRICS.names()}
    best = {name: metric.best(data) for name, metric in metrics.items() if metric.applies(data)}
    assert best["ivom"] == best["out_of_range"] == 0
    assert best["mode_entropy"] == pytest.approx(1, abs=1e-12)
    assert best["kl_joint"] == data.modes / 5000
    assert best["overlap"] is None
    assert not {"modes_confident", "modes_confident_robust"} & set(best)


@pytest.mark.parametrize("data", [Ring(), Grid(), HighDimensional()], ids=lambda data: data.name)
def test_real_data_scores_what_is_best(data):
    """Except `ivom`, without a generator. The entropy has a bias of about -(K - 1) / (2 N ln K)."""
    x = torch.stack([data.sample(data.samples, data.stream(seed, "data")) for seed in range(8)])
    for name in ("kl_joint", "mode_entropy", "out_of_range"):
        expected = METRICS.get(name)().best(data)
        bias = (data.modes - 1) / (2 * data.samples * math.log(data.modes)) if name == "mode_entropy" else 0
        spread = {"kl_joint": expected / 2, "mode_entropy": bias / 2, "out_of_range": 0}[name]
        assert score(name, x, data).mean().item() == pytest.approx(expected - bias, abs=spread + 1e-12), name


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


@pytest.mark.parametrize("data", [Ring(), Grid(), HighDimensional()], ids=lambda data: data.name)
def test_a_fifth_exactly_is_enough_for_robust_modes_however_many_there_are(data):
    """A tenth is no binary fraction; rounded up, it asks for more than a fifth."""
    last = data.modes - 1
    index = [*range(last)] * 2 + [last]
    index += [0] * (10 * data.modes - len(index))
    assert score("modes_robust", data.means[index], data).item() == last


@pytest.mark.parametrize("name", ["kl", "kl_high_quality"])
@pytest.mark.parametrize("data", [Ring(), Grid(), HighDimensional()], ids=lambda data: data.name)
def test_kl_of_the_true_shares_is_zero_and_not_below(name, data):
    kl = score(name, data.means.repeat(10, 1), data).item()
    assert 0 <= kl < 1e-12


def test_kl_is_not_below_zero_where_the_weights_are_rounded():
    tenths = torch.full((1000,), 0.1**3, dtype=torch.float64) * (1 + 2**-52)
    assert histogram_kl(torch.ones(1, 1000, dtype=torch.float64), tenths).item() == 0


def test_high_quality_of_a_gaussian_of_another_width():
    """Of a Gaussian with twice the deviation, 1 - exp(-4.5 / 4) lies within three of the true ones."""
    data = Ring()
    x = data.means[0] + 0.02 * torch.randn(100_000, 2, generator=torch.Generator().manual_seed(0))
    assert score("high_quality", x).item() == pytest.approx(1 - math.exp(-4.5 / 4), abs=5e-3)


def test_kl_of_a_known_histogram():
    counts = torch.tensor(
        [[4.0, 2.0, 1.0, 1.0], [8.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]], dtype=torch.float64
    )
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


def test_best_kl_is_what_real_data_scores():
    data = Grid()
    x = torch.stack([data.sample(data.samples, data.stream(seed, "data")) for seed in range(40)])
    measured = METRICS.get("kl")().score(evaluation(x, data)).mean().item()
    assert measured == pytest.approx(METRICS.get("kl")().best(data), rel=0.2)


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
