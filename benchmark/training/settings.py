"""Settings of a method that models which are trained side by side may have of their own."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import fields, replace

from torch import Tensor

from benchmark.method import Method

__all__ = ["Settings", "at_settings", "real_settings", "with_settings"]

Settings = Mapping[str, float]
"""Real-valued settings by name."""


def real_settings(method: Method) -> dict[str, float]:
    """The settings that hold a real number: in a training step they are tensors, one number per model.

    All others, such as numbers of steps and options, are part of the structure that models share.
    """
    values = {field.name: getattr(method, field.name) for field in fields(method)}
    return {name: value for name, value in values.items() if isinstance(value, float)}


def with_settings(method: Method, settings: Sequence[Settings]) -> list[Method]:
    """One method per model: `method` with the model's own settings.

    Raises:
        ValueError: If one is no real-valued setting of the method, or its value is out of range.
    """
    known = real_settings(method)
    methods = []
    for own in settings:
        for name in own:
            if name not in known:
                raise ValueError(f"{name} is not real-valued; models side by side differ in {', '.join(known)}")
        methods.append(replace(method, **{name: float(value) for name, value in own.items()}))
    return methods


def at_settings(method: Method, settings: Mapping[str, Tensor]) -> Method:
    """The method with tensors for settings, whose values it checked when they were numbers."""
    copied = copy(method)
    for name, value in settings.items():
        object.__setattr__(copied, name, value)  # the class is frozen, and its checks look at values
    return copied
