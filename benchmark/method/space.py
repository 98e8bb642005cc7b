"""Over which values the settings of a method are searched."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

__all__ = ["LEARNING_RATES", "MOMENTA", "Choice", "Distribution", "LogUniform", "Space", "Uniform"]


@dataclass(frozen=True)
class Uniform:
    """Real numbers from `low` to `high`."""

    low: float
    high: float

    def __post_init__(self) -> None:
        ends = (self.low, self.high)
        finite = all(isinstance(end, Real) and math.isfinite(end) for end in ends)
        if not finite or not self.low < self.high:
            raise ValueError(
                "a range must go from a lower to a higher finite number, "
                f"not from {self.low!r} to {self.high!r}"
            )

    def at(self, share: float) -> float:
        """The number below which that share of the range lies, in [0, 1)."""
        return self.low + share * (self.high - self.low)

    @property
    def examples(self) -> tuple[float, ...]:
        """The ends, and a number between them that is hardly a whole one."""
        return self.low, self.at(0.382), self.high

    @property
    def facts(self) -> dict[str, Any]:
        """The same for a record."""
        return {"low": self.low, "high": self.high, "scale": "linear"}

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class LogUniform(Uniform):
    """Positive numbers from `low` to `high`, whose logarithms are uniform."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.low <= 0:
            raise ValueError(f"a logarithmic range must begin above 0, not at {self.low}")

    def at(self, share: float) -> float:
        """The number below which that share of the range lies, in [0, 1)."""
        return self.low * math.exp(share * math.log(self.high / self.low))

    @property
    def facts(self) -> dict[str, Any]:
        """The same for a record."""
        return {"low": self.low, "high": self.high, "scale": "log"}

    def __str__(self) -> str:
        return f"{super().__str__()}, on a logarithmic scale"


@dataclass(frozen=True, init=False)
class Choice:
    """One of some values, each as likely as the others."""

    values: tuple[Any, ...]

    def __init__(self, *values: Any) -> None:
        repeated = any(values.count(value) > 1 for value in values)
        if len(values) < 2 or repeated or None in values:
            raise ValueError(
                f"a choice must be one of two different values or more, none of them None, not of {values}"
            )
        object.__setattr__(self, "values", values)

    def at(self, share: float) -> Any:
        """The value that many of the others come before, as a share of them all, in [0, 1)."""
        return self.values[int(share * len(self.values))]

    @property
    def examples(self) -> tuple[Any, ...]:
        """All of them."""
        return self.values

    @property
    def facts(self) -> dict[str, Any]:
        """The same for a record."""
        return {"values": list(self.values)}

    def __str__(self) -> str:
        return ", ".join(map(str, self.values))


Distribution = Uniform | Choice
"""The values of one setting, as a distribution."""

Space = Mapping[str, Distribution]
"""Distributions by setting."""

LEARNING_RATES = LogUniform(1e-5, 1e-2)
"""The learning rates of a search, after table 3 of Lucic et al. (2018), arXiv:1711.10337."""

MOMENTA = Choice(0.0, 0.5, 0.9)
"""Adam's first decay rates in papers on GANs."""
