"""What is measured of latents, against closed forms: paths, variances, codes, searches."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from support.training import trained
from torch import nn

from baselines.gan import GAN
from benchmark.commands.explore.explorer import Explorer
from benchmark.commands.explore.interpolation import along_paths, spherical, straight
from benchmark.commands.explore.latent_use import Effects, code_error, code_measures, effects_of, latent_usage
from benchmark.commands.explore.models import Model
from benchmark.commands.explore.options import ExploreOptions
from benchmark.commands.explore.search import loss_of, search
from benchmark.datasets.mixtures import Grid, HighDimensional, Ring
from benchmark.method import Latents
from benchmark.report.explored.planes import plane_figures
from benchmark.suites.budget import Budget
from benchmark.training.kept_models import ModelUses, kept_model, restored_model

DATA = Ring(latent=3, held_out=200)
WEIGHT = torch.tensor([[1.0, 0.0, 2.0], [0.0, 0.0, 1.0]])
ENCODING = torch.tensor([[0.5, 0.0], [0.0, 1.0], [0.25, 0.25]])
BIAS, CODE_BIAS = torch.tensor([0.25, -0.5]), torch.tensor([0.0, 1.0, -1.0])


@dataclass(frozen=True)
class Linear(GAN):
    """A linear generator and a linear encoder."""

    def networks(self, data):
        generator, encoder = nn.Linear(data.latent, data.shape[0]), nn.Linear(data.shape[0], data.latent)
        return {**super().networks(data), "generator": generator, "encoder": encoder}

    def encode(self, nets, x):
        return nets.encoder(x)


def linear(weight=WEIGHT, bias=BIAS, data=DATA):
    encoder = {"encoder.weight": ENCODING, "encoder.bias": CODE_BIAS} if data is DATA else {}
    if not encoder:
        size = data.shape[0]
        encoder = {"encoder.weight": torch.zeros(data.latent, size), "encoder.bias": torch.zeros(data.latent)}
    parts = {"generator": {"weight": weight, "bias": bias}, "encoder": encoder}
    return Model("linear", 0, restored_model(Linear(), data.spec, parts), encodes=True)


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


def explored(model, data=DATA, **options):
    held_out = data.draw(data.held_out, data.stream("all", "held-out"), "held-out")
    explorer = Explorer(data, held_out, None, loss_of("pixels", data), ExploreOptions("ring", **options))
    return held_out, explorer.explore(model)


def test_straight_paths_of_a_linear_generator_are_straight_and_even():
    _, findings = explored(linear())
    kinds = {paths.kind: paths for paths in findings.paths}
    assert list(kinds) == ["straight", "spherical", "encoded"]
    for kind in ("straight", "encoded"):
        assert kinds[kind].measures["stretch"] == pytest.approx(1, abs=1e-4)
        assert kinds[kind].measures["largest_jump"] == pytest.approx(1, abs=1e-3)
    assert (kinds["spherical"].measures["stretch"] > 1.01).any()


def test_paths_between_data_go_from_one_code_to_the_other():
    held_out, findings = explored(linear(), pairs=4, steps=5)
    paths = findings.paths[2]
    assert paths.frames.shape == (4, 65, 2)
    assert np.array_equal(paths.pictured, paths.frames[:, ::16])
    codes = held_out @ ENCODING.T + CODE_BIAS
    ends = (codes @ WEIGHT.T + BIAS)[:8].view(4, 2, 2)
    assert np.allclose(paths.frames[:, [0, -1]], ends, atol=1e-5)
    assert np.array_equal(paths.targets, held_out[:8].view(4, 2, 2))
    assert paths.nearest is None


def test_the_spherical_path_is_an_arc():
    a, b = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 2.0]])
    path = spherical(a, b, 1001)
    assert path.norm(dim=2) == pytest.approx(2, abs=1e-5)
    assert along_paths(replace(DATA, latent=2), path)["stretch"].item() == pytest.approx(
        math.pi / 2 / math.sqrt(2), rel=1e-5
    )
    assert torch.allclose(path[0, 500], torch.full((2,), math.sqrt(2)), atol=1e-4)


@pytest.mark.parametrize("factor", [1.0, 3.0, -2.0])
def test_between_parallel_latents_it_is_straight(factor):
    a = torch.tensor([[1.0, 2.0]])
    path = spherical(a, factor * a, 5)
    assert torch.allclose(path, straight(a, factor * a, 5), atol=1e-5)


def test_a_jump_is_seen():
    """Nine steps of 1 and one of 11: the mean step is 2."""
    x = torch.tensor([0.0, 1, 2, 3, 4, 5, 16, 17, 18, 19, 20])
    measured = along_paths(DATA, torch.stack([x, torch.zeros(11)], dim=1)[None])
    assert measured["largest_jump"].item() == pytest.approx(5.5)
    assert measured["stretch"].item() == pytest.approx(1)


def test_a_path_that_stands_still_or_returns_has_no_stretch():
    still = torch.ones(1, 5, 2)
    measured = along_paths(DATA, still)
    assert measured["stretch"].isnan().all()
    assert measured["largest_jump"].isnan().all()
    there_and_back = torch.tensor([0.0, 1, 0])[None, :, None].expand(1, 3, 2)
    measured = along_paths(DATA, there_and_back)
    assert measured["stretch"].isnan().all()
    assert measured["largest_jump"].item() == pytest.approx(1)


def test_rounding_is_no_path():
    noise = 1.234 + 1e-7 * torch.randn(1, 9, 2, generator=stream())
    assert along_paths(DATA, noise, resolution=1e-5)["largest_jump"].isnan().all()
    assert not along_paths(DATA, noise)["largest_jump"].isnan().any()


def test_modes_on_the_way_are_counted_once():
    centres = DATA.centres
    path = torch.stack([centres[0], 0.5 * (centres[0] + centres[3]), centres[3], centres[0]])[None]
    measured = along_paths(DATA, path)
    assert measured["on_modes"].item() == 0.75
    assert measured["modes_met"].item() == 2


def test_variances_of_a_linear_generator_are_squared_lengths_of_columns():
    variances = effects_of(linear(), stream()).variances
    assert variances[1] == 0
    assert torch.allclose(variances, torch.tensor([1.0, 0.0, 5.0], dtype=torch.float64), rtol=0.25)


@pytest.mark.parametrize("frozen", [0, 1, 3])
def test_frozen_latents_are_not_in_use(frozen):
    data = HighDimensional(latent=8)
    weight = torch.zeros(data.shape[0], 8)
    weight[: 8 - frozen, : 8 - frozen] = torch.eye(8 - frozen)
    model = linear(weight, torch.zeros(data.shape[0]), data)
    assert latent_usage(effects_of(model, stream()).variances) == 1 - frozen / 8


def test_usage_counts_the_coordinates_that_carry_the_variance():
    assert latent_usage(torch.tensor([95.0, 5.0])) == 0.5
    assert latent_usage(torch.tensor([94.0, 6.0])) == 1
    assert latent_usage(torch.tensor([1.0, 0.0, 1.0, 0.0])) == 0.5
    assert latent_usage(torch.zeros(4)) == 0
    assert math.isnan(latent_usage(torch.tensor([math.nan, 1.0])))


def test_of_many_coordinates_some_are_looked_at_from_the_first_to_the_last(monkeypatch):
    whole = effects_of(linear(), stream())
    assert whole.coordinates.tolist() == [0, 1, 2]
    monkeypatch.setattr("benchmark.commands.explore.latent_use.COORDINATES", 2)
    some = effects_of(linear(), stream())
    assert some.coordinates.tolist() == [0, 2]
    assert torch.equal(some.variances, whole.variances[some.coordinates])


def test_the_largest_effects_are_named_by_their_coordinates():
    effects = Effects(torch.tensor([2, 5, 9]), torch.tensor([1.0, 6.0, 3.0], dtype=torch.float64))
    assert effects.largest(2) == ([5, 9], [0.6, 0.3])
    assert effects.above(1.0).variances.tolist() == [0, 6, 3]
    assert effects.above(6.0).largest(1)[1] == [0.0]


def test_an_effect_that_is_not_a_number_is_not_taken_for_none():
    effects = Effects(torch.tensor([0, 1]), torch.tensor([math.nan, 1.0], dtype=torch.float64))
    assert math.isnan(latent_usage(effects.above(0.5).variances))


@pytest.mark.parametrize("law", ["normal", "uniform"])
def test_latents_as_codes_have_the_law_of_latents(law):
    latents = Latents(4, law)
    codes = latents.of_normal(torch.randn(4000, 4, generator=stream(1)))
    measures = code_measures(codes, latents, stream(2))
    assert measures["code_mean"] < 0.04
    assert measures["code_variance"] == pytest.approx(1, abs=0.05)
    assert measures["code_covariance"] < 0.08
    assert measures["code_energy"] < 0.06


def test_other_codes_have_other_measures():
    latents = Latents(4)
    normal = torch.randn(4000, 4, generator=stream(1), dtype=torch.float64)
    shifted = code_measures(3 + 2 * normal, latents, stream(2))
    assert shifted["code_mean"] == pytest.approx(3, abs=0.1)
    assert shifted["code_variance"] == pytest.approx(4, abs=0.2)
    # The covariance is four times that of latents: it differs by three of them.
    assert shifted["code_covariance"] == pytest.approx(3, abs=0.15)
    assert shifted["code_energy"] > 1
    same = code_measures(normal[:, :1].expand(-1, 4), latents, stream(2))
    # All entries are 1 instead of those of the identity.
    assert same["code_covariance"] == pytest.approx(math.sqrt(12) / 2, abs=0.1)


def test_errors_of_a_linear_encoder_and_of_the_search_are_closed_forms():
    data = Ring(latent=3, held_out=200)
    held_out, findings = explored(linear(weight=WEIGHT * torch.tensor([[1.0], [0.0]])), data, pairs=6)
    x = held_out[:12].double()
    weight = (WEIGHT * torch.tensor([[1.0], [0.0]])).double()
    again = (x @ ENCODING.double().T + CODE_BIAS) @ weight.T + BIAS
    errors = findings.reconstructions.errors
    assert np.allclose(errors["encoder"], (again - x).square().mean(dim=1), rtol=1e-4)
    # The range of the generator is the line through the bias along the first coordinate.
    assert np.allclose(errors["search"], (x[:, 1] - BIAS[1].double()).square() / 2, rtol=1e-4)


def test_codes_are_measured_as_they_are():
    held_out, findings = explored(linear())
    codes = held_out.double() @ ENCODING.double().T + CODE_BIAS
    covariance = np.cov(codes.numpy().T)
    assert findings.measures["code_mean"] == pytest.approx(
        codes.mean(dim=0).square().mean().sqrt().item(), rel=1e-4
    )
    assert findings.measures["code_variance"] == pytest.approx(np.trace(covariance) / 3, rel=1e-4)
    distance = np.linalg.norm(covariance - np.eye(3)) / math.sqrt(3)
    assert findings.measures["code_covariance"] == pytest.approx(distance, rel=1e-4)


def test_codes_of_an_encoder_that_inverts_the_generator_have_no_error():
    plane = Ring(latent=2)
    parts = {
        "generator": {"weight": torch.diag(torch.tensor([2.0, 0.5])), "bias": torch.ones(2)},
        "encoder": {
            "encoder.weight": torch.diag(torch.tensor([0.5, 2.0])),
            "encoder.bias": torch.tensor([-0.5, -2]),
        },
    }
    model = Model("linear", 0, restored_model(Linear(), plane.spec, parts), encodes=True)
    assert code_error(model, stream()) < 1e-10
    parts["encoder"] = {"encoder.weight": torch.zeros(2, 2), "encoder.bias": torch.zeros(2)}
    model = Model("linear", 0, restored_model(Linear(), plane.spec, parts), encodes=True)
    assert code_error(model, stream()) == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("data", [Ring(), Grid()], ids=lambda data: data.name)
def test_a_search_finds_what_a_trained_generator_has_made(data):
    method = GAN()
    generators = trained(method, replace(data, evaluations=1), (0,), Budget(500, "steps")).end.generator
    model = Model(
        "gan",
        0,
        restored_model(method, data.spec, kept_model(generators, 0, ModelUses.of(generators))),
        encodes=False,
    )
    with torch.no_grad():
        targets = model.sample(torch.randn(20, data.latent, generator=stream(5)), torch.zeros(20, 0))
    found = search(model, targets, loss_of("pixels", data), 8, 200, stream(6))
    variance = targets.var(dim=0).mean()
    assert (found.error / variance).max() < 1e-4
    assert torch.allclose(found.x, model.sample(found.z, torch.zeros(20, 0)), atol=1e-6)


def test_the_error_is_that_of_the_loss():
    model = linear(weight=torch.zeros(2, 3))
    found = search(model, torch.tensor([[1.0, 2.0]]), loss_of("pixels", DATA), 1, 3, stream())
    expected = (torch.tensor([1.0, 2.0]) - BIAS).square().mean()
    assert found.error.item() == pytest.approx(expected.item())
    assert found.z.shape == (1, 3)


def test_the_map_shows_which_mode_a_place_in_the_plane_makes():
    """The identity: a latent is the point that it makes."""
    model = linear(weight=torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.5, 0.0]]), bias=torch.zeros(2))
    _, findings = explored(model)
    latent_map = findings.map
    assert latent_map.coordinates == (0, 1)
    assert latent_map.shares == pytest.approx((0.8, 0.2), abs=0.05)
    plane = latent_map.planes["at 0"]
    assert np.array_equal(plane.modes, latent_map.planes["at random"].modes)
    ticks = torch.linspace(-3, 3, 120)
    upwards, across = torch.meshgrid(ticks, ticks, indexing="ij")
    assignment = DATA.assign(torch.stack([across.flatten(), 0.5 * upwards.flatten()], dim=1))
    assert np.array_equal(plane.modes.ravel(), assignment.mode)
    assert np.array_equal(plane.on_mode.ravel(), assignment.high_quality)
    samples = torch.randn(200_000, 2, generator=stream(3)) * torch.tensor([1.0, 0.5])
    drawn = DATA.assign(samples)
    shares = torch.bincount(drawn.mode[drawn.high_quality], minlength=8) / 200_000
    assert np.allclose(latent_map.volumes, shares, atol=0.006)


def test_what_takes_noise_is_not_searched_and_its_noise_stands_still_along_a_path():
    @dataclass(frozen=True)
    class Noisy(Linear):
        def latents(self, data):
            return Latents(data.latent, noise=2)

        def sample(self, nets, z, noise):
            return nets.generator(z) + 100 * noise

    parts = {
        "generator": {"weight": WEIGHT, "bias": BIAS},
        "encoder": {"encoder.weight": ENCODING, "encoder.bias": CODE_BIAS},
    }
    model = Model("noisy", 0, restored_model(Noisy(), DATA.spec, parts), encodes=True)
    assert not model.searchable
    _, findings = explored(model)
    assert list(findings.reconstructions.made) == ["encoder"]
    kinds = {paths.kind: paths for paths in findings.paths}
    assert kinds["straight"].measures["stretch"] == pytest.approx(1, abs=1e-3)
    assert abs(kinds["straight"].frames).max() > 20


@pytest.mark.parametrize(("scale", "cut"), [(100.0, True), (0.01, False)])
def test_a_picture_says_how_many_paths_it_cuts_off(scale, cut):
    _, findings = explored(linear(scale * WEIGHT, torch.zeros(2)), pairs=4)
    _, caption, _ = next(plane_figures(findings, DATA, np.zeros((1, 2))))
    assert ("4 of 4 paths leave the frame" in caption) == cut
    assert ("leave the frame" in caption) == cut
