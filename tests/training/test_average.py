"""The averaged generator."""

from dataclasses import dataclass, replace

import pytest
import torch
from support.training import StopAt, trained

from baselines.gan import GAN
from benchmark.datasets.mixtures import Ring
from benchmark.suites.budget import Budget
from benchmark.training.average import Averaging
from benchmark.training.cost import cost_of
from benchmark.training.trainer import _Schedule

DATA = Ring(batch=16, width=8, evaluations=1)
CYCLES = 12


def end(method, cycles=CYCLES, saver=None, start=None):
    return trained(method, DATA, (0, 1), Budget(cycles, "steps"), saver, start)


def weights_after_each_cycle():
    weights = []
    for cycle in range(1, CYCLES + 1):
        generator = end(GAN(), cycle).end.generator
        weights.append(generator.state.parameters["generator"]["0.weight"].clone())
    return weights


@pytest.mark.parametrize(
    ("settings", "decay"),
    [({"average": 0.7}, 0.7), ({"average_half_life": 0.25}, 0.5 ** (4 / CYCLES))],
)
def test_it_is_the_weighted_mean_of_the_weights_after_every_cycle(settings, decay):
    """Those before the training have no part in it."""
    weights = weights_after_each_cycle()
    powers = decay ** torch.arange(CYCLES - 1, -1, -1, dtype=torch.float64)
    expected = (
        sum(power * weight.double() for power, weight in zip(powers, weights, strict=True)) / powers.sum()
    )
    generator = end(GAN(**settings)).end.generator
    averaged = generator.state.parameters["generator"]["0.weight"]
    assert torch.allclose(averaged.double(), expected, atol=1e-6)
    assert torch.equal(generator.tensors(1)["0.weight"], averaged[1])
    assert not torch.allclose(averaged, weights[-1])


def test_it_changes_nothing_else():
    plain, averaged = end(GAN()).end.generator.state, end(GAN(average=0.9)).end.generator.state
    for key, parameter in plain.parameters["discriminator"].items():
        assert torch.equal(parameter, averaged.parameters["discriminator"][key])


def test_several_updates_of_the_generator_in_a_cycle_count_each():
    @dataclass(frozen=True)
    class Twice(GAN):
        def players(self, data):
            players = super().players(data)
            return {**players, "generator": replace(players["generator"], steps=2)}

    method = Twice(average=0.9)
    averaging = Averaging.of([method], cost_of(method, DATA).generator_steps)
    assert averaging.decay_over(0.1) == pytest.approx(0.81)


def test_of_a_budget_in_seconds_a_cycle_takes_the_mean_share_so_far():
    schedule = _Schedule(seconds=60, cycles=None, points=1)
    assert schedule.cycle_share(done=10, seconds=1.5) == pytest.approx(1.5 / 60 / 10)


def test_a_budget_in_seconds_has_an_average_too():
    training = trained(GAN(average_half_life=0.1), DATA, (0,), Budget(0.3, "s"))
    assert all(tensor.isfinite().all() for tensor in training.end.generator.tensors(0).values())


@pytest.mark.parametrize("at", [1, 5])
def test_a_checkpoint_keeps_it(at):
    method = GAN(average=0.8)
    whole, saver = end(method), StopAt(at)
    end(method, saver=saver)
    again = end(method, start=saver.checkpoint)
    for key, tensor in whole.end.generator.tensors(0).items():
        assert torch.equal(tensor, again.end.generator.tensors(0)[key])


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"average": 1.0}, "average must be a finite number of at least 0 and below 1, not 1.0"),
        ({"average": -0.1}, "average must be a finite number of at least 0 and below 1, not -0.1"),
        ({"average_half_life": -1.0}, "average_half_life must be a finite number of at least 0, not -1.0"),
        ({"average": 0.9, "average_half_life": 0.1}, "exclude each other"),
    ],
)
def test_what_cannot_work_is_refused(settings, problem):
    with pytest.raises(ValueError, match=problem):
        Averaging.of([GAN(**settings)], 1)
