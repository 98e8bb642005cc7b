"""A method trained as any PyTorch program would: live modules, autograd, `torch.optim`, one seed, no `vmap`.

The harness must come to the same networks. What it leaves behind of a module, a plain loop does not.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol, cast

import torch
from torch import Tensor, nn

from benchmark.method import (
    SGD,
    Adam,
    AdamW,
    Batch,
    Grouped,
    Networks,
    Optimiser,
    Player,
    Projection,
    PureNetwork,
    RMSprop,
    State,
    Tensors,
    buffers_of,
    parameters_of,
)
from benchmark.training.step import Phase

__all__ = ["PlainTraining"]

Known = Adam | RMSprop | SGD

FIRST, SECOND = ("exp_avg", "momentum_buffer"), ("exp_avg_sq", "square_avg")
"""What torch's optimisers call what they keep."""


class _Step(NamedTuple):
    """What an update of a player will change: by network, the gradients to follow, and the buffers."""

    player: Player
    gradients: Grouped
    buffers: Grouped


class PlainTraining:
    """Networks in training.

    Arguments:
        modules: The networks, by name. They are trained in place.
        players: The method's players, by name.
        variables: The method's variables.
    """

    def __init__(
        self, modules: Mapping[str, nn.Module], players: Mapping[str, Player], variables: Tensors
    ) -> None:
        self.modules = modules
        self.players = players
        self.variables = variables
        self.progress = torch.zeros(())
        self.optimisers: dict[str, _Optimiser] = {}
        for player in players.values():
            for name in player.networks:
                self.optimisers[player.moments_of(name)] = _optimiser_of(player, modules[name])

    def run(self, phase: Phase, batches: Sequence[Batch], progress: Tensor) -> None:
        """One run of a phase, after that share of the training."""
        self.progress = progress
        if phase.simultaneous:
            steps = [self._step_of(player, batches[0]) for player in phase.players.values()]
            for step in steps:
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
            first[name], second[name], steps[name] = _start_of(parameters[name])
        for name, optimiser in self.optimisers.items():
            first[name], second[name], steps[name] = optimiser.moments()
        rate = torch.ones_like(self.progress)
        return State(parameters, buffers, self.variables, first, second, steps, self.progress, rate)

    def _step_of(self, player: Player, batch: Batch) -> _Step:
        """The step of a player from the networks as they are. Buffers are left as they were."""
        before = {name: _copies_of_buffers(module) for name, module in self.modules.items()}
        for module in self.modules.values():
            module.zero_grad()
        nets = _LiveNetworks(self)
        player.loss_on(nets, batch).backward()
        self.variables = nets.state.variables
        gradients = {name: _gradients(self.modules[name]) for name in player.networks}
        buffers = {name: _copies_of_buffers(self.modules[name]) for name in player.networks}
        for name, module in self.modules.items():
            _set_buffers(module, before[name])
        return _Step(player, gradients, buffers)

    def _take(self, step: _Step) -> None:
        for name, gradients in step.gradients.items():
            self.optimisers[step.player.moments_of(name)].step(gradients, self.progress)
            _set_buffers(self.modules[name], step.buffers[name])
        for name, project in step.player.project.items():
            _set_parameters(self.modules[name], project)


class _LiveNetworks(Networks):
    """The networks as a loss sees them: `nets.generator(z)` calls the module itself."""

    def __init__(self, training: PlainTraining) -> None:
        self._training = training
        self.state = training.state()

    def __getattr__(self, name: str) -> nn.Module:
        return self._training.modules[name]

    def after(self, player: str, loss: Callable[[Networks], Tensor]) -> Networks:
        """The networks after one update of a player, of which autograd knows how they came about."""
        training = self._training
        modules = {name: PureNetwork(module) for name, module in training.modules.items()}
        state = training.state()._replace(variables=self.state.variables)
        return Networks(modules, state, training.players).after(player, loss)


class _Moments(NamedTuple):
    """What an optimiser keeps of a network."""

    first: Tensors
    second: Tensors
    steps: Tensor


class _Optimiser(Protocol):
    """Updates one network, in place."""

    def step(self, gradients: Tensors, progress: Tensor) -> None:
        """One update, after that share of the training."""

    def moments(self) -> _Moments:
        """What it keeps."""


def _torch_optimiser(optimiser: Known, parameters: Iterable[Tensor]) -> torch.optim.Optimizer:
    """Torch's own for one of ours."""
    lr = optimiser.lr
    if isinstance(optimiser, SGD):
        return torch.optim.SGD(parameters, lr, optimiser.momentum)
    if isinstance(optimiser, RMSprop):
        return torch.optim.RMSprop(parameters, lr, optimiser.decay, optimiser.eps)
    cls = torch.optim.AdamW if isinstance(optimiser, AdamW) else torch.optim.Adam
    return cls(parameters, lr, optimiser.betas, optimiser.eps, optimiser.weight_decay or 0.0)


class _TorchOptimiser:
    """The program's own optimisers are checked against torch's."""

    def __init__(self, module: nn.Module, ours: Known) -> None:
        self.parameters = parameters_of(module)
        self.ours = ours
        self.optimiser = _torch_optimiser(ours, self.parameters.values())
        self.steps = torch.zeros(())

    def step(self, gradients: Tensors, progress: Tensor) -> None:
        share = 1.0 if self.ours.schedule is None else float(self.ours.schedule(progress))
        self.optimiser.param_groups[0]["lr"] = self.ours.lr * share
        for key, parameter in self.parameters.items():
            parameter.grad = self._clipped(gradients[key])
        self.optimiser.step()
        self.steps = self.steps + 1

    def moments(self) -> _Moments:
        moments = _start_of(self.parameters)
        for key, parameter in self.parameters.items():
            for name, tensor in self.optimiser.state[parameter].items():
                if name in FIRST:
                    moments.first[key] = tensor
                elif name in SECOND:
                    moments.second[key] = tensor
        return moments._replace(steps=self.steps)

    def _clipped(self, gradient: Tensor) -> Tensor:
        limit = self.ours.clip_norm if isinstance(self.ours, Adam) else None
        norm = float(gradient.norm())
        if limit is None or norm <= limit:
            return gradient
        return gradient * (limit / norm)


class _AnyOptimiser:
    """An optimiser of a plug-in has its own rule only."""

    def __init__(self, module: nn.Module, optimiser: Optimiser) -> None:
        self.parameters = parameters_of(module)
        self.optimiser = optimiser
        self.kept = _start_of(self.parameters)

    def step(self, gradients: Tensors, progress: Tensor) -> None:
        parameters = {key: parameter.detach() for key, parameter in self.parameters.items()}
        state = State(
            parameters={"own": parameters},
            buffers={},
            variables={},
            first={"own": self.kept.first},
            second={"own": self.kept.second},
            steps={"own": self.kept.steps},
            progress=progress,
            rate=torch.ones_like(progress),
        )
        state = self.optimiser.apply(state, "own", gradients)
        self.kept = _Moments(state.first["own"], state.second["own"], state.steps["own"])
        with torch.no_grad():
            for key, parameter in self.parameters.items():
                parameter.copy_(state.parameters["own"][key])

    def moments(self) -> _Moments:
        return self.kept


def _optimiser_of(player: Player, module: nn.Module) -> _Optimiser:
    if type(player.optimiser) in (Adam, AdamW, RMSprop, SGD):
        return _TorchOptimiser(module, cast(Known, player.optimiser))
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


def _set_parameters(module: nn.Module, project: Projection) -> None:
    parameters = parameters_of(module)
    with torch.no_grad():
        projected = project({key: parameter.detach() for key, parameter in parameters.items()})
        for key, parameter in parameters.items():
            parameter.copy_(projected[key])


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
