import math

import pytest
import torch
from scipy import stats

from benchmark.datasets.mixtures import Grid, HighDimensional, Ring

ALL = [Ring(), Grid(), HighDimensional()]


@pytest.mark.parametrize("data", ALL, ids=lambda d: d.name)
def test_modes_are_distinct_and_as_published(data):
    assert (
        len(torch.unique(data.means, dim=0))
        == data.modes
        == {"ring": 8, "grid": 25, "high-dimensional": 10}[data.name]
    )
    assert data.shape == {"ring": (2,), "grid": (2,), "high-dimensional": (1200,)}[data.name]
    assert data.mode_weights.sum().item() == pytest.approx(1)


def test_the_ring_has_radius_one_and_even_angles():
    means = Ring().means.double()
    assert torch.allclose(means.norm(dim=1), torch.ones(8, dtype=torch.float64), atol=1e-6)
    neighbours = (means - means.roll(1, 0)).norm(dim=1)
    assert torch.allclose(
        neighbours, torch.full((8,), 2 * math.sin(math.pi / 8), dtype=torch.float64), atol=1e-6
    )


@pytest.mark.parametrize("data", ALL, ids=lambda d: d.name)
def test_samples_follow_the_mixture(data):
    x = data.sample(20_000, data.stream(0, "data"))
    mode, good, legacy, *_ = data.assign(x)
    counts = torch.bincount(mode, minlength=data.modes)
    assert stats.chisquare(counts.numpy()).pvalue > 1e-3
    noise = (x - data.means[mode])[:, : data.noisy] / data.std
    assert stats.kstest(noise.flatten()[:20_000].numpy(), "norm").pvalue > 1e-3
    assert (x - data.means[mode])[:, data.noisy :].abs().sum() == 0
    expected = stats.chi2.cdf(data.radius**2, data.noisy)
    assert good.double().mean().item() == pytest.approx(
        expected, abs=4 * math.sqrt(expected * (1 - expected) / 20_000)
    )
    if data.name == "high-dimensional":
        assert legacy.sum() == 0  # the literal rule rejects all real data
        assert data.assign(data.means)[2].all()  # and accepts points without noise


def test_a_gaussians_share_within_three_deviations():
    assert stats.chi2.cdf(Ring().radius ** 2, 2) == pytest.approx(1 - math.exp(-4.5))


def test_quality_in_high_dimensions_is_a_ball_over_all_coordinates():
    """What the 700 noisy coordinates leave of the squared radius, the 500 constant ones may use up together,
    or one of them.
    """
    data = HighDimensional()
    x = data.sample(50, data.stream(0, "data"))
    mode, good, *_ = data.assign(x)
    x, mode = x[good], mode[good]
    left = stats.chi2.ppf(0.995, 700) - (x - data.means[mode]).double().square().sum(dim=1)
    assert len(x) > 45
    for coordinates in (slice(900, 901), slice(700, 1200), slice(0, 1)):
        count = coordinates.stop - coordinates.start
        for share, expected in ((0.99, True), (1.01, False)):
            moved = x.clone()
            offset = (share * left / count).sqrt()
            if coordinates.start == 0:
                # Of a noisy coordinate, to where its square is greater by so much.
                own = (x - data.means[mode])[:, 0].double()
                offset = (own.square() + share * left).sqrt() - own
            # With changing signs, so that it is not towards another mode.
            moved[:, coordinates] += offset[:, None].float() * (-1.0) ** torch.arange(count)
            assigned = data.assign(moved)
            assert (assigned.high_quality == expected).all(), (coordinates, share)
            assert torch.equal(assigned.mode, mode)


def test_quality_in_high_dimensions_does_not_see_that_there_is_no_spread():
    """A centre is nearer to its mode than any real sample; the constant coordinates have no tolerance of
    their own.
    """
    data = HighDimensional()
    assert data.assign(data.means).high_quality.all()
    assert not hasattr(data, "tolerance")


@pytest.mark.parametrize("data", ALL, ids=lambda d: d.name)
def test_streams_and_fingerprints(data):
    first, again, other = (data.sample(8, data.stream(seed, "data")) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first, data.sample(8, data.stream(0, "calibration")))
    assert data.fingerprint == type(data)().fingerprint
    assert data.project(first).shape == (8, 2)
    assert data.landmarks.shape == (data.modes, 2)


def test_the_truncated_deviation_is_that_of_good_samples():
    data = Ring()
    x = data.sample(200_000, data.stream(0, "data"))
    mode, good, *_ = data.assign(x)
    measured = (x - data.means[mode])[good].square().mean().sqrt().item()
    assert measured == pytest.approx(data.truncated_std, rel=5e-3)
    assert data.truncated_std < 0.98 * data.std


@pytest.mark.parametrize(
    "data",
    [Ring(training_set=50), Grid(training_set=50), HighDimensional(training_set=50)],
    ids=lambda d: d.name,
)
def test_a_fixed_training_set_is_drawn_from_with_replacement(data):
    draws = [data.sample(400, data.stream(seed, "data")) for seed in (0, 1)]
    assert not torch.equal(*draws)
    distinct = torch.unique(torch.cat(draws), dim=0)
    assert len(distinct) == 50
    for split in ("held-out", "calibration"):
        fresh = data.draw(400, data.stream(0, "data"), split)
        assert len(torch.unique(fresh, dim=0)) == 400
        assert not (torch.cdist(fresh, distinct) == 0).any()
    assert data.fingerprint != type(data)().fingerprint


def test_sizes_of_ring_and_grid_are_settings():
    assert torch.allclose(Ring(circle=2.5).means, 2.5 * Ring().means)
    assert torch.allclose(Grid(spacing=0.5).means, 0.25 * Grid().means)
    for cls, settings, problem in (
        (Ring, {"circle": 0.0}, "circle must be a finite number from 1e-06"),
        (Grid, {"spacing": -1.0}, "spacing must be a finite number from 1e-06"),
        (Ring, {"training_set": -1}, "training_set must be a whole number from 0"),
    ):
        with pytest.raises(ValueError, match=problem):
            cls(**settings)


@pytest.mark.parametrize(
    "data", [Ring(separation=6.0), Grid(separation=9.0), HighDimensional(separation=3.0)]
)
def test_separation_is_the_distance_of_the_nearest_centres_in_standard_deviations(data):
    assert torch.pdist(data.centres.double()).min().item() == pytest.approx(
        data.separation * data.std, rel=1e-5
    )
    assert torch.allclose(data.centres / data.centres.norm(), data.means / data.means.norm(), atol=1e-6)
    x = data.draw(500, data.stream(0, "data"))
    assert torch.equal(data.landmarks, type(data)(separation=data.separation).landmarks)
    assert torch.cdist(x, data.centres).amin(dim=1).mean() < 1.2 * data.std * data.noisy**0.5


@pytest.mark.parametrize("cls", [Ring, Grid])
def test_ring_and_grid_in_more_dimensions_keep_their_plane_and_their_share_of_quality(cls):
    data = cls(dimension=20)
    assert data.shape == (20,)
    assert torch.equal(data.means[:, :2], cls().means)
    assert (data.means[:, 2:] == 0).all()
    x = data.draw(50_000, data.stream(0, "data"))
    assert x[:, 2:].std().item() == pytest.approx(data.std, rel=0.01)
    assert data.assign(x).high_quality.double().mean().item() == pytest.approx(1 - math.exp(-4.5), abs=3e-3)


def test_high_dimensions_may_be_fewer():
    data = HighDimensional(dimension=24)
    assert data.shape == (24,)
    assert data.noisy == 14
    x = data.draw(2000, data.stream(0, "data"))
    constant = x[:, 14:] - x[:, 14:15]
    assert (constant == 0).all()


@pytest.mark.parametrize(
    ("cls", "settings", "problem"),
    [
        (Ring, {"separation": -1.0}, "separation must be a finite number from 0"),
        (Ring, {"separation": 5.0, "circle": 2.0}, "circle and separation say the same"),
        (Grid, {"separation": 5.0, "spacing": 1.0}, "spacing and separation say the same"),
        (Ring, {"dimension": 1}, "dimension must be a whole number from 2"),
        (Ring, {"dimension": 10**9}, "dimension must be a whole number from 2 to 100000"),
        (Ring, {"circle": 1e-4}, "two modes are 0.00765367 standard deviations apart"),
        (Grid, {"separation": 1e-9}, "two modes are 1e-09 standard deviations apart"),
        (Ring, {"std": 1e-6, "circle": 10.0}, "std is 1e-06, too little for means with a coordinate of 10"),
        (Grid, {"dimension": 0}, "dimension must be a whole number from 2"),
        (HighDimensional, {"dimension": 1}, "dimension must be a whole number from 2"),
    ],
)
def test_wrong_shapes_of_mixtures(cls, settings, problem):
    with pytest.raises(ValueError, match=problem):
        cls(**settings)
