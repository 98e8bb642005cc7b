"""The designed manifold: rendered, and inverted exactly."""

import math

import pytest
import torch
from scipy import stats

from benchmark.datasets.figure_fit import KINDS, fit_figures
from benchmark.datasets.figures import COUNTS, FIGURES, Pose, coverage
from benchmark.datasets.shapes import COLOURS, LIMITS, Shapes
from benchmark.metric import Evaluation, HeldOut
from benchmark.registry import METRICS

SCORES = ("modes", "overlap", "high_quality", "off_manifold", "overlap_x", "overlap_size", "overlap_rotation")


@pytest.fixture(scope="module")
def data():
    return Shapes()


@pytest.fixture(scope="module")
def drawn(data):
    """Modes and factors by their laws, and their pictures."""
    rng = data.stream(0, "test")
    mode = torch.randint(data.modes, (3000,), generator=rng)
    factors = torch.rand(3000, 4, generator=rng)
    return mode, factors, data.render(mode, factors)


def test_modes_are_all_combinations(data):
    assert data.modes == len(FIGURES) * COUNTS * len(COLOURS) == 224
    assert data.mode_weights.sum().item() == pytest.approx(1)


def test_the_rendering_is_inverted(data, drawn):
    mode, factors, pictures = drawn
    found = data.assign(pictures)
    assert torch.equal(found.mode, mode)
    assert found.high_quality.all()
    # Rounding to 8 bits is all that is left.
    assert found.off_manifold.max() < 0.01
    x, y, size, rotation = (found.factors - factors).T
    turn = (rotation + 0.5) % 1 - 0.5
    for error in (x, y, size, turn):
        assert error.abs().max() < 0.02
        assert error.abs().median() < 1e-3


def test_the_first_number_of_a_pose_goes_right_and_the_second_down():
    zero, one = torch.zeros(1), torch.ones(1)
    middle = coverage("half-disc", 1, Pose(zero, zero, one, zero))[0]
    right = coverage("half-disc", 1, Pose(zero + 3, zero, one, zero))[0]
    down = coverage("half-disc", 1, Pose(zero, zero + 3, one, zero))[0]
    turned = coverage("half-disc", 1, Pose(zero, zero, one, zero + math.pi / 2))[0]
    assert torch.allclose(right, middle.roll(3, 1), atol=1e-5)
    assert torch.allclose(down, middle.roll(3, 0), atol=1e-5)
    assert torch.allclose(turned, middle.rot90(-1), atol=1e-5)


@pytest.mark.parametrize("figure", FIGURES)
def test_the_area_of_a_figure_grows_with_the_square_of_its_size(figure):
    """And with the count; figures do not meet, and none is cut off."""
    n = 200
    u = torch.rand(3, n, generator=torch.Generator().manual_seed(0))
    offset = LIMITS.offset
    pose = Pose(offset * (2 * u[0] - 1), offset * (2 * u[1] - 1), torch.ones(n), 2 * math.pi * u[2])
    single = coverage(figure, 1, pose).sum(dim=(1, 2))
    for count in range(2, COUNTS + 1):
        pictures = coverage(figure, count, pose)
        assert pictures.max() <= 1 + 1e-5
        assert (pictures.sum(dim=(1, 2)) / (count * single)).mean().item() == pytest.approx(1, abs=0.01)
        edge = torch.cat([pictures[:, 0], pictures[:, -1], pictures[:, :, 0], pictures[:, :, -1]])
        assert edge.max() < 0.6
    small = coverage(figure, 1, pose._replace(size=torch.full((n,), 0.75))).sum(dim=(1, 2))
    # The half pixel around a thin figure does not shrink.
    assert (small / single).mean().item() == pytest.approx(0.75**2, abs=0.08)


def test_factors_and_modes_follow_their_laws():
    """On a law of weights that is not even, 20,000 draws."""
    data = Shapes(weights="geometric:0.98")
    found = data.assign(torch.cat([data.draw(4000, data.stream(seed, "data")) for seed in range(5)]))
    counts = torch.bincount(found.mode, minlength=data.modes)
    assert stats.chisquare(counts.numpy(), 20_000 * data.mode_weights.numpy()).pvalue > 1e-3
    for values in found.factors.T:
        assert stats.kstest(values.numpy(), "uniform").pvalue > 1e-3
    correlation = torch.corrcoef(found.factors.T) - torch.eye(4)
    assert correlation.abs().max() < 0.04


def test_pictures_of_two_kinds_are_apart(drawn):
    """What any other kind at its place can do with a picture, in any rotation, leaves 0.3 of its norm."""
    mode, _, pictures = drawn
    kind = mode[:200] // len(COLOURS)
    covered = pictures[:200].amax(dim=1).float() / 255
    fit = fit_figures(covered, LIMITS)
    assert torch.equal(fit.kind, kind)
    nearest = torch.full((200,), math.inf)
    for other in range(len(KINDS)):
        figure, count = KINDS[other]
        x, y, size, rotation = fit.pose.T
        for turn in range(12):
            pose = Pose(x, y, size, rotation + 2 * math.pi * turn / 12)
            error = (coverage(figure, count, pose) - covered).flatten(1).norm(dim=1)
            error = torch.where(kind == other, math.inf, error)
            nearest = torch.minimum(nearest, error / covered.flatten(1).norm(dim=1))
    assert nearest.min() > 0.3


@pytest.mark.parametrize("noise", [0.02, 0.05])
def test_noisy_pictures_keep_their_mode(data, drawn, noise):
    mode, _, pictures = drawn
    rng = torch.Generator().manual_seed(0)
    noisy = pictures[:500] + 255 * noise * torch.randn(500, *data.shape, generator=rng)
    found = data.assign(noisy.round().clamp(0, 255).to(torch.uint8))
    assert (found.mode == mode[:500]).double().mean() > 0.99
    # Noise of both signs on black is cut off at 0, so that half of its square is left.
    expected = noise * math.sqrt(3 * 32 * 32 / 2)
    norm = (pictures[:500].float() / 255).flatten(1).norm(dim=1)
    assert (found.off_manifold * norm).mean().item() == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("pictures", ["black", "white", "noise"])
def test_what_is_no_picture_is_not_of_high_quality(data, pictures):
    rng = torch.Generator().manual_seed(0)
    made = {
        "black": torch.zeros(3, *data.shape, dtype=torch.uint8),
        "white": torch.full((3, *data.shape), 255, dtype=torch.uint8),
        "noise": torch.randint(256, (50, *data.shape), generator=rng, dtype=torch.uint8),
    }
    found = data.assign(made[pictures])
    assert not found.high_quality.any()
    assert found.off_manifold.isfinite().all()


def test_each_fault_is_told_by_its_score(data):
    """What docs/datasets.md shows: a perfect sampler and four that are not."""
    scores = fault_scores(data)
    perfect = scores["perfect"]
    assert perfect["modes"] == 224
    assert perfect["high_quality"] == 1
    assert perfect["off_manifold"] < 2e-3
    assert min(perfect[f"overlap_{factor}"] for factor in ("x", "size", "rotation")) > 0.95
    # One figure of eight is missing: 28 modes.
    assert scores["one figure missing"]["modes"] == 196
    assert scores["one figure missing"]["overlap"] < perfect["overlap"] - 0.08
    assert scores["one figure missing"]["overlap_rotation"] > 0.95
    # No mode is missing, and nothing is off the manifold.
    assert scores["rotation frozen"]["modes"] == 224
    assert scores["rotation frozen"]["overlap"] == pytest.approx(perfect["overlap"], abs=0.02)
    assert scores["rotation frozen"]["overlap_rotation"] == pytest.approx(0.05, abs=0.01)
    assert scores["rotation frozen"]["overlap_size"] > 0.95
    # Red and blue become a dark magenta, which no figure has.
    assert scores["two colours mixed"]["high_quality"] == pytest.approx(5 / 7, abs=0.03)
    assert scores["two colours mixed"]["modes"] == 224 - 64
    # A hundred pictures have at most as many modes.
    assert scores["100 memorised"]["modes"] <= 100
    assert scores["100 memorised"]["high_quality"] == 1


def fault_scores(data, n=5000):
    """The scores of samplers whose faults are known, by sampler and metric."""
    rng = data.stream(1, "faults")
    mode = torch.randint(data.modes, (n,), generator=rng)
    factors = torch.rand(n, 4, generator=rng)
    pictures = data.render(mode, factors)
    per_figure = data.modes // len(FIGURES)
    frozen = factors.clone()
    frozen[:, 3] = 0.12
    samples = {
        "perfect": pictures,
        "one figure missing": data.render(per_figure + mode % (data.modes - per_figure), factors),
        "rotation frozen": data.render(mode, frozen),
        "two colours mixed": mix_red_and_blue(pictures, mode % len(COLOURS)),
        "100 memorised": pictures[torch.randint(100, (n,), generator=rng)],
    }
    held_out = HeldOut(data.draw(n, data.stream("all", "held-out"), "held-out"))
    evaluation = Evaluation(data, torch.stack(list(samples.values())), held_out, [0] * len(samples))
    scores = {name: {} for name in samples}
    for metric in SCORES:
        values = METRICS.get(metric)().score(evaluation)
        for name, value in zip(samples, values.tolist(), strict=True):
            scores[name][metric] = value
    return scores


def mix_red_and_blue(pictures, colour):
    """Pictures whose red and blue figures have both colours, at half the brightness."""
    names = list(COLOURS)
    mixed = ((colour == names.index("red")) | (colour == names.index("blue")))[:, None, None, None]
    brightness = pictures.float().amax(dim=1, keepdim=True) / 2
    purple = torch.cat([brightness, torch.zeros_like(brightness), brightness], dim=1)
    return torch.where(mixed, purple.round().to(torch.uint8), pictures)


def test_the_nearest_training_picture_is_one_of_the_manifold(data, drawn):
    pictures = drawn[2][:3]
    nearest = data.nearest_training(pictures)
    assert nearest.shape == pictures.shape
    assert data.assign(nearest).high_quality.all()


def test_wrong_settings():
    for tolerance in (0, 1):
        with pytest.raises(ValueError, match="tolerance must be a finite number above 0 and below 1"):
            Shapes(tolerance=tolerance)
