"""The Wasserstein GAN with clipped weights."""

from dataclasses import dataclass

from torch import Tensor, nn

from baselines.networks import discriminator, generator
from benchmark.method import (
    Batch,
    DataSpec,
    Method,
    Networks,
    Player,
    Projection,
    RMSprop,
    Tensors,
    is_number,
)
from benchmark.method.space import LEARNING_RATES, Choice, LogUniform
from benchmark.registry import Count, register_method

__all__ = ["WGAN", "clipping"]


def clipping(limit: float) -> Projection:
    """Moves each parameter to the nearest number in $[-c, c]$, where $c$ is the limit.

    Raises:
        ValueError: If the limit is not positive.
    """
    if is_number(limit) and limit <= 0:
        raise ValueError(f"clip must be positive, not {limit}")

    def clipped(parameters: Tensors) -> Tensors:
        return {key: parameter.clamp(-limit, limit) for key, parameter in parameters.items()}

    return clipped


@register_method("wgan")
@dataclass(frozen=True)
class WGAN(Method):
    """Wasserstein GAN whose critic is Lipschitz because its weights are clipped.

    References:
        Wasserstein GAN (Arjovsky et al., 2017), arXiv:1701.07875, algorithm 1. Settings from the authors'
        public code.

    Deviations:
        Always `critic_steps` updates of the critic per update of the generator. The code takes 100 in the
        first 25 cycles and in every 500th. Weights are clipped after each update, as in algorithm 1; the code
        clips before it. So the generator never sees a weight beyond the limit, which in the code it sees by
        up to one step, and only the very first gradient is taken at weights that are not clipped. Signs as in
        the paper; the code has both losses negated, which is the same game. The shared networks.
    """

    family = "adversarial"
    space = {
        "lr": LEARNING_RATES,
        "clip": LogUniform(1e-3, 1),
        "critic_steps": Choice(1, 5),
    }

    lr: float = 5e-5
    clip: float = 0.01
    critic_steps: Count = 5

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        return {"generator": generator(data), "critic": discriminator(data)}

    def players(self, data: DataSpec) -> dict[str, Player]:
        rmsprop = RMSprop(self.lr)
        project = {"critic": clipping(self.clip)}
        return {
            "critic": Player(("critic",), self.critic_loss, rmsprop, self.critic_steps, project=project),
            "generator": Player(("generator",), self.generator_loss, rmsprop, real=False),
        }

    def critic_loss(self, nets: Networks, batch: Batch) -> Tensor:
        return nets.critic(nets.generator(batch.z)).mean() - nets.critic(batch.x).mean()

    def generator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        return -nets.critic(nets.generator(batch.z)).mean()
