"""Precision, recall, density and coverage."""

import math

import pytest
import torch

from benchmark.datasets.mixtures import Ring
from benchmark.metric import Evaluation, HeldOut
from benchmark.registry import METRICS
from metrics.neighbourhoods import DISTANCE_ROWS_AT_A_TIME, radii
from metrics.prdc import prdc

ROWS = DISTANCE_ROWS_AT_A_TIME
NAMES = ("precision", "recall", "density", "coverage")


def normal(n, d, seed, scale=1.0, offset=0.0):
    return scale * torch.randn(n, d, generator=torch.Generator().manual_seed(seed)) + offset


def scores(samples, held_out, **settings):
    """All four of samples (S, N, 2), by name."""
    if not isinstance(held_out, HeldOut):
        held_out = HeldOut(held_out)
    evaluation = Evaluation(Ring(), samples, held_out, range(len(samples)))
    return {name: METRICS.get(name)(**settings).on(Ring()).score(evaluation).tolist() for name in NAMES}


def expected(real, generated, k):
    package = pytest.importorskip("prdc")
    return package.compute_prdc(real_features=real.numpy(), fake_features=generated.numpy(), nearest_k=k)


def agrees(real, generated, k):
    ours, theirs = prdc(real, generated, k)._asdict(), expected(real, generated, k)
    assert ours == pytest.approx({name: float(theirs[name]) for name in NAMES}, abs=1e-9)
    return ours


@pytest.mark.parametrize(
    ("m", "n", "d", "k"),
    [
        (300, 300, 16, 5),
        (200, 350, 64, 3),
        (350, 120, 2, 1),
        (40, 90, 384, 10),
        (7, 9, 3, 5),
        (ROWS, ROWS + 1, 8, 5),
        (ROWS + 200, ROWS - 1, 8, 5),
        (2 * ROWS + 1, 700, 4, 2),
    ],
)
def test_agreement_with_the_prdc_package(m, n, d, k):
    # As in features, few directions have most of the variance.
    decay = torch.arange(1, d + 1) ** -0.5
    ours = agrees(decay * normal(m, d, 0), decay * normal(n, d, 1, 0.8, 0.5), k)
    # Of many points, none is at an end, where anything would agree.
    assert m < 100 or all(0.005 < ours[name] < 0.995 for name in ("precision", "recall", "coverage"))


def test_agreement_on_distances_that_are_small_beside_the_coordinates():
    data = Ring()
    real, generated = (data.sample(1500, data.stream(seed, "data")) + 30 for seed in (0, 1))
    agrees(real, generated, 3)
    # By differences of coordinates, not by inner products.
    direct = (real.double()[:, None] - real.double()).square().sum(dim=2).sqrt().sort(dim=1).values[:, 3]
    assert torch.allclose(radii(real, 3), direct, rtol=1e-3)


def test_precision_is_of_samples_and_recall_of_data():
    near, nowhere = torch.arange(8.0)[:, None], torch.tensor([[5e4], [9e4]])
    real = torch.cat([near, near + 1000])
    # All samples lie on one half of the data.
    assert prdc(real, near[:6] + 0.1, 2)[:2] == (1, 0.5)
    # Two that lie far off have balls over everything.
    values = prdc(real, torch.cat([near[:6] + 0.1, nowhere]), 2)
    assert values[:2] == (6 / 8, 1)
    assert values.coverage == 8 / 16


def test_a_collapsed_generator_has_precision_and_no_recall():
    real = normal(500, 2, 0)
    values = scores(torch.tensor([0.1, -0.05]).expand(1, 400, 2), real)
    assert values["precision"] == [1]
    assert values["recall"] == [0]
    assert values["coverage"][0] < 0.05


def test_a_generator_that_collapsed_to_a_spot_has_precision_and_hardly_recall():
    values = scores(normal(400, 2, 1, 0.05)[None], normal(500, 2, 0))
    assert values["precision"][0] > 0.95
    assert values["recall"][0] < 0.05
    assert values["density"][0] > 0.5


def test_a_generator_of_garbage_all_around_has_recall_and_no_precision():
    values = scores(normal(400, 2, 1, 50)[None], normal(500, 2, 0, 0.1))
    assert values["precision"][0] < 0.05
    assert values["recall"][0] > 0.95
    assert values["density"][0] < 0.05
    assert values["coverage"][0] < 0.1


def test_data_itself_is_within_its_own_reach():
    x = normal(ROWS + 50, 3, 0)
    # A ball holds its centre and all but the last of the k neighbours.
    assert prdc(x, x.clone(), 4) == pytest.approx((1, 1, 1, 1))


def test_fresh_real_data_has_a_density_of_about_one():
    data = Ring()
    samples, held_out = (data.sample(2000, data.stream(seed, "data")) for seed in (1, 2))
    values = scores(samples[None], held_out)
    assert values["density"][0] == pytest.approx(1, abs=0.05)
    assert min(values["precision"][0], values["recall"][0], values["coverage"][0]) > 0.95


def test_fewer_points_than_neighbours_have_no_score():
    x = normal(100, 2, 0)
    for samples, held_out in ((x[None, :5], x), (x[None], x[:5])):
        assert all(math.isnan(value) for (value,) in scores(samples, held_out, k=5).values())
    assert all(math.isfinite(value) for (value,) in scores(x[None, :6], x, k=5).values())


def test_as_many_samples_as_data_and_no_more_than_asked_for():
    real, generated = normal(300, 2, 0), normal(200, 2, 1)
    for points, n in ((10_000, 200), (80, 80)):
        values = scores(generated[None], real, points=points, k=3)
        expected = prdc(real[:n], generated[:n], 3)._asdict()
        assert {name: value for name, (value,) in values.items()} == expected


def test_seeds_and_evaluations_do_not_influence_each_other():
    real, generated = normal(400, 2, 0), torch.stack([normal(300, 2, 1), normal(300, 2, 2, 0.1)])
    together = scores(generated, real)
    for i in range(2):
        assert {name: [values[i]] for name, values in together.items()} == scores(generated[i : i + 1], real)
    # What is remembered of the held-out data serves evaluations of other sizes and settings.
    shared = HeldOut(real)
    for n, k in ((300, 5), (100, 5), (300, 2), (300, 5)):
        assert scores(generated[:, :n], shared, k=k) == scores(generated[:, :n], real, k=k)
