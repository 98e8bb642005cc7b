"""The average of a generator's weights over its training."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from benchmark.method import Method, Tensors

__all__ = ["Average", "Averaging"]


@dataclass(frozen=True)
class Averaging:
    """Which average a method asks for.

    Attributes:
        decay: By what the weight of a cycle falls with each later cycle; 0 if that depends on the budget.
        half_life: The share of the budget that halves it; 0 if that does not depend on the budget.
    """

    decay: float
    half_life: float

    @classmethod
    def of(cls, method: Method, generator_steps: int) -> "Averaging | None":
        """The average that a method asks for, whose cycle updates the generator that often; `None` for none.

        Raises:
            ValueError: If the settings are out of range, or contradict each other.
        """
        if not 0 <= method.average < 1:
            raise ValueError(f"average must lie in [0, 1), not {method.average}")
        if method.average_half_life < 0:
            raise ValueError(f"average_half_life must be at least 0, not {method.average_half_life}")
        if method.average and method.average_half_life:
            raise ValueError("average and average_half_life exclude each other; leave one of them at 0")
        if not method.average and not method.average_half_life:
            return None
        return cls(method.average**generator_steps, method.average_half_life)

    def decay_over(self, progress: float) -> float:
        """The decay of a cycle that takes that share of the budget."""
        return 0.5 ** (progress / self.half_life) if self.half_life else self.decay


class Average:
    """A weighted mean of weights, in which those from before the training have no part.

    References:
        Adam (Kingma & Ba, 2014), arXiv:1412.6980, section 3, for the correction of its start.

    Arguments:
        averaging: Gives the weights of cycles.
        parameters: Gives the shapes.
    """

    def __init__(self, averaging: Averaging, parameters: Mapping[str, Tensor]) -> None:
        self.averaging = averaging
        self.mean: Tensors = {key: parameter.clone() for key, parameter in parameters.items()}
        self.total = 0.0

    def add(self, parameters: Mapping[str, Tensor], progress: float) -> None:
        """Takes in the weights after one more cycle, which took that share of the budget; its weight is 1."""
        self.total = self.averaging.decay_over(progress) * self.total + 1
        for key, mean in self.mean.items():
            mean.lerp_(parameters[key], 1 / self.total)
