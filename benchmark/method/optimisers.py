"""Optimisers as pure, differentiable functions."""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from benchmark.method.schedules import Schedule, is_number
from benchmark.method.state import State, Tensors

__all__ = ["SGD", "Adam", "AdamW", "Optimiser", "RMSprop"]

LARGEST_RATE = torch.finfo(torch.float32).max
"""Settings are float32 in a step: a larger one would be infinite there."""


class Optimiser(Protocol):
    """How a loss is minimised: one of this module, or a frozen dataclass of your own with this method.

    It must be a pure function of what it is given, made of torch's operations: it runs for many seeds at
    once, and a loss may look through it (`Networks.after`).
    """

    def apply(self, state: State, network: str, gradients: Tensors) -> State:
        """The state after one update of `network` by `gradients`, which are named like its parameters.

        `state.first`, `state.second` and `state.steps` of the network are the optimiser's to use; they start
        as zeros, of the shapes of the parameters and of a scalar. Everything else stays as it is:
        `state.replace_in(network, parameters=..., first=...)` sees to that.
        """


@dataclass(frozen=True)
class Adam:
    """Adam.

    References:
        Adam: A Method for Stochastic Optimization (Kingma & Ba, 2014), arXiv:1412.6980, algorithm 1.

    Arguments:
        lr: The learning rate.
        betas: The decay rates of the two moments.
        eps: Added to the root of the second moment.
        clip_norm: If given, the gradient of each tensor is scaled down to at most this Euclidean norm, as by
            Keras' `clipnorm`.
        weight_decay: If given, that multiple of a parameter is added to its gradient.
        schedule: The share of the learning rate that applies, by the progress of the training; 1 by default.
    """

    lr: float
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    clip_norm: float | None = None
    weight_decay: float | None = None
    schedule: Schedule | None = None

    decoupled: ClassVar[bool] = False

    def __post_init__(self) -> None:
        _check_rate(self.lr)
        for beta in self.betas:
            _check_share("the decay rates of Adam", beta)
        if self.clip_norm is not None and is_number(self.clip_norm) and self.clip_norm <= 0:
            raise ValueError(f"clip_norm must be positive, not {self.clip_norm}")

    def apply(self, state: State, network: str, gradients: Tensors) -> State:
        """The state after one update of `network` by `gradients`."""
        beta1, beta2 = self.betas
        step = state.steps[network] + 1
        rate = _rate(self.lr, self.schedule, state)
        # Stacked, since else the compiler fuses the powers into the loop over weights: once for every few.
        scalars = torch.stack([rate / (1 - beta1**step), (1 - beta2**step).rsqrt()])
        unbiased_rate, correction = scalars[0], scalars[1]
        parameters, first, second = {}, {}, {}
        for key, parameter in state.parameters[network].items():
            g = gradients[key]
            if self.clip_norm is not None:
                g = g * (self.clip_norm / g.norm().clamp(min=self.clip_norm))
            if self.weight_decay is not None and self.decoupled:
                parameter = parameter * (1 - rate * self.weight_decay)
            elif self.weight_decay is not None:
                g = g + self.weight_decay * parameter
            m = beta1 * state.first[network][key] + (1 - beta1) * g
            v = beta2 * state.second[network][key] + (1 - beta2) * g * g
            parameters[key] = parameter - unbiased_rate * m / (_root(v) * correction + self.eps)
            first[key], second[key] = m, v
        return state.replace_in(network, parameters=parameters, first=first, second=second, steps=step)


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam whose weight decay is no part of the gradient: a step takes that share, times the learning rate.

    References:
        Decoupled Weight Decay Regularization (Loshchilov & Hutter, 2017), arXiv:1711.05101, algorithm 2.
    """

    weight_decay: float | None = 0.01

    decoupled: ClassVar[bool] = True


@dataclass(frozen=True)
class RMSprop:
    """Gradients divided by the root of their mean square, without momentum.

    References:
        Lecture 6e of Neural Networks for Machine Learning (Hinton, 2012), as in `torch.optim.RMSprop`.

    Arguments:
        lr: The learning rate.
        decay: The decay rate of the mean square.
        eps: Added to its root.
        schedule: The share of the learning rate that applies, by the progress of the training; 1 by default.
    """

    lr: float
    decay: float = 0.99
    eps: float = 1e-8
    schedule: Schedule | None = None

    def __post_init__(self) -> None:
        _check_rate(self.lr)
        _check_share("the decay rate of RMSprop", self.decay)

    def apply(self, state: State, network: str, gradients: Tensors) -> State:
        """The state after one update of `network` by `gradients`."""
        rate = _rate(self.lr, self.schedule, state)
        parameters, second = {}, {}
        for key, parameter in state.parameters[network].items():
            g = gradients[key]
            v = self.decay * state.second[network][key] + (1 - self.decay) * g * g
            parameters[key] = parameter - rate * g / (_root(v) + self.eps)
            second[key] = v
        step = state.steps[network] + 1
        return state.replace_in(network, parameters=parameters, second=second, steps=step)


@dataclass(frozen=True)
class SGD:
    """Gradient descent with momentum.

    References:
        On the importance of initialization and momentum in deep learning (Sutskever et al., 2013), with the
        velocity as in `torch.optim.SGD`: the learning rate is no part of it.

    Arguments:
        lr: The learning rate.
        momentum: The share of the velocity that is left after a step.
        schedule: The share of the learning rate that applies, by the progress of the training; 1 by default.
    """

    lr: float
    momentum: float = 0.0
    schedule: Schedule | None = None

    def __post_init__(self) -> None:
        _check_rate(self.lr)
        _check_share("momentum", self.momentum)

    def apply(self, state: State, network: str, gradients: Tensors) -> State:
        """The state after one update of `network` by `gradients`."""
        rate = _rate(self.lr, self.schedule, state)
        parameters, first = {}, {}
        for key, parameter in state.parameters[network].items():
            first[key] = self.momentum * state.first[network][key] + gradients[key]
            parameters[key] = parameter - rate * first[key]
        step = state.steps[network] + 1
        return state.replace_in(network, parameters=parameters, first=first, steps=step)


def _rate(lr: float, schedule: Schedule | None, state: State) -> float | Tensor:
    """The learning rate as it is now."""
    return lr if schedule is None else lr * schedule(state.progress)


def _root(mean_square: Tensor) -> Tensor:
    # The gradient of sqrt at 0 is infinite; a unit whose gradient is exactly 0 must not turn an unrolled loss
    # into NaN, and 1e-30 is below what eps lets through.
    return (mean_square + 1e-30).sqrt()


def _check_rate(lr: float) -> None:
    if is_number(lr) and lr <= 0:
        raise ValueError(f"a learning rate must be positive, not {lr}")
    if is_number(lr) and lr > LARGEST_RATE:
        raise ValueError(f"a learning rate must be at most {LARGEST_RATE:.3g}, not {lr:g}")


def _check_share(what: str, value: float) -> None:
    if is_number(value) and not 0 <= value < 1:
        raise ValueError(f"{what} must lie in [0, 1), not {value}")
