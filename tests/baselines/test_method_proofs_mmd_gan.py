"""MMD GAN: kernels and estimators by hand, and both forms' cycles against numpy on linear networks."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from support.by_hand import (
    TINY,
    Descent,
    Move,
    RootMeanSquareDescent,
    assert_a_cycle_is_that_of,
    drawn,
    linear,
    loss_and_gradients,
    on_networks,
    warm_state,
    with_weights,
)
from torch import nn

from baselines.kernels import gaussians, mmd2, rational_quadratics, squared_distances, witness
from benchmark.commands.checks.made_up_data import Pictures
from benchmark.commands.checks.methods import CHECKS, builds
from benchmark.datasets.mixtures import Ring
from benchmark.registry import METHODS

CODES = 2
LI = {
    "generator": partial(nn.Linear, 3, 2),
    "discriminator": partial(nn.Linear, 2, CODES),
    "discriminator_decoder": partial(nn.Linear, CODES, 2),
}
BINKOWSKI = {"generator": LI["generator"], "discriminator": LI["discriminator"]}


def gaussian(a, b):
    """Five widths, as in the code of Li et al."""
    return sum(math.exp(-((a - b) ** 2).sum() / (2 * s**2)) for s in (1, 2, 4, 8, 16))


def rational(a, b):
    """Three exponents, as in the code of Binkowski et al."""
    return sum((1 + ((a - b) ** 2).sum() / (2 * alpha)) ** -alpha for alpha in (0.1, 1, 10))


KERNELS = [(gaussians, gaussian), (rational_quadratics, rational)]


def mean(kernel, x, y, same=True):
    """Over all pairs; without those of a sample with itself if not `same`."""
    values = []
    for i, a in enumerate(x):
        for j, b in enumerate(y):
            if same or i != j:
                values.append(kernel(a, b))
    return np.mean(values)


def biased(kernel, x, y):
    return mean(kernel, x, x) + mean(kernel, y, y) - 2 * mean(kernel, x, y)


def unbiased(kernel, x, y):
    return mean(kernel, x, x, same=False) + mean(kernel, y, y, same=False) - 2 * mean(kernel, x, y)


def batch_of(method, draw=0):
    return drawn(method)[draw].map(lambda t: t[0].numpy())


# Kernels


@pytest.mark.parametrize(("kernel", "by_hand"), KERNELS)
def test_the_discrepancies_are_those_of_loops(kernel, by_hand):
    random = np.random.default_rng(0)
    x, y = random.normal(size=(5, 3)), random.normal(size=(7, 3)) + 1
    tensors = torch.from_numpy(x), torch.from_numpy(y)
    assert mmd2(kernel, *tensors).item() == pytest.approx(biased(by_hand, x, y), rel=1e-9)
    ours = mmd2(kernel, *tensors, unbiased=True).item()
    assert ours == pytest.approx(unbiased(by_hand, x, y), rel=1e-9)
    points = random.normal(size=(4, 3))
    seen = witness(kernel, torch.from_numpy(points), *tensors)
    expected = [mean(by_hand, point[None], x) - mean(by_hand, point[None], y) for point in points]
    np.testing.assert_allclose(seen, expected, rtol=1e-9)


@pytest.mark.parametrize(("kernel", "by_hand"), KERNELS)
def test_of_two_points_it_is_known(kernel, by_hand):
    """2 k(0) - 2 k(d), where k(0) is the number of kernels."""
    a, b = torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0]])
    at_zero, apart = by_hand(np.zeros(2), np.zeros(2)), by_hand(np.zeros(2), np.array([3.0, 4.0]))
    assert squared_distances(a, b).item() == 25
    assert mmd2(kernel, a, b).item() == pytest.approx(2 * at_zero - 2 * apart, rel=1e-6)


@pytest.mark.parametrize("kernel", [gaussians, rational_quadratics])
def test_of_equal_laws_the_unbiased_one_is_0_on_average_and_the_biased_one_is_not(kernel):
    """The first must be allowed to be negative; the second never is."""
    rng = torch.Generator().manual_seed(0)
    x, y = torch.randn(2, 4000, 6, 2, generator=rng, dtype=torch.float64)
    exact = torch.vmap(partial(mmd2, kernel, unbiased=True))(x, y)
    other = torch.vmap(partial(mmd2, kernel))(x, y)
    error = exact.std() / math.sqrt(len(exact))
    assert exact.mean().abs() < 3 * error
    assert 0.4 < (exact < 0).double().mean() < 0.8
    assert (other >= 0).all()
    assert other.mean() > 20 * error


@pytest.mark.parametrize("kernel", [gaussians, rational_quadratics])
@pytest.mark.parametrize(("scale", "offset"), [(1e-4, 0.0), (1.0, 1000.0)])
def test_neither_small_distances_nor_a_far_origin_are_lost_to_rounding(kernel, scale, offset):
    rng = torch.Generator().manual_seed(0)
    x, y = torch.randn(8, 3, generator=rng), torch.randn(8, 3, generator=rng) + 1
    x, y = scale * x + offset, scale * y + offset
    exact = mmd2(kernel, x.double(), y.double()).item()
    assert mmd2(kernel, x, y).item() == pytest.approx(exact, rel=1e-3)


# The form of Li et al.


def features(state, batch):
    generated = linear(state, "generator", batch.z)
    return linear(state, "discriminator", batch.x), linear(state, "discriminator", generated)


def order(state, batch):
    """At most 0; it is 0 where the real features have the larger mean in all dimensions."""
    real, fake = features(state, batch)
    return -np.maximum(0, -(real.mean(axis=0) - fake.mean(axis=0))).mean()


def li_distance(state, batch):
    return np.sqrt(biased(gaussian, *features(state, batch))) + 16 * order(state, batch)


def li_loss(state, batch):
    real, fake = features(state, batch)
    generated = linear(state, "generator", batch.z)
    real_error = ((linear(state, "discriminator_decoder", real) - batch.x) ** 2).mean()
    fake_error = ((linear(state, "discriminator_decoder", fake) - generated) ** 2).mean()
    return 8 * real_error + 8 * fake_error - li_distance(state, batch)


def test_a_cycle_of_lis_form_is_that_of_numpy():
    """Five updates of the autoencoder by RMSprop, each with its encoder clipped, and one of the generator."""
    method = on_networks("mmd-gan", LI, lr=0.02, clip=0.4)
    rmsprop = RootMeanSquareDescent(0.02)
    judges = ("discriminator", "discriminator_decoder")
    judge = Move(judges, li_loss, rmsprop, bounds={"discriminator": 0.4})
    assert_a_cycle_is_that_of([judge] * 5 + [Move(("generator",), li_distance, rmsprop)], method)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_order_counts_only_where_generated_features_lie_above(sign):
    """Features are the data itself, and the difference of the means is the same in both dimensions."""
    method = on_networks("mmd-gan", LI)
    state = with_weights(
        warm_state(method),
        generator={"weight": 0.0, "bias": sign * 2.0},
        discriminator={"weight": np.eye(2), "bias": 0.0},
    )
    batch = batch_of(method)
    batch = batch._replace(x=np.zeros_like(batch.x))
    root = math.sqrt(2 * 5 - 2 * gaussian(np.zeros(2), np.full(2, 2.0)))
    loss, gradients = loss_and_gradients(method, "generator", state, batch)
    assert loss == pytest.approx(root - (32 if sign == 1 else 0), rel=1e-9)
    below = partial(on_networks, "mmd-gan", LI, order_weight=0.0)
    _, without = loss_and_gradients(below(), "generator", state, batch)
    pull = gradients["generator"]["bias"] - without["generator"]["bias"]
    np.testing.assert_allclose(pull, [-8.0, -8.0] if sign == 1 else [0.0, 0.0], rtol=1e-9)


def test_equal_batches_have_a_gradient_of_0():
    """Where the root of the discrepancy has none."""
    method = on_networks("mmd-gan", LI)
    state = with_weights(warm_state(method), generator={"weight": np.eye(2, 3), "bias": 0.0})
    batch = batch_of(method)
    loss, gradients = loss_and_gradients(method, "generator", state, batch._replace(x=batch.z[:, :2]))
    assert loss == 0
    for gradient in gradients["generator"].values():
        np.testing.assert_array_equal(gradient, 0)


# The form of Binkowski et al.


def slopes(state, batch):
    """The slope of the witness function between pairs, by the chain rule, $W^T \\nabla_f w$."""
    real, fake = features(state, batch)
    generated = linear(state, "generator", batch.z)
    share = batch.noise["mix"]
    mixed = share * batch.x + (1 - share) * generated
    points = linear(state, "discriminator", mixed)

    def pull(point, others):
        """The mean gradient of the kernel in its first argument."""
        gradients = []
        for other in others:
            apart = point - other
            stretch = [(1 + (apart**2).sum() / (2 * alpha)) ** (-alpha - 1) for alpha in (0.1, 1, 10)]
            gradients.append(-sum(stretch) * apart)
        return np.mean(gradients, axis=0)

    weight = state.parameters["discriminator"]["weight"]
    return np.array([(pull(point, real) - pull(point, fake)) @ weight for point in points])


def binkowski_distance(state, batch):
    return unbiased(rational, *features(state, batch))


def binkowski_loss(state, batch):
    real, fake = features(state, batch)
    size = (real**2).mean() + (fake**2).mean()
    penalty = ((np.linalg.norm(slopes(state, batch), axis=1) - 1) ** 2).mean()
    return 0.7 * penalty + 0.3 * size - binkowski_distance(state, batch)


def test_a_cycle_of_binkowskis_form_is_that_of_numpy():
    """Five updates of the discriminator, one of the generator, with clipped gradients."""
    settings = {"form": "binkowski", "lr": 0.02, "penalty": 0.7, "feature_weight": 0.3}
    method = on_networks("mmd-gan", BINKOWSKI, **settings)
    adam = Descent(0.02, 0.5, 0.9, clip_norm=1.0)
    judge, maker = (
        Move(("discriminator",), binkowski_loss, adam),
        Move(("generator",), binkowski_distance, adam),
    )
    assert_a_cycle_is_that_of([judge] * 5 + [maker], method)


def test_the_latents_of_binkowskis_form_are_uniform():
    for form, law in (("li", "normal"), ("binkowski", "uniform")):
        latents = METHODS.get("mmd-gan")(form=form).latents(TINY.spec)
        assert (latents.law, latents.size) == (law, TINY.latent)


@pytest.mark.parametrize("data", [Ring(batch=16, width=8), Pictures(batch=8, width=4, latent=8)])
def test_the_contract_holds_for_binkowskis_form(data):
    method = METHODS.get("mmd-gan")(form="binkowski")
    builds(method, data)
    for check in CHECKS.values():
        assert check(method, data) is None


def test_the_published_settings():
    method = METHODS.get("mmd-gan")()
    assert (method.form, method.discriminator_steps, method.clip) == ("li", 5, 0.01)
    assert (method.reconstruction_weight, method.order_weight) == (8, 16)
    assert (method.features, method.penalty, method.feature_weight) == (16, 1, 1)
    for form, lr in (("li", 5e-5), ("binkowski", 1e-4)):
        for player in METHODS.get("mmd-gan")(form=form).players(TINY.spec).values():
            assert player.optimiser.lr == lr
    assert player.optimiser.betas == (0.5, 0.9)
    assert player.optimiser.clip_norm == 1


def test_networks_of_both_forms():
    """Codes are as many as latents; other features are as many as the setting says."""
    ring = Ring(batch=4, width=8, latent=3)
    x = torch.zeros(4, 2)
    li = METHODS.get("mmd-gan")().networks(ring.spec)
    codes = li["discriminator"](x)
    assert codes.shape == (4, 3)
    assert li["discriminator_decoder"](codes).shape == x.shape
    other = METHODS.get("mmd-gan")(form="binkowski").networks(ring.spec)
    assert other["discriminator"](x).shape == (4, 16)
