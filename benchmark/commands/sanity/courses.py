"""What a sanity check consists of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from benchmark.commands.sanity.distributions import Sampler
from benchmark.commands.sanity.rules import Rule
from benchmark.datasets.base import Dataset

__all__ = [
    "MIDDLE",
    "POINTS",
    "Check",
    "Course",
    "Ends",
    "N",
    "Shapes",
    "Step",
    "compared_with",
    "ends_for_all",
    "for_all",
    "in_dimensions",
]

N = 1000
"""Real data and samples, unless their number is what changes."""

POINTS = 13
MIDDLE = POINTS // 2
"""Points of a course that has the best generator in its middle, and that place."""

Shapes = Mapping[str, Rule]
"""The rule of the course of scores, by what the metric judges."""

Ends = Mapping[str, tuple[Rule, ...]]
"""Rules of single values, for scores with a known range, by what the metric judges."""


class Step(NamedTuple):
    """One point of a course.

    Attributes:
        data: The distribution that real data comes from.
        real: Real data to compare with, shape $(M, D)$.
        samples: The samples to score, shape $(N, D)$.
    """

    data: Dataset
    real: Tensor
    samples: Tensor


MakeStep = Callable[[float, torch.Generator], Step]


@dataclass(frozen=True)
class Course:
    """One way through a check.

    Attributes:
        setting: What tells it from the others of the check.
        values: What changes along it.
        step: Makes the point for one of `values`.
        shapes: What the scores must do along it.
        ends: What single scores must be.
    """

    setting: str
    values: tuple[float, ...]
    step: MakeStep
    shapes: Shapes
    ends: Ends


@dataclass(frozen=True)
class Check:
    """A question with a known answer.

    Attributes:
        title: What it is called.
        question: What changes along its courses.
        courses: All of them, of which each must pass.
    """

    title: str
    question: str
    courses: tuple[Course, ...]


def for_all(rule: Rule) -> dict[str, Rule]:
    """The same rule for fidelity, for diversity and for both."""
    return {"fidelity": rule, "diversity": rule, "both": rule}


def ends_for_all(*rules: Rule) -> dict[str, tuple[Rule, ...]]:
    """The same rules of single values for fidelity, for diversity and for both."""
    return {"fidelity": rules, "diversity": rules, "both": rules}


def in_dimensions(dimensions: int) -> str:
    """The name of a course in so many dimensions."""
    return f"{dimensions} dimension{'s' if dimensions > 1 else ''}"


def compared_with(data: Dataset, sampler: Callable[[float], Sampler]) -> MakeStep:
    """Steps that compare different samples with the same distribution."""

    def step(value: float, rng: torch.Generator) -> Step:
        return Step(data, data.draw(N, rng), sampler(value)(N, rng))

    return step
