"""Learning rates that fall over the training."""

from dataclasses import dataclass, replace

import pytest
import torch
from support.training import StopAt, trained

from baselines.gan import GAN
from benchmark.datasets.mixtures import Ring
from benchmark.method import Adam, Player
from benchmark.suites.budget import Budget
from benchmark.training.falls import FALLS, Falls

DATA = Ring(batch=16, width=8, evaluations=1)
BUDGET = Budget(12, "steps")


@dataclass(frozen=True)
class Scheduled(GAN):
    """A GAN whose own optimisers follow a schedule."""

    schedule: str = "linear"

    def players(self, data):
        adam = Adam(self.lr, (self.beta1, 0.999), schedule=FALLS[self.schedule])
        return {
            "discriminator": Player(("discriminator",), self.discriminator_loss, adam),
            "generator": Player(("generator",), self.generator_loss, adam, real=False),
        }


def weights(training, index=0):
    return training.end.generator.tensors(index)["0.weight"]


@pytest.mark.parametrize(
    ("fall", "shares"),
    [
        ("none", [1, 1, 1, 1, 1]),
        ("linear", [1, 1, 1, 0.5, 0]),
        ("cosine", [1, 0.853553, 0.5, 0.146447, 0]),
    ],
)
def test_rates_fall_as_their_names_say(fall, shares):
    falls = Falls([GAN(), GAN(fall=fall)])
    for progress, share in zip([0, 0.25, 0.5, 0.75, 1], shares, strict=True):
        rates = torch.ones(2)
        falls.write(rates, progress)
        assert rates.tolist() == pytest.approx([1, share], abs=1e-6)


@pytest.mark.parametrize("fall", list(FALLS))
def test_a_fall_is_that_of_a_schedule_in_every_optimiser(fall):
    fallen, scheduled = (
        trained(GAN(fall=fall), DATA, (0,), BUDGET),
        trained(Scheduled(schedule=fall), DATA, (0,), BUDGET),
    )
    assert torch.allclose(weights(fallen), weights(scheduled), atol=1e-6)
    assert not torch.allclose(weights(fallen), weights(trained(GAN(), DATA, (0,), BUDGET)), atol=1e-5)


def test_models_side_by_side_fall_each_in_its_own_way():
    settings = [{}, {"fall": "linear"}, {"fall": "cosine", "lr": 1e-2}]
    together = trained(GAN(), DATA, (0, 1, 2), BUDGET, settings=settings)
    for i, own in enumerate(settings):
        alone = trained(replace(GAN(), **own), DATA, (i,), BUDGET)
        assert torch.allclose(weights(together, i), weights(alone), atol=1e-5)


def test_a_fall_goes_on_from_a_checkpoint():
    saver = StopAt(9)
    trained(GAN(fall="linear"), DATA, (0,), BUDGET, saver)
    resumed = trained(GAN(fall="linear"), DATA, (0,), BUDGET, start=saver.checkpoint)
    assert torch.equal(weights(resumed), weights(trained(GAN(fall="linear"), DATA, (0,), BUDGET)))
