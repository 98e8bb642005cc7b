"""Every metric of a suite on fresh samples, against held-out data, with the same evaluation noise for all methods."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import torch
from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.metric import Evaluation, HeldOut, Metric

__all__ = ["Scorer"]


Sampler = Callable[[Tensor], Tensor]

CHUNK = 250
"""Samples per seed that are generated at a time."""


class Scorer:
    """Scores generators or samples of a group of seeds.

    Arguments:
        data: The dataset.
        metrics: The metrics by name; those that do not apply to the dataset are left out.
        device: Where to score.
    """

    def __init__(self, data: Dataset, metrics: Mapping[str, Metric], device: torch.device) -> None:
        self.data = data
        self.metrics = {name: metric for name, metric in metrics.items() if metric.applies(data)}
        self.device = device

    @cached_property
    def held_out(self) -> HeldOut:
        """Held-out real data; the same for every method and seed."""
        return HeldOut(
            self.data.draw(self.data.held_out, self.data.stream("all", "held-out", self.device), "held-out")
        )

    def latents(self, seed: int, n: int) -> Tensor:
        """The first `n` latents of a seed's evaluation stream, shape $(n, L)$."""
        generator = self.data.stream(seed, "evaluation", self.device)
        return torch.randn(n, self.data.latent, generator=generator, device=self.device)

    def sample(self, generator: Sampler, seeds: Sequence[int], n: int | None = None) -> tuple[Tensor, Tensor]:
        """The samples that a score of the generators is taken on: packed, shape $(S, N, *)$, and whether all of a seed's are finite, $(S,)$."""
        latents = torch.stack([self.latents(seed, self.data.samples if n is None else n) for seed in seeds])
        packed, finite = [], []
        with torch.no_grad():
            for z in latents.split(CHUNK, dim=1):
                x = generator(z)
                finite.append(x.flatten(1).isfinite().all(dim=1))
                packed.append(self.data.pack(x))
        return torch.cat(packed, dim=1), torch.stack(finite).all(dim=0)

    def evaluation(
        self, samples: Tensor, seeds: Sequence[int], generator: Sampler | None = None
    ) -> Evaluation:
        """What metrics see.

        Arguments:
            samples: Generated data, packed, shape $(S, N, *)$.
            seeds: The seeds.
            generator: What they come from, if that is at hand.
        """
        return Evaluation(self.data, samples, self.held_out, seeds, generator)

    def curve(self, evaluation: Evaluation) -> list[dict[str, float]]:
        """The cheap metrics, one dictionary per seed."""
        return self._score(
            {name: metric for name, metric in self.metrics.items() if metric.on_curve(self.data)}, evaluation
        )

    def final(self, evaluation: Evaluation, generator_metrics: bool = True) -> list[dict[str, float]]:
        """All metrics, one dictionary per seed; without those that need a generator if `generator_metrics` is false."""
        return self._score(
            {name: m for name, m in self.metrics.items() if generator_metrics or not m.needs_generator},
            evaluation,
        )

    def large(self, draw: Callable[[int], Tensor], seed: int) -> dict[str, float]:
        """The metrics that gain from more samples, as `<name>_large`, for one seed.

        Arguments:
            draw: Draws that many packed data of the seed, shape $(n, *)$.
            seed: The seed.
        """
        if self.data.samples_large == 0:
            return {}
        metrics = {f"{name}_large": metric for name, metric in self.metrics.items() if metric.large}
        samples = draw(self.data.samples_large)[None]
        return self._score(metrics, self.evaluation(samples, [seed]))[0]

    def _score(self, metrics: Mapping[str, Metric], evaluation: Evaluation) -> list[dict[str, float]]:
        scores = {name: metric.score(evaluation).tolist() for name, metric in metrics.items()}
        return [{name: values[i] for name, values in scores.items()} for i in range(len(evaluation.samples))]
