"""A checkpoint in the middle of any method, continued, is the uninterrupted run bit for bit."""

import random
from dataclasses import replace

import pytest
import torch
from support.training import trained

from benchmark.datasets.mixtures import Ring
from benchmark.method import Linear
from benchmark.registry import METHODS
from benchmark.suites.budget import Budget
from benchmark.training.cost import cost_of
from benchmark.training.trees import tree_leaves

DATA = Ring(batch=8, width=4, evaluations=2)
CYCLES = 6


class KeepAll:
    """Takes a checkpoint after every cycle."""

    def __init__(self):
        self.checkpoints = []

    def due(self, cycles):
        return cycles > len(self.checkpoints)

    def save(self, checkpoint):
        self.checkpoints.append(checkpoint)


def scheduled(name):
    """The method with an averaged generator, and learning rates that fall, where they can."""
    cls = METHODS.get(name)

    class Scheduled(cls):
        def players(self, data):
            players = super().players(data)
            for key, player in players.items():
                if hasattr(player.optimiser, "schedule"):
                    falling = replace(player.optimiser, schedule=Linear())
                    players[key] = replace(player, optimiser=falling)
            return players

    return Scheduled(average=0.5, average_half_life=0.0)


@pytest.mark.parametrize("name", METHODS.names())
def test_it_goes_on_to_the_same_end(name):
    method = scheduled(name)
    budget = Budget(CYCLES * cost_of(method, DATA).generator_steps, "steps")
    saver = KeepAll()
    whole = trained(method, DATA, (0, 1), budget, saver).end
    at = random.Random(name).randrange(1, CYCLES)
    again = trained(method, DATA, (0, 1), budget, start=saver.checkpoints[at - 1]).end
    assert again.cycles == whole.cycles == CYCLES
    state, same = whole.generator.state, again.generator.state
    for one, other in zip(tree_leaves(state), tree_leaves(same), strict=True):
        assert torch.equal(one, other)
    assert state.progress.tolist() == 2 * [pytest.approx((CYCLES - 1) / CYCLES)]
