"""From a method's losses to vectorised updates of many seeds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import vmap
from torch.utils._pytree import tree_leaves, tree_map

from benchmark.datasets.base import Dataset, stream_seed
from benchmark.method import Batch, DataSpec, Method, Networks, Player, State, update

__all__ = ["Cycle", "Phase", "initialise", "modules_of", "phases_of", "select_seed"]


@dataclass(frozen=True)
class Phase:
    """Consecutive updates that run as one function.

    Arguments:
        players: Who is updated, by name, in order.
        repeats: How often the phase runs per cycle.
        simultaneous: Whether all players share one batch and start from the same networks.
    """

    players: dict[str, Player]
    repeats: int
    simultaneous: bool

    @property
    def draws(self) -> list[Player]:
        """The batches that one run of the phase draws, each described by the needs of its player."""
        players = list(self.players.values())
        if not self.simultaneous:
            return players
        noise = {name: kind for player in players for name, kind in player.noise.items()}
        first = players[0]
        return [
            Player(
                (),
                first.loss,
                first.optimiser,
                batches=first.batches,
                real=any(p.real for p in players),
                noise=noise,
            )
        ]


def phases_of(method: Method, data: DataSpec) -> list[Phase]:
    """The phases of one cycle: neighbouring players of one step each are run as one function.

    Raises:
        ValueError: If two players train the same network with different optimisers, or if players that are updated
            simultaneously take several steps, train the same network, or want batches of different sizes or different noise
            of the same name.
    """
    players = method.players(data)
    owners: dict[str, Player] = {}
    for player in players.values():
        for network in player.networks:
            if owners.setdefault(network, player).optimiser != player.optimiser:
                raise ValueError(
                    f"network {network!r} is trained with two different optimisers; a network has one"
                )
    if method.simultaneous:
        if any(player.steps != 1 for player in players.values()):
            raise ValueError("players that are updated simultaneously take one step each per cycle")
        if sum(len(player.networks) for player in players.values()) != len(owners):
            raise ValueError(
                "players that are updated simultaneously train networks of their own; two train the same"
            )
        if len({player.batches for player in players.values()}) > 1:
            raise ValueError(
                "players that are updated simultaneously share one batch; two want batches of different sizes"
            )
        kinds = {name: kind for player in players.values() for name, kind in player.noise.items()}
        if any(kinds[name] != kind for player in players.values() for name, kind in player.noise.items()):
            raise ValueError(
                "players that are updated simultaneously share one batch; two want different noise of the same name"
            )
        return [Phase(players, 1, True)]
    phases: list[Phase] = []
    for name, player in players.items():
        if player.steps == 1 and phases and phases[-1].repeats == 1:
            phases[-1] = Phase({**phases[-1].players, name: player}, 1, False)
        else:
            phases.append(Phase({name: player}, player.steps, False))
    return phases


def modules_of(method: Method, data: DataSpec) -> dict[str, nn.Module]:
    """The architectures, as carriers of structure; their own parameters stay unused and take no memory."""
    with torch.device("meta"):
        return method.networks(data)


def initialise(method: Method, data: Dataset, seeds: Sequence[int], device: torch.device) -> State:
    """The stacked initial state of all seeds. Networks are drawn on the CPU, from one stream per seed."""
    states = []
    for seed in seeds:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(stream_seed(data.name, seed, "initialisation"))
            networks = method.networks(data.spec)
        parameters = {
            name: {k: p.detach() for k, p in net.named_parameters()} for name, net in networks.items()
        }
        buffers = {name: dict(net.named_buffers()) for name, net in networks.items()}
        zeros = tree_map(torch.zeros_like, parameters)
        states.append(State(parameters, buffers, zeros, zeros, {name: torch.zeros(()) for name in networks}))
    return tree_map(lambda *leaves: torch.stack(leaves).to(device), *states)


def select_seed(state: State, index: int) -> State:
    """One seed's state, without the seed axis."""
    return tree_map(lambda leaf: leaf[index], state)


class Cycle:
    """One round of all players of a method, for all seeds at once.

    Arguments:
        method: The method.
        data: What its networks are built for.
        compile: Whether to compile each phase.
    """

    def __init__(self, method: Method, data: DataSpec, compile: bool = False) -> None:
        self.modules = modules_of(method, data)
        self.phases = phases_of(method, data)
        self.players = {name: player for phase in self.phases for name, player in phase.players.items()}
        self.functions = [self._vectorised(phase) for phase in self.phases]
        if compile:
            self.functions = [
                torch.compile(function, fullgraph=True, dynamic=False) for function in self.functions
            ]

    @property
    def draws(self) -> list[Player]:
        """The batches of one cycle, in order, each described by the needs of its player."""
        return [draw for phase in self.phases for _ in range(phase.repeats) for draw in phase.draws]

    def run(self, state: State, batches: Sequence[Batch]) -> Tensor:
        """Advances the stacked state in place by one cycle; returns the losses, shape (updates, seeds)."""
        losses, first = [], 0
        for phase, function in zip(self.phases, self.functions, strict=True):
            size = len(phase.draws)
            for _ in range(phase.repeats):
                losses.append(function(state, batches[first : first + size]))
                first += size
        return torch.cat(losses)

    def single(self, phase: Phase, state: State, batches: Sequence[Batch]) -> tuple[State, Tensor]:
        """One run of a phase for one model: the new state, and the losses, shape (updates,)."""
        losses = []
        if phase.simultaneous:
            start = Networks(self.modules, state, self.players)
            for player in phase.players.values():
                new, loss = update(start, player, batches[0])
                state = _merge(state, new, player.networks)
                losses.append(loss)
        else:
            for player, batch in zip(phase.players.values(), batches, strict=True):
                state, loss = update(Networks(self.modules, state, self.players), player, batch)
                losses.append(loss)
        return state, torch.stack(losses)

    def _vectorised(self, phase: Phase) -> Callable[[State, Sequence[Batch]], Tensor]:
        seed_axis: Any = 0
        axes = [Batch(seed_axis if draw.real else None, seed_axis, seed_axis) for draw in phase.draws]
        vectorised = vmap(partial(self.single, phase), in_dims=(0, axes), out_dims=(0, 1))

        def function(state: State, batches: Sequence[Batch]) -> Tensor:
            new, losses = vectorised(state, batches)
            # Written in place, so that the state stays where the processor's cache already holds it.
            for old, fresh in zip(tree_leaves(state), tree_leaves(new), strict=True):
                old.copy_(fresh)
            return losses

        return function


def _merge(state: State, new: State, networks: Sequence[str]) -> State:
    """`state` with all that belongs to `networks`, buffers included, taken from `new`."""
    fields: Any = zip(state, new, strict=True)
    return State(*({**old, **{name: fresh[name] for name in networks}} for old, fresh in fields))
