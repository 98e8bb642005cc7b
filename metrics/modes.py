"""How many modes are captured."""

from dataclasses import dataclass

from torch import Tensor

from benchmark.datasets.base import Dataset
from benchmark.metric import Evaluation, Metric
from benchmark.registry import PositiveShare, Size, register_metric

__all__ = ["Modes", "ModesConfident", "ModesConfidentRobust", "ModesRobust"]


@register_metric("modes")
@dataclass(frozen=True)
class Modes(Metric):
    """Modes that are captured by at least one sample: of high quality where the dataset asks for that, else
    any.

    References:
        VEEGAN (Srivastava et al., 2017), arXiv:1705.07761, section 4.1.

    Arguments:
        least: The number of samples that it takes.
    """

    needs_modes = True
    aspect = "diversity"
    better = "higher"
    bounds = (0.0, float("inf"))

    least: Size = 1

    def range(self, data: Dataset) -> tuple[float, float]:
        return 0.0, float(data.modes)

    def best(self, data: Dataset) -> float:
        return float(data.modes)

    def score(self, evaluation: Evaluation) -> Tensor:
        return (evaluation.capturing_counts >= self.least).sum(dim=1).double()


@register_metric("modes_robust")
@dataclass(frozen=True)
class ModesRobust(Metric):
    """Modes that receive at least `share` of the samples that the true distribution would give them,
    counting the samples that capture a mode.

    A single lucky sample is enough for `modes`; it is not enough here.
    """

    needs_modes = True
    aspect = "diversity"
    better = "higher"
    bounds = (0.0, float("inf"))
    large = True

    share: PositiveShare = 0.2

    def range(self, data: Dataset) -> tuple[float, float]:
        return 0.0, float(data.modes)

    def best(self, data: Dataset) -> float:
        return float(data.modes)

    def score(self, evaluation: Evaluation) -> Tensor:
        return robust_modes(evaluation, evaluation.capturing_counts, self.share)


@register_metric("modes_confident")
@dataclass(frozen=True)
class ModesConfident(Modes):
    """Modes that are captured by at least one sample of high quality, where `modes` counts any sample: of
    images, those in which the classifier is sure of every part.
    """

    def applies(self, data: Dataset) -> bool:
        return data.modes > 0 and data.captured_by == "any"

    def score(self, evaluation: Evaluation) -> Tensor:
        return (evaluation.high_quality_counts >= self.least).sum(dim=1).double()


@register_metric("modes_confident_robust")
@dataclass(frozen=True)
class ModesConfidentRobust(ModesRobust):
    """As `modes_robust`, of samples of high quality, where that counts any sample."""

    large = False

    def applies(self, data: Dataset) -> bool:
        return data.modes > 0 and data.captured_by == "any"

    def score(self, evaluation: Evaluation) -> Tensor:
        return robust_modes(evaluation, evaluation.high_quality_counts, self.share)


def robust_modes(evaluation: Evaluation, counts: Tensor, share: float) -> Tensor:
    """The number of modes with at least `share` of their expected samples, shape $(S,)$.

    Arguments:
        evaluation: Gives the number of samples and the modes' weights.
        counts: Samples per mode, shape $(S, K)$.
        share: The share of the expected number that is enough.
    """
    expected = evaluation.samples.shape[1] * evaluation.data.mode_weights.to(counts)
    # A count that is the share exactly is enough, however the weights are rounded.
    least = (1 - 1e-9) * share * expected
    return (counts >= least).sum(dim=1).double()
