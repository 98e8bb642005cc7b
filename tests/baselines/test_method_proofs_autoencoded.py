"""AE and VAE: losses by hand, the optima that linear networks have, and densities of codes."""

from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from support.by_hand import (
    central_differences,
    drawn,
    linear,
    loss_and_gradients,
    on_networks,
    warm_state,
)
from support.training import trained
from torch import nn

from baselines.densities import fitted_density
from baselines.vae import Scale, divergence
from benchmark.datasets.base import Dataset
from benchmark.method import Networks
from benchmark.registry import METHODS
from benchmark.suites.budget import Budget
from benchmark.training.generators import TrainedGenerators
from benchmark.training.step import initialise
from benchmark.training.trees import tree_map

CPU = torch.device("cpu")
DATA, LATENT = 2, 3
CENTRE = torch.tensor([1.0, -2.0, 0.5])
SPREADS = torch.tensor([2.0, 0.6, 0.3])


@dataclass(frozen=True)
class Ellipsoid(Dataset):
    """A Gaussian in three dimensions whose axes are turned."""

    name = "ellipsoid"
    kind = "points"

    batch: int = 256
    latent: int = 1
    evaluations: int = 1

    @property
    def shape(self):
        return (3,)

    @property
    def mode_weights(self):
        return torch.empty(0)

    @property
    def factor(self):
        """Its covariance is the product of this with its transpose."""
        axes, _ = torch.linalg.qr(torch.tensor([[1.0, 2.0, 0.0], [0.0, 1.0, -1.0], [1.0, 0.0, 1.0]]))
        return axes * SPREADS

    def draw(self, n, rng, split="train"):
        return CENTRE + torch.randn(n, 3, generator=rng) @ self.factor.mT

    def assign(self, samples):
        raise NotImplementedError


ELLIPSOID = Ellipsoid()


def trained_on(name, networks):
    """The method on linear networks, trained on the ellipsoid."""
    method = on_networks(name, networks, lr=0.02)
    return trained(method, ELLIPSOID, (0,), Budget(1500, "steps")).end.generator


@cache
def linear_autoencoder():
    networks = {"generator": partial(nn.Linear, 1, 3), "encoder": partial(nn.Linear, 3, 1)}
    return trained_on("ae", networks)


def parameter(generators, network, key):
    return generators.state.parameters[network][key][0].double().numpy()


def test_a_linear_vae_reaches_probabilistic_pca():
    """Tipping & Bishop (1999): the noise is the mean variance that is left, the rest is exact."""
    networks = {
        "generator": partial(nn.Linear, 1, 3),
        "encoder": partial(nn.Linear, 3, 2),
        "scale": partial(Scale, 0.1),
    }
    generators = trained_on("vae", networks)
    variance = np.exp(2 * parameter(generators, "scale", "log"))
    weight = parameter(generators, "generator", "weight")
    variances = SPREADS.double().numpy() ** 2
    assert variance == pytest.approx(variances[1:].mean(), rel=0.1)
    axis = ELLIPSOID.factor[:, :1].double().numpy() / SPREADS[0].item()
    best = (variances[0] - variances[1:].mean()) * axis @ axis.T + variances[1:].mean() * np.eye(3)
    model = weight @ weight.T + variance * np.eye(3)
    centre = parameter(generators, "generator", "bias")
    x = ELLIPSOID.sample(20_000, torch.Generator().manual_seed(1)).double().numpy()
    ours = multivariate_normal(centre, model).logpdf(x).mean()
    assert ours == pytest.approx(multivariate_normal(CENTRE.numpy(), best).logpdf(x).mean(), abs=0.02)


def test_a_linear_autoencoder_reaches_the_error_of_pca():
    generators = linear_autoencoder()
    x = ELLIPSOID.sample(20_000, torch.Generator().manual_seed(1))
    error = (generators.reconstruction(0)(x) - x).square().mean().item()
    assert error == pytest.approx((SPREADS[1:] ** 2).sum().item() / 3, rel=0.05)


def test_samples_of_a_linear_autoencoder_have_the_moments_of_its_reconstructions():
    generators = linear_autoencoder()
    fitted = generators.fitted(ELLIPSOID, (0,))
    samples = fitted(torch.randn(1, 50_000, 1, generator=torch.Generator().manual_seed(2)))[0]
    again = generators.reconstruction(0)(ELLIPSOID.sample(50_000, torch.Generator().manual_seed(3)))
    torch.testing.assert_close(samples.mean(dim=0), again.mean(dim=0), atol=0.05, rtol=0)
    torch.testing.assert_close(samples.T.cov(), again.T.cov(), atol=0.15, rtol=0.05)


# Losses by hand


def batch_of(method):
    return drawn(method)[0].map(lambda t: t[0].numpy())


def negative_elbo(state, batch):
    """The code's divergence, and the Gaussian surprise summed over coordinates."""
    mean, log_variance = np.split(linear(state, "encoder", batch.x), 2, axis=1)
    code = mean + np.exp(log_variance / 2) * batch.noise["code"]
    variance = np.exp(2 * state.parameters["scale"]["log"])
    squares = (batch.x - linear(state, "generator", code)) ** 2
    surprise = (squares / variance + np.log(2 * np.pi * variance)).sum(axis=1) / 2
    kl = 0.5 * (mean**2 + np.exp(log_variance) - 1 - log_variance).sum(axis=1)
    return (surprise + kl).mean()


def squared_error(state, batch):
    reconstruction = linear(state, "generator", linear(state, "encoder", batch.x))
    return ((reconstruction - batch.x) ** 2).mean()


@pytest.mark.parametrize(
    ("name", "codes", "formula"), [("vae", 2 * LATENT, negative_elbo), ("ae", LATENT, squared_error)]
)
def test_losses_and_gradients_are_those_of_numpy(name, codes, formula):
    networks = {"generator": partial(nn.Linear, LATENT, DATA), "encoder": partial(nn.Linear, DATA, codes)}
    if name == "vae":
        networks["scale"] = partial(Scale, 0.5)
    method = on_networks(name, networks)
    state, batch = warm_state(method), batch_of(method)
    loss, gradients = loss_and_gradients(method, "autoencoder", state, batch)
    assert loss == pytest.approx(formula(state, batch), rel=1e-9)
    expected = central_differences(formula, state, batch, list(networks))
    for network, tensors in expected.items():
        for key, gradient in tensors.items():
            np.testing.assert_allclose(gradients[network][key], gradient, rtol=1e-5, atol=1e-8)


def test_the_divergence_from_the_prior():
    """0 for the prior itself; else that of a million samples."""
    assert divergence(torch.zeros(2, 3), torch.zeros(2, 3)).tolist() == [0, 0]
    mean, log_variance = torch.tensor([[1.0, -0.5]]), torch.tensor([[0.4, -1.0]])
    posterior = torch.distributions.Normal(mean, (log_variance / 2).exp())
    with torch.random.fork_rng():
        torch.manual_seed(0)
        z = posterior.sample((1_000_000,))
    prior = torch.distributions.Normal(0.0, 1.0)
    sampled = (posterior.log_prob(z) - prior.log_prob(z)).sum(dim=2).mean()
    assert divergence(mean, log_variance).item() == pytest.approx(sampled.item(), rel=0.01)


def test_draws_of_a_vae_are_its_means_and_noise_of_the_learnt_scale():
    numbers = torch.randn(1, 7, 8 + 3)
    data = Ellipsoid(latent=8)
    mean, draw = METHODS.get("vae")(scale=0.3), METHODS.get("vae")(scale=0.3, samples="draw")
    state = initialise(mean, data, [0], CPU)
    means = TrainedGenerators.of(mean, data.spec, state)(numbers[:, :, :8])
    draws = TrainedGenerators.of(draw, data.spec, state)(numbers)
    assert torch.allclose(draws, means + 0.3 * numbers[:, :, 8:], atol=1e-5)
    assert (mean.latents(data.spec).noise, draw.latents(data.spec).noise) == (0, 3)


# Densities of codes


def codes_of_three_clusters():
    rng = torch.Generator().manual_seed(0)
    clusters = []
    for centre, spread, n in ((-10.0, 0.5, 1000), (0.0, 1.0, 3000), (10.0, 2.0, 6000)):
        clusters.append(centre + spread * torch.randn(n, 2, generator=rng, dtype=torch.float64))
    return torch.cat(clusters)


def test_a_gaussian_has_the_moments_of_the_codes():
    codes = codes_of_three_clusters()
    density = fitted_density(codes, 1)
    covariance = density["factors"][0] @ density["factors"][0].mT
    torch.testing.assert_close(density["means"][0], codes.mean(dim=0))
    torch.testing.assert_close(covariance, codes.T.cov(), rtol=1e-3, atol=1e-3)
    assert density["weights"].tolist() == [1]


def test_a_mixture_finds_the_clusters():
    density = fitted_density(codes_of_three_clusters(), 3)
    order = density["means"][:, 0].argsort()
    assert density["weights"][order].tolist() == pytest.approx([0.1, 0.3, 0.6], abs=0.01)
    assert density["means"][order, 1].tolist() == pytest.approx([-10, 0, 10], abs=0.1)
    assert density["factors"][order, 0, 0].tolist() == pytest.approx([0.5, 1.0, 2.0], rel=0.05)


def sampled(components, codes, numbers):
    """What an autoencoder whose decoder is the identity samples, after a fit to codes."""

    class Given(METHODS.get("ae")):
        def networks(self, data):
            return {"generator": nn.Identity(), "encoder": nn.Identity()}

    method = Given(components=components)
    data = Ellipsoid(latent=codes.shape[1])
    state = tree_map(lambda leaf: leaf[0], initialise(method, data, [0], CPU))
    nets = Networks(TrainedGenerators.of(method, data.spec, state).modules, state, {})
    nets.assign(**method.fit(nets, codes.float()))
    z, noise = numbers.split([codes.shape[1], numbers.shape[1] - codes.shape[1]], dim=1)
    return method.sample(nets, z, noise)


@pytest.mark.parametrize("components", [1, 3])
def test_samples_have_the_law_of_the_codes(components):
    codes = codes_of_three_clusters()
    numbers = torch.randn(50_000, 2 + (components > 1), generator=torch.Generator().manual_seed(5))
    samples = sampled(components, codes, numbers).double()
    torch.testing.assert_close(samples.mean(dim=0), codes.mean(dim=0), atol=0.1, rtol=0)
    torch.testing.assert_close(samples.T.cov(), codes.T.cov(), rtol=0.02, atol=0.5)
    if components == 3:
        shares = torch.histc(samples[:, 0].contiguous(), 3, -15, 15) / len(samples)
        assert shares.tolist() == pytest.approx([0.1, 0.3, 0.6], abs=0.02)


@pytest.mark.parametrize("components", [1, 3])
@pytest.mark.parametrize("flaw", [torch.nan, torch.inf, "constant"])
def test_a_model_that_has_gone_wrong_has_samples_all_the_same(components, flaw):
    """Of codes that are not finite they are NaN; of codes that are all alike they are those."""
    codes = torch.ones(100, 2)
    if flaw != "constant":
        codes[3, 1] = flaw
    samples = sampled(components, codes, torch.randn(5, 2 + (components > 1)))
    if flaw == "constant":
        assert torch.allclose(samples, torch.ones(5, 2), atol=1e-3)
    else:
        assert samples.isnan().all()


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="components must be at least 1, not 0"):
        METHODS.get("ae")(components=0)
    with pytest.raises(ValueError, match="scale must be positive, not 0"):
        METHODS.get("vae")(scale=0)
