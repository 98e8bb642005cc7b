"""Samplers: more than one forward pass, other latents, and what is fitted before samples are taken."""

from dataclasses import dataclass, replace

import pytest
import torch
from support.training import CPU, trained

from baselines.gan import GAN
from benchmark.datasets.mixtures import Ring
from benchmark.errors import UsageError
from benchmark.method import Latents
from benchmark.registry import METHODS
from benchmark.suites.budget import Budget
from benchmark.training.cost import cost_of
from benchmark.training.generators import TrainedGenerators
from benchmark.training.step import FIT_SAMPLES, Cycle, initialise
from benchmark.training.streams import Batches

DATA = Ring(batch=16, width=8)


def generators(method, seeds=(0, 1)):
    return TrainedGenerators.of(method, DATA.spec, initialise(method, DATA, seeds, CPU))


@dataclass(frozen=True)
class Noisy(GAN):
    """Two passes, and noise of the data's size behind the latents."""

    def latents(self, data):
        return Latents(5, "uniform", noise=2)

    def networks(self, data):
        return super().networks(replace(data, latent=5))

    def sample(self, nets, z, noise):
        return nets.generator(z) + nets.generator(-z) + noise


def test_a_sampler_is_given_its_latents_and_its_noise():
    numbers = torch.randn(2, 7, 7)
    samples = generators(Noisy())(numbers)
    plain = generators(Noisy())
    for i in range(2):
        network = Noisy().networks(DATA.spec)["generator"]
        network.load_state_dict(plain.tensors(i))
        z = torch.special.ndtr(numbers[i, :, :5]) * 2 - 1
        assert torch.allclose(samples[i], network(z) + network(-z) + numbers[i, :, 5:], atol=1e-5)


def test_one_seed_is_as_many():
    numbers = torch.randn(2, 7, 7)
    both = generators(Noisy())
    assert torch.allclose(both(numbers)[1:], both.select([1])(numbers[1:]), atol=1e-6)


def test_a_batch_holds_the_latents_without_the_noise():
    cycle = Cycle(Noisy(), DATA.spec)
    z = next(Batches(DATA, cycle.draws, (0, 1), CPU))[0].z
    assert z.shape == (2, DATA.batch, 5)
    assert z.abs().max() < 1
    assert 0.4 < z.abs().mean() < 0.6


def test_uniform_latents_are_uniform():
    z = Latents(1, "uniform").of_normal(torch.randn(100_000, 1, generator=torch.Generator().manual_seed(0)))
    histogram = torch.histc(z, 10, -1, 1) / 1e5
    assert ((histogram - 0.1).abs() < 0.004).all()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [((0,), "at least 1 latent"), ((1, "normal", -1), "at least 1 latent"), ((1, "cauchy"), "not cauchy")],
)
def test_latents_that_cannot_be_are_refused(arguments, problem):
    with pytest.raises(ValueError, match=problem):
        Latents(*arguments)


def test_the_cost_of_a_sample_is_counted():
    plain, twice = cost_of(GAN(), DATA), cost_of(Noisy(), DATA)
    assert (plain.sample_evaluations, twice.sample_evaluations) == (1, 2)
    inputs, units = DATA.latent, DATA.width
    assert plain.sample_flops == 2 * (inputs * units + units * units + units * 2)
    assert twice.sample_flops == 2 * 2 * (5 * units + units * units + units * 2)


@dataclass(frozen=True)
class Centred(GAN):
    """Latents lie around the mean of the data that it is given first."""

    def variables(self, data):
        return {"mean": torch.zeros(2), "other": torch.ones(())}

    def begin(self, data, x):
        return {"mean": (x @ torch.eye(2)).mean(dim=0)}


def test_what_a_training_begins_with_comes_from_training_data_of_a_stream_of_its_own():
    state = initialise(Centred(), DATA, (3, 4), CPU)
    for i, seed in enumerate((3, 4)):
        expected = DATA.sample(FIT_SAMPLES, DATA.stream(seed, "begin")).mean(dim=0)
        assert torch.allclose(state.variables["mean"][i], expected, atol=1e-6)
    assert state.variables["other"].tolist() == [1, 1]
    cost = cost_of(Centred(), DATA)
    assert cost.fit_flops == 2 * FIT_SAMPLES * 2 * 2
    assert cost.fit_samples == FIT_SAMPLES


def test_a_beginning_must_give_variables_that_are_declared():
    @dataclass(frozen=True)
    class Wrong(Centred):
        def begin(self, data, x):
            return {"median": x.mean(dim=0)}

    with pytest.raises(
        ValueError, match=r"begin\(\) gives the variable median; variables\(\) declares mean, other"
    ):
        initialise(Wrong(), DATA, (3,), CPU)


@dataclass(frozen=True)
class Shifted(GAN):
    """Samples are shifted by the mean of the data that it is given."""

    def variables(self, data):
        return {"mean": torch.zeros(2), "other": torch.ones(())}

    def fit(self, nets, x):
        assert x.shape == (FIT_SAMPLES, 2)
        return {"mean": (x @ torch.eye(2)).mean(dim=0)}

    def sample(self, nets, z, noise):
        return nets.generator(z) + nets.variables["mean"]

    def generator_loss(self, nets, batch):
        return super().generator_loss(nets, batch) * (1 + nets.variables["mean"].sum())


def test_what_is_fitted_comes_from_training_data_of_a_stream_of_its_own():
    method = Shifted()
    fitted = generators(method).fitted(DATA, (3, 4))
    for i, seed in enumerate((3, 4)):
        expected = DATA.sample(FIT_SAMPLES, DATA.stream(seed, "fit")).mean(dim=0)
        assert torch.allclose(fitted.state.variables["mean"][i], expected, atol=1e-6)
    assert fitted.state.variables["other"].tolist() == [1, 1]
    numbers = torch.randn(2, 7, DATA.latent)
    shift = fitted(numbers) - generators(GAN())(numbers)
    assert torch.allclose(shift, fitted.state.variables["mean"][:, None].expand_as(shift), atol=1e-5)


def test_the_fit_is_paid_for():
    cost = cost_of(Shifted(), DATA)
    assert cost.fit_flops == 2 * FIT_SAMPLES * 2 * 2
    budget = Budget(10 * cost.flops + cost.fit_flops, "flops")
    assert cost.cycles(budget) == 10
    assert cost.cycles(Budget(10, "steps")) == 10
    assert cost.cycles(Budget(10 * cost.samples + FIT_SAMPLES, "samples")) == 10
    assert cost_of(GAN(), DATA).fit_samples == 0
    with pytest.raises(
        UsageError, match=rf"one cycle takes {cost.flops} flops and what is fitted to data {cost.fit_flops};"
    ):
        cost.cycles(Budget(cost.fit_flops, "flops"))


def test_a_number_that_is_learnt_is_no_network_evaluation():
    assert cost_of(METHODS.get("vae")(samples="draw"), DATA).sample_evaluations == 1


def test_training_is_not_changed_by_a_fit():
    """Not even that of a method whose loss would see it, which here is 0 throughout the training."""
    data = replace(DATA, evaluations=3)
    one, other = (
        trained(method, data, (0,), Budget(30, "steps")).end.generator for method in (GAN(), Shifted())
    )
    assert torch.equal(one.tensors(0)["0.weight"], other.tensors(0)["0.weight"])
