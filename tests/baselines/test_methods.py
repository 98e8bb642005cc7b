"""The contract of all methods, and what tiny networks do not show; `test_method_proofs*.py` prove losses."""

import inspect
import itertools

import pytest
import torch
from torch.func import grad

from benchmark.commands.checks.methods import check_method
from benchmark.datasets.mixtures import HighDimensional, Ring
from benchmark.errors import UsageError
from benchmark.method import Networks, update
from benchmark.registry import METHODS
from benchmark.training.step import Cycle, initialise, select_seed
from benchmark.training.streams import Batches, Draw
from benchmark.training.trees import tree_map

CPU = torch.device("cpu")
THREE_LATENT_RING = Ring(batch=16, width=8, latent=3)


def one_model(name, data=THREE_LATENT_RING, cycles=2, dtype=torch.float64, **settings):
    """Bound networks of one seed a few cycles into training, and a batch for every player."""
    method = METHODS.get(name)(**settings)
    cycle = Cycle(method, data.spec)
    state = initialise(method, data, [0], CPU)
    stream = Batches(data, cycle.draws, [0], CPU)
    for _ in range(cycles):
        cycle.run(state, next(stream))

    def cast(tensor):
        return tensor.to(dtype) if tensor.is_floating_point() else tensor

    state = tree_map(cast, select_seed(state, 0))
    batches = {}
    for player_name, player in cycle.players.items():
        (batch,) = next(Batches(data, [Draw.of(player, method.latents(data.spec))], [0], CPU))
        batches[player_name] = batch.map(lambda tensor: tensor[0].to(dtype))
    return method, Networks(cycle.modules, state, cycle.players), batches


@pytest.mark.parametrize("name", METHODS.names())
def test_the_contract_holds(name):
    outcomes = list(check_method(name))
    assert not [outcome for outcome in outcomes if outcome.problem is not None]
    assert not [outcome for outcome in outcomes if outcome.remark]


@pytest.mark.parametrize("name", METHODS.names())
def test_the_docstring_names_paper_and_deviations(name):
    doc = inspect.getdoc(METHODS.get(name))
    assert "References:" in doc
    assert "arXiv:" in doc
    assert "Deviations:" in doc


@pytest.mark.parametrize("name", [name for name in METHODS.names() if hasattr(METHODS.get(name), "lr")])
def test_a_learning_rate_is_positive(name):
    with pytest.raises((UsageError, ValueError), match=r"-0\.001"):
        METHODS.build(name, {"lr": -0.001}).players(Ring().spec)


@pytest.mark.parametrize("name", METHODS.names())
def test_it_trains_in_1200_dimensions(name):
    method, data = METHODS.get(name)(), HighDimensional(batch=8, width=8)
    cycle = Cycle(method, data.spec)
    state = initialise(method, data, [0], CPU)
    assert cycle.run(state, next(Batches(data, cycle.draws, [0], CPU))).isfinite().all()


@pytest.mark.parametrize("name", METHODS.names())
def test_the_contract_test_notices_a_broken_method(name, monkeypatch):
    """A loss that does not depend on the generator is reported."""
    cls = METHODS.get(name)
    loss = "autoencoder_loss" if hasattr(cls, "autoencoder_loss") else "generator_loss"
    original = getattr(cls, loss)

    def broken(self, nets, batch):
        return 0 * original(self, nets, batch)

    monkeypatch.setattr(cls, loss, broken)
    assert any(outcome.problem for outcome in check_method(name) if "gradients" in outcome.title)


def test_the_contract_test_notices_hidden_randomness(monkeypatch):
    cls = METHODS.get("gan")
    original = cls.generator_loss
    calls = itertools.count()

    def noisy_loss(self, nets, batch):
        return original(self, nets, batch._replace(z=batch.z + 0.1 * next(calls)))

    monkeypatch.setattr(cls, "generator_loss", noisy_loss)
    assert any(outcome.problem for outcome in check_method("gan") if "same seed" in outcome.title)


def test_gan_is_plain():
    networks = METHODS.get("gan")().networks(THREE_LATENT_RING.spec)
    for network in networks.values():
        assert {type(module).__name__ for module in network.modules()} == {"MLP", "Linear", "ReLU"}


@pytest.mark.parametrize("saturating", [True, False])
def test_the_unrolled_gradient_agrees_with_finite_differences(saturating):
    """Through five real Adam updates from a warm optimiser state."""
    method, nets, batches = one_model("unrolled", saturating=saturating)
    batch, state = batches["generator"], nets.state

    def loss(weight):
        generator = {**state.parameters["generator"], "0.weight": weight}
        moved = state._replace(parameters={**state.parameters, "generator": generator})
        return method.generator_loss(Networks(nets.modules, moved, nets.players), batch)

    weight = state.parameters["generator"]["0.weight"]
    assert state.steps["discriminator"] == 2
    gradient = grad(loss)(weight)
    direction = torch.randn_like(weight)
    h = 1e-5
    numeric = (loss(weight + h * direction) - loss(weight - h * direction)) / (2 * h)
    assert (gradient * direction).sum().item() == pytest.approx(numeric.item(), rel=1e-4)
    # The lookahead matters: without it the gradient is another one.
    method = type(method)(unrolled_steps=0, saturating=saturating)
    assert not torch.allclose(grad(loss)(weight), gradient, rtol=1e-3)


def test_the_first_unrolled_step_is_the_discriminators_own():
    method, nets, batches = one_model("unrolled")
    batch = batches["generator"]
    ahead = nets.after("discriminator", lambda judges: method.discriminator_loss(judges, batch)).state
    real, _ = update(nets, nets.players["discriminator"], batch)
    for key, value in real.parameters["discriminator"].items():
        assert torch.equal(value, ahead.parameters["discriminator"][key])
    assert ahead.steps["discriminator"] == nets.state.steps["discriminator"] + 1
    assert nets.state.steps["discriminator"] == 2


@pytest.mark.parametrize(
    ("name", "network"), [("ali", "encoder"), ("veegan", "reconstructor"), ("aegan", "encoder")]
)
def test_methods_with_an_encoder_say_so(name, network):
    method, nets, batches = one_model(name)
    x = next(batch.x for batch in batches.values() if batch.x is not None)
    assert torch.equal(method.encode(nets, x), getattr(nets, network)(x)[:, : THREE_LATENT_RING.latent])


def test_veegans_free_latent_dimensions_are_not_reconstructed():
    method, nets, batches = one_model("veegan", free=1)
    batch = batches["generator"]
    generated = nets.generator(batch.z)
    code = nets.reconstructor(generated)
    assert code.shape == (THREE_LATENT_RING.batch, THREE_LATENT_RING.latent - 1)
    adversarial = nets.discriminator(generated, batch.z[:, :-1]).mean()
    reconstruction = 0.5 * (batch.z[:, :-1] - code).square().sum(dim=1).mean()
    assert torch.allclose(method.generator_loss(nets, batch), adversarial + reconstruction)
    x = batches["discriminator"].x
    codes = method.encode(nets, x)
    assert torch.equal(codes[:, :-1], nets.reconstructor(x))
    assert (codes[:, -1] == 0).all()
    assert nets.generator(codes).shape == x.shape


def test_veegan_must_reconstruct_something():
    with pytest.raises(ValueError, match="free = 3 leaves none of 3 latent dimensions to be reconstructed"):
        METHODS.get("veegan")(free=3).networks(THREE_LATENT_RING.spec)
    with pytest.raises(ValueError, match="free must be a whole number from 0 to 100000, not -1"):
        METHODS.get("veegan")(free=-1)


def test_alis_encoder_may_take_its_noise_at_the_input():
    method, nets, batches = one_model("ali", noisy_input=True)
    batch = batches["discriminator"]
    assert batch.noise["code"].shape == batch.x.shape
    real, _ = method.logits(nets, batch)
    assert torch.equal(real, nets.discriminator(batch.x, nets.encoder(batch.x, batch.noise["code"])))
    assert torch.equal(method.encode(nets, batch.x), nets.encoder(batch.x, torch.zeros_like(batch.x)))
