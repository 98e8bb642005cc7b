"""Every metric of a suite on fresh samples, against held-out data, with the same evaluation noise for all methods."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import torch
from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.metric import Evaluation, Metric

__all__ = ["CALIBRATIONS", "Scorer", "collapsed", "real_data"]

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
    def held_out(self) -> Tensor:
        """Held-out real data, shape $(M, *)$; the same for every method and seed."""
        return self.data.sample(self.data.held_out, self.data.stream("all", "held-out", self.device))

    def latents(self, seed: int, n: int) -> Tensor:
        """The first `n` latents of a seed's evaluation stream, shape $(n, L)$."""
        generator = self.data.stream(seed, "evaluation", self.device)
        return torch.randn(n, self.data.latent, generator=generator, device=self.device)

    def sample(self, generator: Sampler, seeds: Sequence[int]) -> Tensor:
        """The samples that a score of the generators is taken on, shape $(S, N, *)$."""
        latents = torch.stack([self.latents(seed, self.data.samples) for seed in seeds])
        with torch.no_grad():
            return torch.cat([generator(z) for z in latents.split(CHUNK, dim=1)], dim=1)

    def curve(self, samples: Tensor, seeds: Sequence[int]) -> list[dict[str, float]]:
        """The cheap metrics, one dictionary per seed."""
        metrics = {name: metric for name, metric in self.metrics.items() if metric.on_curve(self.data)}
        return self._score(metrics, Evaluation(self.data, samples, self.held_out, seeds))

    def final(
        self, samples: Tensor, seeds: Sequence[int], generator: Sampler | None = None, generator_metrics: bool = True
    ) -> list[dict[str, float]]:
        """All metrics, one dictionary per seed.

        Arguments:
            samples: Generated data, shape $(S, N, *)$.
            seeds: The seeds.
            generator: What they come from, if that is at hand.
            generator_metrics: Whether to take metrics that need a generator.
        """
        metrics = {name: metric for name, metric in self.metrics.items() if generator_metrics or not metric.needs_generator}
        return self._score(metrics, Evaluation(self.data, samples, self.held_out, seeds, generator))

    def large(self, draw: Callable[[int], Tensor], seed: int) -> dict[str, float]:
        """The metrics that gain from more samples, as `<name>_large`, for one seed.

        Arguments:
            draw: Draws that many data of the seed, shape $(n, *)$.
            seed: The seed.
        """
        metrics = {f"{name}_large": metric for name, metric in self.metrics.items() if metric.large}
        samples = draw(self.data.samples_large)[None]
        return self._score(metrics, Evaluation(self.data, samples, self.held_out, [seed]))[0]

    def _score(self, metrics: Mapping[str, Metric], evaluation: Evaluation) -> list[dict[str, float]]:
        scores = {name: metric.score(evaluation).tolist() for name, metric in metrics.items()}
        return [{name: values[i] for name, values in scores.items()} for i in range(len(evaluation.samples))]


def real_data(data: Dataset, seed: int, device: torch.device) -> Callable[[int], Tensor]:
    """Draws fresh real data: the best that any generator can do at a sample size."""
    return lambda n: data.sample(n, data.stream(seed, "calibration", device))


def collapsed(data: Dataset, seed: int, device: torch.device) -> Callable[[int], Tensor]:
    """Draws one real datum of high quality over and over: a generator that has collapsed to a point."""
    real = real_data(data, seed, device)(64)
    best = int(data.assign(real).high_quality.int().argmax())
    return lambda n: real[best].expand(n, *data.shape)


CALIBRATIONS = {"real-data": real_data, "collapsed": collapsed}
"""The rows that show each metric's floor and its failure value, by name."""
