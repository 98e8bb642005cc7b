"""GDPP: spectra of kernels, their derivatives, and the loss."""

import numpy as np
import pytest
import torch
from support.by_hand import TINY, drawn, log_sigmoid, loss_and_gradients, on_networks, warm_state
from torch import nn
from torch.func import grad

from baselines.gdpp import Spectrum, disparity, similarities, spectrum
from baselines.networks import MLP, WithFeatures
from benchmark.training.cost import count_operations

NETWORKS = {
    "generator": lambda: nn.Linear(3, 2),
    "discriminator": lambda: WithFeatures(MLP(2, 1, width=6, depth=1, activation=nn.Tanh)),
}


def random_features(seed, n=6, d=6):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=rng, dtype=torch.float64)


def test_a_spectrum_is_that_of_linalg():
    matrix = similarities(random_features(0))
    values, vectors = torch.linalg.eigh(matrix)
    ours = spectrum(matrix)
    assert torch.allclose(ours.values, values)
    assert torch.allclose(ours.vectors, vectors)


def test_its_derivatives_are_those_of_finite_differences():
    """Where eigenvalues lie well apart."""
    direction = random_features(1)
    direction = direction + direction.mT
    matrix = torch.diag(torch.tensor([0.2, 0.6, 1.1, 1.7, 2.4, 3.0], dtype=torch.float64)) + 0.05 * direction
    weights = random_features(2)

    def number(matrix):
        """Of values and vectors, whatever the vectors' signs."""
        values, vectors = spectrum(matrix)
        return (weights[0] * values).sum() + (weights * vectors.square()).sum()

    h = 1e-5
    slope = (grad(number)(matrix) * direction).sum()
    numeric = (number(matrix + h * direction) - number(matrix - h * direction)) / (2 * h)
    assert slope.item() == pytest.approx(numeric.item(), rel=1e-4)


@pytest.mark.parametrize("features", [torch.ones(6, 3), torch.zeros(6, 3), torch.eye(6)])
def test_derivatives_are_finite_where_eigenvalues_are_equal(features):
    real = spectrum(similarities(random_features(0).float()))
    gradient = grad(lambda x: disparity(real, spectrum(similarities(x))))(features)
    assert gradient.isfinite().all()


def test_what_is_not_finite_stays_with_its_own_model():
    matrices = torch.stack([similarities(random_features(seed)) for seed in range(2)])
    matrices[0, 0, 1] = torch.nan
    diverged, sound = torch.func.vmap(spectrum)(matrices).values
    assert diverged.isnan().any()
    assert torch.equal(sound, spectrum(matrices[1]).values)


def test_a_batch_is_nearest_to_itself():
    """Each eigenvector counts by its eigenvalue, from 0 for the smallest to 1 for the largest."""
    itself = spectrum(similarities(random_features(0)))
    weights = (itself.values - itself.values[0]) / (itself.values[-1] - itself.values[0])
    least = disparity(itself, itself)
    assert least.item() == pytest.approx(-weights.sum().item())
    for seed in range(1, 20):
        assert disparity(itself, spectrum(similarities(random_features(seed)))) > least


def test_the_signs_of_eigenvectors_do_not_count():
    real, fake = (spectrum(similarities(random_features(seed))) for seed in (0, 1))
    signs = torch.tensor([1.0, -1.0, -1.0, 1.0, 1.0, -1.0], dtype=torch.float64)
    turned = Spectrum(fake.values, fake.vectors * signs)
    assert disparity(real, turned).item() == pytest.approx(disparity(real, fake).item(), rel=1e-12)


def test_equal_eigenvalues_have_vectors_that_are_no_accident():
    """Many are 0 where there are few features; the vectors are the same in another library."""
    features = random_features(3, n=8, d=2)
    matrix = similarities(features)
    ours = spectrum(matrix)
    values, vectors = np.linalg.eigh(matrix.numpy())
    np.testing.assert_allclose(ours.values, values, atol=1e-12)
    alignment = np.abs((ours.vectors.numpy() * vectors).sum(axis=0))
    np.testing.assert_allclose(alignment, 1, atol=1e-6)


def test_equal_eigenvalues_are_told_apart_in_single_precision_too():
    """64 samples of 8 features: the same null space in single and in double precision."""
    features = random_features(3, n=64, d=8)
    double, single = spectrum(similarities(features)), spectrum(similarities(features.float()))
    alignment = (double.vectors * single.vectors.double()).sum(dim=0).abs()
    assert alignment.min() > 0.9


def test_eigenvectors_are_counted():
    count = count_operations(torch.linalg.eigh, torch.eye(16))
    assert count.flops == 9 * 16**3
    two = count_operations(torch.linalg.eigh, torch.eye(16).expand(2, 16, 16))
    assert two.flops == 2 * count.flops


def test_the_losses_are_those_of_numpy():
    method = on_networks("gdpp", NETWORKS, weight=0.7)
    state = warm_state(method)
    batch = drawn(method)[0].map(lambda t: t[0].numpy())
    g, d = state.parameters["generator"], state.parameters["discriminator"]

    def judged(x):
        hidden = np.tanh(x @ d["features.0.weight"].T + d["features.0.bias"])
        directions = hidden / np.linalg.norm(hidden, axis=1, keepdims=True)
        kernel = directions @ directions.T + np.diag(np.linspace(0, 1e-2, TINY.batch))
        return hidden @ d["head.weight"].T + d["head.bias"], *np.linalg.eigh(kernel)

    real, real_values, real_vectors = judged(batch.x)
    fake, fake_values, fake_vectors = judged(batch.z @ g["weight"].T + g["bias"])
    weights = (real_values - real_values.min()) / (real_values.max() - real_values.min())
    alignment = np.abs((real_vectors * fake_vectors).sum(axis=0))
    diversity = 1e-4 * ((real_values - fake_values) ** 2).mean() - (weights * alignment).sum()
    made, _ = loss_and_gradients(method, "generator", state, batch)
    assert made == pytest.approx((-log_sigmoid(fake).mean() + 0.7 * diversity) / 2, rel=1e-9)
    found, _ = loss_and_gradients(method, "discriminator", state, batch)
    assert found == pytest.approx(-log_sigmoid(real).mean() - log_sigmoid(-fake).mean(), rel=1e-9)


def test_real_features_are_not_trained():
    """The generator's loss looks at them, and has a gradient in the generator alone."""
    method = on_networks("gdpp", NETWORKS)
    state = warm_state(method)
    batch = drawn(method)[0].map(lambda t: t[0].numpy())
    _, gradients = loss_and_gradients(method, "generator", state, batch)
    assert set(gradients) == {"generator"}
    assert all(np.isfinite(gradient).all() for gradient in gradients["generator"].values())
