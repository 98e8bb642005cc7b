"""Models made again of what is kept of them sample and encode as they did."""

from dataclasses import dataclass, replace

import pytest
import torch
from support.training import CPU

from baselines.gan import GAN
from benchmark.datasets.mixtures import Ring
from benchmark.datasets.stacked import StackedMNIST
from benchmark.registry import METHODS
from benchmark.training.generators import TrainedGenerators
from benchmark.training.kept_models import ModelUses, kept_model, restored_model
from benchmark.training.step import initialise

DATA = Ring(batch=16, width=8)
OF_POINTS = [name for name in METHODS.names() if "points" in METHODS.get(name).kinds]


def generators_of(method):
    return TrainedGenerators.of(method, DATA.spec, initialise(method, DATA, (3, 4), CPU)).fitted(DATA, (3, 4))


def kept(generators, index):
    return kept_model(generators, index, ModelUses.of(generators))


@pytest.mark.parametrize("name", OF_POINTS)
def test_a_model_made_again_samples_and_encodes_as_before(name):
    method = METHODS.build(name, {})
    both = generators_of(method)
    again = restored_model(method, DATA.spec, kept(both, 1))
    numbers = torch.randn(1, 5, both.latents.numbers)
    with torch.no_grad():
        assert torch.equal(again(numbers), both.select([1])(numbers))
        if both.has_encoder:
            x = torch.randn(1, 5, 2)
            assert torch.equal(again.encode(x), both.select([1]).encode(x))


def test_a_counter_may_come_first():
    method = METHODS.get("ali")()
    images = StackedMNIST(width=2, latent=4)
    before = TrainedGenerators.of(method, images.spec, initialise(method, images, (3,), CPU))
    parts = kept(before, 0)
    counters_first = dict(sorted(parts["generator"].items(), key=lambda item: item[1].is_floating_point()))
    assert not next(iter(counters_first.values())).is_floating_point()
    again = restored_model(method, images.spec, {**parts, "generator": counters_first})
    x = torch.randn(1, 5, 3, 28, 28)
    with torch.no_grad():
        assert torch.equal(again.encode(x), before.encode(x))


def test_only_what_is_needed_is_kept():
    assert kept(generators_of(METHODS.get("gan")()), 0).keys() == {"generator", "encoder", "sampler"}
    gan = kept(generators_of(METHODS.get("gan")()), 0)
    assert gan["encoder"] == gan["sampler"] == {}
    aegan = kept(generators_of(METHODS.get("aegan")()), 0)
    assert {key.split(".")[0] for key in aegan["encoder"]} == {"encoder"}
    assert {key.split(".")[0] for key in kept(generators_of(METHODS.get("ae")()), 0)["sampler"]} == {
        "variables"
    }
    drawn = kept(generators_of(METHODS.get("vae")(samples="draw")), 0)
    assert list(drawn["sampler"]) == ["scale.numbers"]


def test_tensors_of_another_method_or_size_are_refused():
    method = METHODS.get("ali")()
    parts = kept(generators_of(method), 0)
    with pytest.raises(ValueError, match=r"generator\.0\.weight has the shape \(8, 8\), and not \(9, 8\)"):
        restored_model(method, replace(DATA, width=9).spec, parts)


@pytest.mark.parametrize(
    ("name", "settings", "missing"),
    [("ae", {}, "variables.weights"), ("vae", {"samples": "draw"}, "scale.numbers")],
)
def test_a_model_that_lacks_what_samples_take_is_refused(name, settings, missing):
    method = METHODS.build(name, settings)
    parts = kept(generators_of(method), 0)
    with pytest.raises(ValueError, match=f"{missing} was not kept"):
        restored_model(method, DATA.spec, {"generator": parts["generator"]})
    del parts["generator"]["0.weight"]
    with pytest.raises(ValueError, match=r"generator\.0\.weight was not kept"):
        restored_model(method, DATA.spec, parts)


READERS = {
    "get": lambda variables: variables.get("shift") + variables.get("undeclared", 0),
    "values": lambda variables: next(iter(variables.values())),
    "items": lambda variables: next(value for _, value in variables.items()),
    "copy": lambda variables: dict(variables)["shift"],
    "unpack": lambda variables: {**variables}["shift"],
    "join": lambda variables: (variables | {"more": 0})["shift"],
    "join behind": lambda variables: ({"more": 0} | variables)["shift"],
}


@pytest.mark.parametrize("reader", READERS)
def test_a_variable_is_kept_however_it_is_read(reader):
    @dataclass(frozen=True)
    class Shifted(GAN):
        def variables(self, data):
            return {"shift": torch.rand(2)}

        def sample(self, nets, z, noise):
            return nets.generator(z) + READERS[reader](nets.variables)

    assert list(kept(generators_of(Shifted()), 0)["sampler"]) == ["variables.shift"]


@pytest.mark.parametrize("name", ["began", "presgan"])
def test_variables_that_no_sample_takes_are_not_kept(name):
    method = METHODS.get(name)()
    parts = kept(generators_of(method), 0)
    assert not parts["sampler"]
    restored_model(method, DATA.spec, {"generator": parts["generator"]})
