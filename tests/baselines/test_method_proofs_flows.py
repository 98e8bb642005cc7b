"""Flow matching and spline flows: losses by hand, and what is known for Gaussian data."""

import math
import re
import sys
from functools import partial

import numpy as np
import pytest
import torch
from support.by_hand import (
    TINY,
    Descent,
    Move,
    assert_a_cycle_is_that_of,
    drawn,
    loss_and_gradients,
    on_networks,
    warm_state,
)
from support.timed import MEAN, STD, Nets, Timed, in_a_unit, normal, standard, timed

from baselines.flow_matching import transport_plan
from benchmark.datasets.mixtures import Ring
from benchmark.errors import UsageError
from benchmark.registry import METHODS
from benchmark.training.advice import explain
from benchmark.training.generators import TrainedGenerators
from benchmark.training.step import initialise

# Standardisation


@pytest.mark.parametrize("name", ["flow-matching", "ddpm", "ddgan"])
def test_networks_see_data_of_mean_0_and_mean_square_1_and_samples_are_in_the_datas_unit(name):
    data = Ring(circle=5.0, batch=8, width=8)
    method = METHODS.get(name)()
    generators = TrainedGenerators.of(method, data.spec, initialise(method, data, [0], torch.device("cpu")))
    mean, scale = (generators.state.variables[key][0] for key in ("mean", "scale"))
    # Of a circle of radius 5 each coordinate has the mean square 25 / 2.
    assert mean.abs().max() < 0.1
    assert scale.item() == pytest.approx(5 / math.sqrt(2), rel=0.02)
    nets = Nets(lambda x, t, *others: 0 * x, {"mean": mean, "scale": scale})
    x = data.draw(5000, torch.Generator().manual_seed(0))
    assert method.standard(nets, x).square().mean().item() == pytest.approx(1, rel=0.03)
    assert torch.allclose(method.restored(nets, method.standard(nets, x)), x, atol=1e-5)
    shifted = Nets(nets.generator, {"mean": mean + 7, "scale": scale})
    numbers = normal(6, 2).float(), normal(6, method.latents(data.spec).noise, seed=1).float()
    apart = method.sample(shifted, *numbers) - method.sample(nets, *numbers)
    assert torch.allclose(apart, torch.full((6, 2), 7.0), atol=1e-4)


# Flow matching


def straight(state, batch):
    t, end = batch.noise["time"], standard(state, batch)
    on_the_way = (1 - t)[:, None] * batch.z + t[:, None] * end
    return ((timed(state, "generator", on_the_way, t) - (end - batch.z)) ** 2).mean()


def test_a_cycle_of_flow_matching_is_that_of_numpy():
    method = in_a_unit(on_networks("flow-matching", {"generator": partial(Timed, 3, 2)}, lr=0.05))
    assert_a_cycle_is_that_of([Move(("generator",), straight, Descent(0.05))], method)


def straight_to_the_end(state, batch):
    t, end = batch.noise["time"][:, None], standard(state, batch)
    on_the_way = (1 - t) * batch.z + t * end
    missed = timed(state, "generator", on_the_way, batch.noise["time"]) - end
    return ((missed / np.maximum(1 - t, 0.05)) ** 2).mean()


def test_a_cycle_that_predicts_data_is_that_of_numpy():
    networks = {"generator": partial(Timed, 3, 2)}
    method = in_a_unit(on_networks("flow-matching", networks, lr=0.05, prediction="data"))
    assert_a_cycle_is_that_of([Move(("generator",), straight_to_the_end, Descent(0.05))], method)


def best_field(x, t):
    """Of Gaussian data: the mean velocity of all paths through a place."""
    t = t[:, None]
    variance = (1 - t) ** 2 + (t * STD) ** 2
    slope = (t * STD**2 - (1 - t)) / variance
    return MEAN + slope * (x - t * MEAN)


def test_the_best_field_of_gaussian_data_has_no_gradient():
    """Neither towards another slope nor towards another mean, at any time; a wrong field has one."""
    method = METHODS.get("flow-matching")()
    n = 400_000
    x = MEAN + STD * normal(n)
    for time in (0.1, 0.5, 0.9):
        noise = {"time": torch.full((n,), time, dtype=torch.float64), "partner": None}
        batch = drawn(method)[0]._replace(x=x, z=normal(n, seed=1), noise=noise)
        change = torch.zeros(2, dtype=torch.float64, requires_grad=True)
        nets = Nets(lambda x, t: best_field(x, t) + change[0] + change[1] * x)  # noqa: B023
        method.generator_loss(nets, batch).backward()
        assert change.grad.abs().max() < 0.02


def test_samples_of_the_best_field_are_the_data():
    method = METHODS.get("flow-matching")(evaluations=200)
    z = normal(20_000)
    samples = method.sample(Nets(best_field), z, z[:, :0])
    # What the paths do to each latent is known: they keep its rank.
    assert torch.allclose(samples, MEAN + STD * z, atol=1e-3)


def test_both_predictions_of_the_same_thing_give_the_same_samples():
    """Before the end, the data is ahead by the rest of the time."""
    z = normal(100)
    of_velocity = METHODS.get("flow-matching")().sample(Nets(best_field), z, z[:, :0])
    ahead = Nets(lambda x, t: x + (1 - t)[:, None] * best_field(x, t))
    of_data = METHODS.get("flow-matching")(prediction="data").sample(ahead, z, z[:, :0])
    assert torch.allclose(of_data, of_velocity, atol=1e-9)


def test_the_midpoint_rule_is_of_second_order_at_least():
    z = normal(100)

    def error(evaluations):
        method = METHODS.get("flow-matching")(evaluations=evaluations)
        return (method.sample(Nets(best_field), z, z[:, :0]) - (MEAN + STD * z)).abs().max()

    assert error(40) / error(80) > 3.5


def test_narrow_modes_keep_their_width_at_the_default_number_of_steps():
    """As wide as those of the ring are in its unit: a perfect field is integrated to 2 %."""
    std = 0.014

    def field(x, t):
        t = t[:, None]
        return (t * std**2 - (1 - t)) / ((1 - t) ** 2 + (t * std) ** 2) * x

    z = normal(2000)
    samples = METHODS.get("flow-matching")().sample(Nets(field), z, z[:, :0])
    assert (samples / (std * z)).mean().item() == pytest.approx(1, abs=0.02)


def test_a_plan_of_transport_is_near_the_best_one():
    """Each start sends all of its mass, each end receives about its own, and the costs are nearly least."""
    costs = (normal(32, 2, 0)[:, None] - normal(32, 2, 1)).square().sum(dim=2)
    plan = transport_plan(costs)
    assert torch.allclose(plan.sum(dim=1), torch.ones(32, dtype=torch.float64))
    assert (plan.sum(dim=0) - 1).abs().max() < 0.2
    independent = costs.mean() * 32
    best = costs[_assignment(costs)].sum()
    assert best <= (plan * costs).sum() < best + 0.2 * (independent - best)


def _assignment(costs):
    from scipy.optimize import linear_sum_assignment

    return linear_sum_assignment(costs.numpy())


def test_partners_are_drawn_by_the_plan():
    """Two far groups: each start gets an end of its own side; at random, every second one does not."""
    method = METHODS.get("flow-matching")(coupling="optimal-transport")
    side = torch.tensor([-1.0, 1.0], dtype=torch.float64).repeat(16)
    start = 5 * side[:, None] + 0.1 * normal(32)
    end = start.flip(0)
    uniform = torch.rand(32, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    partners = method.partners(start, end, uniform)
    assert (partners.sign() == start.sign()).all()


def test_of_one_batch_the_losses_of_both_couplings_differ_by_the_partners_alone():
    method = on_networks("flow-matching", {"generator": partial(Timed, 3, 2)}, coupling="optimal-transport")
    state, batch = warm_state(method), drawn(method)[0].map(lambda t: t[0].numpy())
    loss, _ = loss_and_gradients(method, "generator", state, batch)
    partners = method.partners(*map(torch.from_numpy, (batch.z, batch.x, batch.noise["partner"])))
    assert loss == pytest.approx(straight(state, batch._replace(x=partners.numpy())), rel=1e-9)


# Spline flows


def flow_of(data, seed=0):
    pytest.importorskip("zuko")
    method = METHODS.get("spline-flow")()
    return method, TrainedGenerators.of(
        method, data.spec, initialise(method, data, [seed], torch.device("cpu"))
    )


def test_a_spline_flow_is_a_density():
    """It is inverted exactly, and its density sums to 1."""
    _, generators = flow_of(Ring(width=8))
    flow = generators.modules["generator"].network
    state = generators.state
    flow.load_state_dict(
        {
            **{key: value[0] for key, value in state.parameters["generator"].items()},
            **{key: value[0] for key, value in state.buffers["generator"].items()},
        },
        assign=True,
    )
    with torch.no_grad():
        z = torch.randn(100, 2)
        x = flow(z)
        again, stretch = flow(x, True)
        assert torch.allclose(again, z, atol=1e-4)
        side = torch.linspace(-7, 7, 400)
        places = torch.cartesian_prod(side, side)
        noise, stretch = flow(places, True)
        density = (stretch - noise.square().sum(dim=1) / 2 - math.log(2 * math.pi)).exp()
        assert density.sum().item() * (14 / 399) ** 2 == pytest.approx(1, abs=5e-3)


def test_the_loss_of_a_spline_flow_is_the_surprise_of_data():
    zuko = pytest.importorskip("zuko")
    from baselines.spline_flow import Flow

    torch.manual_seed(0)
    flow = zuko.flows.NSF(2, hidden_features=[8], passes=2)
    x = torch.randn(50, 2)
    batch = drawn(METHODS.get("spline-flow")())[0]._replace(x=x)
    loss = METHODS.get("spline-flow")().generator_loss(Nets(Flow(flow)), batch)
    assert loss.item() == pytest.approx(-flow().log_prob(x).mean().item(), rel=1e-5)


def test_without_zuko_there_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "zuko.flows", None)
    line = r"^spline-flow needs zuko; install it with pip install .*\[flows\]'$"
    with pytest.raises(UsageError, match=line) as raised:
        METHODS.get("spline-flow")(bins=9).networks(TINY.spec)  # a layout that no other test has built
    assert re.match(line, explain(raised.value))
