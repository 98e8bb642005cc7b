"""The generator that matches moments, without an adversary."""

from dataclasses import dataclass

from torch import Tensor, nn

from baselines.kernels import gaussians, mmd2, squared_distances
from baselines.networks import generator
from benchmark.method import Adam, Batch, DataSpec, Method, Networks, Player
from benchmark.method.space import LEARNING_RATES, Choice, LogUniform
from benchmark.registry import Count, Positive, register_method

__all__ = ["MMD"]


@register_method("mmd")
@dataclass(frozen=True)
class MMD(Method):
    """Generator that minimises the squared maximum mean discrepancy of data, as a fixed kernel sees it.

    The kernel is a sum of five Gaussians, from `bandwidth` to sixteen times it, in units of the root mean
    square distance of real data.

    References:
        Generative Moment Matching Networks (Li et al., 2015), arXiv:1502.02761, section 3. Training
        generative neural networks via maximum mean discrepancy optimization (Dziugaite et al., 2015),
        arXiv:1505.03906, equation 4: the unbiased estimate.

    Deviations:
        Bandwidths follow the batch. The square of the discrepancy, not its root, and of data, not of an
        autoencoder's codes. The batch is that of the suite, times `batches`; the papers' have 500 and more.
    """

    family = "kernel-based"
    space = {
        "lr": LEARNING_RATES,
        "bandwidth": LogUniform(0.005, 0.5),
        "batches": Choice(1, 4),
    }

    lr: float = 1e-3
    bandwidth: Positive = 0.05
    batches: Count = 1

    def networks(self, data: DataSpec) -> dict[str, nn.Module]:
        return {"generator": generator(data)}

    def players(self, data: DataSpec) -> dict[str, Player]:
        adam = Adam(self.lr)
        return {"generator": Player(("generator",), self.generator_loss, adam, batches=self.batches)}

    def generator_loss(self, nets: Networks, batch: Batch) -> Tensor:
        real, fake = batch.x.flatten(1), nets.generator(batch.z).flatten(1)
        unit = self.bandwidth**2 * squared_distances(real, real).mean()
        return mmd2(lambda squared: gaussians(squared / unit), real, fake, unbiased=True)
