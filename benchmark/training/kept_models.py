"""What is kept of a trained model, and the model that can be made of it again."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from benchmark.method import (
    DataSpec,
    Method,
    Networks,
    Player,
    PureNetwork,
    State,
    Tensors,
    buffers_of,
    parameters_of,
)
from benchmark.training.generators import TrainedGenerators
from benchmark.training.settings import at_settings, networks_of
from benchmark.training.step import select_seed

__all__ = ["kept_model", "restored_model"]

VARIABLES = "variables"
"""Stands before the names of variables, where networks have their own."""


def kept_model(generators: TrainedGenerators, index: int) -> dict[str, Tensors]:
    """The tensors of one seed's model, by part and name; parts that a method does not have are empty.

    `generator` are the parameters and buffers of that network, by their own names. `encoder` are those of the
    other networks that encode, and `sampler` those of the other networks that sample, as `NETWORK.NAME`, and
    variables as `variables.NAME`.
    """
    own = generators.select([index])
    z = own.state.progress.new_zeros(1, 1, own.latents.size)
    noise = own.state.progress.new_zeros(1, 1, own.latents.noise)
    x = own.sample(z, noise)[0]
    sampler = _Use(own).called_by(lambda method, nets: method.sample(nets, z[0], noise[0]))
    sampler |= _named(VARIABLES, select_seed(own.state, 0).variables)
    encoder: Tensors = {}
    if own.has_encoder:
        encoder = _Use(own).called_by(lambda method, nets: method.encode(nets, x))
    return {"generator": generators.tensors(index), "encoder": encoder, "sampler": sampler}


def restored_model(
    method: Method, data: DataSpec, parts: Mapping[str, Mapping[str, Tensor]]
) -> TrainedGenerators:
    """The model whose parts were kept, as the only seed of a group, on the device of its tensors.

    It samples as it did. If the part `encoder` is there, it encodes as it did.

    Raises:
        ValueError: If the tensors are not those of that method on that data.
    """
    kept = {**_named("generator", parts["generator"]), **parts.get("encoder", {}), **parts.get("sampler", {})}
    parameters, buffers = {}, {}
    for name, network in networks_of(method, data).items():
        own = {**parameters_of(network), **buffers_of(network)}
        if own and not any(f"{name}.{key}" in kept for key in own):
            continue  # it has no part in sampling or encoding
        parameters[name] = _fitting(kept, name, parameters_of(network))
        buffers[name] = _fitting(kept, name, buffers_of(network))
    variables = _fitting(kept, VARIABLES, method.variables(data))
    one = next(iter(kept.values())).new_ones(1)
    return TrainedGenerators.of(method, data, State(parameters, buffers, variables, {}, {}, {}, one, one))


class _Use:
    """Finds out which networks of a model a function calls.

    Arguments:
        generators: The model, the only seed of its group.
    """

    def __init__(self, generators: TrainedGenerators) -> None:
        self.state = select_seed(generators.state, 0)
        self.method = at_settings(generators.method, self.state.settings)
        self.modules = generators.modules

    def called_by(self, function: Callable[[Method, Networks], Tensor]) -> Tensors:
        """The tensors of the networks that it calls, apart from the generator, as `NETWORK.NAME`."""
        nets = _WatchedNetworks(self.modules, self.state, {})
        with torch.no_grad():
            function(self.method, nets)
        tensors: Tensors = {}
        for name in nets.called:
            if name != "generator":
                tensors |= _named(name, {**self.state.parameters[name], **self.state.buffers[name]})
        return tensors


class _WatchedNetworks(Networks):
    """Networks that remember which of them were called, in `called`."""

    def __init__(
        self, modules: Mapping[str, PureNetwork], state: State, players: Mapping[str, Player]
    ) -> None:
        super().__init__(modules, state, players)
        self.called: dict[str, None] = {}

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = super().__getattr__(name)
        self.called[name] = None
        return call


def _named(owner: str, tensors: Mapping[str, Tensor]) -> Tensors:
    return {f"{owner}.{key}": tensor for key, tensor in tensors.items()}


def _fitting(kept: Mapping[str, Tensor], owner: str, like: Mapping[str, Tensor]) -> Tensors:
    """The kept tensors of the names and shapes of others, stacked as those of one seed."""
    tensors = {}
    for key, other in like.items():
        tensor = kept.get(f"{owner}.{key}")
        if tensor is None:
            raise ValueError(f"{owner}.{key} was not kept")
        if tensor.shape != other.shape:
            raise ValueError(
                f"{owner}.{key} has the shape {tuple(tensor.shape)}, and not {tuple(other.shape)}"
            )
        tensors[key] = tensor[None]
    return tensors
