"""Generators without an adversary, against loops: MMD and drifting."""

import numpy as np
import pytest
import torch
from support.by_hand import drawn, linear, loss_and_gradients, on_networks, warm_state, with_weights
from torch import nn

from baselines.drifting import drift, forces
from benchmark.registry import METHODS

NETWORKS = {"generator": lambda: nn.Linear(3, 2)}


def batch_of(method):
    return drawn(method)[0].map(lambda t: t[0].numpy())


def points(n, seed, d=2):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=rng, dtype=torch.float64)


# MMD


def test_the_loss_of_mmd_is_that_of_loops():
    """The kernel's narrowest part is as wide as the bandwidth, in root mean square distances of real data."""
    method = on_networks("mmd", NETWORKS, bandwidth=0.3)
    state, batch = warm_state(method), batch_of(method)
    real, fake = batch.x, linear(state, "generator", batch.z)
    n = len(real)
    unit = 0.3**2 * ((real[:, None] - real) ** 2).sum(axis=2).mean()

    def kernel(a, b):
        return sum(np.exp(-((a - b) ** 2).sum() / unit / (2 * s**2)) for s in (1, 2, 4, 8, 16))

    def mean(x, y, same=True):
        """Over all pairs; without those of equal places if not `same`."""
        total, pairs = 0.0, 0
        for i in range(n):
            for j in range(n):
                if same or i != j:
                    total += kernel(x[i], y[j])
                    pairs += 1
        return total / pairs

    loss, _ = loss_and_gradients(method, "generator", state, batch)
    assert loss == pytest.approx(
        mean(real, real, same=False) + mean(fake, fake, same=False) - 2 * mean(real, fake), rel=1e-9
    )


def test_the_loss_of_mmd_does_not_depend_on_the_unit_of_data():
    method = on_networks("mmd", NETWORKS)
    state, batch = warm_state(method), batch_of(method)
    parameters = {key: 100 * value for key, value in state.parameters["generator"].items()}
    larger = with_weights(state, generator=parameters)
    loss, _ = loss_and_gradients(method, "generator", state, batch)
    scaled, _ = loss_and_gradients(method, "generator", larger, batch._replace(x=100 * batch.x))
    assert loss == pytest.approx(scaled, rel=1e-9)


# Drifting


def test_forces_are_those_of_the_notebook():
    """Exponentials of distances, divided by the root of their sums over both sides."""
    distances = points(5, 0, 7).abs()
    kernel = np.exp(-distances.numpy())
    rows, columns = kernel.sum(axis=1, keepdims=True), kernel.sum(axis=0, keepdims=True)
    np.testing.assert_allclose(forces(distances), kernel / np.sqrt(rows * columns), rtol=1e-12)


def field(query, attracting, repelling):
    """At points that are no samples; the forces of both sets together, as in the method."""
    distances = torch.cdist(query, torch.cat([repelling, attracting]))
    push, pull = forces(distances).split([len(repelling), len(attracting)], dim=1)
    return drift(pull, attracting, push, repelling)


def test_swapped_sets_turn_the_field_round():
    query, one, other = points(6, 0), points(9, 1), points(9, 2) + 1
    assert torch.allclose(field(query, one, other), -field(query, other, one), atol=1e-12)
    assert torch.allclose(field(query, one, one), torch.zeros(6, 2, dtype=torch.float64), atol=1e-12)
    assert field(query, one, other).abs().max() > 0.1


def test_the_field_does_not_depend_on_the_origin():
    query, one, other = points(6, 0), points(9, 1), points(9, 2) + 1
    moved = field(query + 5, one + 5, other + 5)
    assert torch.allclose(field(query, one, other), moved, atol=1e-9)


def test_the_goal_of_drifting_is_that_of_loops():
    method = METHODS.get("drifting")(temperature=0.4)
    fake, real = points(4, 0), points(4, 1) + 1
    samples = torch.cat([fake, real])
    distances = torch.cdist(fake, samples)
    relative = (distances / distances.mean()).numpy()
    kernel = np.exp(-relative / 0.4)
    for i in range(4):
        kernel[i, i] = 0  # a sample does not push itself
    kernel = kernel / np.sqrt(kernel.sum(axis=1, keepdims=True) * kernel.sum(axis=0, keepdims=True))
    goal = fake.numpy().copy()
    for i in range(4):
        push, pull = kernel[i, :4], kernel[i, 4:]
        for j in range(4):
            goal[i] += push.sum() * pull[j] * (real[j] - fake[i]).numpy()
            goal[i] -= pull.sum() * push[j] * (fake[j] - fake[i]).numpy()
    np.testing.assert_allclose(method.goal(fake, real), goal, rtol=1e-6)


def test_the_loss_of_drifting_pulls_towards_a_goal_that_stands_still():
    method = on_networks("drifting", NETWORKS, temperature=0.4)
    state, batch = warm_state(method), batch_of(method)
    fake = linear(state, "generator", batch.z)
    goal = method.goal(torch.from_numpy(fake), torch.from_numpy(batch.x)).numpy()
    loss, gradients = loss_and_gradients(method, "generator", state, batch)
    assert loss == pytest.approx(((fake - goal) ** 2).mean(), rel=1e-9)
    np.testing.assert_allclose(
        gradients["generator"]["bias"], 2 * (fake - goal).sum(axis=0) / fake.size, rtol=1e-9
    )


@pytest.mark.parametrize("name", ["mmd", "drifting"])
def test_larger_batches_count(name):
    (player,) = METHODS.get(name)(batches=4).players(None).values()
    assert player.batches == 4
