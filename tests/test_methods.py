"""The methods: the contract for all of them, and what makes each of them itself."""

import inspect

import pytest
import torch
from torch.func import grad
from torch.nn.functional import softplus

from benchmark.contract import CHECKS, check_method
from benchmark.datasets.mixtures import HighDimensional, Ring
from benchmark.method import Batch, Networks
from benchmark.registry import METHODS
from benchmark.training.step import Cycle, initialise, select_seed
from benchmark.training.streams import Batches

CPU = torch.device("cpu")
SMALL = Ring(batch=16, width=8, latent=3)


def one_model(name, data=SMALL, cycles=2, dtype=torch.float64, **settings):
    """Bound networks of one seed a few cycles into training, and a batch for every player."""
    method = METHODS.get(name)(**settings)
    cycle = Cycle(method, data.spec)
    state = initialise(method, data, [0], CPU)
    stream = Batches(data, cycle.draws, [0], CPU)
    for _ in range(cycles):
        cycle.run(state, next(stream))
    from torch.utils._pytree import tree_map

    state = tree_map(lambda t: t.to(dtype) if t.is_floating_point() else t, select_seed(state, 0))
    drawn = {name: next(Batches(data, [player], [0], CPU))[0].map(lambda t: t[0].to(dtype)) for name, player in cycle.players.items()}
    return method, Networks(cycle.modules, state, cycle.players), drawn


@pytest.mark.parametrize("name", METHODS.names())
def test_the_contract_holds(name):
    problems = {title: problem for title, problem in check_method(name) if problem is not None}
    assert not problems


@pytest.mark.parametrize("name", METHODS.names())
def test_the_docstring_names_paper_and_deviations(name):
    doc = inspect.getdoc(METHODS.get(name))
    assert "References:" in doc
    assert "arXiv:" in doc
    assert "Deviations:" in doc


@pytest.mark.parametrize("name", METHODS.names())
def test_it_trains_in_1200_dimensions(name):
    method, data = METHODS.get(name)(), HighDimensional(batch=8, width=8)
    cycle = Cycle(method, data.spec)
    state = initialise(method, data, [0], CPU)
    assert cycle.run(state, next(Batches(data, cycle.draws, [0], CPU))).isfinite().all()


@pytest.mark.parametrize("name", METHODS.names())
def test_the_contract_test_notices_a_broken_method(name, monkeypatch):
    """A generator loss that ignores the generator, and one that draws its own noise, are found out."""
    cls = METHODS.get(name)
    loss = next(n for n in ("generator_loss", "autoencoder_loss") if hasattr(cls, n))
    monkeypatch.setattr(cls, loss, lambda self, nets, batch: batch.z.sum() * 0)
    assert any(problem for title, problem in check_method(name) if "gradients" in title)


def test_the_contract_test_notices_hidden_randomness(monkeypatch):
    cls = METHODS.get("gan")
    original = cls.generator_loss
    monkeypatch.setattr(cls, "generator_loss", lambda self, nets, batch: original(self, nets, batch._replace(z=batch.z + next(NOISE))))
    assert any(problem for title, problem in check_method("gan") if "same seed" in title)


NOISE = (torch.full((), 0.1 * i) for i in range(10_000))


def test_there_are_seven_checks():
    assert len(CHECKS) == 7


def test_gan_is_plain_and_dcgan_is_not():
    gan, dcgan = (METHODS.get(name)().networks(SMALL.spec) for name in ("gan", "dcgan"))
    kinds = {name: {type(m).__name__ for net in nets.values() for m in net.modules()} for name, nets in (("gan", gan), ("dcgan", dcgan))}
    assert kinds["gan"] == {"MLP", "Linear", "ReLU"}
    assert {"BatchNorm1d", "LeakyReLU"} <= kinds["dcgan"]
    assert [type(m).__name__ for m in dcgan["discriminator"]][:2] == ["Linear", "LeakyReLU"]
    assert METHODS.get("dcgan")().lr == 2e-4
    assert METHODS.get("dcgan")().beta1 == 0.5


def test_the_penalty_of_a_linear_critic_is_known():
    """For D(x) = w x the slope is w everywhere: penalty (|w| - 1)^2."""
    method = METHODS.get("wgan-gp")(penalty=2.0)
    w = torch.tensor([[3.0, 4.0]])

    class Nets:
        generator = staticmethod(lambda z: z)
        critic = staticmethod(lambda x: x @ w.T)

    x, z = torch.randn(5, 2), torch.randn(5, 2)
    loss = method.critic_loss(Nets, Batch(x, z, {"mix": torch.rand(5, 1)}))
    assert loss.item() == pytest.approx((z @ w.T).mean().item() - (x @ w.T).mean().item() + 2 * (5 - 1) ** 2, rel=1e-5)
    flat = type("Flat", (Nets,), {"critic": staticmethod(lambda x: x @ (0 * w).T)})
    assert method.critic_loss(flat, Batch(x, z, {"mix": torch.rand(5, 1)})).item() == pytest.approx(2.0, rel=1e-5)


def test_wgan_gp_draws_one_mixing_coefficient_per_sample():
    noise = METHODS.get("wgan-gp")().players(SMALL.spec)["critic"].noise["mix"]
    assert noise.shape == (1,)
    assert noise.kind == "uniform"


@pytest.mark.parametrize("saturating", [True, False])
def test_the_unrolled_gradient_agrees_with_finite_differences(saturating):
    """Through five real Adam updates from a warm optimiser state."""
    method, nets, drawn = one_model("unrolled", saturating=saturating)
    batch, state = drawn["generator"], nets.state

    def loss(weight):
        parameters = {**state.parameters, "generator": {**state.parameters["generator"], "0.weight": weight}}
        return method.generator_loss(Networks(nets.modules, state._replace(parameters=parameters), nets.players), batch)

    weight = state.parameters["generator"]["0.weight"]
    assert state.steps["discriminator"] == 2
    gradient = grad(loss)(weight)
    direction = torch.randn_like(weight)
    h = 1e-5
    numeric = (loss(weight + h * direction) - loss(weight - h * direction)) / (2 * h)
    assert (gradient * direction).sum().item() == pytest.approx(numeric.item(), rel=1e-4)
    # The lookahead matters: without it the gradient is another one.
    blind = type(method)(unrolled_steps=0, saturating=saturating)
    method = blind
    assert not torch.allclose(grad(loss)(weight), gradient, rtol=1e-3)


def test_the_first_unrolled_step_is_the_discriminators_own():
    from benchmark.method import update

    _, nets, drawn = one_model("unrolled")
    batch = drawn["generator"]
    ahead = nets.after("discriminator", batch).state
    real, _ = update(nets, nets.players["discriminator"], batch)
    for key, value in real.parameters["discriminator"].items():
        assert torch.equal(value, ahead.parameters["discriminator"][key])
    assert ahead.steps["discriminator"] == nets.state.steps["discriminator"] + 1
    assert nets.state.steps["discriminator"] == 2


def test_the_non_saturating_unrolled_loss_is_that_of_the_discriminator_to_come():
    method, nets, drawn = one_model("unrolled", saturating=False)
    batch = drawn["generator"]
    ahead = nets
    for _ in range(5):
        ahead = ahead.after("discriminator", batch)
    expected = softplus(-ahead.discriminator(ahead.generator(batch.z))).mean()
    assert torch.allclose(method.generator_loss(nets, batch), expected)


@pytest.mark.parametrize(("name", "network"), [("ali", "encoder"), ("veegan", "reconstructor"), ("aegan", "encoder")])
def test_methods_with_an_encoder_say_so(name, network):
    method, nets, drawn = one_model(name)
    x = next(batch.x for batch in drawn.values() if batch.x is not None)
    assert torch.equal(method.encode(nets, x), getattr(nets, network)(x)[:, : SMALL.latent])


def test_veegan_labels_generated_pairs_one():
    method, nets, drawn = one_model("veegan")
    batch = drawn["discriminator"]
    generated = nets.discriminator(nets.generator(batch.z), batch.z)
    real = nets.discriminator(batch.x, nets.reconstructor(batch.x) + batch.noise["code"])
    expected = -torch.sigmoid(generated).log().mean() - (1 - torch.sigmoid(real)).log().mean()
    assert torch.allclose(method.discriminator_loss(nets, batch), expected)
    # The generator lowers the logit of its own pairs.
    reconstruction = 0.5 * (batch.z - nets.reconstructor(nets.generator(batch.z))).square().sum(1).mean()
    assert torch.allclose(method.generator_loss(nets, batch), generated.mean() + reconstruction)
    players = method.players(SMALL.spec)
    assert [player.networks for player in players.values()] == [("discriminator",), ("generator", "reconstructor")]
    # Algorithm 1: the reconstructor learns from the reconstruction alone.
    from torch.utils._pytree import tree_leaves

    def of_reconstructor(loss):
        def f(own):
            state = nets.state._replace(parameters={**nets.state.parameters, "reconstructor": own})
            return loss(Networks(nets.modules, state, nets.players))

        return tree_leaves(grad(f)(nets.state.parameters["reconstructor"]))

    whole = of_reconstructor(lambda n: method.generator_loss(n, batch))
    alone = of_reconstructor(lambda n: 0.5 * (batch.z - n.reconstructor(n.generator(batch.z))).square().sum(1).mean())
    assert all(torch.allclose(a, b) for a, b in zip(whole, alone, strict=True))


def test_ali_flips_the_labels_for_generator_and_encoder():
    method, nets, drawn = one_model("ali")
    batch = drawn["discriminator"]
    real, fake = method.logits(nets, batch)
    assert torch.allclose(method.discriminator_loss(nets, batch), (softplus(-real) + softplus(fake)).mean())
    assert torch.allclose(method.generator_loss(nets, batch), (softplus(real) + softplus(-fake)).mean())
    other, _ = method.logits(nets, batch._replace(noise={"code": batch.noise["code"] + 1}))
    assert not torch.allclose(real, other)  # the encoder is stochastic
    assert method.players(SMALL.spec)["generator"].networks == ("generator", "encoder")


def test_aegan_has_six_terms_with_the_published_weights():
    method, nets, drawn = one_model("aegan")
    batch = drawn["autoencoder"]
    g, e, dx, dz = nets.generator, nets.encoder, nets.discriminator_x, nets.discriminator_z
    adversarial = [-torch.sigmoid(logit).log().mean() for logit in (dx(g(batch.z)), dx(g(e(batch.x))), dz(e(batch.x)), dz(e(g(batch.z))))]
    data = (batch.x - g(e(batch.x))).abs().mean()
    latent = (batch.z - e(g(batch.z))).square().mean()
    assert torch.allclose(method.autoencoder_loss(nets, batch), sum(adversarial) + 10 * data + 5 * latent)
    players = method.players(SMALL.spec)
    assert [p.networks for p in players.values()] == [("discriminator_x",)] * 4 + [("discriminator_z",)] * 4 + [("generator", "encoder")]
    x = drawn["x_real"]
    p = torch.sigmoid(dx(x.x))
    assert torch.allclose(players["x_real"].loss(nets, x), -(0.95 * p.log() + 0.05 * (1 - p).log()).mean())
    z = drawn["z_encoded"]
    p = torch.sigmoid(dz(e(z.x)))
    assert torch.allclose(players["z_encoded"].loss(nets, z), -(0.05 * p.log() + 0.95 * (1 - p).log()).mean())


def test_veegans_free_latent_dimensions_are_not_reconstructed():
    method, nets, drawn = one_model("veegan", free=1)
    batch = drawn["generator"]
    generated = nets.generator(batch.z)
    code = nets.reconstructor(generated)
    assert code.shape == (SMALL.batch, SMALL.latent - 1)
    expected = nets.discriminator(generated, batch.z[:, :-1]).mean() + 0.5 * (batch.z[:, :-1] - code).square().sum(dim=1).mean()
    assert torch.allclose(method.generator_loss(nets, batch), expected)
    x = drawn["discriminator"].x
    codes = method.encode(nets, x)
    assert torch.equal(codes[:, :-1], nets.reconstructor(x))
    assert (codes[:, -1] == 0).all()
    assert nets.generator(codes).shape == x.shape


def test_veegan_must_reconstruct_something():
    with pytest.raises(ValueError, match="free = 3 leaves none of 3 latent dimensions to be reconstructed"):
        METHODS.get("veegan")(free=3).networks(SMALL.spec)
    with pytest.raises(ValueError, match="free must be at least 0, not -1"):
        METHODS.get("veegan")(free=-1)


def test_alis_encoder_may_take_its_noise_at_the_input():
    method, nets, drawn = one_model("ali", noisy_input=True)
    batch = drawn["discriminator"]
    assert batch.noise["code"].shape == batch.x.shape
    real, _ = method.logits(nets, batch)
    assert torch.equal(real, nets.discriminator(batch.x, nets.encoder(batch.x, batch.noise["code"])))
    assert torch.equal(method.encode(nets, batch.x), nets.encoder(batch.x, torch.zeros_like(batch.x)))
