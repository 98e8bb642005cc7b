"""f-GAN: every divergence against numpy, its optimum and its value, and the contract of every variant."""

import math
from functools import partial
from typing import NamedTuple

import numpy as np
import pytest
import torch
from scipy.special import erf, xlogy
from support.by_hand import Descent, Move, assert_a_cycle_is_that_of, linear, on_networks
from torch import nn

from baselines.f_gan import DIVERGENCES
from benchmark.commands.checks.methods import CHECKS, builds
from benchmark.datasets.mixtures import Ring
from benchmark.method import Batch
from benchmark.registry import METHODS

LINEAR = {"generator": partial(nn.Linear, 3, 2), "discriminator": partial(nn.Linear, 2, 1)}


class Facts(NamedTuple):
    """A divergence on paper.

    Attributes:
        f: What it is the expectation of, by the ratio r of the densities of data and samples.
        conjugate: $f^*(t)$.
        activation: $g(v)$.
        optimum: The best $g(v)$, which is $f'(r)$.
    """

    f: object
    conjugate: object
    activation: object
    optimum: object


def log1pexp(t):
    return np.log1p(np.exp(t))


FACTS = {
    "kl": Facts(
        f=lambda r: xlogy(r, r),
        conjugate=lambda t: np.exp(t - 1),
        activation=lambda v: v,
        optimum=lambda r: 1 + np.log(r),
    ),
    "reverse-kl": Facts(
        f=lambda r: -np.log(r),
        conjugate=lambda t: -1 - np.log(-t),
        activation=lambda v: -np.exp(-v),
        optimum=lambda r: -1 / r,
    ),
    "pearson": Facts(
        f=lambda r: (r - 1) ** 2,
        conjugate=lambda t: t**2 / 4 + t,
        activation=lambda v: v,
        optimum=lambda r: 2 * (r - 1),
    ),
    "hellinger": Facts(
        f=lambda r: (np.sqrt(r) - 1) ** 2,
        conjugate=lambda t: t / (1 - t),
        activation=lambda v: 1 - np.exp(-v),
        optimum=lambda r: 1 - r**-0.5,
    ),
    "js": Facts(
        f=lambda r: xlogy(r, r) - (1 + r) * np.log((1 + r) / 2),
        conjugate=lambda t: -np.log(2 - np.exp(t)),
        activation=lambda v: math.log(2) - log1pexp(-v),
        optimum=lambda r: np.log(2 * r / (1 + r)),
    ),
    "gan": Facts(
        f=lambda r: xlogy(r, r) - (1 + r) * np.log(1 + r),
        conjugate=lambda t: -np.log(1 - np.exp(t)),
        activation=lambda v: -log1pexp(-v),
        optimum=lambda r: np.log(r / (1 + r)),
    ),
    "total-variation": Facts(
        f=lambda r: np.abs(r - 1) / 2,
        conjugate=lambda t: t,
        activation=lambda v: np.tanh(v) / 2,
        optimum=lambda r: np.sign(r - 1) / 2,
    ),
}


def test_every_divergence_is_here():
    assert FACTS.keys() == DIVERGENCES.keys()


@pytest.mark.parametrize("trick", [False, True])
@pytest.mark.parametrize("name", FACTS)
def test_a_cycle_of_f_gan_is_that_of_numpy(name, trick):
    """By the activation and the conjugate apart: the program has their composition simplified."""
    facts = FACTS[name]
    method = on_networks("f-gan", LINEAR, lr=0.05, beta1=0.6, divergence=name, trick=trick)

    def outputs(state, batch):
        return linear(state, "discriminator", linear(state, "generator", batch.z))

    def estimate(state, batch):
        real = facts.activation(linear(state, "discriminator", batch.x))
        fake = facts.conjugate(facts.activation(outputs(state, batch)))
        return fake.mean() - real.mean()

    def minimised(state, batch):
        activated = facts.activation(outputs(state, batch))
        return -activated.mean() if trick else -facts.conjugate(activated).mean()

    adam = Descent(0.05, 0.6)
    moves = [Move(("discriminator",), estimate, adam), Move(("generator",), minimised, adam)]
    assert_a_cycle_is_that_of(moves, method)


# Data is N(0, 1) and samples are N(MU, 1), by their quantiles. The logarithm of the ratio of their densities
# is linear in x, and so is the best output of the discriminator but for one: Pearson's is that of an
# exponential function.
MU = 0.8
N = 20_000


def quantiles():
    shares = (torch.arange(N, dtype=torch.float64) + 0.5) / N
    return torch.special.ndtri(shares).unsqueeze(1)


def ratio(x):
    return np.exp(MU**2 / 2 - MU * x)


class Line(nn.Module):
    """a + b x, or 2 (exp(a + b x) - 1)."""

    def __init__(self, exponential):
        super().__init__()
        self.exponential = exponential
        self.a = nn.Parameter(torch.zeros((), dtype=torch.float64))
        self.b = nn.Parameter(torch.zeros((), dtype=torch.float64))

    def forward(self, x):
        v = self.a + self.b * x
        return 2 * v.expm1() if self.exponential else v


class Nets(NamedTuple):
    discriminator: object
    generator: object


def fitted(name):
    """The discriminator that the program's loss makes of a line, and the divergence that it estimates."""
    method = METHODS.get("f-gan")(divergence=name)
    line, z = Line(exponential=name == "pearson"), quantiles()
    nets = Nets(line, lambda z: z + MU)
    batch = Batch(z, z, {})
    ascent = torch.optim.LBFGS(line.parameters(), max_iter=200, line_search_fn="strong_wolfe")

    def closure():
        ascent.zero_grad()
        loss = method.discriminator_loss(nets, batch)
        loss.backward()
        return loss

    ascent.step(closure)
    return line, -method.discriminator_loss(nets, batch).item()


def integral(f):
    """The expectation of f of the ratio over samples."""
    x = np.linspace(-12, 12, 200_001)
    density = np.exp(-((x - MU) ** 2) / 2) / math.sqrt(2 * math.pi)
    return np.trapezoid(density * f(ratio(x)), x)


CLOSED = {
    "kl": MU**2 / 2,
    "reverse-kl": MU**2 / 2,
    "pearson": math.exp(MU**2) - 1,
    "hellinger": 2 - 2 * math.exp(-(MU**2) / 8),
    "total-variation": erf(MU / math.sqrt(8)),
}


@pytest.mark.parametrize("name", FACTS)
def test_the_best_discriminator_estimates_the_divergence(name):
    """And its activation is the optimum of the paper's table, f' of the ratio of the densities."""
    line, estimate = fitted(name)
    divergence = integral(FACTS[name].f)
    assert divergence == pytest.approx(CLOSED.get(name, divergence), rel=1e-4)
    assert estimate == pytest.approx(divergence, rel=5e-3)
    # Away from x = MU / 2, where total variation jumps.
    x = np.array([-1.5, -0.5, 0.1, 0.7, 1.3, 2.0])
    activation = DIVERGENCES[name].activation
    with torch.no_grad():
        best = activation(line(torch.from_numpy(x))).numpy()
    np.testing.assert_allclose(best, FACTS[name].optimum(ratio(x)), rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("name", FACTS)
def test_the_optimum_on_paper_is_the_slope_of_f(name):
    r, h = np.array([0.1, 10.0]), 1e-6
    slope = (FACTS[name].f(r + h) - FACTS[name].f(r - h)) / (2 * h)
    np.testing.assert_allclose(FACTS[name].optimum(r), slope, rtol=1e-5)


@pytest.mark.parametrize("name", FACTS)
def test_the_simplified_conjugate_is_exact_and_finite(name):
    """Far out, the conjugate of the activation is not computed any more; its simplified form is."""
    activation, conjugate = DIVERGENCES[name]
    v = np.linspace(-6, 6, 49)
    np.testing.assert_allclose(activation(torch.from_numpy(v)), FACTS[name].activation(v), atol=1e-12)
    apart = FACTS[name].conjugate(FACTS[name].activation(v))
    np.testing.assert_allclose(conjugate(torch.from_numpy(v)), apart, rtol=1e-9, atol=1e-9)
    assert conjugate(torch.tensor([-60.0, 60.0])).isfinite().all()


@pytest.mark.parametrize("name", FACTS)
def test_the_contract_holds_for_every_variant(name):
    """With the trick, too, which the default is without."""
    method, data = METHODS.get("f-gan")(divergence=name, trick=True), Ring(batch=16, width=8)
    builds(method, data)
    for check in CHECKS.values():
        assert check(method, data) is None


def test_every_variant_compiles():
    """The default's whole step is compiled elsewhere; the variants differ from it in these functions."""
    v = torch.linspace(-2, 2, 5)
    for divergence in DIVERGENCES.values():
        for function in divergence:
            compiled = torch.compile(function, backend="eager", fullgraph=True)
            assert torch.equal(compiled(v), function(v))


def test_f_gans_published_settings():
    method = METHODS.get("f-gan")()
    assert (method.divergence, method.trick, method.lr, method.beta1) == ("js", False, 2e-4, 0.5)
