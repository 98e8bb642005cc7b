"""Diffusions and flows on images: their networks, and how images go through them as vectors."""

import pytest
import torch
from support.timed import Nets
from torch.func import jacrev

from baselines.ddpm import data_share
from baselines.denoisers import denoiser, judge_of_steps
from benchmark.method import DataSpec
from benchmark.registry import METHODS


def images(side=28, channels=3, width=4):
    return DataSpec("images", (channels, side, side), latent=6, width=width, depth=2)


SMALL = images(side=8, channels=1)


def nets_of(generator, shape=SMALL.shape):
    """What a sampler is given: the generator, the mean 0.2 of the data and its scale 0.5."""
    variables = {"mean": torch.full(shape, 0.2), "scale": torch.tensor(0.5)}
    return Nets(generator, variables)


@pytest.mark.parametrize("side", [4, 5, 12, 28, 33])
@pytest.mark.parametrize("channels", [1, 3])
def test_images_of_any_size(side, channels):
    data = images(side, channels)
    x, t = torch.randn(2, channels * side * side), torch.rand(2)
    assert denoiser(data)(x, t).shape == x.shape
    assert denoiser(data, codes=6)(x, t, torch.randn(2, 6)).shape == x.shape
    assert judge_of_steps(data)(x, t, x).shape == (2, 1)


def test_the_noise_of_every_pixel_can_be_told():
    """The smallest maps have 4 x 4 x 4 numbers, fewer than the image has pixels."""
    data = images(side=8, channels=1, width=4)
    network = denoiser(data).double()
    x, t = torch.randn(1, 64).double(), torch.full((1,), 0.3).double()
    jacobian = jacrev(lambda x: network(x, t)[0])(x)[:, 0]
    assert torch.linalg.matrix_rank(jacobian) == 64
    narrow = denoiser(images(side=8, channels=1, width=1)).double()
    jacobian = jacrev(lambda x: narrow(x, t)[0])(x)[:, 0]
    assert torch.linalg.matrix_rank(jacobian) > 4 * 4


def test_all_that_is_known_counts():
    data = images(side=8)
    x, t, codes = torch.randn(4, 192), torch.rand(4), torch.randn(4, 6)
    network, judge = denoiser(data, codes=6), judge_of_steps(data)
    made, judged = network(x, t, codes), judge(x, t, x)
    for other in (network(x, t / 2, codes), network(x, t, -codes), network(-x, t, codes)):
        assert not torch.allclose(other, made, atol=1e-4)
    for other in (judge(-x, t, x), judge(x, t / 2, x), judge(x, t, -x)):
        assert not torch.allclose(other, judged, atol=1e-4)


def test_each_image_is_seen_alone():
    network = denoiser(SMALL)
    x, t = torch.randn(5, 64), torch.rand(5)
    assert torch.allclose(network(x, t)[2:3], network(x[2:3], t[2:3]), atol=1e-5)


@pytest.mark.parametrize("name", ["flow-matching", "ddpm", "ddgan"])
def test_networks_see_images_as_standardised_vectors(name):
    method = METHODS.get(name)()
    nets = nets_of(None)
    x = torch.rand(3, 1, 8, 8) * 2 - 1
    seen = method.standard(nets, x)
    assert seen.shape == (3, 64)
    assert torch.allclose(seen, (x.flatten(1) - 0.2) / 0.5)
    assert torch.allclose(method.restored(nets, seen), x, atol=1e-6)
    assert method.latents(SMALL).size == 64


def test_a_flow_that_moves_nothing_makes_its_latents():
    method = METHODS.get("flow-matching")()
    z = torch.randn(3, 64)
    samples = method.sample(nets_of(lambda x, t: torch.zeros_like(x)), z, z[:, :0])
    assert torch.allclose(samples, 0.2 + 0.5 * z.view(3, 1, 8, 8))


@pytest.mark.parametrize("sampler", ["ancestral", "ddim"])
@pytest.mark.parametrize("prediction", ["noise", "data"])
def test_pixels_that_a_diffusion_guesses_stay_in_their_range(sampler, prediction):
    method = METHODS.get("ddpm")(sampler=sampler, prediction=prediction, evaluations=10)
    z, noise = torch.randn(4, 64), torch.randn(4, method.latents(SMALL).noise)
    samples = method.sample(nets_of(lambda x, t: -3 * x + 5), z, noise)
    assert samples.abs().max() <= 1 + 1e-5


def test_ddim_takes_the_noise_that_belongs_to_the_image_it_guesses():
    """In two steps from a guess that is too bright, where the pixels are 1: the noise is what is left."""
    method = METHODS.get("ddpm")(sampler="ddim", evaluations=2)
    seen = []

    def guess(x, t):
        seen.append(x)
        return torch.full_like(x, -100.0)

    z = torch.randn(4, 64)
    method.sample(nets_of(guess), z, z[:, :0])
    first, second = data_share(torch.tensor([1.0, 0.0]))
    white = torch.full_like(z, (1 - 0.2) / 0.5)
    left = (z - first.sqrt() * white) / (1 - first).sqrt()
    assert torch.allclose(seen[1], second.sqrt() * white + (1 - second).sqrt() * left, atol=1e-5)


def test_points_have_no_range():
    method = METHODS.get("ddpm")()
    x = torch.tensor([[50.0, -50.0]])
    assert torch.equal(method.possible(nets_of(None, shape=(2,)), x), x)
