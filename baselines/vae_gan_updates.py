"""How the public code of VAE-GAN updates its networks: which of them, and at which rate."""

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmark.method import RMSprop, State, Tensors

__all__ = ["Gated", "falling", "movers"]


def movers(real: Tensor, fake: Tensor, equilibrium: float, margin: float) -> tuple[Tensor, Tensor]:
    """Whether a discriminator is to move, and whether its generator is.

    The discriminator does not where one of its costs is too low, the generator does not where one is too
    high. Where that would be neither, both move.

    Arguments:
        real: The discriminator's mean cost of real data.
        fake: Its mean cost of generated data.
        equilibrium: What either costs a discriminator that cannot tell them apart: about log 2.
        margin: How far a cost may be from it.
    """
    behind = torch.minimum(real, fake) >= equilibrium - margin
    ahead = torch.maximum(real, fake) <= equilibrium + margin
    return behind | ~ahead, ahead | ~behind


@dataclass(frozen=True)
class Gated(RMSprop):
    """RMSprop that skips the update of a network whose gradient is 0 throughout.

    RMSprop itself would not move the network either, but its mean squares would fall, and the next step be
    the longer.
    """

    def apply(self, state: State, network: str, gradients: Tensors) -> State:
        """The state after one update of `network` by `gradients`, or as it was."""
        after = super().apply(state, network, gradients)
        moves = torch.stack([gradient.any() for gradient in gradients.values()]).any()
        second = {}
        for key, before in state.second[network].items():
            second[key] = torch.where(moves, after.second[network][key], before)
        return after.replace_in(network, second=second)


def falling(progress: Tensor) -> Tensor:
    """The share of the learning rate, from 1 to 1e-5 / 0.025, with the power 3/4 of the progress."""
    return 1 - (1 - 4e-4) * progress**0.75
