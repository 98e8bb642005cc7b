"""In how many regions the samples' share differs from that of real data."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from msgspec import Meta
from scipy.stats import norm
from sklearn.cluster import KMeans
from torch import Tensor

from benchmark.metric import Evaluation
from benchmark.registry import register_metric
from metrics.on_features import OnFeatures

__all__ = ["NDB", "share_of_different_bins"]


def share_of_different_bins(real: "np.ndarray", samples: "np.ndarray", significance: float) -> float:
    """The share of bins whose proportions of two histograms differ, each by a two-sample z-test of its own.
    Bins that are empty in both do not count.

    References:
        On GANs and GMMs (Richardson & Weiss, 2018), arXiv:1805.12462.

    Arguments:
        real: Counts of real data per bin, shape $(B,)$.
        samples: Counts of samples per bin, shape $(B,)$.
        significance: The level of each test.
    """
    n, m = real.sum(), samples.sum()
    pooled = (real + samples) / (n + m)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    difference = np.abs(real / n - samples / m)
    differs = difference > norm.ppf(1 - significance / 2) * error
    return float(differs[pooled > 0].mean())


@register_metric("ndb")
@dataclass(frozen=True)
class NDB(OnFeatures):
    """The share of bins in which there are significantly more or fewer samples than held-out data (the number
    of statistically different bins, over that of bins). Bins are the cells of k-means of one half of the
    held-out data, and the other half is counted in them, so that no modes need be known.

    Each bin is tested at the level `significance`, so that real data scores about that level.

    References:
        On GANs and GMMs (Richardson & Weiss, 2018), arXiv:1805.12462.

    Arguments:
        bins: The number of bins.
        significance: The level of each bin's test.
    """

    better = "lower"
    bounds = (0.0, 1.0)

    bins: Annotated[int, Meta(ge=2, le=10_000)] = 100
    significance: Annotated[float, Meta(gt=0, lt=1)] = 0.05

    def score(self, evaluation: Evaluation) -> Tensor:
        samples, real = self.features_in(evaluation)
        key = ("k-means", self.features, self.points, self.bins)
        cells, of_real = evaluation.held_out.once(key, lambda: self._of_real(real.cpu().double().numpy()))
        scores = []
        for x in samples:
            labels = cells.predict(x.cpu().double().numpy())
            counts = np.bincount(labels, minlength=self.bins)
            scores.append(share_of_different_bins(of_real, counts, self.significance))
        return torch.tensor(scores, dtype=torch.float64)

    def _of_real(self, real: "np.ndarray") -> tuple[KMeans, "np.ndarray"]:
        """The cells of one half of the data $(M, F)$, whatever its order, and how much of the other half each
        of them holds. Cells hold more of the half that they were made for.
        """
        in_order = real[np.lexsort(real.T)]
        half, other_half = in_order[::2], in_order[1::2]
        cells = KMeans(min(self.bins, len(half)), n_init=1, random_state=0).fit(half)
        return cells, np.bincount(cells.predict(other_half), minlength=self.bins)
