"""Linear autoencoders and variational autoencoders against closed forms, and densities of given codes."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from support.by_hand import (
    CPU,
    Tiny,
    as_tensors,
    central_differences,
    drawn,
    linear,
    loss_and_gradients,
    on_networks,
    warm_state,
    with_weights,
)
from torch import nn

from baselines.gaussian_encoder import divergence
from baselines.networks import Learnt
from benchmark.method import Batch, Networks, update
from benchmark.registry import METHODS
from benchmark.training.generators import TrainedGenerators
from benchmark.training.settings import real_settings
from benchmark.training.step import Cycle, initialise

# Four dimensions, of which codes keep two.
WIDE = Tiny(latent=2, dimensions=4)
AE = {"generator": partial(nn.Linear, 2, 4), "encoder": partial(nn.Linear, 4, 2)}
VAE = {"generator": AE["generator"], "encoder": partial(nn.Linear, 4, 4), "scale": partial(Learnt, ())}
START = 0.1
"""The decoder's standard deviation, before it has learnt."""


def gaussian_data(n=40):
    """Data $(n, 4)$ around a mean that is not 0, with four variances in directions of their own."""
    random = np.random.default_rng(0)
    rotation, _ = np.linalg.qr(random.normal(size=(4, 4)))
    return random.normal(size=(n, 4)) * [3.0, 2.0, 0.7, 0.5] @ rotation + [1.0, -2.0, 0.5, 0.0]


def principal_components(x):
    """Mean, variances in falling order, and directions as columns."""
    variances, directions = np.linalg.eigh(np.cov(x.T, bias=True))
    return x.mean(axis=0), variances[::-1], directions[:, ::-1]


def without_latents(x, **noise):
    return Batch(x, np.zeros((len(x), 2)), noise)


def descended(method, batch, steps):
    """The loss and the state at the end of a descent on one batch from random weights."""
    cycle = Cycle(method, WIDE.spec)
    (player,) = cycle.players.values()
    batch = batch.map(torch.from_numpy)
    state = as_tensors(warm_state(method, WIDE))
    for _ in range(steps):
        state, loss = update(Networks(cycle.modules, state, cycle.players), player, batch)
    return loss.item(), state


def assert_stationary(gradients):
    for network, tensors in gradients.items():
        for key, gradient in tensors.items():
            np.testing.assert_allclose(gradient, 0, atol=1e-10, err_msg=f"{network}.{key}")


def assert_gradients_are_those_of(formula, method, player, state, batch, data=WIDE):
    """The loss and all its gradients, by central differences."""
    loss, gradients = loss_and_gradients(method, player, state, batch, data)
    assert loss == pytest.approx(formula(state, batch), rel=1e-9)
    expected = central_differences(formula, state, batch, list(gradients))
    for network, tensors in gradients.items():
        for key, gradient in tensors.items():
            np.testing.assert_allclose(gradient, expected[network][key], rtol=1e-6, atol=1e-7)


def batch_of(method, data=WIDE):
    (batch,) = drawn(method, data)
    return batch.map(lambda tensor: tensor[0].numpy())


# AE


def test_aes_loss_is_the_mean_squared_error_of_reconstructions():
    def formula(state, batch):
        again = linear(state, "generator", linear(state, "encoder", batch.x))
        return ((again - batch.x) ** 2).mean()

    method = on_networks("ae", AE)
    assert_gradients_are_those_of(formula, method, "autoencoder", warm_state(method, WIDE), batch_of(method))


def test_principal_components_are_stationary_for_a_linear_ae():
    x = gaussian_data()
    mean, variances, directions = principal_components(x)
    kept = directions[:, :2]
    method = on_networks("ae", AE)
    state = with_weights(
        warm_state(method, WIDE),
        encoder={"weight": kept.T, "bias": -kept.T @ mean},
        generator={"weight": kept, "bias": mean},
    )
    loss, gradients = loss_and_gradients(method, "autoencoder", state, without_latents(x), WIDE)
    assert loss == pytest.approx(variances[2:].sum() / 4, rel=1e-9)
    assert_stationary(gradients)


def test_a_linear_ae_reaches_the_error_of_principal_components():
    x = gaussian_data()
    _, variances, _ = principal_components(x)
    loss, _ = descended(on_networks("ae", AE, lr=0.05), without_latents(x), 800)
    assert loss == pytest.approx(variances[2:].sum() / 4, rel=1e-3)


class InChunks(nn.Identity):
    """Codes are the data; too many at a time are refused."""

    def forward(self, x):
        assert len(x) <= 1000
        return x


class Given:
    """A dataset that gives each seed the training data of the test's choice."""

    def __init__(self, *data):
        self.data = data

    def stream(self, seed, kind, device):
        return seed

    def sample(self, n, seed):
        return torch.as_tensor(self.data[seed])


def codes_drawn(given, numbers, components=1):
    """The codes $(S, N, L)$ that AEs draw after their fit to given codes, one AE per set of codes."""
    method = on_networks("ae", {"generator": nn.Identity, "encoder": InChunks}, components=components)
    data, seeds = Tiny(latent=given[0].shape[1]), range(len(given))
    state = initialise(method, data, seeds, CPU)
    generators = TrainedGenerators.of(method, data.spec, state).fitted(Given(*given), seeds)
    assert generators.latents.numbers == numbers.shape[1]
    return generators(torch.as_tensor(numbers).expand(len(given), -1, -1).to(torch.float32)).numpy()


# Their mean is 0 and their covariance is the identity.
BALANCED = np.sqrt(2) * np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])


def test_ae_draws_codes_of_the_mean_and_covariance_of_the_data():
    """Each seed those of its own data."""
    random = np.random.default_rng(1)
    mixing = np.array([[2.0, 0.0], [1.5, 0.1]], dtype=np.float32)
    wide = random.normal(size=(2500, 2)).astype(np.float32) @ mixing.T + np.float32([3.0, -1.0])
    given = [wide, -0.001 * wide[::-1] ** 2]
    for codes, drawn_codes in zip(given, codes_drawn(given, BALANCED), strict=True):
        covariance = np.cov(codes.T, bias=True)
        np.testing.assert_allclose(drawn_codes.mean(axis=0), codes.mean(axis=0), rtol=1e-4)
        drawn_covariance = np.cov(drawn_codes.T, bias=True)
        np.testing.assert_allclose(drawn_covariance, covariance, rtol=1e-3, atol=1e-4 * covariance.max())


def two_clusters(n=2000):
    """Three tenths around (-5, 0), rather round, and the others around (5, 2), rather flat."""
    random = np.random.default_rng(2)
    codes = random.normal(size=(n, 2))
    few = n * 3 // 10
    codes[:few] = 0.5 * codes[:few] + [-5.0, 0.0]
    codes[few:] = [0.1, 1.0] * codes[few:] + [5.0, 2.0]
    return codes.astype(np.float32)


def test_ae_draws_from_each_component_as_often_as_it_weighs():
    """A further number chooses it: evenly spaced quantiles give the weights; then all is as in a Gaussian."""
    given = two_clusters()
    quantiles = (torch.arange(1000, dtype=torch.float64) + 0.5) / 1000
    choice = torch.special.ndtri(quantiles).numpy()
    at_the_means = np.column_stack([np.zeros((1000, 2)), choice])
    (codes,) = codes_drawn([given], at_the_means, components=2)
    left = codes[:, 0] < 0
    assert left.sum() == 300
    np.testing.assert_allclose(codes[left] - given[:600].mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(codes[~left] - given[600:].mean(axis=0), 0, atol=1e-3)
    for number in (choice[0], choice[-1]):
        (codes,) = codes_drawn([given], np.column_stack([BALANCED, np.full(4, number)]), components=2)
        cluster = given[:600] if codes[0, 0] < 0 else given[600:]
        np.testing.assert_allclose(np.cov(codes.T, bias=True), np.cov(cluster.T, bias=True), atol=1e-3)


NUMBERS = {1: BALANCED, 3: np.column_stack([BALANCED, [-1.0, -0.1, 0.1, 1.0]])}


@pytest.mark.parametrize("components", NUMBERS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_of_an_ae_that_has_diverged_are_nan(components, value):
    """A single code that is not finite is enough, and the seed beside it does not suffer."""
    diverged = two_clusters()
    diverged[5, 1] = value
    bad, good = codes_drawn([diverged, two_clusters()], NUMBERS[components], components)
    assert np.isnan(bad).all()
    assert np.isfinite(good).all()


@pytest.mark.parametrize("components", NUMBERS)
def test_codes_on_a_line_or_at_a_point_have_a_density(components):
    """Codes that are drawn lie there, too, whatever the scale."""
    line = np.linspace(-1, 1, 1500, dtype=np.float32)[:, None] * np.float32([1.0, 3.0])
    given = [line, 1e30 * line, 1e-20 * line, 0 * line + 7]
    across = np.array([3.0, -1.0])
    for codes, data in zip(codes_drawn(given, NUMBERS[components], components), given, strict=True):
        tolerance = 0.01 * np.abs(data).max()
        np.testing.assert_allclose(codes @ across, data[0] @ across, atol=tolerance)


def test_codes_in_many_dimensions_may_vary_in_a_few():
    """Rounding must not make a variance negative."""
    random = np.random.default_rng(3)
    embedding = random.normal(size=(3, 128))
    codes = random.normal(size=(2000, 3)) @ embedding
    (drawn_codes,) = codes_drawn([codes.astype(np.float32)], np.eye(128))
    coordinates = drawn_codes @ np.linalg.pinv(embedding)
    np.testing.assert_allclose(coordinates @ embedding, drawn_codes, atol=0.01)


def test_an_ae_has_at_least_one_component():
    with pytest.raises(ValueError, match="components must be a whole number from 1 to 100000, not 0"):
        METHODS.get("ae")(components=0)


# VAE


def negative_log_normal(x, mean, std):
    return 0.5 * ((x - mean) / std) ** 2 + np.log(std) + 0.5 * np.log(2 * np.pi)


def negative_elbo(state, batch):
    """Minus log p(x|z) p(z) / q(z|x) at the code z = mean + std noise, but for what the noise averages to."""
    mean, log_variance = np.split(linear(state, "encoder", batch.x), 2, axis=1)
    std = np.exp(log_variance / 2)
    code = mean + std * batch.noise["code"]
    sigma = START * np.exp(state.parameters["scale"]["numbers"])
    likelihood = negative_log_normal(batch.x, linear(state, "generator", code), sigma).sum(axis=1)
    kl = 0.5 * (std**2 + mean**2 - 1 - log_variance).sum(axis=1)
    return (likelihood + kl).mean()


def test_vaes_loss_is_the_negative_elbo():
    """Summed over coordinates, averaged over samples, with gradients through code, KL and scale."""
    method = on_networks("vae", VAE)
    state, batch = warm_state(method, WIDE), batch_of(method)
    assert_gradients_are_those_of(negative_elbo, method, "autoencoder", state, batch)


def test_vaes_divergence_is_that_of_gaussians():
    """0 for the prior; else the mean of log q(z) / p(z) over q, by quadrature."""
    assert divergence(torch.zeros(5, 3), torch.zeros(5, 3)).tolist() == [0.0] * 5
    mean, log_variance = np.array([[0.5, -1.0], [2.0, 0.1]]), np.array([[-1.0, 0.5], [0.3, -3.0]])
    nodes, weights = np.polynomial.hermite_e.hermegauss(20)
    std = np.exp(log_variance / 2)[:, :, None]
    z = mean[:, :, None] + std * nodes
    log_ratio = negative_log_normal(z, 0, 1) - negative_log_normal(z, mean[:, :, None], std)
    expected = (log_ratio @ weights / weights.sum()).sum(axis=1)
    own = divergence(torch.from_numpy(mean), torch.from_numpy(log_variance))
    np.testing.assert_allclose(own, expected, rtol=1e-9)


def test_vaes_reparameterised_gradient_is_that_by_hand():
    """That in the code, as it is in the mean, and times half the noise's share of it in the log-variance."""
    method = on_networks("vae", VAE)
    state, batch = warm_state(method, WIDE), batch_of(method)
    log_variance = np.array([-1.0, 0.4])
    mean, std = np.array([0.3, -0.2]), np.exp(log_variance / 2)
    encoder = {"weight": 0.0, "bias": np.concatenate([mean, log_variance])}
    state = with_weights(state, encoder=encoder, scale={"numbers": np.log(0.5 / START)})
    _, gradients = loss_and_gradients(method, "autoencoder", state, batch, WIDE)
    in_mean, in_log_variance = np.split(gradients["encoder"]["bias"], 2)
    noise = std * batch.noise["code"]
    error = linear(state, "generator", mean + noise) - batch.x
    in_code = error @ state.parameters["generator"]["weight"] / 0.5**2
    np.testing.assert_allclose(in_mean, in_code.mean(axis=0) + mean, rtol=1e-9)
    expected = (in_code * noise / 2).mean(axis=0) + (std**2 - 1) / 2
    np.testing.assert_allclose(in_log_variance, expected, rtol=1e-9)
    in_log_scale = (1 - (error / 0.5) ** 2).sum(axis=1).mean()
    assert gradients["scale"]["numbers"] == pytest.approx(in_log_scale, rel=1e-9)


def with_balanced_noise(x):
    """Each sample under noise whose mean is 0 and whose covariance is the identity.

    The loss of a linear VAE is quadratic in the noise, so this gives its expectation.
    """
    return without_latents(np.tile(x, (4, 1)), code=np.repeat(BALANCED, len(x), axis=0))


def probabilistic_pca(x):
    """The best variance $\\sigma^2$ of a linear Gaussian decoder, and the negative log-likelihood then."""
    _, variances, _ = principal_components(x)
    noise = variances[2:].mean()
    log_determinant = np.log(variances[:2]).sum() + 2 * np.log(noise)
    return noise, 0.5 * (4 * np.log(2 * np.pi) + log_determinant + 4)


def test_probabilistic_principal_components_are_stationary_for_a_linear_vae():
    """There the bound is tight: the loss is the negative log-likelihood."""
    x = gaussian_data()
    mean, variances, directions = principal_components(x)
    noise, surprise = probabilistic_pca(x)
    kept = directions[:, :2]
    loadings = kept * np.sqrt(variances[:2] - noise)
    to_codes = (loadings / variances[:2]).T
    method = on_networks("vae", VAE)
    state = with_weights(
        warm_state(method, WIDE),
        generator={"weight": loadings, "bias": mean},
        encoder={
            "weight": np.vstack([to_codes, np.zeros((2, 4))]),
            "bias": np.concatenate([-to_codes @ mean, np.log(noise / variances[:2])]),
        },
        scale={"numbers": 0.5 * np.log(noise) - np.log(START)},
    )
    loss, gradients = loss_and_gradients(method, "autoencoder", state, with_balanced_noise(x), WIDE)
    assert loss == pytest.approx(surprise, rel=1e-9)
    assert_stationary(gradients)


def test_a_linear_vae_reaches_probabilistic_principal_components():
    x = gaussian_data()
    noise, surprise = probabilistic_pca(x)
    method = on_networks("vae", VAE, lr=0.05, scale=1.0)
    loss, state = descended(method, with_balanced_noise(x), 1000)
    assert loss == pytest.approx(surprise, rel=2e-3)
    assert (2 * state.parameters["scale"]["numbers"]).exp().item() == pytest.approx(noise, rel=0.01)


def samples_of_a_vae(numbers, **settings):
    """Of one whose generator copies two coordinates to four, with noise of standard deviation 0.5."""

    class Twice(nn.Module):
        def forward(self, z):
            return torch.cat([z, z], dim=1)

    method = on_networks("vae", VAE | {"generator": Twice}, **settings)
    generators = TrainedGenerators.of(method, WIDE.spec, initialise(method, WIDE, [0, 1], CPU))
    assert generators.latents.numbers == numbers.shape[1]
    return generators(numbers.expand(2, -1, -1))


def test_samples_of_a_vae_are_means_or_draws_of_its_decoder():
    codes, noise = torch.randn(5, 2), torch.randn(5, 4)
    means = torch.cat([codes, codes], dim=1).expand(2, -1, -1)
    assert torch.equal(samples_of_a_vae(codes), means)
    drawn_samples = samples_of_a_vae(torch.cat([codes, noise], dim=1), samples="draw", scale=0.5)
    torch.testing.assert_close(drawn_samples, means + 0.5 * noise)


def test_a_vae_starts_at_its_scale():
    method = METHODS.get("vae")(scale=0.3)
    scale = method.networks(WIDE.spec)["scale"]
    assert method.std(SimpleNamespace(scale=scale)).item() == pytest.approx(0.3)
    assert "scale" in real_settings(method, WIDE.spec)  # so models that differ in it share a program
    with pytest.raises(ValueError, match="scale must be a finite number above 0, not 0"):
        METHODS.get("vae")(scale=0.0)


@pytest.mark.parametrize(("name", "networks"), [("ae", AE), ("vae", VAE)])
def test_codes_are_the_encoders_output_or_mean(name, networks):
    method = on_networks(name, networks)
    state, x = warm_state(method, WIDE), gaussian_data()
    nets = Networks(Cycle(method, WIDE.spec).modules, as_tensors(state), {})
    codes = method.encode(nets, torch.from_numpy(x))
    np.testing.assert_allclose(codes, linear(state, "encoder", x)[:, :2])


@pytest.mark.parametrize(("name", "trained"), [("ae", AE), ("vae", VAE)])
def test_one_player_trains_all_networks_by_adam(name, trained):
    method = METHODS.get(name)()
    (player,) = method.players(WIDE.spec).values()
    assert set(player.networks) == set(trained)
    assert (player.optimiser.lr, player.optimiser.betas, player.steps) == (1e-3, (0.9, 0.999), 1)
