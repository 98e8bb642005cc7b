import contextlib
from dataclasses import dataclass, replace

import pytest
import torch

from baselines.gan import GAN
from benchmark.datasets.mixtures import Ring
from benchmark.records.checkpoint import Checkpoint
from benchmark.suites.budget import Budget
from benchmark.training.cost import cost_of
from benchmark.training.saved_state import UnfitError
from benchmark.training.trainer import train

CPU = torch.device("cpu")
DATA = Ring(batch=16, width=8)


@dataclass(frozen=True)
class Explosive(GAN):
    """Turns to NaN where a seed's first latent exceeds a bound that a long training is sure to meet."""

    bound: float = 4.0

    def discriminator_loss(self, nets, batch):
        loss = super().discriminator_loss(nets, batch)
        return loss * torch.where(batch.z[0, 0] > self.bound, torch.nan, 1.0)


def run(method, budget, seeds=(0, 1)):
    checkpoints, shares = [], []
    train(method, DATA, seeds, budget, cost_of(method, DATA), checkpoints.append, shares.append, CPU, False)
    return checkpoints, shares


def test_a_budget_is_spent_in_evenly_spaced_points():
    cost = cost_of(GAN(), DATA)
    checkpoints, shares = run(GAN(), Budget(500 * cost.flops, "flops"))
    assert [c.point for c in checkpoints] == list(range(1, 20 + 1))
    assert [c.cycles for c in checkpoints] == [25 * i for i in range(1, 20 + 1)]
    assert [c.last for c in checkpoints] == [False] * (20 - 1) + [True]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert checkpoints[-1].diverged == [0, 0]


def test_a_budget_shorter_than_its_points_is_spent_all_the_same():
    checkpoints, _ = run(GAN(), Budget(3, "steps"))
    assert [c.cycles for c in checkpoints] == [1, 2, 3]
    assert checkpoints[-1].last


def test_a_budget_in_seconds_ends():
    checkpoints, _ = run(GAN(), Budget(0.2, "s"))
    assert checkpoints[-1].last
    assert 0.2 <= checkpoints[-1].seconds < 2
    assert len(checkpoints) <= 20


def test_where_the_evaluations_lie_does_not_matter():
    """A longer budget passes through the end state of a shorter one."""
    kept = []
    budget = Budget(800, "steps")
    train(
        GAN(),
        DATA,
        (0,),
        budget,
        cost_of(GAN(), DATA),
        lambda c: kept.append(c.generator.tensors(0)["0.weight"].clone()),
        lambda s: None,
        CPU,
        False,
    )
    short, _ = run(GAN(), Budget(40, "steps"), seeds=(0,))
    assert torch.equal(kept[0], short[-1].generator.tensors(0)["0.weight"])


@pytest.mark.parametrize("bound", [3.0, -100.0])
def test_a_diverged_seed_is_named_and_the_others_go_on(bound):
    method = Explosive(bound=bound)
    checkpoints, _ = run(method, Budget(2000, "steps"), seeds=(0, 1, 2))
    from benchmark.training.step import Cycle
    from benchmark.training.streams import Batches

    stream = Batches(DATA, Cycle(method, DATA.spec).draws, (0, 1, 2), CPU)
    z = torch.stack([next(stream)[0].z[:, 0, 0] for _ in range(2000)])
    hit = z > bound
    expected = [int(hit[:, i].int().argmax()) + 1 if hit[:, i].any() else 0 for i in range(3)]
    last = checkpoints[-1]
    assert last.diverged == expected
    assert any(expected)
    assert last.last
    alone = run(GAN(), Budget(2000, "steps"), seeds=(0, 1, 2))[0][-1]
    for i in range(3):
        finite = all(t.isfinite().all() for t in last.generator.tensors(i).values())
        assert finite == (expected[i] == 0)
        if finite:
            assert torch.equal(last.generator.tensors(i)["0.weight"], alone.generator.tensors(i)["0.weight"])
    if bound < 0:
        assert last.cycles < 2000  # nobody is left


@pytest.mark.parametrize("total", [7, 20, 58, 87, 100])
def test_every_point_is_reached_whatever_the_rounding(total):
    checkpoints, _ = run(GAN(), Budget(total, "steps"), seeds=(0,))
    assert checkpoints[-1].cycles == total
    assert [c.point for c in checkpoints] == sorted({c.point for c in checkpoints})
    assert len(checkpoints) == min(total, 20)


class StopError(Exception):
    pass


class StopAt:
    """Takes one checkpoint, after that many cycles, and ends the training there."""

    def __init__(self, cycles):
        self.cycles = cycles

    def due(self, cycles):
        return cycles >= self.cycles

    def save(self, checkpoint):
        self.checkpoint = checkpoint
        raise StopError


@pytest.mark.parametrize("at", [1, 26, 63, 64, 100])
@pytest.mark.parametrize("bound", [4.0, 2.0, -100.0], ids=["none diverges", "some diverge", "all diverge"])
def test_training_goes_on_from_any_cycle_to_the_same_end(at, bound):
    method, budget, data = Explosive(bound=bound), Budget(150, "steps"), replace(DATA, evaluations=2)
    cost = cost_of(method, data)

    def go(saver=None, start=None):
        standings, shares = [], []
        with contextlib.suppress(StopError):
            train(
                method, data, (0, 1), budget, cost, standings.append, shares.append, CPU, False, saver, start
            )
        return standings, shares

    whole, _ = go()
    assert (whole[-1].diverged != [0, 0]) == (bound < 4)
    if whole[-1].cycles <= at:
        return
    saver = StopAt(at)
    first, _ = go(saver)
    second, shares = go(start=saver.checkpoint)
    assert shares[0] == at / 150
    facts = [(c.point, c.cycles, c.diverged, c.last) for c in (*first, *second)]
    assert facts == [(c.point, c.cycles, c.diverged, c.last) for c in whole]
    for name, tensor in whole[-1].generator.tensors(0).items():
        assert torch.equal(tensor.nan_to_num(7.0), second[-1].generator.tensors(0)[name].nan_to_num(7.0))


def test_a_checkpoint_of_something_else_is_refused():
    budget, saver = Budget(200, "steps"), StopAt(30)
    with pytest.raises(StopError):
        train(
            GAN(),
            DATA,
            (0, 1),
            budget,
            cost_of(GAN(), DATA),
            lambda standing: None,
            lambda share: None,
            CPU,
            False,
            saver,
        )
    checkpoint = saver.checkpoint
    arrays, facts = dict(checkpoint.arrays), checkpoint.facts
    name = next(iter(arrays))
    bad = [
        Checkpoint(arrays | {name: arrays[name].astype("float64")}, facts),
        Checkpoint(arrays | {name: arrays[name][:1]}, facts),
        Checkpoint({key: array for key, array in arrays.items() if key != name}, facts),
        Checkpoint(arrays | {"streams/data": arrays["streams/data"][:, :9]}, facts),
        Checkpoint(arrays, {**facts, "streams": {"used": 10**6}}),
        Checkpoint(arrays, {**facts, "run": {}}),
        Checkpoint(arrays, {"run": None}),
        Checkpoint({}, {}),
    ]
    for wrong in bad:
        with pytest.raises(UnfitError):
            train(
                GAN(),
                DATA,
                (0, 1),
                budget,
                cost_of(GAN(), DATA),
                lambda standing: None,
                lambda share: None,
                CPU,
                False,
                None,
                wrong,
            )
