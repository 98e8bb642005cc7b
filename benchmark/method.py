r"""The contract of a training method: plain losses for one model.

A method names its networks, its players (who is updated, by which loss, how often) and nothing else. Losses
are pure functions of (networks, batch): all randomness arrives in the batch, all state is handed in. That is
what lets the harness train many seeds as one vectorised, compiled step.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple, Protocol

from torch import Tensor, nn
from torch.func import functional_call, grad

__all__ = [
    "Adam",
    "Batch",
    "DataSpec",
    "Method",
    "Networks",
    "Noise",
    "Optimiser",
    "Player",
    "PureNetwork",
    "State",
    "buffers_of",
    "parameters_of",
    "update",
]

Tensors = dict[str, Tensor]
Grouped = dict[str, Tensors]
# A name, since torch.compile does not trace the subscript in an inner signature.
WithState = tuple[Tensor, tuple[Tensor, Grouped]]


class Batch(NamedTuple):
    """The data and the noise of one update of one model.

    Attributes:
        x: Real data, shape $(B, *)$, or $(mB, *)$ for a player that sees $m$ batches, and likewise for all
            other tensors; `None` for a player that declares `real=False`.
        z: Latent noise $z \\sim \\mathcal{N}(0, I)$, shape $(B, L)$.
        noise: The extra noise that the player declared, by name, each of shape $(B, *)$.
    """

    x: Any
    z: Tensor
    noise: Tensors

    def map(self, function: Callable[[Tensor], Tensor]) -> "Batch":
        """The batch with `function` applied to each of its tensors."""
        x = None if self.x is None else function(self.x)
        noise = {name: function(tensor) for name, tensor in self.noise.items()}
        return Batch(x, function(self.z), noise)


@dataclass(frozen=True)
class Noise:
    """Extra random input of a loss: `shape` per sample, standard normal or uniform on [0, 1)."""

    shape: tuple[int, ...]
    kind: Literal["normal", "uniform"] = "normal"


@dataclass(frozen=True)
class DataSpec:
    """What a method may know about a dataset when it builds its networks.

    Attributes:
        kind: `points` for vectors, or `images`.
        shape: The shape of one sample: $(D,)$ for points, $(C, H, W)$ for images, whose pixels lie in $[-1,
            1]$.
        latent: The number of latent dimensions $L$.
        width: The number of units of a hidden layer, or of channels of the first convolution.
        depth: The number of hidden layers of a perceptron.
        architecture: The name of the architecture that the networks are to have.
    """

    kind: str
    shape: tuple[int, ...]
    latent: int
    width: int
    depth: int
    architecture: str = "shared"


class State(NamedTuple):
    """All that training changes, by network name: one model's, or stacked along a leading seed axis.

    Attributes:
        parameters: Trained tensors.
        buffers: Tensors that a forward pass changes, such as the running statistics of batch normalisation.
        first: First moments of Adam.
        second: Second moments of Adam.
        steps: Updates so far, a float scalar per network.
    """

    parameters: Grouped
    buffers: Grouped
    first: Grouped
    second: Grouped
    steps: Tensors


class Optimiser(Protocol):
    """How a loss is minimised: `Adam`, or a frozen dataclass of your own with this method.

    It must be a pure function of what it is given, made of torch's operations: it runs for many seeds at
    once, and a loss may look through it (`Networks.after`).
    """

    def apply(self, state: State, network: str, gradients: Tensors) -> State:
        """The state after one update of `network` by `gradients`, which are named like its parameters.

        `state.first`, `state.second` and `state.steps` of the network are the optimiser's to use; they start
        as zeros, of the shapes of the parameters and of a scalar. Everything else stays as it is.
        """


@dataclass(frozen=True)
class Adam:
    """Adam as a pure, differentiable function.

    References:
        Adam: A Method for Stochastic Optimization (Kingma & Ba, 2014), arXiv:1412.6980, algorithm 1.

    Arguments:
        lr: The learning rate.
        betas: The decay rates of the two moments.
        eps: Added to the root of the second moment.
        clip_norm: If given, the gradient of each tensor is scaled down to at most this Euclidean norm, as by
            Keras' `clipnorm`.
    """

    lr: float
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    clip_norm: float | None = None

    def __post_init__(self) -> None:
        if self.lr <= 0:
            raise ValueError(f"a learning rate must be positive, not {self.lr}")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"the decay rates of Adam must lie in [0, 1), not {self.betas}")
        if self.clip_norm is not None and self.clip_norm <= 0:
            raise ValueError(f"clip_norm must be positive, not {self.clip_norm}")

    def apply(self, state: State, network: str, gradients: Tensors) -> State:
        """The state after one update of `network` by `gradients`."""
        beta1, beta2 = self.betas
        step = state.steps[network] + 1
        rate = self.lr / (1 - beta1**step)
        correction = (1 - beta2**step).rsqrt()
        parameters, first, second = {}, {}, {}
        for key, parameter in state.parameters[network].items():
            g = gradients[key]
            if self.clip_norm is not None:
                g = g * (self.clip_norm / g.norm().clamp(min=self.clip_norm))
            m = beta1 * state.first[network][key] + (1 - beta1) * g
            v = beta2 * state.second[network][key] + (1 - beta2) * g * g
            # The gradient of sqrt at 0 is infinite; a unit whose gradient is exactly 0 must not turn an
            # unrolled loss into NaN, and 1e-30 is below what eps lets through.
            parameters[key] = parameter - rate * m / ((v + 1e-30).sqrt() * correction + self.eps)
            first[key], second[key] = m, v
        return State(
            {**state.parameters, network: parameters},
            state.buffers,
            {**state.first, network: first},
            {**state.second, network: second},
            {**state.steps, network: step},
        )


def parameters_of(network: nn.Module) -> Tensors:
    """The parameters that are trained: those that require a gradient."""
    return {key: parameter for key, parameter in network.named_parameters() if parameter.requires_grad}


def buffers_of(network: nn.Module) -> Tensors:
    """All other tensors: the buffers, and the parameters that do not require a gradient."""
    frozen = {key: parameter for key, parameter in network.named_parameters() if not parameter.requires_grad}
    return {**dict(network.named_buffers()), **frozen}


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
        _check_same_buffers(buffers, after)
        return output, after


def _check_same_buffers(before: Tensors, after: Tensors) -> None:
    for key in sorted({*before, *after}):
        if key not in before or key not in after:
            raise ValueError(f"a forward pass adds or removes the buffer {key}; register it in __init__")
        if before[key].shape != after[key].shape:
            raise ValueError(
                f"a forward pass gives the buffer {key} the shape {tuple(after[key].shape)}; "
                f"it must keep {tuple(before[key].shape)}"
            )
        if before[key].dtype != after[key].dtype:
            raise ValueError(
                f"a forward pass gives the buffer {key} the type {after[key].dtype}; "
                f"it must keep {before[key].dtype}"
            )


class Networks:
    """The networks of one model, bound to one state: `nets.generator(z)` is $G(z)$.

    Buffers that a call changes are kept here, in `state`, and never written in place. An update keeps those
    of the networks that it trains: see `update`.

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

    def after(self, player: str, loss: Callable[["Networks"], Tensor]) -> "Networks":
        """The networks after one real update of `player` by that loss.

        They are differentiable with respect to everything that the loss looks at. The update is one of
        copies: its changes of buffers stay in the copies.
        """
        return Networks(self.modules, _updated(self, self.players[player], loss)[0], self.players)


@dataclass(frozen=True)
class Player:
    """One side of the game.

    Arguments:
        networks: The names of the networks that it trains. Each network belongs to one optimiser.
        loss: Maps (networks, batch) to a scalar to be minimised.
        optimiser: How it is minimised.
        steps: Updates per cycle, each on a fresh batch.
        batches: How many of the dataset's batches one batch of this player holds, one after another.
        real: Whether the loss looks at real data. Data that no loss looks at is neither drawn nor counted.
        noise: Extra random inputs of the loss, by name.
    """

    networks: tuple[str, ...]
    loss: Callable[[Networks, Batch], Tensor]
    optimiser: Optimiser
    steps: int = 1
    batches: int = 1
    real: bool = True
    noise: Mapping[str, Noise] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"a player must take at least one step per cycle, not {self.steps}")
        if self.batches < 1:
            raise ValueError(f"a player must see at least one batch per step, not {self.batches}")


def update(nets: Networks, player: Player, batch: Batch) -> tuple[State, Tensor]:
    """One update of one player: the new state, and the loss before the update.

    It changes the networks that the player trains, their buffers included, and no others: the statistics of a
    batch normalisation take one step for every forward pass of its network in the updates of the player that
    trains it.
    """
    return _updated(nets, player, lambda bound: player.loss(bound, batch))


def _updated(nets: Networks, player: Player, minimised: Callable[[Networks], Tensor]) -> tuple[State, Tensor]:
    state = nets.state

    def objective(own: Grouped) -> WithState:
        parameters = {**state.parameters, **own}
        bound = Networks(nets.modules, state._replace(parameters=parameters), nets.players)
        loss = minimised(bound)
        if loss.shape != ():
            raise ValueError(f"a loss has shape {tuple(loss.shape)}; it must be a scalar")
        buffers = {name: bound.state.buffers[name] for name in player.networks}
        return loss, (loss, buffers)

    own = {name: state.parameters[name] for name in player.networks}
    gradients, (loss, buffers) = grad(objective, has_aux=True)(own)
    state = state._replace(buffers={**state.buffers, **buffers})
    for name in player.networks:
        state = player.optimiser.apply(state, name, gradients[name])
    return state, loss


class Method(ABC):
    """A way to train a generator. Subclasses are frozen dataclasses, whose fields are the hyperparameters.

    The docstring of a method holds, in this order, one sentence, a section `References:` and a section
    `Deviations:`; `benchmark list methods --long` prints them.

    Attributes:
        name: The registered name.
        simultaneous: If true, all players are updated together, once per cycle, from one batch and from the
            networks as they were before; else one after another, each update on a batch of its own.
        kinds: The kinds of data that it has networks for.
    """

    name: ClassVar[str]
    simultaneous: bool = False
    kinds: ClassVar[tuple[str, ...]] = ("points", "images")

    @abstractmethod
    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        """Freshly initialised networks by name; `generator` maps latents $(B, L)$ to data $(B, *)$.

        Discriminators are named `discriminator...` or `critic...`: their updates are counted by that name.
        """

    def encode(self, nets: Networks, x: Tensor) -> Tensor:
        """The codes $(B, L)$ that a trained model infers for data $(B, *)$.

        Methods with an encoder define it.
        """
        raise NotImplementedError(f"{self.name} has no encoder")

    @abstractmethod
    def players(self, data: DataSpec) -> dict[str, Player]:
        """The players by name, in the order in which they are updated."""
