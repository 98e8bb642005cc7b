"""Whether samples are copies of training data."""

from dataclasses import dataclass
from math import nan

import torch
from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.metric import Evaluation
from benchmark.registry import register_metric
from metrics.features import features_of_data
from metrics.neighbourhoods import Nearest, nearest, radii
from metrics.on_features import OnFeatures

__all__ = ["Authenticity", "TrainingDistance"]


@dataclass(frozen=True)
class _BesideTraining(OnFeatures):
    """A metric that compares samples with all training data, each datum once; of data without end, with
    `points` of it.
    """

    def training_in(self, evaluation: Evaluation) -> Tensor:
        """The features of training data, shape $(M, F)$."""
        key = ("training data", self.features, self.points)
        return evaluation.held_out.once(key, lambda: self._training(evaluation.data, evaluation.held_out.x))

    def _training(self, data: Dataset, like: Tensor) -> Tensor:
        pool = data.training_pool
        if pool is None:
            rng = data.stream("all", "training data to compare with")
            pool = data.draw(self.points, rng, "train")
        return features_of_data(data, pool.unique(dim=0).to(like.device), self.features)

    def nearest_training(self, evaluation: Evaluation) -> Nearest:
        """The training datum nearest to each sample, shapes $(S, N)$; searched once for all these metrics."""
        key = ("nearest training data", self.features, self.points)
        return evaluation.once(key, lambda: self._search(evaluation))

    def _search(self, evaluation: Evaluation) -> Nearest:
        samples, _ = self.features_in(evaluation)
        training = self.training_in(evaluation)
        distances, places = zip(*(nearest(x, training) for x in samples), strict=True)
        return Nearest(torch.stack(distances), torch.stack(places))


@register_metric("authenticity")
@dataclass(frozen=True)
class Authenticity(_BesideTraining):
    """The share of samples that are no copies of training data: farther from the nearest training datum than
    that is from its own nearest neighbour.

    About 0.4 for real data that is not in the training data, 0 for copies, and 1 for samples far from all
    data; so methods are not compared by it.

    References:
        How Faithful is your Synthetic Data? (Alaa et al., 2022), arXiv:2102.08921.
    """

    aspect = "copies"
    better = "higher"
    bounds = (0.0, 1.0)
    ranked = False

    def score(self, evaluation: Evaluation) -> Tensor:
        training = self.training_in(evaluation)
        # A single datum has no neighbour.
        if len(training) < 2:
            return torch.full((len(evaluation.samples),), nan, dtype=torch.float64)
        found = self.nearest_training(evaluation)
        key = ("neighbours of training data", self.features, self.points)
        between = evaluation.held_out.once(key, lambda: radii(training, 1))
        return (found.distances > between[found.places]).double().mean(dim=1)


@register_metric("training_distance")
@dataclass(frozen=True)
class TrainingDistance(_BesideTraining):
    """The median distance of samples from the nearest training datum, over that of held-out data: 1 for real
    data, 0 for copies of training data.

    References:
        A Non-Parametric Test to Detect Data-Copying in Generative Models (Meehan et al., 2020),
        arXiv:2004.05675, compares the same distances by a rank test.
    """

    aspect = "copies"
    better = "one"
    bounds = (0.0, float("inf"))

    def best(self, data: Dataset) -> float:
        return 1.0

    def score(self, evaluation: Evaluation) -> Tensor:
        _, real = self.features_in(evaluation)
        training = self.training_in(evaluation)
        key = ("distance from training data", self.features, self.points)
        of_real = evaluation.held_out.once(key, lambda: _median(real, training))
        return self.nearest_training(evaluation).distances.median(dim=1).values / of_real


def _median(x: Tensor, others: Tensor) -> Tensor:
    """The median distance of points from the nearest of others."""
    return nearest(x, others).distances.median()
