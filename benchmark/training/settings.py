"""Settings of a method that models which are trained side by side may have of their own."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import fields, replace
from typing import Any

import torch
from torch import Tensor

from benchmark.method import DataSpec, Method

__all__ = ["Settings", "at_settings", "methods_of", "real_settings", "structure_of"]

Settings = Mapping[str, float]
"""Real-valued settings by name."""


def real_settings(method: Method, data: DataSpec) -> dict[str, float]:
    """The settings that are tensors in a training step, where each model has a number of its own.

    They hold a real number, and networks, latents and variables are built without them. All others, such as
    numbers of steps and options, are part of the structure that models share.
    """
    values = _fields(method)
    if vars(method).keys() != values.keys():
        return {}  # what a constructor has derived from settings would not follow them
    structural = _read_by_structure(method, data)
    return {
        name: value for name, value in values.items() if isinstance(value, float) and name not in structural
    }


def structure_of(method: Method, data: DataSpec) -> dict[str, Any]:
    """All other settings."""
    real = real_settings(method, data)
    return {name: value for name, value in _fields(method).items() if name not in real}


def methods_of(
    method: Method, data: DataSpec, seeds: Sequence[int], settings: Sequence[Settings] | None
) -> list[Method]:
    """The method of each model: `method`, with the model's own settings if there are some.

    Raises:
        ValueError: If models cannot differ in one, or it is out of range.
    """
    if settings is None:
        return [method] * len(seeds)
    if len(settings) != len(seeds):
        raise ValueError(f"there are {len(seeds)} models, and settings of {len(settings)}")
    known = real_settings(method, data)
    methods = []
    for own in settings:
        for name in own:
            if name not in known:
                raise ValueError(
                    f"models side by side cannot differ in {name}; they can in {', '.join(known)}"
                )
        methods.append(replace(method, **{name: float(value) for name, value in own.items()}))
        methods[-1].players(data)  # optimisers and projections check their numbers, too
    return methods


def at_settings(method: Method, settings: Mapping[str, Tensor]) -> Method:
    """The method with tensors for settings, whose values it has checked when they were numbers."""
    copied = copy(method)
    for name, value in settings.items():
        object.__setattr__(copied, name, value)  # the class is frozen, and its checks look at values
    return copied


def _fields(method: Method) -> dict[str, Any]:
    return {field.name: getattr(method, field.name) for field in fields(method)}


def _read_by_structure(method: Method, data: DataSpec) -> set[str]:
    """The attributes that a method looks at when it builds its networks, latents and variables."""
    read: set[str] = set()

    def recorded(self: Method, name: str) -> Any:
        read.add(name)
        return object.__getattribute__(self, name)

    watched = copy(method)
    recording = type(type(method).__name__, (type(method),), {"__getattribute__": recorded})
    object.__setattr__(watched, "__class__", recording)
    with torch.device("meta"):
        watched.networks(data)
        watched.variables(data)
    watched.latents(data)
    return read
