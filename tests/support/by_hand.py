"""A method on tiny networks, and the same in numpy.

Formulas and optimisers come from the papers, gradients from central differences. Nothing of the numpy side
calls a loss, a gradient or an optimiser of the program or of torch, so that agreement with them means
something.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.func import grad

from benchmark.datasets.mixtures import Mixture
from benchmark.method import Batch, Networks, State, update
from benchmark.registry import METHODS
from benchmark.training.step import Cycle
from benchmark.training.streams import Batches
from benchmark.training.trees import keystr, tree_leaves_with_path, tree_map

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Tiny(Mixture):
    """Two modes in a few dimensions; as many as in a latent would hide a mean over the wrong ones."""

    name = "tiny"

    batch: int = 4
    latent: int = 3
    dimensions: int = 2

    @property
    def means(self):
        return torch.stack([-torch.ones(self.dimensions), torch.ones(self.dimensions)])


TINY = Tiny()


class Pair(nn.Linear):
    """A linear discriminator of pairs, which sees the data first."""

    def forward(self, x, z):
        return super().forward(torch.cat([x, z], dim=1))


def on_networks(name: str, networks: dict[str, Callable[[], nn.Module]], **settings: Any):
    """The method on networks of the test's choice."""
    cls = METHODS.get(name)

    def build_networks(self, data):
        return {network: build() for network, build in networks.items()}

    return type(cls.__name__, (cls,), {"networks": build_networks})(**settings)


def warm_state(method, data=TINY, seed=0) -> State:
    """Random weights, and an optimiser that has made three steps, all in numpy."""
    random = np.random.default_rng(seed)
    networks = method.networks(data.spec)
    shapes, buffers = {}, {}
    for name, network in networks.items():
        shapes[name] = {key: tuple(parameter.shape) for key, parameter in network.named_parameters()}
        buffers[name] = {key: _in_numpy(buffer) for key, buffer in network.named_buffers()}

    def draw(number):
        drawn = {}
        for name, own_shapes in shapes.items():
            drawn[name] = {key: np.asarray(number(shape)) for key, shape in own_shapes.items()}
        return drawn

    parameters = draw(lambda shape: random.normal(scale=0.7, size=shape))
    for player in method.players(data.spec).values():
        for name in player.networks:
            shapes[player.moments_of(name)] = shapes[name]
    return State(
        parameters=parameters,
        buffers=buffers,
        variables={name: _in_numpy(value) for name, value in method.variables(data.spec).items()},
        first=draw(lambda shape: random.normal(scale=0.1, size=shape)),
        second=draw(lambda shape: random.uniform(0.01, 0.1, size=shape)),
        steps={name: np.asarray(3.0) for name in shapes},
        progress=np.asarray(0.0),
        rate=np.asarray(1.0),
    )


def _in_numpy(buffer: torch.Tensor) -> np.ndarray:
    """In float64, unless it counts."""
    if buffer.is_floating_point():
        buffer = buffer.double()
    return buffer.numpy()


def with_weights(state: State, **networks: dict[str, Any]) -> State:
    """The state with some parameters set by hand; a number fills the whole tensor.

    Such as `with_weights(state, generator={"weight": 2.0})`.
    """
    parameters = copy.deepcopy(state.parameters)
    for network, weights in networks.items():
        for key, value in weights.items():
            parameters[network][key][...] = value
    return state._replace(parameters=parameters)


def as_tensors(tree: Any) -> Any:
    return tree_map(lambda leaf: torch.from_numpy(np.array(leaf)), tree)


def drawn(method, data=TINY) -> list[Batch]:
    """The batches of one cycle from the real streams, in float64 and with their axis of one seed."""
    batches = next(Batches(data, Cycle(method, data.spec).draws, [0], CPU))
    return [batch.map(torch.Tensor.double) for batch in batches]


def run_cycle(method, state: State, batches: Sequence[Batch], data=TINY) -> tuple[State, list[float]]:
    """The program's own cycle, and the loss of every update."""
    stacked = tree_map(lambda leaf: leaf[None].clone(), as_tensors(state))
    losses = Cycle(method, data.spec).run(stacked, batches)
    return tree_map(lambda leaf: leaf[0].numpy(), stacked), losses[:, 0].tolist()


def loss_and_gradients(
    method, player: str, state: State, batch: Batch, data=TINY
) -> tuple[float, dict[str, dict[str, np.ndarray]]]:
    """The program's loss of a player on a numpy batch, and the gradients in the player's networks."""
    cycle, state = Cycle(method, data.spec), as_tensors(state)
    networks, player_loss = cycle.players[player].networks, cycle.players[player].loss_on

    def loss(own):
        nets = Networks(cycle.modules, state._replace(parameters={**state.parameters, **own}), cycle.players)
        value = player_loss(nets, batch.map(torch.from_numpy))
        return value, value

    own = {name: state.parameters[name] for name in networks}
    gradients, value = grad(loss, has_aux=True)(own)
    return value.item(), tree_map(lambda leaf: leaf.numpy(), gradients)


def updated(method, player: str, state: State, batch: Batch, data=TINY) -> State:
    """The state after the program's own update of one player on a numpy batch."""
    cycle = Cycle(method, data.spec)
    nets = Networks(cycle.modules, as_tensors(state), cycle.players)
    after, _ = update(nets, cycle.players[player], batch.map(torch.from_numpy))
    return tree_map(lambda leaf: leaf.numpy(), after)


def sigmoid(t):
    return 1 / (1 + np.exp(-t))


def log_sigmoid(t):
    """The logarithm of a probability that a discriminator gives to the label 1, for its logit."""
    return np.log(sigmoid(t))


def cross_entropy(ones: np.ndarray, zeros: np.ndarray):
    """Of a discriminator's logits: of samples whose label is 1, and of samples whose label is 0."""
    return -log_sigmoid(ones).mean() - np.log(1 - sigmoid(zeros)).mean()


def linear(state: State, network: str, *inputs: np.ndarray) -> np.ndarray:
    p = state.parameters[network]
    return np.concatenate(inputs, axis=1) @ p["weight"].T + p["bias"]


Formula = Callable[[State, Batch], Any]


def central_differences(
    formula: Formula, state: State, batch: Batch, networks: Sequence[str], h: float = 1e-5
):
    """The gradient of a formula in the parameters of some networks."""
    parameters = copy.deepcopy(state.parameters)
    moved = state._replace(parameters=parameters)

    def gradient_in(value):
        gradient = np.zeros_like(value)
        for i in np.ndindex(value.shape):
            middle = value[i]
            value[i] = middle + h
            above = formula(moved, batch)
            value[i] = middle - h
            below = formula(moved, batch)
            value[i] = middle
            gradient[i] = (above - below) / (2 * h)
        return gradient

    gradients = {}
    for name in networks:
        gradients[name] = {key: gradient_in(value) for key, value in parameters[name].items()}
    return gradients


@dataclass(frozen=True)
class Descent:
    """Adam as in algorithm 1 of its paper, with the clipping of Keras' `clipnorm`."""

    lr: float
    beta1: float = 0.9
    beta2: float = 0.999
    clip_norm: float = np.inf

    def step(self, state: State, network: str, gradients: dict[str, np.ndarray]) -> State:
        t = state.steps[network] + 1
        parameters, first, second = {}, {}, {}
        for key, theta in state.parameters[network].items():
            g = gradients[key]
            length = np.sqrt((g**2).sum())
            if length > self.clip_norm:
                g = g * self.clip_norm / length
            first[key] = self.beta1 * state.first[network][key] + (1 - self.beta1) * g
            second[key] = self.beta2 * state.second[network][key] + (1 - self.beta2) * g**2
            unbiased_first = first[key] / (1 - self.beta1**t)
            unbiased_second = second[key] / (1 - self.beta2**t)
            parameters[key] = theta - self.lr * unbiased_first / (np.sqrt(unbiased_second) + 1e-8)
        return state.replace_in(network, parameters=parameters, first=first, second=second, steps=t)


@dataclass(frozen=True)
class WithDecay(Descent):
    """That multiple of each parameter is added to its gradient."""

    weight_decay: float = 0.0

    def step(self, state: State, network: str, gradients: dict[str, np.ndarray]) -> State:
        parameters = state.parameters[network]
        decayed = {key: g + self.weight_decay * parameters[key] for key, g in gradients.items()}
        return super().step(state, network, decayed)


@dataclass(frozen=True)
class RootMeanSquareDescent:
    """RMSprop: gradients over the root of their mean square."""

    lr: float
    decay: float = 0.99

    def step(self, state: State, network: str, gradients: dict[str, np.ndarray]) -> State:
        parameters, second = {}, {}
        for key, theta in state.parameters[network].items():
            g = gradients[key]
            second[key] = self.decay * state.second[network][key] + (1 - self.decay) * g**2
            parameters[key] = theta - self.lr * g / (np.sqrt(second[key]) + 1e-8)
        steps = state.steps[network] + 1
        return state.replace_in(network, parameters=parameters, second=second, steps=steps)


@dataclass(frozen=True)
class Move:
    """One update: who learns, by which formula, how, in which bounds the parameters of whom stay, and the
    name of the optimiser, if the networks have several.
    """

    networks: tuple[str, ...]
    formula: Formula
    descent: Descent | RootMeanSquareDescent
    bounds: Mapping[str, float] = field(default_factory=dict)
    optimiser: str = ""


def play(
    state: State, moves: Sequence[Move], batches: Sequence[Batch], simultaneous: bool
) -> tuple[State, list[float]]:
    """The state after one move on each batch, and the losses.

    All moves start from the same networks, or each from those that the one before has left.
    """
    start, losses = state, []
    for move, batch in zip(moves, batches, strict=True):
        origin = start if simultaneous else state
        losses.append(float(move.formula(origin, batch)))
        gradients = central_differences(move.formula, origin, batch, move.networks)
        for network in move.networks:
            kept = f"{network} ({move.optimiser})" if move.optimiser else network
            shared = state.moments(network)
            moved = move.descent.step(
                state.replace_in(network, **state.moments(kept)), network, gradients[network]
            )
            state = moved.replace_in(network, **shared).replace_in(kept, **moved.moments(network))
            bound = move.bounds.get(network, np.inf)
            within = {key: np.clip(value, -bound, bound) for key, value in state.parameters[network].items()}
            state = state.replace_in(network, parameters=within)
    return state, losses


def differences(one: State, other: State) -> list[str]:
    """The names of the tensors in which two states differ, apart from buffers."""
    names = []
    for part in ("parameters", "first", "second", "steps"):
        theirs = dict(tree_leaves_with_path(getattr(other, part)))
        for path, value in tree_leaves_with_path(getattr(one, part)):
            if not np.allclose(value, theirs[path], rtol=1e-6, atol=1e-8):
                names.append(f"{part} {keystr(path)}")
    return names


def assert_a_cycle_is_that_of(moves: Sequence[Move], method, data=TINY, progress: float = 0.0) -> None:
    """From warm optimisers, the program's cycle gives the weights, moments and losses of the formulas.

    A cycle of several moves in the other order of play does not. `progress` is the share of the training that
    is over.
    """
    state, batches = warm_state(method, data), drawn(method, data)
    state = state._replace(progress=np.asarray(progress))
    ours, losses = run_cycle(method, state, batches, data)
    arrays = [batch.map(lambda tensor: tensor[0].numpy()) for batch in batches]
    if method.simultaneous:
        arrays *= len(moves)
    expected, expected_losses = play(state, moves, arrays, method.simultaneous)
    assert differences(ours, expected) == []
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-9)
    if len(moves) == 1:
        return
    other_order, _ = play(state, moves, arrays, not method.simultaneous)
    assert differences(ours, other_order) != []
