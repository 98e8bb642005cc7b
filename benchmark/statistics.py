"""Summaries of a few seeds."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from scipy import stats

__all__ = ["Summary", "summarise"]


class Summary(NamedTuple):
    """Figures of one metric over seeds; NaN where they are not defined.

    Attributes:
        n: The number of values.
        mean: Their mean.
        std: Their standard deviation, with n - 1 degrees of freedom.
        ci_low: Lower end of the 95 % Student-t interval of the mean.
        ci_high: Its upper end.
        best: The best value.
        worst: The worst value.
    """

    n: int
    mean: float
    std: float
    ci_low: float
    ci_high: float
    best: float
    worst: float


def summarise(values: Iterable[float | None], better: str) -> Summary:
    """Summarises the finite ones of the values of a metric; `better` is `higher`, `lower` or `one`."""
    x = np.asarray([value for value in values if value is not None and np.isfinite(value)], dtype=float)
    nan = float("nan")
    if len(x) == 0:
        return Summary(0, nan, nan, nan, nan, nan, nan)
    quality = {"higher": x, "lower": -x, "one": -np.abs(x - 1)}[better]
    mean, std = float(x.mean()), float(x.std(ddof=1)) if len(x) > 1 else nan
    half = float(stats.t.ppf(0.975, len(x) - 1)) * std / len(x) ** 0.5 if len(x) > 1 else nan
    return Summary(len(x), mean, std, mean - half, mean + half, float(x[quality.argmax()]), float(x[quality.argmin()]))
