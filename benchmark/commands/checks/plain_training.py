"""A method trained as any PyTorch program would: live modules, autograd, `torch.optim`, one seed, no `vmap`.

The harness must come to the same networks. What it leaves behind of a module, a plain loop does not.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from benchmark.method import (
    Adam,
    Batch,
    Grouped,
    Networks,
    Optimiser,
    Player,
    PureNetwork,
    State,
    Tensors,
    buffers_of,
    parameters_of,
)
from benchmark.training.step import Phase

__all__ = ["PlainTraining"]


class _Step(NamedTuple):
    """What an update will change: gradients and buffers, by network."""

    gradients: Grouped
    buffers: Grouped


class PlainTraining:
    """Networks in training.

    Arguments:
        modules: The networks, by name. They are trained in place.
        players: The method's players, by name.
    """

    def __init__(self, modules: Mapping[str, nn.Module], players: Mapping[str, Player]) -> None:
        self.modules = modules
        self.players = players
        self.optimisers: dict[str, _Optimiser] = {}
        for player in players.values():
            for name in player.networks:
                self.optimisers[name] = _optimiser_of(player, modules[name])

    def run(self, phase: Phase, batches: Sequence[Batch]) -> None:
        """One run of a phase."""
        if phase.simultaneous:
            steps = {name: self._step_of(player, batches[0]) for name, player in phase.players.items()}
            for step in steps.values():
                self._take(step)
            return
        for player, batch in zip(phase.players.values(), batches, strict=True):
            self._take(self._step_of(player, batch))

    def state(self) -> State:
        """The networks and what their optimisers keep, as the harness has them."""
        parameters: Grouped = {}
        buffers, first, second, steps = {}, {}, {}, {}
        for name, module in self.modules.items():
            parameters[name] = parameters_of(module)
            buffers[name] = _copies_of_buffers(module)
            first[name], second[name], steps[name] = self.optimisers[name].moments()
        return State(parameters, buffers, first, second, steps)

    def _step_of(self, player: Player, batch: Batch) -> _Step:
        """The step of a player from the networks as they are. Buffers are left as they were."""
        before = {name: _copies_of_buffers(module) for name, module in self.modules.items()}
        for module in self.modules.values():
            module.zero_grad()
        player.loss(_LiveNetworks(self), batch).backward()
        gradients = {name: _gradients(self.modules[name]) for name in player.networks}
        buffers = {name: _copies_of_buffers(self.modules[name]) for name in player.networks}
        for name, module in self.modules.items():
            _set_buffers(module, before[name])
        return _Step(gradients, buffers)

    def _take(self, step: _Step) -> None:
        for name, gradients in step.gradients.items():
            self.optimisers[name].step(gradients)
            _set_buffers(self.modules[name], step.buffers[name])


class _LiveNetworks(Networks):
    """The networks as a loss sees them: `nets.generator(z)` calls the module itself."""

    def __init__(self, training: PlainTraining) -> None:
        self._training = training

    def __getattr__(self, name: str) -> nn.Module:
        return self._training.modules[name]

    def after(self, player: str, loss: Callable[[Networks], Tensor]) -> Networks:
        """The networks after one update of a player, of which autograd knows how they came about."""
        training = self._training
        modules = {name: PureNetwork(module) for name, module in training.modules.items()}
        return Networks(modules, training.state(), training.players).after(player, loss)


class _Moments(NamedTuple):
    """What an optimiser keeps of a network."""

    first: Tensors
    second: Tensors
    steps: Tensor


class _Optimiser(Protocol):
    """Updates one network, in place."""

    def step(self, gradients: Tensors) -> None:
        """One update."""

    def moments(self) -> _Moments:
        """What it keeps."""


class _TorchAdam:
    """Adam is checked against torch's own."""

    def __init__(self, module: nn.Module, adam: Adam) -> None:
        self.parameters = parameters_of(module)
        self.adam = adam
        self.optimiser = torch.optim.Adam(self.parameters.values(), adam.lr, adam.betas, adam.eps)

    def step(self, gradients: Tensors) -> None:
        for key, parameter in self.parameters.items():
            parameter.grad = self._clipped(gradients[key])
        self.optimiser.step()

    def moments(self) -> _Moments:
        moments = _start_of(self.parameters)
        for key, parameter in self.parameters.items():
            kept = self.optimiser.state.get(parameter)
            if kept is not None:
                moments.first[key], moments.second[key] = kept["exp_avg"], kept["exp_avg_sq"]
                moments = moments._replace(steps=kept["step"])
        return moments

    def _clipped(self, gradient: Tensor) -> Tensor:
        norm = float(gradient.norm())
        if self.adam.clip_norm is None or norm <= self.adam.clip_norm:
            return gradient
        return gradient * (self.adam.clip_norm / norm)


class _AnyOptimiser:
    """An optimiser of a plug-in has its own rule only."""

    def __init__(self, module: nn.Module, optimiser: Optimiser) -> None:
        self.parameters = parameters_of(module)
        self.optimiser = optimiser
        self.kept = _start_of(self.parameters)

    def step(self, gradients: Tensors) -> None:
        parameters = {key: parameter.detach() for key, parameter in self.parameters.items()}
        kept = self.kept
        state = State({"own": parameters}, {}, {"own": kept.first}, {"own": kept.second}, {"own": kept.steps})
        state = self.optimiser.apply(state, "own", gradients)
        self.kept = _Moments(state.first["own"], state.second["own"], state.steps["own"])
        with torch.no_grad():
            for key, parameter in self.parameters.items():
                parameter.copy_(state.parameters["own"][key])

    def moments(self) -> _Moments:
        return self.kept


def _optimiser_of(player: Player, module: nn.Module) -> _Optimiser:
    if type(player.optimiser) is Adam:
        return _TorchAdam(module, player.optimiser)
    return _AnyOptimiser(module, player.optimiser)


def _start_of(parameters: Mapping[str, Tensor]) -> _Moments:
    """What an optimiser keeps before its first update."""
    zeros = {key: torch.zeros_like(parameter, requires_grad=False) for key, parameter in parameters.items()}
    return _Moments(zeros, dict(zeros), torch.zeros(()))


def _gradients(module: nn.Module) -> Tensors:
    gradients = {}
    for key, parameter in parameters_of(module).items():
        gradients[key] = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad.clone()
    return gradients


def _copies_of_buffers(module: nn.Module) -> Tensors:
    return {key: buffer.clone() for key, buffer in buffers_of(module).items()}


def _set_buffers(module: nn.Module, buffers: Tensors) -> None:
    frozen = dict(module.named_parameters())
    for key, buffer in buffers.items():
        if key in frozen:
            frozen[key].data = buffer
        else:
            owner, _, name = key.rpartition(".")
            setattr(module.get_submodule(owner), name, buffer)
