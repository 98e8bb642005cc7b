"""`check` of methods that strangers write: what is not carried from update to update is named."""

import subprocess
import sys
from dataclasses import dataclass, replace

import pytest
from support.odd_networks import (
    AllFrozen,
    Appends,
    AppendsToQueue,
    Around,
    AssignsBuffer,
    AssignsParameter,
    Branches,
    ChangesType,
    Counts,
    Dropout,
    Frozen,
    GrowsBuffer,
    KeepsTensor,
    Lazy,
    LooksAtValue,
    MovesFrozen,
    NewBuffer,
    Recurrent,
    RemembersShape,
    ReplacesObject,
    SinglePrecision,
    UsesNumPy,
    WritesBuffer,
    WritesParameter,
)
from torch import nn

from baselines.gan import GAN
from baselines.spectral_norm import spectral_norm
from benchmark.commands.checks.methods import check_method
from benchmark.method import Adam, LogUniform, Player, PureNetwork
from benchmark.registry import METHODS


def layers_normalised_by(normalise):
    def normalised(network):
        for module in list(network.modules()):
            if isinstance(module, nn.Linear | nn.Conv2d):
                normalise(module)
        return network

    return normalised


@pytest.fixture
def outcomes():
    """Checks a GAN whose discriminator was changed."""

    def check(change, **methods):
        def networks(self, data):
            made = GAN.networks(self, data)
            return {**made, "discriminator": change(made["discriminator"])}

        members = {"__module__": __name__, "networks": networks, **methods}
        METHODS.register("changed")(type("Changed", (GAN,), members))
        return list(check_method("changed"))

    yield check
    METHODS.forget(__name__)


@pytest.mark.parametrize(
    "change",
    [
        AssignsBuffer,
        WritesBuffer,
        Frozen,
        MovesFrozen,
        RemembersShape,
        layers_normalised_by(spectral_norm),
    ],
    ids=lambda change: change.__name__,
)
def test_state_in_buffers_is_carried(outcomes, change):
    assert not [outcome for outcome in outcomes(change) if outcome.problem is not None]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (AssignsParameter, "a forward pass assigns a parameter"),
        (WritesParameter, "write neither into parameters"),
        (Counts, "a forward pass changes discriminator.calls, which is no buffer"),
        (Appends, "a forward pass changes discriminator.history, which is no buffer"),
        (AppendsToQueue, "a forward pass changes discriminator.queue, which is no buffer"),
        (ReplacesObject, "a forward pass changes discriminator.cache, which is no buffer"),
        (NewBuffer, "a forward pass adds or removes the buffer late"),
        (ChangesType, "a forward pass gives the buffer k the type torch.float32; it must keep torch.int64"),
        (AllFrozen, "trains discriminator, which has no parameters to train"),
        (GrowsBuffer, "a forward pass gives the buffer k the shape (2,)"),
        (KeepsTensor, "discriminator.factor is a tensor that is neither parameter nor buffer"),
        (LooksAtValue, "networks are built without values first"),
        (Branches, "they must not look at values"),
        (UsesNumPy, "made of torch's operations alone"),
        (Lazy, "give the numbers of its features"),
        (Dropout, "declare them as noise of the player"),
        (layers_normalised_by(nn.utils.spectral_norm), "that of baselines.spectral_norm"),
        (
            layers_normalised_by(nn.utils.parametrizations.spectral_norm),
            "that of baselines.spectral_norm",
        ),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_cannot_be_carried_is_named(outcomes, change, problem):
    """By `builds`, which is what a run does first, too."""
    first, *others = outcomes(change)
    assert first.title == "builds (ring)"
    assert problem in first.problem
    assert [outcome.title for outcome in others] == ["builds (pictures)"]


def test_a_recurrent_network_is_one_like_any_other(outcomes):
    assert not [outcome for outcome in outcomes(Recurrent) if outcome.problem or outcome.remark]


def test_a_network_in_single_precision_is_not_compared(outcomes):
    checked = outcomes(SinglePrecision)
    assert not [outcome for outcome in checked if outcome.problem is not None]
    remarks = [outcome.remark for outcome in checked if outcome.remark]
    assert len(remarks) == 2  # on points and on images
    assert all("cannot compute in float64" in remark for remark in remarks)


def test_the_plain_loop_notices_what_the_harness_leaves_behind(outcomes, monkeypatch):
    """Here, the buffers that a forward pass assigns."""
    original = PureNetwork.with_tensors

    def forgetful(self, parameters, buffers, inputs):
        output, _ = original(self, parameters, buffers, inputs)
        return output, buffers

    monkeypatch.setattr(PureNetwork, "with_tensors", forgetful)
    failed = {outcome.title: outcome.problem for outcome in outcomes(AssignsBuffer) if outcome.problem}
    assert "trains like a plain PyTorch loop (ring)" in failed
    assert "differs from that of a plain" in failed["trains like a plain PyTorch loop (ring)"]


def test_two_networks_that_share_a_module_are_refused():
    class Shares(GAN):
        def networks(self, data):
            made = super().networks(data)
            return {**made, "twin": made["discriminator"]}

        def players(self, data):
            made = super().players(data)
            trains_both = replace(made["discriminator"], networks=("discriminator", "twin"))
            return {**made, "discriminator": trains_both}

    METHODS.register("shares")(Shares)
    try:
        outcomes = list(check_method("shares"))
    finally:
        METHODS.forget(__name__)
    assert "networks 'discriminator' and 'twin' share discriminator." in outcomes[0].problem


def test_a_few_dead_units_are_no_fault(outcomes):
    """In a small network a rectifier may be dead from its initialisation on."""

    def narrow(network):
        *_, last = [module for module in network.modules() if isinstance(module, nn.Linear)]
        outputs = last.out_features
        return nn.Sequential(network, nn.Linear(outputs, 2), nn.ReLU(), nn.Linear(2, 1))

    assert not [outcome for outcome in outcomes(narrow) if outcome.problem is not None]


IDLE = """
from dataclasses import dataclass
from baselines.gan import GAN
from benchmark.registry import register_method

@register_method("idle")
@dataclass(frozen=True)
class Idle(GAN):
    def generator_loss(self, nets, batch):
        return 0 * batch.z.sum()
"""


def test_verdicts_hold_without_assertions(tmp_path):
    file = tmp_path / "idle.py"
    file.write_text(IDLE)
    check = subprocess.run(
        [sys.executable, "-O", "-m", "benchmark", "check", "--plugin", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert check.returncode == 1
    assert "FAILED: the loss of 'generator' does not depend on" in check.stdout


class Momentum:
    """Gradient descent with momentum, an optimiser of a plug-in's own."""

    def apply(self, state, network, gradients):
        parameters, first = {}, {}
        for key, parameter in state.parameters[network].items():
            first[key] = 0.9 * state.first[network][key] + gradients[key]
            parameters[key] = parameter - 0.01 * first[key]
        return state.replace_in(network, parameters=parameters, first=first)


@dataclass(frozen=True)
class HalfAdam(Adam):
    """A subclass with a rule of its own."""

    def apply(self, state, network, gradients):
        return super().apply(state, network, {key: 0.5 * gradient for key, gradient in gradients.items()})


@pytest.mark.parametrize("optimiser", [Momentum(), HalfAdam(1e-3)], ids=["own", "subclass"])
def test_an_optimiser_of_ones_own_is_used(outcomes, optimiser):
    def players(self, data):
        return {
            "discriminator": Player(("discriminator",), self.discriminator_loss, optimiser),
            "generator": Player(("generator",), self.generator_loss, Adam(1e-3), real=False),
        }

    assert not [outcome for outcome in outcomes(Around, players=players) if outcome.problem is not None]


def test_a_space_of_what_is_no_setting_is_named():
    @METHODS.register("misspelt")
    @dataclass(frozen=True)
    class Misspelt(GAN):
        space = {"rate": LogUniform(1e-5, 1e-2)}

    try:
        first = next(iter(check_method("misspelt")))
    finally:
        METHODS.forget(__name__)
    assert first.title == "declares a space of settings that it can have"
    assert "has no such setting" in first.problem
