"""Settings of a method that models which are trained side by side may have of their own."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import fields, replace
from typing import Any

import torch
from torch import Tensor, nn

from benchmark.method import DataSpec, Method

__all__ = ["Settings", "at_settings", "methods_of", "networks_of", "real_settings", "structure_of"]

Settings = Mapping[str, Any]
"""Settings by name: real-valued ones, and `fall`."""

OUTSIDE_STEPS = ("fall",)
"""Settings that the trainer follows, outside of the step; they may be anything."""


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
        name: float(value)
        for name, value in values.items()
        if isinstance(value, float) and name not in structural
    }


def structure_of(method: Method, data: DataSpec) -> dict[str, Any]:
    """All other settings."""
    real = real_settings(method, data)
    fields = _fields(method)
    return {name: value for name, value in fields.items() if name not in (*real, *OUTSIDE_STEPS)}


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
    known, structure = real_settings(method, data), structure_of(method, data)
    methods = []
    for own in settings:
        for name in own:
            if name not in (*known, *OUTSIDE_STEPS):
                raise ValueError(
                    f"models side by side cannot differ in {name}; they can in {', '.join(known)}"
                )
        values: dict[str, Any] = {}
        for name, value in own.items():
            values[name] = float(value) if name in known else value
        changed = replace(method, **values)
        changed.players(data)  # optimisers and projections check their numbers, too
        if structure_of(changed, data) != structure:
            raise ValueError(f"models side by side cannot differ in {', '.join(own)}: others depend on it")
        methods.append(changed)
    return methods


def at_settings(method: Method, settings: Mapping[str, Tensor]) -> Method:
    """The method with tensors for settings, whose values it has checked when they were numbers."""
    copied = copy(method)
    for name, value in settings.items():
        object.__setattr__(copied, name, value)  # the class is frozen, and its checks look at values
    return copied


def networks_of(method: Method, data: DataSpec) -> dict[str, nn.Module]:
    """The networks of a method. Their forward passes cannot read its real-valued settings.

    They would read numbers of the method that built them, whatever the settings of a model are: this raises a
    `ValueError`.
    """
    real = real_settings(method, data)
    built = False

    def read(name: str) -> None:
        if built and name in real:
            raise ValueError(
                f"a network reads {name} of its method in a forward pass; give it to a constructor"
            )

    networks = _watched(method, read).networks(data)
    built = True
    return networks


def _fields(method: Method) -> dict[str, Any]:
    return {field.name: getattr(method, field.name) for field in fields(method)}


def _read_by_structure(method: Method, data: DataSpec) -> set[str]:
    """The attributes that a method looks at when it builds its networks, latents and variables."""
    read: set[str] = set()
    watched = _watched(method, read.add)
    with torch.device("meta"):
        watched.networks(data)
    watched.variables(data)
    watched.latents(data)
    return read


def _watched(method: Method, read: Callable[[str], None]) -> Method:
    """A copy of a method that calls a function with the name of every attribute that is read."""

    def get(self: Method, name: str) -> Any:
        read(name)
        return object.__getattribute__(self, name)

    cls = type(method)
    watched = copy(method)
    object.__setattr__(watched, "__class__", type(cls.__name__, (cls,), {"__getattribute__": get}))
    return watched
