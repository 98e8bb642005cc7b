"""From a method's losses to vectorised updates of many seeds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.func import vmap

from benchmark.datasets.base import Dataset, stream_seed
from benchmark.method import (
    Batch,
    DataSpec,
    Latents,
    Method,
    Networks,
    Noise,
    Player,
    PureNetwork,
    State,
    buffers_of,
    parameters_of,
    update,
)
from benchmark.training.attributes import check_no_tensors
from benchmark.training.compiled import Compiled
from benchmark.training.settings import Settings, at_settings, methods_of, networks_of, real_settings
from benchmark.training.streams import Draw
from benchmark.training.trees import tree_leaves, tree_map

__all__ = [
    "FIT_SAMPLES",
    "Cycle",
    "CycleFunction",
    "Phase",
    "begins_with_data",
    "initial_networks",
    "initialise",
    "modules_of",
    "phases_of",
    "select_seed",
]

FIT_SAMPLES = 10_000
"""Training samples that a method's `begin` and `fit` are given. Part of the definition of results."""

PhaseFunction = Callable[[State, Sequence[Batch]], Tensor]

CycleFunction = Callable[[Sequence[Batch]], Tensor]
"""Advances a state by one cycle with these batches; returns the losses, shape (updates, seeds)."""

T = TypeVar("T")


@dataclass(frozen=True)
class Phase:
    """Consecutive updates that run as one function.

    Arguments:
        players: Who is updated, by name, in order.
        repeats: How often the phase runs per cycle.
        simultaneous: Whether all players share one batch and start from the same networks.
        latents: What the latents in its batches are.
    """

    players: dict[str, Player]
    repeats: int
    simultaneous: bool
    latents: Latents

    @property
    def batches(self) -> int:
        """How many batches one run takes: one per player, or one for all of them."""
        return 1 if self.simultaneous else len(self.players)

    @property
    def draws(self) -> list[Draw]:
        """What the batches of one run need."""
        draws = [Draw.of(player, self.latents) for player in self.players.values()]
        if not self.simultaneous:
            return draws
        noise: dict[str, Noise] = {}
        for draw in draws:
            noise |= draw.noise
        return [Draw(self.latents, draws[0].batches, any(draw.real for draw in draws), noise)]


def phases_of(method: Method, data: DataSpec) -> list[Phase]:
    """The phases of one cycle: neighbouring players of one step each are run as one function.

    Raises:
        ValueError: If two players share an optimiser of a network and do not agree on it, or if players that
            are updated simultaneously take several steps, train the same network, or want batches of
            different sizes or different noise of the same name.
    """
    players, latents = method.players(data), method.latents(data)
    _check_optimisers(players)
    if method.simultaneous:
        _check_simultaneous(players)
        return [Phase(players, 1, True, latents)]
    phases: list[Phase] = []
    for name, player in players.items():
        if player.steps == 1 and phases and phases[-1].repeats == 1:
            phases[-1] = Phase({**phases[-1].players, name: player}, 1, False, latents)
        else:
            phases.append(Phase({name: player}, player.steps, False, latents))
    return phases


def _check_optimisers(players: Mapping[str, Player]) -> None:
    owners: dict[str, Player] = {}
    for player in players.values():
        for network in player.networks:
            if owners.setdefault(player.moments_of(network), player).optimiser != player.optimiser:
                raise ValueError(
                    f"network {network!r} is trained with two different optimisers; "
                    "give one of its players another optimiser_name"
                )


def _check_simultaneous(players: Mapping[str, Player]) -> None:
    together = "players that are updated simultaneously"
    if any(player.steps != 1 for player in players.values()):
        raise ValueError(f"{together} take one step each per cycle")
    networks: list[str] = []
    for player in players.values():
        networks += player.networks
    if len(networks) != len(set(networks)):
        raise ValueError(f"{together} train networks of their own; two train the same")
    if len({player.batches for player in players.values()}) > 1:
        raise ValueError(f"{together} share one batch; two want batches of different sizes")
    noises: dict[str, Noise] = {}
    for player in players.values():
        for name, noise in player.noise.items():
            if noises.setdefault(name, noise) != noise:
                raise ValueError(f"{together} share one batch; two want different noise of the same name")


def modules_of(method: Method, data: DataSpec) -> dict[str, PureNetwork]:
    """The architectures, as carriers of structure; their own parameters stay unused and take no memory.

    Raises:
        ValueError: If two networks share parameters or buffers, or one has tensors that are neither.
    """
    with torch.device("meta"):
        networks = networks_of(method, data)
    _check_sharing(networks)
    check_no_tensors(networks)
    return {name: PureNetwork(network) for name, network in networks.items()}


def _check_sharing(networks: Mapping[str, nn.Module]) -> None:
    owners: dict[int, tuple[str, str]] = {}
    for name, network in networks.items():
        for key, tensor in (*network.named_parameters(), *network.named_buffers()):
            owner, key_there = owners.setdefault(id(tensor), (name, key))
            if owner != name:
                raise ValueError(
                    f"networks {owner!r} and {name!r} share {owner}.{key_there}; "
                    "give each its own, or make them one network"
                )


def initialise(
    method: Method,
    data: Dataset,
    seeds: Sequence[int],
    device: torch.device,
    settings: Sequence[Settings] | None = None,
) -> State:
    """The stacked initial state of all models. Networks are drawn on the CPU, from one stream per seed.

    Arguments:
        method: The method.
        data: The dataset.
        seeds: The seed of each model.
        device: Where the state is to be.
        settings: What each model has of its own in place of the method's settings; nothing by default.

    Raises:
        ValueError: If models cannot differ in a setting, or one is out of range.
    """
    methods = methods_of(method, data.spec, seeds, settings)
    real = real_settings(method, data.spec)
    states = []
    for own, seed in zip(methods, seeds, strict=True):
        numbers = {name: torch.tensor(float(getattr(own, name))) for name in real}
        states.append(_initial_state(own, data, seed)._replace(settings=numbers))
    return tree_map(lambda *leaves: torch.stack(leaves).to(device), *states)


def initial_networks(method: Method, data: Dataset, seed: int) -> dict[str, nn.Module]:
    """One seed's freshly initialised networks, on the CPU."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed(data.name, seed, "initialisation"))
        return method.networks(data.spec)


def _initial_state(method: Method, data: Dataset, seed: int) -> State:
    """One seed's initial state without settings, on the CPU."""
    parameters, buffers = {}, {}
    for name, network in initial_networks(method, data, seed).items():
        parameters[name] = tree_map(Tensor.detach, parameters_of(network))
        buffers[name] = tree_map(Tensor.detach, buffers_of(network))
    zeros = tree_map(torch.zeros_like, parameters)
    for player in method.players(data.spec).values():
        for name in player.networks:
            zeros[player.moments_of(name)] = zeros[name]
    variables = tree_map(Tensor.detach, method.variables(data.spec))
    state = State(
        parameters,
        buffers,
        variables,
        first=zeros,
        second=zeros,
        steps={name: torch.zeros(()) for name in zeros},
        progress=torch.zeros(()),
        rate=torch.ones(()),
    )
    return _begun(method, data, seed, state)


def begins_with_data(method: Method) -> bool:
    """Whether the method fits something to training data before it is trained."""
    return type(method).begin is not Method.begin


def _begun(method: Method, data: Dataset, seed: int, state: State) -> State:
    """The state with what the method fits before the training."""
    if not begins_with_data(method):
        return state
    x = data.sample(FIT_SAMPLES, data.stream(seed, "begin")).to(torch.get_default_dtype())
    nets = Networks({}, state, {})
    with torch.no_grad():
        nets.give("begin()", method.begin(data.spec, x))
    return nets.state


def select_seed(state: State, index: int) -> State:
    """One seed's state, without the seed axis."""
    return tree_map(lambda leaf: leaf[index], state)


class Cycle:
    """One round of all players of a method, for all seeds at once.

    Arguments:
        method: The method.
        data: What its networks are built for.
        compile: Whether to compile each phase, at its first run.
    """

    def __init__(self, method: Method, data: DataSpec, compile: bool = False) -> None:
        self.method = method
        self.data = data
        self.modules = modules_of(method, data)
        self.phases = phases_of(method, data)
        self.players: dict[str, Player] = {}
        self.functions: list[PhaseFunction] = []
        for phase in self.phases:
            self.players |= phase.players
            self._check_trainable(phase)
            function = self._vectorised(phase)
            self.functions.append(Compiled(function) if compile else function)

    def _check_trainable(self, phase: Phase) -> None:
        for name, player in phase.players.items():
            for network in player.networks:
                if not parameters_of(self.modules[network].network):
                    raise ValueError(f"player {name!r} trains {network}, which has no parameters to train")

    @property
    def draws(self) -> list[Draw]:
        """What the batches of one cycle need, in order."""
        draws: list[Draw] = []
        for phase in self.phases:
            draws += phase.repeats * phase.draws
        return draws

    @property
    def updates(self) -> int:
        """How many updates a cycle makes."""
        return sum(phase.repeats * len(phase.players) for phase in self.phases)

    def run(self, state: State, batches: Sequence[Batch]) -> Tensor:
        """Advances the stacked state in place by one cycle; returns the losses, shape (updates, seeds)."""
        return self.on(state)(batches)

    def on(self, state: State) -> CycleFunction:
        """`run` for one state, whose tensors stay the same."""
        bound = []
        for function in self.functions:
            bound.append(function.on(state) if isinstance(function, Compiled) else partial(function, state))

        def run(batches: Sequence[Batch]) -> Tensor:
            losses, rest = [], iter(batches)
            for phase, run_phase in zip(self.phases, bound, strict=True):
                for _ in range(phase.repeats):
                    losses.append(run_phase(list(islice(rest, phase.batches))))
            return torch.cat(losses)

        return run

    def single(self, phase: Phase, state: State, batches: Sequence[Batch]) -> tuple[State, Tensor]:
        """One run of a phase for one model: the new state, and the losses, shape (updates,)."""
        losses = []
        players = at_settings(self.method, state.settings).players(self.data)
        if phase.simultaneous:
            start = Networks(self.modules, state, players)
            for name in phase.players:
                player = players[name]
                # Variables pass from player to player, also where networks do not.
                start.state = start.state._replace(variables=state.variables)
                new, loss = update(start, player, batches[0])
                state = _merge(state, new, player)
                losses.append(loss)
        else:
            for name, batch in zip(phase.players, batches, strict=True):
                state, loss = update(Networks(self.modules, state, players), players[name], batch)
                losses.append(loss)
        return state, torch.stack(losses)

    def _vectorised(self, phase: Phase) -> PhaseFunction:
        """Runs the phase for all seeds, in place; returns the losses, shape (updates, seeds)."""
        seed_axis: Any = 0
        axes = [Batch(seed_axis if draw.real else None, seed_axis, seed_axis) for draw in phase.draws]
        vectorised = vmap(partial(self.single, phase), in_dims=(0, axes), out_dims=(0, 1))

        def function(state: State, batches: Sequence[Batch]) -> Tensor:
            new, losses = vectorised(state, batches)
            # Written in place, so that the state stays where the CPU's cache already holds it.
            for old, fresh in zip(tree_leaves(state), tree_leaves(new), strict=True):
                old.copy_(fresh)
            return losses

        return function


def _merge(state: State, new: State, player: Player) -> State:
    """`state` with the variables and everything that a player changes taken from `new`."""
    networks = player.networks
    moments = [player.moments_of(name) for name in networks]

    def merged(old_field: dict[str, T], new_field: dict[str, T], names: Sequence[str]) -> dict[str, T]:
        return {**old_field, **{name: new_field[name] for name in names}}

    return State(
        parameters=merged(state.parameters, new.parameters, networks),
        buffers=merged(state.buffers, new.buffers, networks),
        variables=new.variables,
        first=merged(state.first, new.first, moments),
        second=merged(state.second, new.second, moments),
        steps=merged(state.steps, new.steps, moments),
        progress=state.progress,
        rate=state.rate,
        settings=state.settings,
    )
