"""Projections and variables: what an update does beside the optimiser's step."""

from dataclasses import dataclass, replace
from functools import partial

import pytest
import torch
from support.training import CPU

from baselines.gan import GAN
from benchmark.datasets.mixtures import Ring
from benchmark.method import Networks, Player
from benchmark.training.step import Cycle, initialise, select_seed
from benchmark.training.streams import Batches

DATA = Ring(batch=16, width=8)


def halved(parameters):
    return {key: 0.5 * parameter for key, parameter in parameters.items()}


@dataclass(frozen=True)
class Counting(GAN):
    """Counts the updates of both players, and keeps the progress that the generator's loss has seen."""

    def variables(self, data):
        return {"n": torch.zeros(()), "seen": torch.zeros(())}

    def discriminator_loss(self, nets, batch):
        nets.assign(n=nets.variables["n"] + 1)
        return super().discriminator_loss(nets, batch)

    def generator_loss(self, nets, batch):
        nets.assign(n=nets.variables["n"] + 10 * batch.z.mean().sign().abs(), seen=batch.progress)
        return super().generator_loss(nets, batch) * (1 + 0 * nets.variables["n"])


def run(method, cycles=3, seeds=(0, 1)):
    cycle = Cycle(method, DATA.spec)
    state = initialise(method, DATA, seeds, CPU)
    state.progress.fill_(0.5)
    batches = Batches(DATA, cycle.draws, seeds, CPU)
    for _ in range(cycles):
        cycle.run(state, next(batches))
    return state


@pytest.mark.parametrize("simultaneous", [False, True])
def test_variables_pass_from_update_to_update(simultaneous):
    state = run(Counting(simultaneous=simultaneous))
    assert state.variables["n"].tolist() == [33, 33]
    assert state.variables["seen"].tolist() == [0.5, 0.5]


def test_variables_are_each_seeds_own():
    @dataclass(frozen=True)
    class Means(Counting):
        def generator_loss(self, nets, batch):
            nets.assign(n=batch.z.mean())
            return GAN.generator_loss(self, nets, batch)

    together, alone = run(Means()).variables["n"], run(Means(), seeds=(1,)).variables["n"]
    assert together[0] != together[1]
    assert torch.allclose(together[1], alone[0])


def test_no_gradient_flows_through_a_variable():
    @dataclass(frozen=True)
    class Assigned(Counting):
        def generator_loss(self, nets, batch):
            loss = GAN.generator_loss(self, nets, batch)
            nets.assign(n=loss)
            return loss + nets.variables["n"]

    plain, doubled = run(GAN(), 1), run(Assigned(), 1)
    for key, parameter in plain.parameters["generator"].items():
        assert torch.allclose(parameter, doubled.parameters["generator"][key])


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"j": torch.zeros(())}, r"gives the variable j; variables\(\) declares n, seen"),
        ({"n": torch.zeros(2)}, r"gives the variable n the shape \(2,\); it must keep \(\)"),
        (
            {"n": torch.zeros((), dtype=torch.long)},
            "gives the variable n the type torch.int64; it must keep torch",
        ),
    ],
)
def test_a_variable_must_be_declared_and_keeps_its_form(values, problem):
    @dataclass(frozen=True)
    class Wrong(Counting):
        def generator_loss(self, nets, batch):
            nets.assign(**values)
            return GAN.generator_loss(self, nets, batch)

    with pytest.raises(ValueError, match=problem):
        run(Wrong())


@dataclass(frozen=True)
class Projected(GAN):
    """Halves the discriminator's parameters after each update."""

    project = staticmethod(halved)

    def players(self, data):
        players = super().players(data)
        judge = replace(players["discriminator"], project={"discriminator": type(self).project})
        return {**players, "discriminator": judge}


def test_a_projection_follows_each_update_of_its_network():
    """After it, the generator sees the projected network."""
    plain, projected = run(GAN(), 1, (0,)), run(Projected(), 1, (0,))
    for key, parameter in plain.parameters["discriminator"].items():
        assert torch.equal(0.5 * parameter, projected.parameters["discriminator"][key])
    one, other = plain.parameters["generator"], projected.parameters["generator"]
    assert not torch.equal(one["0.weight"], other["0.weight"])


def test_an_unrolled_update_is_projected_too():
    method = Projected()
    cycle = Cycle(method, DATA.spec)
    state = select_seed(initialise(method, DATA, [0], CPU), 0)
    x, z = torch.randn(16, 2), torch.randn(16, DATA.latent)

    def ahead(players):
        nets = Networks(cycle.modules, state, players)
        loss = partial(method.discrimination, real=x, generated=nets.generator(z))
        return nets.after("discriminator", loss).state.parameters["discriminator"]

    projected = ahead(cycle.players)
    for key, parameter in ahead(GAN().players(DATA.spec)).items():
        assert torch.equal(0.5 * parameter, projected[key])


@pytest.mark.parametrize(
    ("projection", "problem"),
    [
        (
            lambda p: {key: value[:1] for key, value in p.items()},
            "the projection of discriminator gives the parameter",
        ),
        (lambda p: {}, "the projection of discriminator adds or removes the parameter"),
        (lambda p: {key: value.double() for key, value in p.items()}, "the type torch.float64; it must keep"),
    ],
)
def test_a_projection_keeps_the_form_of_parameters(projection, problem):
    @dataclass(frozen=True)
    class Wrong(Projected):
        project = staticmethod(projection)

    with pytest.raises(ValueError, match=problem):
        run(Wrong())


def test_a_player_projects_what_it_trains():
    with pytest.raises(ValueError, match="projects generator, which it does not train"):
        Player(("critic",), lambda nets, batch: batch.z.sum(), None, project={"generator": halved})
