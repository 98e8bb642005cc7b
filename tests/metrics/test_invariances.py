"""Metrics do not depend on what must not matter."""

import math
from dataclasses import dataclass

import pytest
import torch
from metric_cases import NEIGHBOURHOODS, POINTS, SEEDS, N, agrees, evaluate, normal, score

from benchmark.datasets import mixtures, stacked
from benchmark.datasets.mixtures import HighDimensional, Ring
from benchmark.registry import METRICS
from metrics import fid, ivom, neighbourhoods, pairs, prdc
from metrics.features import features_of, held_out_features
from metrics.kl import histogram_kl

NOT_ON_DIGITS = (
    "high_quality_legacy",
    "within_mode_std",
    "out_of_range",
    "energy_distance",
    "sliced_wasserstein",
    "off_manifold",
    "overlap_x",
    "overlap_y",
    "overlap_size",
    "overlap_rotation",
)

OF_PAIRS_AND_NUMBERS = (
    *NEIGHBOURHOODS,
    "clipped_coverage",
    "kid",
    "mmd",
    "ndb",
    "pair_diversity",
    "sliced_wasserstein",
    "support_size",
    "vendi_ratio",
)
"""Metrics for which a sample twice is another thing than the sample: pairs of equal samples, or more samples
than real data.
"""


def cases_and_metrics(without=()):
    """Every case with every metric that applies. For stacked digits this is known without any files."""
    pairs = []
    for name in METRICS.names():
        if name in without:
            continue
        metric = METRICS.get(name)()
        pairs += [(data.name, name) for data in POINTS.values() if metric.applies(data)]
        if name not in NOT_ON_DIGITS:
            pairs.append(("stacked-mnist", name))
    return pairs


every_metric = pytest.mark.parametrize(("case", "name"), cases_and_metrics(), indirect=["case"])
every_metric_of_single_samples = pytest.mark.parametrize(
    ("case", "name"), cases_and_metrics(without=OF_PAIRS_AND_NUMBERS), indirect=["case"]
)


def linear(data, seeds):
    """A generator for each of the seeds, linear with coefficients of its own."""
    shape = data.latent, math.prod(data.shape)
    coefficients = torch.stack([normal(*shape, seed=seed) for seed in seeds]).float()
    return lambda z: (0.1 * z @ coefficients).unflatten(2, data.shape)


def few_steps(name):
    """Settings with which inference ends soon, where the result still depends on the start."""
    return {"points": 10, "iterations": 1} if name == "ivom" else {}


@every_metric
def test_the_order_of_samples_and_of_held_out_data_does_not_matter(case, name):
    """Where all of them are used: some metrics take the first ones if there are more than they need."""
    data, samples, held_out = case
    order = torch.randperm(N, generator=torch.Generator().manual_seed(0))
    settings = {"points": N} if name == "ivom" else {}
    agrees(
        score(name, data, samples[:, order], held_out[order.flip(0)], **settings),
        score(name, data, samples, held_out, **settings),
    )


@every_metric
def test_the_order_of_seeds_and_whether_they_are_scored_together_does_not_matter(case, name):
    data, samples, held_out = case

    def scores(samples, seeds):
        return score(name, data, samples, held_out, linear(data, seeds), seeds, **few_steps(name))

    together = scores(samples, SEEDS)
    agrees(scores(samples.flip(0), SEEDS[::-1]).flip(0), together)
    for i, seed in enumerate(SEEDS):
        agrees(scores(samples[i : i + 1], [seed]), together[i : i + 1])


@every_metric
def test_the_size_of_parts_does_not_matter(case, name, monkeypatch):
    data, samples, held_out = case
    settings = {"points": N} if METRICS.has_setting(name, "points") else {}

    def scores_of_generators():
        generators = linear(data, SEEDS)
        return score(name, data, samples, held_out, generators, **{**settings, **few_steps(name)})

    whole, generated = score(name, data, samples, held_out, **settings), scores_of_generators()
    rows = 50
    assert N % rows != 0
    numbers = rows * math.prod(data.shape)
    monkeypatch.setattr(mixtures, "NUMBERS_TOGETHER", numbers)
    monkeypatch.setattr(stacked, "DIGITS_TOGETHER", rows * 2)
    monkeypatch.setattr(fid, "SAMPLES_AT_A_TIME", rows)
    monkeypatch.setattr(neighbourhoods, "DISTANCE_ROWS_AT_A_TIME", rows)
    monkeypatch.setattr(pairs, "ROWS_AT_A_TIME", rows)
    monkeypatch.setattr(ivom, "NUMBERS_AT_A_TIME", numbers)
    agrees(score(name, data, samples, held_out, **settings), whole)
    agrees(scores_of_generators(), generated)


@dataclass(frozen=True)
class OtherRing(Ring):
    @property
    def means(self):
        return super().means[[3, 0, 7, 1, 5, 2, 6, 4]]

    def draw(self, n, rng, split="train"):
        return Ring().draw(n, rng, split)


@dataclass(frozen=True)
class OtherHighDimensional(HighDimensional):
    @property
    def means(self):
        return super().means.flip(0)

    def draw(self, n, rng, split="train"):
        return HighDimensional(std=self.std).draw(n, rng, split)


@every_metric
def test_the_order_of_the_modes_does_not_matter(case, name):
    """Of stacked digits, another order of the channels gives the modes other numbers.

    It also turns them away from the training data, and k-means of another order of coordinates starts
    elsewhere.
    """
    data, samples, held_out = case
    if data.kind == "images" and name in ("authenticity", "training_distance", "ndb"):
        return
    expected = score(name, data, samples, held_out)
    if data.kind == "images":
        samples, held_out = samples.flip(2), held_out.flip(1)
    else:
        means = data.means
        data = {"ring": OtherRing(), "high-dimensional": OtherHighDimensional(std=0.3)}[data.name]
        assert not torch.equal(data.means, means)
    agrees(score(name, data, samples, held_out), expected)


def test_kl_does_not_depend_on_the_names_of_modes_but_on_which_has_which_weight():
    counts = torch.tensor([[5.0, 0.0, 2.0, 9.0]], dtype=torch.float64)
    weights = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)
    order = [2, 0, 3, 1]
    agrees(histogram_kl(counts[:, order], weights[order]), histogram_kl(counts, weights), 1e-12)
    assert abs(histogram_kl(counts, weights.flip(0)) - histogram_kl(counts, weights)) > 0.1


@every_metric_of_single_samples
def test_a_sample_twice_counts_for_what_once_does(case, name):
    """Except for the difference between N - 1 and N degrees of freedom, and for the distance between a point
    and its copy, which a matrix product leaves at up to 1e-5, where that of a point and itself is left out.
    """
    data, samples, held_out = case
    rel = {"fid": 5 / N, "within_mode_std": 1 / 20, "energy_distance": 1e-6}.get(name, 1e-12)
    # About half of the modes have their share in full, so that it matters what the share is.
    settings = {"share": 1.0} if name in ("modes_robust", "modes_confident_robust") else {}
    twice = samples.repeat(1, 2, *(1,) * len(data.shape))
    once = score(name, data, samples, held_out, **settings)
    agrees(score(name, data, twice, held_out, **settings), once, rel)


@pytest.mark.parametrize("case", [*POINTS, "stacked-mnist"], indirect=True)
def test_a_sample_twice_counts_once_among_neighbours_but_for_smaller_balls_around_samples(case):
    evaluation = evaluate(*case)
    extractor = case.data.features
    real, generated = held_out_features(evaluation, extractor), features_of(evaluation, extractor)[0]
    once, twice = prdc.prdc(real, generated, 5), prdc.prdc(real, generated.repeat(2, 1), 5)
    assert twice.recall < once.recall
    for name in ("precision", "density", "coverage"):
        assert getattr(twice, name) == pytest.approx(getattr(once, name), abs=1e-12)


@pytest.mark.parametrize(
    ("name", "power"),
    [
        ("fid", 2),
        ("ivom", 2),
        ("precision", 0),
        ("recall", 0),
        ("density", 0),
        ("coverage", 0),
        ("clipped_density", 0),
        ("clipped_coverage", 0),
        ("energy_distance", 0.5),
        ("mmd", 0),
        ("vendi_ratio", 0),
        ("pair_diversity", 0),
    ],
)
def test_distances_turn_move_and_grow_with_the_coordinates(name, power):
    data, held_out = Ring(), normal(150, 2)
    samples = 0.7 * normal(2, 150, 2, seed=1) + torch.tensor([0.5, -0.3])
    cos, sin = math.cos(0.5), math.sin(0.5)
    rotation = torch.tensor([[cos, -sin], [sin, cos]], dtype=torch.float64)

    def moved(x):
        return 3 * x @ rotation.T + torch.tensor([40.0, -7.0], dtype=torch.float64)

    expected = score(name, data, samples, held_out)
    agrees(score(name, data, moved(samples), moved(held_out)), 3**power * expected, 1e-9)
    # Not so if the samples alone are moved.
    assert (score(name, data, moved(samples), held_out) - expected).abs().min() > 0.01
