"""The calibration rows: real data, and two dummies that have learnt nothing."""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.records.schema import COLLAPSED, NOISE, REAL_DATA

__all__ = ["CALIBRATIONS", "collapsed", "noise", "real_data"]

NOISE_DRAWN_TOGETHER = 250
"""Points of noise that are drawn at a time. A change changes the `noise` row."""

NOISE_TRAINING_SAMPLES = 10_000
"""Training samples whose mean and covariance the noise has."""


def real_data(data: Dataset, seed: int, device: torch.device) -> Callable[[int], Tensor]:
    """Draws fresh real data, packed: the best that any generator can do at a sample size."""
    return lambda n: data.draw(n, data.stream(seed, "calibration", device), "calibration")


def collapsed(data: Dataset, seed: int, device: torch.device) -> Callable[[int], Tensor]:
    """Draws one real sample over and over, one of high quality if the modes are known.

    It stands for a generator that has collapsed to a point.
    """
    real = real_data(data, seed, device)(64)
    index = 0
    if data.modes:
        index = int(data.assign(real).high_quality.int().argmax())
    return lambda n: real[index].expand(n, *data.shape)


def noise(data: Dataset, seed: int, device: torch.device) -> Callable[[int], Tensor]:
    """Draws from one Gaussian with the mean and covariance of training data.

    It stands for a generator that has learnt nothing of the modes. Images are clipped to their range, so that
    they show smooth noise.
    """

    def draw(n: int) -> Tensor:
        gaussian = _gaussian(data, data.fingerprint, device)
        rng = data.stream(seed, "noise row", device)
        return data.pack(gaussian.draw(n, rng).view(n, *data.shape))

    return draw


class _Gaussian(NamedTuple):
    """A mean $(D,)$ and a factor $F$ $(R, D)$ of the covariance $F^\\top F$."""

    mean: Tensor
    factor: Tensor

    def draw(self, n: int, rng: torch.Generator) -> Tensor:
        """Draws `n` points, shape $(n, D)$, some at a time.

        The weights of all parts lie in the same memory: the allocator would now and then find no place for
        new ones among points that stay, and the process would grow by a gigabyte.
        """
        points = self.mean.expand(n, -1).clone()
        memory = self.factor.new_empty(NOISE_DRAWN_TOGETHER, len(self.factor))
        for part in points.split(NOISE_DRAWN_TOGETHER):
            weights = memory[: len(part)].normal_(generator=rng)
            part += weights @ self.factor
        return points


@lru_cache(maxsize=1)
def _gaussian(data: Dataset, fingerprint: str, device: torch.device) -> _Gaussian:
    """A Gaussian with the mean and covariance of some training data.

    The centred data are the factor themselves, so that no covariance is formed or decomposed. The fingerprint
    is for the cache: datasets of the same settings may have other files.
    """
    x = data.sample(NOISE_TRAINING_SAMPLES, data.stream("all", "noise row", device)).flatten(1)
    mean = x.mean(dim=0)
    return _Gaussian(mean, (x - mean) / (len(x) - 1) ** 0.5)


CALIBRATIONS = {REAL_DATA: real_data, COLLAPSED: collapsed, NOISE: noise}
"""The calibration rows, by name: real data, and two generators that have learnt nothing."""
