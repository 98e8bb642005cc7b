"""Inference via optimisation."""

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.method import Latents
from benchmark.metric import Evaluation, Metric
from benchmark.registry import Count, Size, register_metric
from metrics.lbfgs import minimise

__all__ = ["IvOM"]

NUMBERS_AT_A_TIME = 1 << 20
"""Numbers of generated data that are handled at a time."""


@register_metric("ivom")
@dataclass(frozen=True)
class IvOM(Metric):
    r"""Mean squared error between held-out data and the nearest points of the generator's range.

    For each of the first `points` held-out data, $\min_z |G(z) - x|^2 / D$ by L-BFGS from `restarts` latents
    $z \sim \mathcal{N}(0, I)$, `iterations` evaluations each, the best restart per datum; averaged over the
    data. All data, restarts and seeds are optimised as one batch, each with a line search of its own. More
    restarts or iterations begin with the same ones, so they never make it worse. Errors are in data units, or
    for images those of pixels in [0, 1].

    Where there is no generator (the calibration rows, and samples made elsewhere), the nearest of the samples
    takes the place of the optimum. Uniform latents are searched as functions of normal ones, all of whose
    values they have. A sampler that takes noise beside its latents could reach any datum by that noise: the
    metric is not defined for it.

    References:
        Unrolled Generative Adversarial Networks (Metz et al., 2016), arXiv:1611.02163, section 3.4;
        VEEGAN (Srivastava et al., 2017), arXiv:1705.07761, section 4.
    """

    aspect = "diversity"
    better = "lower"
    bounds = (0.0, float("inf"))
    needs_generator = True
    scale = "log"

    points: Size = 200
    restarts: Count = 3
    iterations: Size = 100

    def applies_to(self, latents: Latents) -> bool:
        return latents.noise == 0

    def on_curve(self, data: Dataset) -> bool:
        return False

    def best(self, data: Dataset) -> float:
        """0: a perfect generator can make all data. The `real-data` row, without a generator, is worse."""
        return 0.0

    def score(self, evaluation: Evaluation) -> Tensor:
        data, generator = evaluation.data, evaluation.generator
        seeds = len(evaluation.samples)
        targets = data.unpack(evaluation.held_out.x[: self.points]).flatten(1)
        if generator is None:
            return torch.stack([self._nearest(data, targets, x) for x in evaluation.samples])
        latents = evaluation.latents or Latents(data.latent)
        shape = (len(targets), latents.size)
        starts = torch.stack([self._starts(data, shape, seed, targets.device) for seed in evaluation.seeds])
        # Targets are independent of each other: as many at a time as the CPU's cache holds.
        size = max(1, NUMBERS_AT_A_TIME // (seeds * self.restarts * targets.shape[1]))
        errors = []
        for target, start in zip(targets.split(size), starts.split(size, dim=1), strict=True):
            rows = target.repeat_interleave(self.restarts, dim=0)

            def objective(z: Tensor, rows: Tensor = rows) -> Tensor:
                generated = generator(z.view(seeds, len(rows), latents.size)).flatten(2)
                return (generated - rows).square().mean(dim=2).flatten()

            _, error = minimise(objective, start.flatten(0, 2), self.iterations)
            errors.append(error.view(seeds, len(target), self.restarts).amin(dim=2))
        return torch.cat(errors, dim=1).double().mean(dim=1) / data.span**2

    def _starts(self, data: Dataset, shape: tuple[int, int], seed: int, device: torch.device) -> Tensor:
        """Latents $(n, L)$ to start from, for each restart: shape $(n, R, L)$."""
        rng = data.stream(seed, "ivom", device)
        starts = [torch.randn(shape, generator=rng, device=device) for _ in range(self.restarts)]
        return torch.stack(starts, dim=1)

    def _nearest(self, data: Dataset, targets: Tensor, samples: Tensor) -> Tensor:
        """The mean squared error from the targets $(n, D)$ to the nearest of packed samples $(N, *)$."""
        # Distances come from inner products. In float32 they would lose those that are small beside
        # coordinates.
        targets = targets.double()
        distances = []
        for part in samples.split(NUMBERS_AT_A_TIME // targets.shape[1] + 1):
            x = data.unpack(part).flatten(1).double()
            distances.append(torch.cdist(targets, x).amin(dim=1))
        return torch.stack(distances).amin(dim=0).square().mean() / targets.shape[1] / data.span**2
