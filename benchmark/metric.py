"""The contract of a metric: samples of several seeds in, one number per seed out."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal, TypeVar

import torch
from torch import Tensor

from benchmark.datasets.base import Assignment, Dataset
from benchmark.method import Latents
from benchmark.registry import check_ranges

__all__ = ["Evaluation", "HeldOut", "Metric"]

T = TypeVar("T")

CHOICES = {
    "better": ("higher", "lower", "one"),
    "scale": ("linear", "log"),
    "aspect": ("fidelity", "diversity", "both", "copies"),
}
"""The values that attributes of a metric can have."""


class _Memory:
    """Remembers what metrics share."""

    @cached_property
    def _memory(self) -> dict[Any, Any]:
        return {}

    def once(self, key: Any, compute: Callable[[], T]) -> T:
        """What `compute` returns, computed on the first call with that key only."""
        if key not in self._memory:
            self._memory[key] = compute()
        return self._memory[key]


@dataclass(frozen=True)
class HeldOut(_Memory):
    """Real data that nothing was trained on, and what metrics have derived from it, kept from one evaluation
    to the next.

    Attributes:
        x: The data, packed, shape $(M, *)$.
    """

    x: Tensor


@dataclass(frozen=True)
class Evaluation(_Memory):
    """What a metric sees.

    Attributes:
        data: The dataset, with its true modes.
        samples: Generated data, packed, shape $(S, N, *)$, for $S$ seeds. All of it is finite.
        held_out: Real data to compare with.
        seeds: The seeds, of which each has its own evaluation stream.
        generator: Maps standard normal numbers $(S, N, L)$ to unpacked data $(S, N, *)$; `None` where only
            samples are known, as for the calibration rows.
        latents: What a sample of the generator is made of; by default, the dataset's number of latents.
    """

    data: Dataset
    samples: Tensor
    held_out: HeldOut
    seeds: Sequence[int]
    generator: Callable[[Tensor], Tensor] | None = None
    latents: Latents | None = None

    @cached_property
    def assignment(self) -> Assignment:
        """The samples' modes, shapes $(S, N)$."""
        return self.data.assign(self.samples)

    @cached_property
    def counts(self) -> Tensor:
        """Samples per mode, by nearest mode, shape $(S, K)$."""
        return self._count(torch.ones_like(self.assignment.high_quality))

    @cached_property
    def high_quality_counts(self) -> Tensor:
        """High-quality samples per mode, shape $(S, K)$."""
        return self._count(self.assignment.high_quality)

    @cached_property
    def joint_counts(self) -> Tensor:
        """High-quality samples per mode, and all others together in one more bin, shape $(S, K + 1)$."""
        rest = self.samples.shape[1] - self.high_quality_counts.sum(dim=1, keepdim=True)
        return torch.cat([self.high_quality_counts, rest], dim=1)

    @property
    def joint_weights(self) -> Tensor:
        """The true shares of the bins of `joint_counts`, shape $(K + 1,)$: the share $q$ of held-out data
        that is of high quality, times each mode's weight, and $1 - q$.
        """
        good = self.held_out_assignment.high_quality.double().mean()
        return torch.cat([good * self.data.mode_weights.to(good), (1 - good)[None]])

    @property
    def held_out_assignment(self) -> Assignment:
        """The held-out data's modes, shapes $(M,)$."""
        return self.held_out.once("assignment", lambda: self.data.assign(self.held_out.x))

    @property
    def capturing_counts(self) -> Tensor:
        """Samples per mode that capture it by the dataset's rule, shape $(S, K)$."""
        return self.counts if self.data.captured_by == "any" else self.high_quality_counts

    def _count(self, mask: Tensor) -> Tensor:
        counts = torch.zeros(
            len(self.samples), self.data.modes, dtype=torch.float64, device=self.samples.device
        )
        return counts.scatter_add_(1, self.assignment.mode, mask.double())


class Metric(ABC):
    """A figure of merit. Subclasses are frozen dataclasses, whose fields are the settings.

    Attributes:
        name: The registered name, and the column's.
        better: Which values are better; `one` means the closer to 1.
        bounds: The least and the greatest possible value on any data.
        needs_generator: Whether samples alone are not enough.
        needs_modes: Whether the modes of the data must be known.
        large: Whether the final score is repeated on a sample of `Dataset.samples_large`, as `<name>_large`.
        scale: Whether two scores are as far apart as their difference says, or that of their logarithms.
        ranked: Whether methods are compared by it. A metric that is not is shown, and no method is better or
            worse for it.
        aspect: What it judges, which `sanity` asks of it: whether samples are good (`fidelity`), whether they
            are as diverse as real data (`diversity`), `both`, or whether they are `copies` of training data.
    """

    name: ClassVar[str]
    better: ClassVar[Literal["higher", "lower", "one"]]
    bounds: ClassVar[tuple[float, float]]
    needs_generator: ClassVar[bool] = False
    needs_modes: ClassVar[bool] = False
    large: ClassVar[bool] = False
    scale: ClassVar[Literal["linear", "log"]] = "linear"
    ranked: ClassVar[bool] = True
    aspect: ClassVar[Literal["fidelity", "diversity", "both", "copies"]] = "both"

    def __init_subclass__(cls, **options: Any) -> None:
        """Raises a `ValueError` if an attribute has a value that it cannot have."""
        super().__init_subclass__(**options)
        for attribute, accepted in CHOICES.items():
            value = getattr(cls, attribute, accepted[0])
            if value not in accepted:
                raise ValueError(f"{cls.__name__}: {attribute} is {value!r}; give {', '.join(accepted)}")
        bounds = getattr(cls, "bounds", (0.0, 1.0))
        if not isinstance(bounds, tuple) or len(bounds) != 2 or not bounds[0] <= bounds[1]:
            raise ValueError(f"{cls.__name__}: bounds is {bounds!r}; give the least and the greatest value")

    def __post_init__(self) -> None:
        check_ranges(self)

    @abstractmethod
    def score(self, evaluation: Evaluation) -> Tensor:
        """One number per seed, shape $(S,)$; NaN where the metric is not defined."""

    def applies(self, data: Dataset) -> bool:
        """Whether the metric has a meaning on `data`."""
        return data.modes > 0 or not self.needs_modes

    def applies_to(self, latents: Latents) -> bool:
        """Whether the metric has a meaning for a method whose samples are made of such latents."""
        return True

    def on(self, data: Dataset) -> "Metric":
        """The metric with the settings that it leaves to the dataset filled in."""
        return self

    def on_curve(self, data: Dataset) -> bool:
        """Whether the metric is cheap enough on `data` to be taken at every evaluation point."""
        return True

    def range(self, data: Dataset) -> tuple[float, float]:
        """The least and the greatest possible value on `data`."""
        return self.bounds

    def best(self, data: Dataset) -> float | None:
        """The expected value for a perfect generator at this sample size; `None` if only the `real-data` row
        tells.
        """
        return None
