"""What is kept of a trained model, and the model that can be made of it again."""

from collections import UserDict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from benchmark.method import (
    DataSpec,
    Method,
    Networks,
    PureNetwork,
    State,
    Tensors,
    buffers_of,
    parameters_of,
)
from benchmark.training.generators import TrainedGenerators
from benchmark.training.settings import at_settings, networks_of
from benchmark.training.step import select_seed

__all__ = ["ModelUses", "kept_model", "restored_model"]

VARIABLES = "variables"
"""Stands before the names of variables, where networks have their own."""


class Uses(NamedTuple):
    """What a function of a model uses, apart from the generator.

    Attributes:
        networks: The networks that it calls.
        variables: The variables that it reads.
    """

    networks: tuple[str, ...]
    variables: tuple[str, ...]

    def tensors(self, state: State) -> Tensors:
        """Their tensors in one seed's state, as `NETWORK.NAME` and `variables.NAME`."""
        tensors: Tensors = {}
        for name in self.networks:
            tensors |= _named(name, {**state.parameters[name], **state.buffers[name]})
        return tensors | _named(VARIABLES, {name: state.variables[name] for name in self.variables})


NOTHING = Uses((), ())


class ModelUses(NamedTuple):
    """What a method's models use to encode and to sample, apart from the generator: all seeds the same."""

    encoding: Uses
    sampling: Uses

    @classmethod
    def of(cls, generators: TrainedGenerators) -> "ModelUses":
        """Finds it out with the first seed of a group."""
        first = generators.select([0])
        encoding = _used_in_encoding(first) if first.has_encoder else NOTHING
        return cls(encoding, _used_in_sampling(first))


def kept_model(generators: TrainedGenerators, index: int, uses: ModelUses) -> dict[str, Tensors]:
    """The tensors of one seed's model, by part and name; parts that a method does not have are empty.

    `generator` are the parameters and buffers of that network, by their own names. `encoder` is what else is
    used to encode, and `sampler` what else is used to sample: other networks as `NETWORK.NAME`, and variables
    as `variables.NAME`.
    """
    state = select_seed(generators.state, index)
    return {
        "generator": generators.tensors(index),
        "encoder": uses.encoding.tensors(state),
        "sampler": uses.sampling.tensors(state),
    }


def restored_model(
    method: Method, data: DataSpec, parts: Mapping[str, Mapping[str, Tensor]]
) -> TrainedGenerators:
    """The model whose parts were kept, as the only seed of a group, on the device of its tensors.

    It samples as it did. If the part `encoder` was kept, it encodes as it did.

    Raises:
        ValueError: If the tensors are not those of that method on that data, or do not suffice to sample.
    """
    kept = {**_named("generator", parts["generator"]), **parts.get("encoder", {}), **parts.get("sampler", {})}
    device = next(iter(kept.values())).device
    one = torch.ones(1, device=device)  # tensors may be counters: they do not give the type
    parameters, buffers = {}, {}
    for name, network in networks_of(method, data).items():
        parameters[name] = _replaced(parameters_of(network), name, kept, device)
        buffers[name] = _replaced(buffers_of(network), name, kept, device)
    variables = _replaced(method.variables(data), VARIABLES, kept, device)
    state = State(parameters, buffers, variables, {}, {}, {}, progress=one, rate=one)
    generators = TrainedGenerators.of(method, data, state)
    needed = _used_in_sampling(generators).tensors(select_seed(state, 0))
    for name in {**_named("generator", parameters["generator"]), **needed}:
        if name not in kept:
            raise ValueError(f"{name} was not kept")
    return generators


def _used_in_sampling(generators: TrainedGenerators) -> Uses:
    """What a sample of the only seed of a group is made with."""
    z, noise = _first_latents(generators)
    return _used(generators, lambda method, nets: method.sample(nets, z[0], noise[0]))


def _used_in_encoding(generators: TrainedGenerators) -> Uses:
    """What the only seed of a group encodes with."""
    with torch.no_grad():
        x = generators.sample(*_first_latents(generators))[0]
    return _used(generators, lambda method, nets: method.encode(nets, x))


def _first_latents(generators: TrainedGenerators) -> tuple[Tensor, Tensor]:
    """A latent and noise of 0, of the only seed of a group."""
    latents, zero = generators.latents, generators.state.progress
    return zero.new_zeros(1, 1, latents.size), zero.new_zeros(1, 1, latents.noise)


def _used(generators: TrainedGenerators, function: Callable[[Method, Networks], Tensor]) -> Uses:
    state = select_seed(generators.state, 0)
    nets = _WatchedNetworks(generators.modules, state)
    with torch.no_grad():
        function(at_settings(generators.method, state.settings), nets)
    others = tuple(name for name in nets.called if name != "generator")
    return Uses(others, tuple(nets.read.names))


class _WatchedNetworks(Networks):
    """Networks that remember which of them were called, and which variables were read."""

    def __init__(self, modules: Mapping[str, PureNetwork], state: State) -> None:
        super().__init__(modules, state, {})
        self.called: dict[str, None] = {}
        self.read = _WatchedVariables(state.variables)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = super().__getattr__(name)
        self.called[name] = None
        return call

    @property
    def variables(self) -> Tensors:
        return self.read  # type: ignore[return-value]


class _WatchedVariables(UserDict[str, Tensor]):
    """Variables by name, of which `names` were read, also by `values()` or `get`."""

    def __init__(self, variables: Mapping[str, Tensor]) -> None:
        super().__init__(variables)
        self.names: dict[str, None] = {}

    def __getitem__(self, name: str) -> Tensor:
        value = super().__getitem__(name)
        self.names[name] = None
        return value

    def __or__(self, other: Any) -> Any:
        return dict(self) | other

    def __ror__(self, other: Any) -> Any:
        return other | dict(self)


def _named(owner: str, tensors: Mapping[str, Tensor]) -> Tensors:
    return {f"{owner}.{key}": tensor for key, tensor in tensors.items()}


def _replaced(
    fresh: Mapping[str, Tensor], owner: str, kept: Mapping[str, Tensor], device: torch.device
) -> Tensors:
    """Tensors of a fresh model, with those in their place that were kept, stacked as those of one seed."""
    tensors = {}
    for key, tensor in fresh.items():
        name = f"{owner}.{key}"
        replacement = kept.get(name, tensor.detach())
        if replacement.shape != tensor.shape:
            shape = tuple(replacement.shape)
            raise ValueError(f"{name} has the shape {shape}, and not {tuple(tensor.shape)}")
        tensors[key] = replacement.to(device)[None]
    return tensors
