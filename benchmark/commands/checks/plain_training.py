"""A method trained as any PyTorch program would: live modules, autograd, `torch.optim`, one seed, no `vmap`.

The harness must come to the same networks. What it leaves behind of a module, a plain loop does not.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from benchmark.method import Adam, Batch, Grouped, Networks, Player, PureNetwork, State, Tensors
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
        self.optimisers: dict[str, torch.optim.Adam] = {}
        for player in players.values():
            for name in player.networks:
                adam = player.optimiser
                self.optimisers[name] = torch.optim.Adam(
                    modules[name].parameters(), adam.lr, adam.betas, adam.eps
                )

    def run(self, phase: Phase, batches: Sequence[Batch]) -> None:
        """One run of a phase."""
        if phase.simultaneous:
            steps = {name: self._step_of(player, batches[0]) for name, player in phase.players.items()}
            for name, step in steps.items():
                self._take(phase.players[name], step)
            return
        for player, batch in zip(phase.players.values(), batches, strict=True):
            self._take(player, self._step_of(player, batch))

    def buffers(self) -> Grouped:
        """Copies of the buffers as they are."""
        buffers = {}
        for name, module in self.modules.items():
            buffers[name] = {key: buffer.clone() for key, buffer in module.named_buffers()}
        return buffers

    def state(self) -> State:
        """The networks and their optimisers' moments, as the harness has them."""
        parameters, first, second, steps = {}, {}, {}, {}
        for name, module in self.modules.items():
            moments = self.optimisers[name].state
            parameters[name] = dict(module.named_parameters())
            first[name], second[name] = {}, {}
            steps[name] = torch.zeros(())
            for key, parameter in module.named_parameters():
                of_parameter = moments.get(parameter, {})
                first[name][key] = of_parameter.get("exp_avg", torch.zeros_like(parameter))
                second[name][key] = of_parameter.get("exp_avg_sq", torch.zeros_like(parameter))
                steps[name] = of_parameter.get("step", torch.zeros(()))
        return State(parameters, self.buffers(), first, second, steps)

    def _step_of(self, player: Player, batch: Batch) -> _Step:
        """The step of a player from the networks as they are. Buffers are left as they were."""
        before = self.buffers()
        for module in self.modules.values():
            module.zero_grad()
        loss = player.loss(_LiveNetworks(self), batch)
        loss.backward()
        gradients = {name: _gradients(self.modules[name]) for name in player.networks}
        buffers = {name: self.buffers()[name] for name in player.networks}
        for name, module in self.modules.items():
            _set_buffers(module, before[name])
        return _Step(gradients, buffers)

    def _take(self, player: Player, step: _Step) -> None:
        for name in player.networks:
            module = self.modules[name]
            for key, parameter in module.named_parameters():
                parameter.grad = _clipped(step.gradients[name][key], player.optimiser)
            self.optimisers[name].step()
            _set_buffers(module, step.buffers[name])


class _LiveNetworks:
    """The networks as a loss sees them: `nets.generator(z)` calls the module itself."""

    def __init__(self, training: PlainTraining) -> None:
        self._training = training

    def __getattr__(self, name: str) -> nn.Module:
        return self._training.modules[name]

    def after(self, player: str, loss: Callable[[Any], Tensor]) -> Networks:
        """The networks after one update of a player, of which autograd knows how they came about."""
        training = self._training
        modules = {name: PureNetwork(module) for name, module in training.modules.items()}
        return Networks(modules, training.state(), training.players).after(player, loss)


def _gradients(module: nn.Module) -> Tensors:
    gradients = {}
    for key, parameter in module.named_parameters():
        gradients[key] = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad.clone()
    return gradients


def _clipped(gradient: Tensor, adam: Adam) -> Tensor:
    if adam.clip_norm is None:
        return gradient
    return gradient * min(1.0, adam.clip_norm / max(float(gradient.norm()), 1e-300))


def _set_buffers(module: nn.Module, buffers: Tensors) -> None:
    for key, buffer in buffers.items():
        owner, _, name = key.rpartition(".")
        setattr(module.get_submodule(owner), name, buffer)
