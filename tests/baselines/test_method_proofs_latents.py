"""BourGAN's embedding and PresGAN's entropy, on linear networks and against loops."""

import math
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy import stats
from support.by_hand import (
    TINY,
    Descent,
    Move,
    as_tensors,
    assert_a_cycle_is_that_of,
    cross_entropy,
    drawn,
    linear,
    log_sigmoid,
    loss_and_gradients,
    on_networks,
    warm_state,
    with_weights,
)
from torch import nn

from baselines.bourgan import embedded, stretch
from baselines.networks import Learnt
from baselines.presgan import LARGEST_SCALE, LEAST_SCALE, Chain
from benchmark.datasets.mixtures import Ring
from benchmark.method import Networks
from benchmark.registry import METHODS
from benchmark.training.step import Cycle, initialise
from benchmark.training.trees import tree_map

CPU = torch.device("cpu")

# BourGAN

POINTS = 4
SIZE = 10  # five subsets of each of two sizes
BOURGAN = {"generator": partial(nn.Linear, SIZE, 2), "discriminator": partial(nn.Linear, 2, 1)}


def test_the_embedding_is_the_distance_from_random_subsets():
    points = torch.randn(64, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    chances = np.repeat(0.5 ** np.arange(1, 7), 5)
    members = torch.rand(30, 64, generator=torch.Generator().manual_seed(0)).numpy() < chances[:, None]
    expected = np.zeros((64, 30))
    for column, member in enumerate(members):
        for row, point in enumerate(points.numpy()):
            if member.any():
                expected[row, column] = np.linalg.norm(points.numpy()[member] - point, axis=1).min()
    expected -= expected.mean(axis=0)
    expected *= math.sqrt(30) / (np.linalg.norm(expected) / math.sqrt(64))
    np.testing.assert_allclose(embedded(points), expected, atol=1e-5)


def test_the_embedding_keeps_far_modes_apart():
    """Its distances are those of the data but for a factor of about log n (Bourgain's theorem)."""
    data = Ring()
    points = data.draw(256, torch.Generator().manual_seed(0)).double()
    apart, embedding = torch.cdist(points, points), embedded(points)
    ratio = torch.cdist(embedding, embedding) / apart
    off_diagonal = ratio[~torch.eye(256, dtype=torch.bool)]
    assert off_diagonal.isfinite().all()
    same = apart < 0.5 * apart.max() / 4
    assert torch.cdist(embedding, embedding)[~same].min() > torch.cdist(embedding, embedding)[same].mean()


def test_the_stretch_is_the_largest_root_of_a_ratio():
    points = torch.tensor([[0.0], [1.0], [5.0]], dtype=torch.float64)
    embedding = torch.tensor([[0.0], [0.5], [0.75]], dtype=torch.float64)
    assert stretch(points, embedding).item() == pytest.approx(math.sqrt(4 / 0.25))
    twins = torch.tensor([[0.0], [0.0], [0.5]], dtype=torch.float64)
    assert stretch(points, twins).item() == pytest.approx(math.sqrt(5 / 0.5))


def embedding_of(state):
    return state.variables["embedding"]


def placed(state, noise, share):
    index = np.minimum((share * POINTS).astype(int), POINTS - 1)
    return embedding_of(state)[index] + 0.3 * noise


def embedded_judged(state, batch):
    fake = linear(state, "generator", placed(state, batch.z, batch.noise["place"]))
    return cross_entropy(linear(state, "discriminator", batch.x), linear(state, "discriminator", fake))


def embedded_fooled(state, batch):
    z = placed(state, batch.z, batch.noise["place"])
    other = placed(state, batch.noise["other"], batch.noise["other_place"])
    one, two = linear(state, "generator", z), linear(state, "generator", other)
    apart = np.linalg.norm(one - two, axis=1)
    wanted = state.variables["stretch"] * np.linalg.norm(z - other, axis=1)
    deception = -log_sigmoid(linear(state, "discriminator", one)).mean()
    return deception + 0.4 * ((np.log(apart) - np.log(wanted)) ** 2).mean()


def test_a_cycle_of_bourgan_is_that_of_numpy(monkeypatch):
    settings = {"lr": 0.05, "beta1": 0.6, "weight": 0.4, "spread": 0.3, "points": POINTS}
    method = on_networks("bourgan", BOURGAN, **settings)
    random = np.random.default_rng(0)
    values = {"embedding": torch.from_numpy(random.normal(size=(POINTS, SIZE))), "stretch": torch.tensor(1.7)}
    monkeypatch.setattr(type(method), "variables", lambda self, data: values)
    adam = Descent(0.05, 0.6)
    moves = [Move(("discriminator",), embedded_judged, adam), Move(("generator",), embedded_fooled, adam)]
    assert_a_cycle_is_that_of(moves, method)


def test_bourgan_begins_with_an_embedding_of_each_seeds_data():
    method, data = METHODS.get("bourgan")(points=32), Ring(batch=8, width=8)
    state = initialise(method, data, [0, 1], CPU)
    first, second = state.variables["embedding"]
    assert first.shape == (32, 25)
    assert not torch.equal(first, second)
    points = data.sample(10_000, data.stream(0, "begin"))[:32]
    embedding = embedded(points.double())
    assert torch.equal(first, embedding.float())
    assert state.variables["stretch"][0].item() == pytest.approx(stretch(points.double(), embedding).item())


def test_latents_lie_around_every_embedded_point():
    method = METHODS.get("bourgan")(points=4, spread=0.0)
    embedding = torch.arange(4.0)[:, None].expand(4, method.size)
    nets = type("Nets", (), {"variables": {"embedding": embedding}, "generator": staticmethod(lambda z: z)})
    normal = torch.from_numpy(stats.norm.ppf([0.0, 0.1, 0.3, 0.6, 0.9, 1.0])).float()[:, None]
    samples = method.sample(nets, torch.zeros(6, method.size), normal)
    assert samples[:, 0].tolist() == [0, 0, 1, 2, 3, 3]


# PresGAN

PRESCRIBED = {
    "generator": partial(nn.Linear, 3, 2),
    "noise_scale": partial(Learnt, (2,)),
    "discriminator": partial(nn.Linear, 2, 1),
}
WEIGHT = np.array([[0.8, -0.3, 0.2], [0.1, 0.5, -0.6]])
BIAS = np.array([0.4, -0.2])
SCALE = np.array([0.3, 0.5])


def prescribed():
    """A linear generator with known noise, bound to a batch of the loss."""
    method = on_networks("presgan", PRESCRIBED)
    state = with_weights(
        warm_state(method),
        generator={"weight": WEIGHT, "bias": BIAS},
        noise_scale={"numbers": np.log(np.expm1(SCALE)) - np.log(np.expm1(0.1))},
    )
    cycle = Cycle(method, TINY.spec)
    return method, Networks(cycle.modules, as_tensors(state), cycle.players)


def chain_noise(n, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return {
        "momentum": torch.randn(n, 4, 3, generator=rng, dtype=torch.float64),
        "acceptance": torch.rand(n, 4, generator=rng, dtype=torch.float64),
    }


def test_a_transition_is_that_of_numpy():
    method, nets = prescribed()
    random = np.random.default_rng(0)
    z, momentum, fake = random.normal(size=(5, 3)), random.normal(size=(5, 3)), random.normal(size=(5, 2))
    uniform, step = random.uniform(size=5), 0.4

    def energy(z):
        misfit = (fake - z @ WEIGHT.T - BIAS) / SCALE
        return ((z**2).sum(axis=1) + (misfit**2).sum(axis=1)) / 2

    def force(z):
        return -z + ((fake - z @ WEIGHT.T - BIAS) / SCALE**2) @ WEIGHT

    place, p = z.copy(), momentum + step / 2 * force(z)
    for leap in range(5):
        place = place + step * p
        p = p + (step if leap < 4 else step / 2) * force(place)
    gain = energy(z) + (momentum**2).sum(axis=1) / 2 - energy(place) - (p**2).sum(axis=1) / 2
    accepted = uniform < np.exp(gain)
    assert 0 < accepted.sum() < 5
    chain = Chain(torch.from_numpy(z), torch.tensor(step, dtype=torch.float64))
    moved = method.transition(
        nets, chain, *(torch.from_numpy(array) for array in (fake, SCALE, momentum, uniform))
    )
    np.testing.assert_allclose(moved.latents, np.where(accepted[:, None], place, z), rtol=1e-9)
    assert moved.step.item() == pytest.approx(step * (1 + 0.02 * (accepted.mean() - 0.67)))


def test_the_slope_of_the_density_is_right_on_average():
    """Of a linear generator, samples are Gaussian, and E[slope (x - mean)^T] is minus the identity."""
    method, nets = prescribed()
    n = 40_000
    rng = torch.Generator().manual_seed(3)
    z, noise = (torch.randn(n, size, generator=rng, dtype=torch.float64) for size in (3, 2))
    scale = torch.from_numpy(SCALE)
    fake = nets.generator(z) + scale * noise
    batch = drawn(method)[1]._replace(z=z, noise=chain_noise(n))
    slope = method.score(nets, batch, fake, scale)
    moment = slope.mT @ (fake - torch.from_numpy(BIAS)) / n
    assert torch.allclose(moment, -torch.eye(2, dtype=torch.float64), atol=0.05)
    # The step has been adapted in the two transitions of the burn-in, and not after them.
    ratio = nets.variables["step"].item() * 3
    assert 0.98 < ratio < 1.02
    assert ratio != 1


def test_the_chain_follows_the_generator():
    """From the prior's latents it goes to those that could have made a sample; the public code's does not."""
    method, nets = prescribed()
    n = 4000
    fake = torch.tensor([[2.0, 1.0]], dtype=torch.float64).expand(n, 2)
    precision = np.eye(3) + WEIGHT.T @ np.diag(1 / SCALE**2) @ WEIGHT
    expected = np.linalg.solve(precision, WEIGHT.T @ ((np.array([2.0, 1.0]) - BIAS) / SCALE**2))
    chain = Chain(torch.randn(n, 3, dtype=torch.float64), torch.tensor(0.13, dtype=torch.float64))
    for seed in range(10):
        noise = chain_noise(n, seed)
        for index in range(4):
            moved = method.transition(
                nets,
                chain,
                fake,
                torch.from_numpy(SCALE),
                noise["momentum"][:, index],
                noise["acceptance"][:, index],
            )
            chain = moved._replace(step=chain.step)
    np.testing.assert_allclose(chain.latents.mean(dim=0), expected, atol=0.06)
    np.testing.assert_allclose(np.cov(chain.latents.numpy().T), np.linalg.inv(precision), atol=0.06)


def test_the_loss_of_presgan_is_deception_less_entropy():
    """The entropy's gradient is that of the samples, with its slope held."""
    method, nets = prescribed()
    batch = drawn(method)[1].map(lambda t: t[0])
    loss = method.generator_loss(nets, batch)
    scale = torch.from_numpy(SCALE)
    fake = nets.generator(batch.z) + scale * batch.noise["pixels"]
    _, fresh = prescribed()
    slope = method.score(fresh, batch, fake, scale)
    deception = -log_sigmoid(nets.discriminator(fake).numpy()).mean()
    assert loss.item() == pytest.approx(deception + 0.01 * (slope * fake).sum(dim=1).mean().item(), rel=1e-9)


def test_the_gradient_of_presgan_holds_the_slope():
    """Those of the generator's bias and of the scales, by the chain rule with the slope as a number."""
    method, nets = prescribed()
    batch = drawn(method)[1].map(lambda t: t[0])
    scale, pixels = torch.from_numpy(SCALE), batch.noise["pixels"]
    fake = nets.generator(batch.z) + scale * pixels
    slope = method.score(nets, batch, fake, scale)
    weight, bias = (nets.state.parameters["discriminator"][key] for key in ("weight", "bias"))
    # The gradient of softplus(-D) in a sample, and that of the entropy times its weight.
    pull = -torch.sigmoid(-(fake @ weight.mT + bias)) * weight + 0.01 * slope
    state, arrays = nets.state, batch.map(torch.Tensor.numpy)
    numpy_state = tree_map(torch.Tensor.numpy, state._replace(variables=prescribed()[1].state.variables))
    _, gradients = loss_and_gradients(method, "generator", numpy_state, arrays)
    np.testing.assert_allclose(gradients["generator"]["bias"], pull.mean(dim=0), rtol=1e-9)
    of_scale = (pull * pixels).mean(dim=0) * (1 - torch.exp(-scale))  # softplus' = 1 - exp(-softplus)
    np.testing.assert_allclose(gradients["noise_scale"]["numbers"], of_scale, rtol=1e-9)


def test_real_and_generated_data_have_the_same_noise():
    method, nets = prescribed()
    batch = drawn(method)[0].map(lambda t: t[0])
    noise = SCALE * batch.noise["pixels"].numpy()
    real, fake = batch.x.numpy() + noise, nets.generator(batch.z).numpy() + noise
    judged = [nets.discriminator(torch.from_numpy(x)).numpy() for x in (real, fake)]
    assert method.discriminator_loss(nets, batch).item() == pytest.approx(cross_entropy(*judged), rel=1e-9)


def test_the_scale_of_the_noise_stays_in_its_bounds():
    method = METHODS.get("presgan")(scale=0.2)
    first = method.noise_std(SimpleNamespace(noise_scale=Learnt((3,))))
    assert torch.allclose(first, torch.full((3,), 0.2))
    moved = method.within_bounds({"numbers": torch.tensor([-100.0, 0.1, 100.0])})["numbers"]
    bounded = method.noise_std(SimpleNamespace(noise_scale=lambda: moved))
    middle = math.log1p(math.exp(math.log(math.expm1(0.2)) + 0.1))
    assert bounded.tolist() == pytest.approx([LEAST_SCALE, middle, LARGEST_SCALE], rel=1e-4)


def test_samples_of_presgan_are_means_or_draws():
    method, nets = prescribed()
    z, noise = torch.randn(4, 3, dtype=torch.float64), torch.randn(4, 2, dtype=torch.float64)
    mean = nets.generator(z)
    assert torch.equal(method.sample(nets, z, noise[:, :0]), mean)
    drawing = on_networks("presgan", PRESCRIBED, samples="draw")
    assert torch.allclose(drawing.sample(nets, z, noise), mean + torch.from_numpy(SCALE) * noise)
    assert (method.latents(TINY.spec).noise, drawing.latents(TINY.spec).noise) == (0, 2)
