"""Models that are trained side by side and differ in real-valued settings."""

from dataclasses import dataclass, field, replace

import pytest
import torch
from support.training import CPU, StopAt, trained

from baselines.gan import GAN
from baselines.networks import generator
from benchmark.datasets.mixtures import Ring
from benchmark.method import Adam
from benchmark.registry import METHODS
from benchmark.suites.budget import Budget
from benchmark.training import compiled_cycles
from benchmark.training.settings import at_settings, methods_of, real_settings, structure_of
from benchmark.training.step import Cycle, initialise, select_seed
from benchmark.training.streams import Batches
from benchmark.training.trees import tree_leaves

DATA = Ring(batch=16, width=8)
WEIGHT = "0.weight"


def state_after(method, seeds, settings=None, cycles=3, compile=False):
    cycle = Cycle(method, DATA.spec, compile)
    state = initialise(method, DATA, seeds, CPU, settings)
    state.progress.fill_(0.7)
    batches = Batches(DATA, cycle.draws, seeds, CPU)
    dtype = torch.get_default_dtype()
    for _ in range(cycles):
        cycle.run(state, [batch.map(lambda tensor: tensor.to(dtype)) for batch in next(batches)])
    return state


@pytest.fixture
def double_precision():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def assert_same(state, other, rtol=1e-6, atol=1e-9):
    for one, two in zip(tree_leaves(state), tree_leaves(other), strict=True):
        assert torch.allclose(one, two, rtol=rtol, atol=atol)


# The gradient of a bias before batch normalisation is rounding; in single precision Adam makes steps of it.
@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize("name", METHODS.names())
def test_a_model_beside_others_is_the_one_trained_alone(name):
    method = METHODS.get(name)()
    changed = {}
    for setting, value in real_settings(method, DATA.spec).items():
        if not setting.startswith("average"):
            changed[setting] = 20 * value if "lr" in setting else 0.6 * value or 0.05
    state = state_after(method, (3, 4), [{}, changed])
    assert_same(select_seed(state, 0), select_seed(state_after(method, (3,)), 0))
    alone = state_after(replace(method, **changed), (4,))
    assert_same(select_seed(state, 1), select_seed(alone, 0))
    plain = state_after(method, (4,))
    differ = []
    for key, weights in state.parameters["generator"].items():
        differ.append(not torch.allclose(weights[1], plain.parameters["generator"][key][0], atol=1e-4))
    assert any(differ)


def test_every_setting_of_a_step_reaches_it():
    """Each of AEGAN's, by itself, makes another model."""
    method = METHODS.get("aegan")()
    names = [name for name in real_settings(method, DATA.spec) if not name.startswith("average")]
    assert len(names) == 8
    settings = [{}, *({name: getattr(method, name) * 0.5} for name in names)]
    state = state_after(method, (0,) * len(settings), settings, cycles=1)
    same = []
    for i, name in enumerate(names, 1):
        leaves = tree_leaves(state.parameters)
        if all(torch.equal(leaf[i], leaf[0]) for leaf in leaves):
            same.append(name)
    assert same == []


def test_averages_are_each_models_own():
    settings = [{}, {"average": 0.5}, {"average_half_life": 0.2}]
    budget = Budget(12, "steps")
    data = replace(DATA, evaluations=1)
    together = trained(GAN(), data, (0, 1, 2), budget, settings=settings).end.generator
    for i, own in enumerate(settings):
        alone = trained(GAN(**own), data, (i,), budget).end.generator
        for key, tensor in alone.tensors(0).items():
            assert torch.allclose(together.tensors(i)[key], tensor, atol=1e-5)


def test_one_compilation_serves_other_seeds_and_numbers(monkeypatch):
    monkeypatch.setattr(compiled_cycles, "_kept", type(compiled_cycles._kept)())
    first = compiled_cycles.compiled_cycle(GAN(), DATA, (0, 1), CPU)
    assert compiled_cycles.compiled_cycle(GAN(lr=0.1, beta1=0.3), DATA, (5, 7), CPU) is first
    others = [
        (GAN(simultaneous=True), DATA, (0, 1)),
        (GAN(), DATA, (0,)),
        (GAN(), replace(DATA, batch=8), (0, 1)),
    ]
    for other in others:
        assert compiled_cycles.compiled_cycle(*other, CPU) is not first
    state = initialise(GAN(lr=0.1, beta1=0.3), DATA, (5, 7), CPU)
    state.progress.fill_(0.7)
    batches = Batches(DATA, first.draws, (5, 7), CPU)
    for _ in range(3):
        first.run(state, next(batches))
    assert_same(state, state_after(GAN(lr=0.1, beta1=0.3), (5, 7)), rtol=1e-3, atol=1e-5)


@dataclass(frozen=True)
class Sloped(GAN):
    slope: float = 0.2
    scale: float = 2.0

    def networks(self, data):
        networks = super().networks(data)
        return {**networks, "generator": generator(data, activation=self._activation)}

    def _activation(self):
        return torch.nn.LeakyReLU(self.slope)

    def sample(self, nets, z, noise):
        return nets.generator(z) * self.scale


def test_settings_that_networks_are_built_with_belong_to_the_structure():
    assert "slope" not in real_settings(Sloped(), DATA.spec)
    assert structure_of(Sloped(), DATA.spec) == {"simultaneous": False, "slope": 0.2}
    with pytest.raises(
        ValueError, match=r"models side by side cannot differ in slope; they can in .*lr.*scale"
    ):
        methods_of(Sloped(), DATA.spec, (0,), [{"slope": 0.1}])


def test_a_sampler_has_the_models_own_settings():
    budget = Budget(3, "steps")
    settings = [{"scale": 1.0}, {"scale": 3.0}]
    generators = trained(Sloped(), DATA, (0, 0), budget, settings=settings).end.generator
    numbers = torch.randn(1, 5, DATA.latent).expand(2, -1, -1)
    one, three = generators(numbers).detach()
    assert torch.allclose(3 * one, three, rtol=1e-4, atol=1e-5)
    assert torch.allclose(generators.select([1])(numbers[1:])[0].detach(), three, atol=1e-5)


@dataclass(frozen=True)
class Reading(Sloped):
    """Its network reads a setting of the method whenever it is called."""

    def networks(self, data):
        class Slope(torch.nn.Module):
            def forward(_, x):  # noqa: N805
                return x * self.scale

        return {**GAN.networks(self, data), "generator": generator(data, activation=Slope)}


def test_a_network_does_not_read_settings_when_it_is_called():
    with pytest.raises(ValueError, match="a network reads scale of its method in a forward pass"):
        state_after(Reading(), (0,))


@dataclass(frozen=True)
class Paired(GAN):
    betas: tuple[float, ...] = field(init=False, default=())

    def __post_init__(self):
        object.__setattr__(self, "betas", (self.beta1, 0.9))


def test_models_do_not_differ_in_what_others_are_derived_from():
    with pytest.raises(ValueError, match="cannot differ in beta1: others depend on it"):
        methods_of(Paired(), DATA.spec, (0, 1), [{}, {"beta1": 0.3}])


def test_a_checkpoint_keeps_the_settings_that_are_asked_for():
    saver = StopAt(3)
    trained(GAN(), DATA, (0,), Budget(6, "steps"), saver)
    end = trained(GAN(), DATA, (0,), Budget(6, "steps"), start=saver.checkpoint, settings=[{"lr": 0.5}]).end
    assert end.generator.state.settings["lr"].item() == 0.5


@dataclass(frozen=True)
class Derived(GAN):
    def __post_init__(self):
        object.__setattr__(self, "twice", 2 * self.lr)

    def players(self, data):
        players = super().players(data)
        return {name: replace(player, optimiser=Adam(self.twice)) for name, player in players.items()}


def test_a_method_that_derives_numbers_has_no_settings_per_model():
    assert real_settings(Derived(), DATA.spec) == {}
    state = state_after(Derived(), (0,))
    assert state.settings == {}


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="there are 2 models, and settings of 1"):
        methods_of(GAN(), DATA.spec, (0, 1), [{}])
    with pytest.raises(ValueError, match="cannot differ in width"):
        methods_of(GAN(), DATA.spec, (0,), [{"width": 1}])
    with pytest.raises(ValueError, match="a learning rate must be positive, not -1"):
        state_after(GAN(), (0,), [{"lr": -1.0}])


def test_tensors_take_the_place_of_numbers():
    rate = torch.tensor(0.5)
    assert at_settings(GAN(), {"lr": rate}).lr is rate
    assert GAN().lr == 1e-3
