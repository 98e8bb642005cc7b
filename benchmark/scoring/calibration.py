"""The calibration rows: real data, and two dummies that have learnt nothing."""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from benchmark.datasets.base import Dataset

__all__ = ["CALIBRATIONS", "collapsed", "noise", "real_data"]

DRAWN_TOGETHER = 250
"""Points that are drawn at a time."""

MOMENTS_OF = 10_000
"""Training data of whose mean and covariance the noise is."""


def real_data(data: Dataset, seed: int, device: torch.device) -> Callable[[int], Tensor]:
    """Draws fresh real data, packed: the best that any generator can do at a sample size."""
    return lambda n: data.draw(n, data.stream(seed, "calibration", device), "calibration")


def collapsed(data: Dataset, seed: int, device: torch.device) -> Callable[[int], Tensor]:
    """Draws one real datum, of high quality if that is known, over and over: a generator that has collapsed to a point."""
    real = real_data(data, seed, device)(64)
    best = int(data.assign(real).high_quality.int().argmax()) if data.modes else 0
    return lambda n: real[best].expand(n, *data.shape)


def noise(data: Dataset, seed: int, device: torch.device) -> Callable[[int], Tensor]:
    """Draws from one Gaussian with the mean and covariance of training data: a generator that has learnt nothing of the modes.

    Images are clipped to their range, so that they show smooth noise.
    """

    def draw(n: int) -> Tensor:
        fitted = _gaussian(data, data.fingerprint, device)
        stream = data.stream(seed, "noise row", device)
        parts = [fitted.draw(min(DRAWN_TOGETHER, n - drawn), stream) for drawn in range(0, n, DRAWN_TOGETHER)]
        return data.pack(torch.cat(parts).view(n, *data.shape))

    return draw


class _Gaussian(NamedTuple):
    """A mean $(D,)$ and a factor $F$ $(R, D)$ of the covariance $F^\\top F$."""

    mean: Tensor
    factor: Tensor

    def draw(self, n: int, stream: torch.Generator) -> Tensor:
        """Draws `n` points, shape $(n, D)$."""
        weights = torch.randn(n, len(self.factor), generator=stream, device=stream.device)
        return self.mean + weights @ self.factor


@lru_cache(maxsize=1)
def _gaussian(data: Dataset, fingerprint: str, device: torch.device) -> _Gaussian:
    """That of some training data. The centred data are the factor themselves, so that no covariance is formed or decomposed.

    The fingerprint tells apart datasets of the same settings whose files differ.
    """
    x = data.sample(MOMENTS_OF, data.stream("all", "noise row", device)).flatten(1)
    mean = x.mean(dim=0)
    return _Gaussian(mean, (x - mean) / (len(x) - 1) ** 0.5)


CALIBRATIONS = {"real-data": real_data, "collapsed": collapsed, "noise": noise}
"""The rows that show each metric's floor and what it makes of generators that have learnt nothing, by name."""
