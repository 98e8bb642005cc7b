"""Networks bound to one state, players, and their updates."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn
from torch.func import functional_call, grad

from benchmark.method.inputs import Batch, Noise
from benchmark.method.optimisers import Optimiser
from benchmark.method.state import Grouped, State, Tensors, buffers_of

__all__ = ["Networks", "Player", "Projection", "PureNetwork", "update"]

Projection = Callable[[Tensors], Tensors]
"""Maps a network's parameters to those that it goes on with, of the same names and shapes."""

WithState = tuple[Tensor, tuple[Tensor, Grouped, Tensors]]


class PureNetwork(nn.Module):
    """A network as a function of its parameters and buffers.

    Arguments:
        network: The architecture; its own parameters are not used.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        buffers = dict(network.named_buffers())
        self.frozen = [key for key in buffers_of(network) if key not in buffers]

    def forward(self, *inputs: Tensor) -> tuple[Any, Tensors]:
        """The output, and all that is not trained as the call leaves it: changed in place, or new.

        Raises:
            ValueError: If the call assigns a parameter.
        """
        before = dict(self.network.named_parameters())
        output = self.network(*inputs)
        after = dict(self.network.named_parameters())
        if any(after.get(key) is not parameter for key, parameter in before.items()):
            raise ValueError("a forward pass assigns a parameter; only an optimiser may change it")
        frozen = {key: after[key] for key in self.frozen}
        return output, {**dict(self.network.named_buffers()), **frozen}

    def with_tensors(
        self, parameters: Tensors, buffers: Tensors, inputs: tuple[Tensor, ...]
    ) -> tuple[Any, Tensors]:
        """What `forward` returns with these parameters and buffers, which stay as they are.

        Raises:
            ValueError: If there are other buffers after the call than before, of other shapes or types.
        """
        tensors = {f"network.{key}": parameter for key, parameter in parameters.items()}
        # A forward pass may write into its buffers.
        tensors |= {f"network.{key}": buffer.clone() for key, buffer in buffers.items()}
        output, after = functional_call(self, tensors, inputs)
        _check_same_form("a forward pass", "buffer", buffers, after, "; register it in __init__")
        return output, after


def _check_same_form(who: str, kind: str, before: Tensors, after: Tensors, advice: str = "") -> None:
    """Raises a `ValueError` if tensors have not the names, shapes and types that they had before.

    Arguments:
        who: Who changes them.
        kind: What they are.
        before: Tensors by name.
        after: Tensors by name.
        advice: What to do about other names.
    """
    if not isinstance(after, dict):
        raise ValueError(f"{who} gives {after!r}; it must be a dictionary of tensors")
    changed = before.keys() ^ after.keys()
    if changed:
        raise ValueError(f"{who} adds or removes the {kind} {min(changed)}{advice}")
    for key, old in before.items():
        new = after[key]
        gives = f"{who} gives the {kind} {key}"
        if not isinstance(new, Tensor):
            raise ValueError(f"{gives} the value {new!r}; it must be a tensor")
        if old.shape != new.shape:
            raise ValueError(f"{gives} the shape {tuple(new.shape)}; it must keep {tuple(old.shape)}")
        if old.dtype != new.dtype:
            raise ValueError(f"{gives} the type {new.dtype}; it must keep {old.dtype}")


class _Declared(dict[str, Tensor]):
    """Variables by name. Reading one that is not declared raises a `ValueError`."""

    def __missing__(self, name: str) -> Tensor:
        raise ValueError(f"reads the variable {name}; variables() declares {', '.join(self) or 'none'}")


class Networks:
    """The networks of one model, bound to one state: `nets.generator(z)` is $G(z)$.

    Buffers that a call changes and variables that a loss assigns are kept here, in `state`, and never written
    in place. An update keeps the variables, and the buffers of the networks that it trains: see `update`.

    Arguments:
        modules: The networks' architectures, by name.
        state: The parameters and buffers to use, and the optimisers' state.
        players: The method's players, by name.
    """

    def __init__(
        self, modules: Mapping[str, PureNetwork], state: State, players: Mapping[str, "Player"]
    ) -> None:
        self.modules = modules
        self.state = state
        self.players = players

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in self.modules:
            raise AttributeError(f"no network {name!r}; there are {', '.join(self.modules)}")

        def call(*inputs: Tensor) -> Any:
            state = self.state
            output, buffers = self.modules[name].with_tensors(
                state.parameters[name], state.buffers[name], inputs
            )
            self.state = state._replace(buffers={**state.buffers, name: buffers})
            return output

        return call

    @property
    def variables(self) -> Tensors:
        """The method's variables by name, as they are: see `Method.variables`."""
        return _Declared(self.state.variables)

    def assign(self, **variables: Tensor) -> None:
        """Gives variables new values, as in `nets.assign(k=k + 1)`; no gradient flows through them.

        Raises:
            ValueError: If one is not declared, or has another shape or type.
        """
        self.give("assign()", variables)

    def give(self, who: str, variables: Tensors) -> None:
        """`assign`, by somebody whom errors are to name."""
        known = self.state.variables
        if not isinstance(variables, dict):
            raise ValueError(f"{who} gives {variables!r}; it must be a dictionary of tensors")
        for name in variables:
            if name not in known:
                raise ValueError(
                    f"{who} gives the variable {name}; variables() declares {', '.join(known) or 'none'}"
                )
        _check_same_form(who, "variable", {name: known[name] for name in variables}, variables)
        detached = {name: value.detach() for name, value in variables.items()}
        self.state = self.state._replace(variables={**known, **detached})

    def after(self, player: str, loss: Callable[["Networks"], Tensor]) -> "Networks":
        """The networks after one real update of `player` by that loss.

        They are differentiable with respect to everything that the loss looks at. The update is one of
        copies: its changes of buffers and variables stay in the copies.
        """
        return Networks(self.modules, _updated(self, self.players[player], loss)[0], self.players)


@dataclass(frozen=True)
class Player:
    """One side of the game.

    Arguments:
        networks: The names of the networks that it trains.
        loss: Maps (networks, batch) to a scalar to be minimised.
        optimiser: How it is minimised.
        steps: Updates per cycle, each on a fresh batch.
        batches: How many of the dataset's batches one batch of this player holds, one after another.
        real: Whether the loss looks at real data. Data that no loss looks at is neither drawn nor counted.
        noise: Extra random inputs of the loss, by name.
        project: What is done to the parameters of a network after each update, by its name.
        optimiser_name: Which optimiser it has. Players that train the same network and give the same name, or
            none, share one with its moments; another name is like another `torch.optim` over the same
            parameters.
    """

    networks: tuple[str, ...]
    loss: Callable[[Networks, Batch], Tensor]
    optimiser: Optimiser
    steps: int = 1
    batches: int = 1
    real: bool = True
    noise: Mapping[str, Noise] = field(default_factory=dict)
    project: Mapping[str, Projection] = field(default_factory=dict)
    optimiser_name: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.networks, str):
            raise ValueError(f"networks is the text {self.networks!r}; give a tuple: ({self.networks!r},)")
        if self.steps < 1:
            raise ValueError(f"a player must take at least one step per cycle, not {self.steps}")
        if self.batches < 1:
            raise ValueError(f"a player must see at least one batch per step, not {self.batches}")
        for name in self.project:
            if name not in self.networks:
                raise ValueError(f"a player projects {name}, which it does not train")

    def moments_of(self, network: str) -> str:
        """The name under which a state has what the optimiser keeps of a network."""
        return f"{network} ({self.optimiser_name})" if self.optimiser_name else network

    def loss_on(self, nets: Networks, batch: Batch) -> Tensor:
        """The loss on a batch, which learns the progress of the training."""
        return self.loss(nets, batch._replace(progress=nets.state.progress))


def update(nets: Networks, player: Player, batch: Batch) -> tuple[State, Tensor]:
    """One update of one player: the new state, and the loss before the update.

    It changes the networks that the player trains, their buffers included, and no others: the statistics of a
    batch normalisation take one step for every forward pass of its network in the updates of the player that
    trains it. Variables are whose loss assigns them.
    """
    return _updated(nets, player, lambda bound: player.loss_on(bound, batch))


def _updated(nets: Networks, player: Player, minimised: Callable[[Networks], Tensor]) -> tuple[State, Tensor]:
    state = nets.state

    def objective(own: Grouped) -> WithState:
        parameters = {**state.parameters, **own}
        bound = Networks(nets.modules, state._replace(parameters=parameters), nets.players)
        loss = minimised(bound)
        if loss.shape != ():
            raise ValueError(f"a loss has shape {tuple(loss.shape)}; it must be a scalar")
        buffers = {name: bound.state.buffers[name] for name in player.networks}
        return loss, (loss, buffers, bound.state.variables)

    own = {name: state.parameters[name] for name in player.networks}
    gradients, (loss, buffers, variables) = grad(objective, has_aux=True)(own)
    state = state._replace(buffers={**state.buffers, **buffers}, variables=variables)
    for name in player.networks:
        state = _stepped(state, name, player, gradients[name])
    for name, project in player.project.items():
        state = state.replace_in(name, parameters=_projected(name, project, state.parameters[name]))
    return state, loss


def _stepped(state: State, network: str, player: Player, gradients: Tensors) -> State:
    """The state after one step of a player's optimiser on a network."""
    own = player.moments_of(network)
    ready = state.replace_in(network, **state.moments(own))
    updated = _slowed(network, ready, player.optimiser.apply(ready, network, gradients))
    # The optimiser has written where the network's shared moments are.
    return updated.replace_in(network, **state.moments(network)).replace_in(own, **updated.moments(network))


def _slowed(network: str, before: State, after: State) -> State:
    """The state after an update of a network, of which the share `rate` is made."""
    parameters = {}
    for key, new in after.parameters[network].items():
        # In this form, a rate of 1 changes nothing, not even by rounding.
        parameters[key] = new - (1 - before.rate) * (new - before.parameters[network][key])
    return after.replace_in(network, parameters=parameters)


def _projected(network: str, project: Projection, parameters: Tensors) -> Tensors:
    projected = project(parameters)
    _check_same_form(f"the projection of {network}", "parameter", parameters, projected)
    return projected
