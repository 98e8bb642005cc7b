"""Types of settings with a range: `steps: Count = 5` refuses 0, and says what it would accept.

Upper limits lie far above what is of use. They keep a slip of the pen from filling the memory.
"""

from dataclasses import fields
from functools import cache
from typing import Annotated, Any, get_origin, get_type_hints

from msgspec import Meta

from benchmark.registry.values import convert, describe

__all__ = [
    "Count",
    "Length",
    "NotNegative",
    "OptionalSampleSize",
    "Positive",
    "PositiveShare",
    "SampleSize",
    "Share",
    "Size",
    "check_ranges",
    "is_range",
]

Positive = Annotated[float, Meta(gt=0)]
NotNegative = Annotated[float, Meta(ge=0)]
Length = Annotated[float, Meta(ge=1e-6, le=1e6)]
"""A length in data space, which float32 can square."""

Share = Annotated[float, Meta(ge=0, le=1)]
PositiveShare = Annotated[float, Meta(gt=0, le=1)]

Count = Annotated[int, Meta(ge=1, le=1000)]
"""How often something is done in one update or for one sample, or how many networks there are."""

Size = Annotated[int, Meta(ge=1, le=100_000)]
"""How many things are held in memory at once: the samples of a batch, the units of a layer and so on."""

SampleSize = Annotated[int, Meta(ge=2, le=10_000_000)]
"""How many samples are compared with others: a single one has no covariance."""

OptionalSampleSize = Annotated[int, Meta(ge=0, le=10_000_000)]
"""How many samples; 0 for none."""


def is_range(hint: Any) -> bool:
    """Whether a type restricts its values further than to their kind."""
    return get_origin(hint) is Annotated


def check_ranges(instance: Any) -> None:
    """Checks the fields of a dataclass whose types are ranges, in its class or in one above it: a class that
    repeats a field with another default keeps its range.

    Raises:
        ValueError: If a value is outside of its range.
    """
    for name, hint in _ranges_of(instance.__class__):
        value = getattr(instance, name)
        try:
            convert(value, hint)
        except ValueError:
            raise ValueError(f"{name} must be {describe(hint)}, not {value}") from None


@cache
def _ranges_of(cls: Any) -> list[tuple[str, Any]]:
    """The names and types of a class's fields that are ranges, in it and in the classes above it."""
    names = [field.name for field in fields(cls)]
    ranges = []
    for part in cls.__mro__:
        for name, hint in get_type_hints(part, include_extras=True).items():
            if name in names and is_range(hint) and (name, hint) not in ranges:
                ranges.append((name, hint))
    return ranges
