"""Inference via optimisation, and the optimiser behind it."""

import itertools
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from baselines.networks import generator
from benchmark.datasets.base import Dataset
from benchmark.datasets.images import Images
from benchmark.datasets.mixtures import Ring
from benchmark.method import Latents
from benchmark.metric import Evaluation, HeldOut
from benchmark.registry import METRICS
from metrics import ivom
from metrics.lbfgs import minimise


@dataclass(frozen=True)
class Vectors(Dataset):
    """Points of six normal coordinates."""

    name = "vectors"
    kind = "points"

    @property
    def shape(self):
        return (6,)

    def draw(self, n, rng, split="train"):
        return torch.randn(n, *self.shape, generator=rng)


@dataclass(frozen=True)
class Noise(Images):
    """Images of random pixels."""

    name = "noise"
    side: int = 8

    @property
    def shape(self):
        return (3, self.side, self.side)

    def draw(self, n, rng, split="train"):
        return torch.randint(256, (n, *self.shape), generator=rng, dtype=torch.uint8)

    def nearest_training(self, packed):
        raise NotImplementedError


def score(data, held_out, generate=None, seeds=(0,), samples=None, **settings):
    """One number per seed; `generate` maps (S, N, L) to (S, N, *)."""
    samples = held_out[None, :2].expand(len(seeds), 2, *data.shape) if samples is None else samples
    evaluation = Evaluation(data, samples, HeldOut(held_out), seeds, generate)
    return METRICS.get("ivom")(**settings).score(evaluation)


def networks(data, seeds):
    """A random generator of images per seed."""
    generators = []
    for seed in seeds:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = generator(data.spec).eval().requires_grad_(False)
        # Larger weights than a fresh network's give it a range that is curved.
        for parameter in network.parameters():
            parameter.mul_(2)
        generators.append(network)
    return lambda z: torch.stack([network(part) for network, part in zip(generators, z, strict=True)])


def test_as_many_latents_are_searched_as_a_sample_takes():
    """Of a generator that is the identity, those of a method with as many as the data has coordinates."""
    data = Vectors(latent=1)
    held_out = data.draw(20, torch.Generator().manual_seed(0))
    latents = Latents(held_out.shape[1])
    evaluation = Evaluation(data, held_out[None, :2], HeldOut(held_out), [0], lambda z: z, latents)
    assert METRICS.get("ivom")(points=20).score(evaluation).item() < 1e-8


def test_it_does_not_apply_to_samples_with_noise():
    metric = METRICS.get("ivom")()
    assert metric.applies_to(Latents(2))
    assert metric.applies_to(Latents(2, "uniform"))
    assert not metric.applies_to(Latents(2, noise=1))


@pytest.mark.parametrize(
    ("data", "scale"), [(Vectors(latent=3), 1), (Noise(latent=7), 4)], ids=["points", "images"]
)
def test_of_a_linear_generator_it_is_the_least_squares_residual(data, scale):
    """Of images it is that of pixels in [0, 1]: a quarter of that in [-1, 1]."""
    rng = torch.Generator().manual_seed(0)
    size = data.unpack(data.draw(1, rng)).numel()
    a = torch.randn(2, data.latent, size, generator=rng)
    b = 0.3 * torch.randn(2, 1, size, generator=rng)

    def generate(z):
        return (z @ a + b).unflatten(2, data.shape)

    held_out = data.draw(40, rng)
    targets = data.unpack(held_out).flatten(1).double().numpy()
    expected = []
    for matrix, offset in zip(a.double().numpy(), b.double().numpy(), strict=True):
        shifted = (targets - offset).T
        z, *_ = np.linalg.lstsq(matrix.T, shifted, rcond=None)
        expected.append(((matrix.T @ z - shifted) ** 2).mean() / scale)
    scores = score(data, held_out, generate, (0, 1), points=40)
    assert scores.tolist() == pytest.approx(expected, rel=1e-4)
    assert scores.dtype == torch.float64
    # Fewer data are the first of them.
    fewer = score(data, held_out, generate, (0, 1), points=10)
    assert fewer.tolist() == score(data, held_out[:10], generate, (0, 1)).tolist()


def test_what_a_generator_can_make_has_no_error():
    """Images of the generator, with the rounding to 8 bits as the only error, up to local minima."""
    data = Noise(latent=4, width=4)
    generate = networks(data, [3])
    z = torch.randn(1, 20, 4, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        held_out = data.pack(generate(z))[0]
    # 1 / 12 of a level is the variance of rounding.
    assert score(data, held_out, generate, restarts=8).item() < 5 / 12 / 255**2


def test_iterations_and_restarts_never_make_it_worse():
    data, seeds = Noise(latent=6, width=4, side=12), (0, 1, 2)
    held_out, generate = data.draw(10, data.stream("all", "held-out")), networks(data, seeds)

    def scores(restarts, iterations):
        return score(data, held_out, generate, seeds, restarts=restarts, iterations=iterations)

    by_iterations = [scores(2, iterations) for iterations in (1, 2, 5, 20, 60)]
    assert all((after <= before).all() for before, after in itertools.pairwise(by_iterations))
    assert (by_iterations[-1] < 0.99 * by_iterations[0]).all()
    by_restarts = [scores(restarts, 20) for restarts in (1, 2, 3, 6)]
    # The batch is another one, and so its rounding.
    assert all((after <= before * (1 + 1e-6)).all() for before, after in itertools.pairwise(by_restarts))
    assert (by_restarts[-1] < by_restarts[0]).all()


def test_seeds_do_not_influence_each_other():
    data, seeds = Noise(latent=6, width=4, side=12), (0, 1, 2)
    held_out = data.draw(10, data.stream("all", "held-out"))
    together = score(data, held_out, networks(data, seeds), seeds, iterations=20)
    alone = [score(data, held_out, networks(data, [seed]), [seed], iterations=20).item() for seed in seeds]
    assert together.tolist() == pytest.approx(alone, rel=1e-6)
    assert len(set(alone)) == 3
    # Equal generators differ by where the search begins.
    same = networks(data, [0, 0])
    assert len(set(score(data, held_out, same, (0, 1), iterations=1).tolist())) == 2


def test_parts_do_not_matter(monkeypatch):
    data = Noise(latent=6)
    held_out = data.draw(25, data.stream("all", "held-out"))
    a = torch.randn(6, 192, generator=torch.Generator().manual_seed(0))
    settings = {"generate": lambda z: (z @ a).unflatten(2, data.shape), "seeds": (0, 1)}
    samples = data.draw(60, data.stream(0, "samples"))[None]
    whole, nearest = score(data, held_out, **settings), score(data, held_out, samples=samples)
    monkeypatch.setattr(ivom, "NUMBERS_AT_A_TIME", 2 * 3 * 192 * 4)  # four targets, or 25 samples
    assert score(data, held_out, **settings).tolist() == pytest.approx(whole.tolist(), rel=1e-5)
    assert score(data, held_out, samples=samples).tolist() == pytest.approx(nearest.tolist(), rel=1e-9)


def test_without_a_generator_it_is_the_error_of_the_nearest_sample():
    held_out = torch.tensor([[0.0, 0.0], [1.0, 1.0]])
    samples = torch.tensor([[[0.0, 1.0], [5.0, 5.0]], [[1.0, 1.0], [1.0, 1.0]]])
    assert score(Ring(), held_out, None, (0, 1), samples).tolist() == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize("data", [Ring(), Noise()], ids=["points", "images"])
def test_the_nearest_sample_is_found_by_differences(data):
    """As precisely where distances are small beside the coordinates."""
    held_out, samples = data.draw(100, data.stream(0, "a")), data.draw(2500, data.stream(0, "b"))
    if data.kind == "points":
        held_out, samples = held_out + 20, samples + 20
    targets, x = data.unpack(held_out).flatten(1).double(), data.unpack(samples).flatten(1).double()
    nearest = torch.stack([(target - x).square().mean(dim=1).amin() for target in targets])
    expected = nearest.mean() / data.span**2
    assert score(data, held_out, samples=samples[None]).item() == pytest.approx(expected.item(), rel=1e-6)


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
    def objective(x):
        return (x**4).sum(1) + x[:, 0]

    start = torch.randn(5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    together, alone = minimise(objective, start, 10)[0], minimise(objective, start[2:3], 10)[0]
    assert torch.allclose(together[2], alone[0])


def test_lbfgs_forgets_a_step_to_where_there_is_no_value():
    def objective(x):
        return 50 * (x[:, 0] - 0.2) ** 2 - 1e-3 * x[:, 0].sqrt() + 5 * (x[:, 1] - x[:, 0] ** 2) ** 2

    # The first step ends left of zero.
    start = torch.tensor([[0.9, 0.0]], dtype=torch.float64)

    def value(iterations):
        _, values = minimise(objective, start, iterations)
        return values.item()

    assert value(1) == objective(start).item()
    assert value(12) == pytest.approx(value(200), abs=1e-6)


def test_lbfgs_evaluates_each_row_once_per_iteration():
    calls = []

    def objective(x):
        calls.append(len(x))
        return x.square().sum(1)

    minimise(objective, torch.ones(4, 2), 7)
    assert calls == [4] * 8  # and once at the start
