"""A method in the forms in which a plan trains it: with which settings, and for which seeds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmark.method import DataSpec, Method
from benchmark.plan.merged_settings import merged_settings
from benchmark.plan.points import points_of
from benchmark.registry import METHODS
from benchmark.suites.search import Search
from benchmark.training.settings import OUTSIDE_STEPS, Settings, real_settings, structure_of

__all__ = ["Variant", "variants_of"]


@dataclass(frozen=True)
class Variant:
    """A method, and models of the same structure.

    Attributes:
        method: The method.
        seeds: The seeds of the models.
        settings: What each has of its own in place of the method's settings, by seed; empty for nothing.
    """

    method: Method
    seeds: tuple[int, ...]
    settings: Mapping[int, Settings] = field(default_factory=dict)


def variants_of(
    name: str, settings: Mapping[str, Any], data: DataSpec, search: Search, points: Iterable[int]
) -> list[Variant]:
    """Points of a search of a registered method, those of one structure as one variant.

    Arguments:
        name: The method.
        settings: Its settings, where they are not searched.
        data: What its networks are built for.
        search: The search.
        points: The numbers of the points.

    Raises:
        UsageError: If its space is wrong.
    """
    by_structure: dict[str, list[int]] = {}
    methods: dict[int, Method] = {}
    values = points_of(name, search.points)
    for i in points:
        merged = merged_settings({name: settings}, {name: values[i]})
        methods[i] = METHODS.build(name, merged[name])
        structure = repr(structure_of(methods[i], data))
        by_structure.setdefault(structure, []).append(i)
    return [_variant(methods, numbers, data, search) for numbers in by_structure.values()]


def _variant(
    methods: Mapping[int, Method], numbers: Sequence[int], data: DataSpec, search: Search
) -> Variant:
    """The points of these numbers, whose structure is the same."""
    first = methods[numbers[0]]
    free = [*real_settings(first, data), *OUTSIDE_STEPS]
    settings: dict[int, Settings] = {}
    for number in numbers:
        own = {name: getattr(methods[number], name) for name in free}
        for seed in search.seeds_of(number):
            settings[seed] = own
    return Variant(first, tuple(settings), settings)
