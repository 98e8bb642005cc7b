"""Budgets, and the cost of a cycle."""

import itertools

import pytest
import torch
from torch import nn
from torch.func import grad

from benchmark.datasets.mixtures import HighDimensional, Ring
from benchmark.errors import UsageError
from benchmark.registry import METHODS
from benchmark.suites.budget import Budget, parse_budget
from benchmark.training.cost import cost_of, count_operations


def test_a_budget_is_read_and_written():
    assert parse_budget("1e12flops") == Budget(1e12, "flops")
    assert parse_budget(" 20000 Steps ") == Budget(20000, "steps")
    assert parse_budget("2e6samples") == Budget(2e6, "samples")
    assert parse_budget("60s") == Budget(60, "s")
    assert str(parse_budget("6e11flops")) == "6e+11flops"
    assert parse_budget(str(Budget(123456789, "flops"))).amount == 123456789


@pytest.mark.parametrize(
    "text", ["5", "-1flops", "0s", "nan", "nanflops", "infs", "flops", "", "1e12", "1parsecs", "1e999flops"]
)
def test_a_bad_budget(text):
    with pytest.raises(UsageError, match="give a positive number and a unit"):
        parse_budget(text)


@pytest.mark.parametrize("text", ["1.5steps", "0.5samples"])
def test_steps_and_samples_are_whole(text):
    with pytest.raises(UsageError, match="give a whole number of"):
        parse_budget(text)


def test_flops_of_a_gan_step_are_those_counted_by_hand():
    """The products of each player's update.

    Discriminator: G forward, then D forward and two products backward for real and fake, less the input's
    gradient. Generator: G and D forward, D backward to its input, G backward without its input's gradient.
    """
    data = Ring(batch=16, width=8, latent=3, depth=2)

    def mac(*sizes):
        return sum(2 * 16 * a * b for a, b in itertools.pairwise(sizes))

    g, d = mac(3, 8, 8, 2), mac(2, 8, 8, 1)
    d_step = g + 2 * (3 * d - mac(2, 8))
    g_step = g + d + d + (2 * g - mac(3, 8))
    cost = cost_of(METHODS.get("gan")(), data)
    assert cost.flops == d_step + g_step
    assert (cost.generator_steps, cost.discriminator_steps, cost.samples) == (1, 1, 16)
    assert cost.parameters == (3 * 8 + 8 + 8 * 8 + 8 + 8 * 2 + 2) + (2 * 8 + 8 + 8 * 8 + 8 + 8 + 1)


def test_double_backward_is_counted():
    net, x = nn.Linear(4, 1, bias=False), torch.randn(3, 4)
    weight = net.weight.detach()

    def penalty(w):
        return grad(lambda x: (x @ w.T).sum() ** 2)(x).square().sum()

    # x w; its transposed product for the slope; and the products of both backward.
    assert count_operations(grad(penalty), weight).flops > 2 * 2 * 3 * 4


def test_the_critic_steps_are_counted():
    cost = cost_of(METHODS.get("wgan-gp")(critic_steps=3), Ring(batch=16, width=8))
    assert (cost.generator_steps, cost.discriminator_steps, cost.samples) == (1, 3, 48)
    one = cost_of(METHODS.get("wgan-gp")(critic_steps=1), Ring(batch=16, width=8)).flops
    two = cost_of(METHODS.get("wgan-gp")(critic_steps=2), Ring(batch=16, width=8)).flops
    assert cost.flops - two == two - one > 0


def test_all_methods_spend_the_same_within_two_percent():
    for data, amount in ((Ring(), 5e11), (HighDimensional(), 6e11)):
        spent = []
        for name in ("gan", "wgan-gp", "unrolled", "aegan"):
            cost = cost_of(METHODS.get(name)(), data)
            spent.append(cost.cycles(Budget(amount, "flops")) * cost.flops)
        assert max(spent) / min(spent) < 1.02


def test_other_units():
    cost = cost_of(METHODS.get("aegan")(), Ring(batch=16, width=8))
    assert cost.generator_steps == 4
    assert cost.cycles(Budget(400, "steps")) == 100
    assert cost.cycles(Budget(cost.samples * 7, "samples")) == 7
    assert cost.cycles(Budget(3, "s")) is None
    with pytest.raises(UsageError, match="one cycle takes"):
        cost.cycles(Budget(1, "flops"))
