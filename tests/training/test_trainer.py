"""The training loop: budgets, evaluation points, divergence and checkpoints."""

from dataclasses import dataclass, replace
from functools import cache

import pytest
import torch
from support.training import CPU, StopAt, trained

from baselines.gan import GAN
from benchmark.datasets.mixtures import Ring
from benchmark.records.checkpoint import Checkpoint
from benchmark.suites.budget import Budget
from benchmark.training.cost import cost_of
from benchmark.training.saved_state import UnfitError
from benchmark.training.step import Cycle
from benchmark.training.streams import Batches

DATA = Ring(batch=16, width=8)


@dataclass(frozen=True)
class Explosive(GAN):
    """Turns to NaN where a seed's first latent exceeds a bound."""

    bound: float = 4.0

    def discriminator_loss(self, nets, batch):
        loss = super().discriminator_loss(nets, batch)
        return loss * torch.where(batch.z[0, 0] > self.bound, torch.nan, 1.0)


def run(method, budget, seeds=(0, 1)):
    return trained(method, DATA, seeds, budget)


def test_a_budget_is_spent_in_evenly_spaced_points():
    cost = cost_of(GAN(), DATA)
    training = run(GAN(), Budget(100 * cost.flops, "flops"))
    standings = training.standings
    assert [standing.point for standing in standings] == list(range(1, 20 + 1))
    assert [standing.cycles for standing in standings] == [5 * i for i in range(1, 20 + 1)]
    assert [standing.last for standing in standings] == [False] * (20 - 1) + [True]
    assert training.shares == sorted(training.shares)
    assert training.shares[-1] == 1
    assert set(training.stages) == {"training"}
    assert training.end.diverged == [0, 0]


def test_a_budget_shorter_than_its_points_is_spent_all_the_same():
    training = run(GAN(), Budget(3, "steps"))
    assert [standing.cycles for standing in training.standings] == [1, 2, 3]
    assert training.end.last


def test_a_budget_in_seconds_ends():
    training = run(GAN(), Budget(0.2, "s"))
    assert training.end.last
    assert 0.2 <= training.end.seconds < 2
    assert len(training.standings) <= 20


@dataclass(frozen=True)
class Watching(GAN):
    """Keeps the progress that its losses have seen last."""

    def variables(self, data):
        return {"seen": torch.full((), -1.0)}

    def discriminator_loss(self, nets, batch):
        nets.assign(seen=batch.progress)
        return super().discriminator_loss(nets, batch)


@pytest.mark.parametrize(("unit", "per_cycle"), [("steps", 1), ("samples", 16)])
def test_losses_see_the_share_of_the_budget_that_is_spent(unit, per_cycle):
    end = run(Watching(), Budget(40 * per_cycle, unit), seeds=(0,)).end
    assert end.generator.state.variables["seen"].item() == pytest.approx(39 / 40)


def test_with_a_budget_of_seconds_it_is_the_share_of_the_time():
    end = run(Watching(), Budget(0.5, "s"), seeds=(0,)).end
    assert 0.3 < end.generator.state.variables["seen"].item() < 1


def test_it_rises_from_cycle_to_cycle():
    @dataclass(frozen=True)
    class Rising(Watching):
        def variables(self, data):
            return {**super().variables(data), "rises": torch.zeros(())}

        def discriminator_loss(self, nets, batch):
            nets.assign(rises=nets.variables["rises"] + (batch.progress > nets.variables["seen"]))
            return super().discriminator_loss(nets, batch)

    end = run(Rising(), Budget(0.3, "s"), seeds=(0,)).end
    assert end.generator.state.variables["rises"].item() == end.cycles


def test_where_the_evaluations_lie_does_not_matter():
    """A longer budget passes through the end state of a shorter one."""
    rare = replace(DATA, evaluations=1)
    short = trained(GAN(), rare, (0,), Budget(80, "steps")).end.generator.tensors(0)
    # Generators share their tensors with the training, which is stopped after as many cycles.
    long = trained(GAN(), DATA, (0,), Budget(200, "steps"), StopAt(80)).end.generator.tensors(0)
    assert torch.equal(long["0.weight"], short["0.weight"])


@pytest.mark.parametrize("bound", [2.2, -100.0])
def test_a_diverged_seed_is_named_and_the_others_go_on(bound):
    steps, seeds = 150, (0, 1, 2)
    method = Explosive(bound=bound)
    batches = Batches(DATA, Cycle(method, DATA.spec).draws, seeds, CPU)
    z = torch.stack([next(batches)[0].z[:, 0, 0] for _ in range(steps)])
    exceeded = z > bound
    first = exceeded.int().argmax(dim=0) + 1
    expected = torch.where(exceeded.any(dim=0), first, 0).tolist()
    last = run(method, Budget(steps, "steps"), seeds).end
    assert last.diverged == expected
    assert any(expected)
    assert last.last
    if bound < 0:
        assert last.cycles < steps  # nobody is left
    else:
        assert not all(expected)
        assert last.cycles == steps
    alone = run(GAN(), Budget(steps, "steps"), seeds).end
    for i in range(len(seeds)):
        tensors = last.generator.tensors(i)
        finite = all(tensor.isfinite().all() for tensor in tensors.values())
        assert finite == (expected[i] == 0)
        if finite:
            assert torch.equal(tensors["0.weight"], alone.generator.tensors(i)["0.weight"])


@pytest.mark.parametrize("total", [7, 20, 58, 87, 100])
def test_every_point_is_reached_whatever_the_rounding(total):
    standings = run(GAN(), Budget(total, "steps"), seeds=(0,)).standings
    points = [standing.point for standing in standings]
    assert standings[-1].cycles == total
    assert points == sorted(set(points))
    assert len(standings) == min(total, 20)


INTERRUPTED = replace(DATA, evaluations=2)
TOTAL = 110


def interrupted(bound, saver=None, start=None):
    return trained(Explosive(bound=bound), INTERRUPTED, (0, 1), Budget(TOTAL, "steps"), saver, start)


@cache
def uninterrupted(bound):
    return interrupted(bound)


def reports(*trainings):
    """The evaluations of one training after another, without their generators."""
    standings = []
    for training in trainings:
        standings += training.standings
    return [(standing.point, standing.cycles, standing.diverged, standing.last) for standing in standings]


@pytest.mark.parametrize("at", [1, 26, 63, 64, 100])
@pytest.mark.parametrize("bound", [4.0, 2.0, -100.0], ids=["none diverges", "some diverge", "all diverge"])
def test_training_goes_on_from_any_cycle_to_the_same_end(at, bound):
    whole = uninterrupted(bound)
    assert (whole.end.diverged != [0, 0]) == (bound < 4)
    if whole.end.cycles <= at:
        return
    saver = StopAt(at)
    first = interrupted(bound, saver)
    second = interrupted(bound, start=saver.checkpoint)
    assert second.shares[0] == at / TOTAL
    assert reports(first, second) == reports(whole)
    tensors = second.end.generator.tensors(0)
    for name, tensor in whole.end.generator.tensors(0).items():
        assert torch.equal(tensor.nan_to_num(7.0), tensors[name].nan_to_num(7.0))


def test_a_checkpoint_of_something_else_is_refused():
    budget, saver = Budget(200, "steps"), StopAt(30)
    trained(GAN(), DATA, (0, 1), budget, saver)
    arrays, values = dict(saver.checkpoint.arrays), saver.checkpoint.values
    name = next(iter(arrays))
    without = {key: array for key, array in arrays.items() if key != name}
    wrong = [
        Checkpoint(arrays | {name: arrays[name].astype("float64")}, values),
        Checkpoint(arrays | {name: arrays[name][:1]}, values),
        Checkpoint(without, values),
        Checkpoint(arrays | {"streams/data": arrays["streams/data"][:, :9]}, values),
        Checkpoint(arrays, {**values, "streams": {"used": 10**6}}),
        Checkpoint(arrays, {**values, "run": {}}),
        Checkpoint(arrays, {"run": None}),
        Checkpoint({}, {}),
    ]
    for checkpoint in wrong:
        with pytest.raises(UnfitError):
            trained(GAN(), DATA, (0, 1), budget, start=checkpoint)
