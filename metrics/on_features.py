"""What metrics share that compare the features of samples with those of real data."""

from dataclasses import dataclass, replace
from typing import NamedTuple, Self

from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.metric import Evaluation, Metric
from benchmark.registry import SampleSize
from metrics.features import check_extractor, features_of, held_out_features, resolve_features

__all__ = ["Features", "OnFeatures"]


class Features(NamedTuple):
    """The features that a metric compares.

    Attributes:
        samples: Those of samples, shape $(S, N, F)$ for $S$ seeds.
        real: Those of held-out data, shape $(M, F)$.
    """

    samples: Tensor
    real: Tensor


@dataclass(frozen=True)
class OnFeatures(Metric):
    """A metric that is taken on features, at the end of training only.

    Arguments:
        features: The features; see `fid`.
        points: The most samples to use, and the most held-out data: the first ones.
    """

    features: str = "default"
    points: SampleSize = 10_000

    def __post_init__(self) -> None:
        super().__post_init__()
        check_extractor(self.features)

    def on(self, data: Dataset) -> Self:
        return replace(self, features=resolve_features(self.features, data))

    def on_curve(self, data: Dataset) -> bool:
        return False

    def features_in(self, evaluation: Evaluation) -> Features:
        """The first features of the samples and of the held-out data, `points` at most."""
        samples = features_of(evaluation, self.features)
        real = held_out_features(evaluation, self.features)
        return Features(samples[:, : self.points], real[: self.points])
