"""Where two configurations differ."""

from typing import Any, NamedTuple

__all__ = ["Difference", "differing"]


class Difference(NamedTuple):
    """A setting in which two configurations differ.

    Attributes:
        name: Its dotted name.
        one: Its value in the one configuration; `None` where that has no such setting.
        other: Its value in the other, likewise.
    """

    name: str
    one: Any
    other: Any


def differing(one: Any, other: Any) -> list[Difference]:
    """Where two nested dictionaries differ, sorted by name."""
    flat_one, flat_other = _flat(one), _flat(other)
    differences = []
    for name in sorted(flat_one.keys() | flat_other.keys()):
        difference = Difference(name, flat_one.get(name), flat_other.get(name))
        if difference.one != difference.other:
            differences.append(difference)
    return differences


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """The values of a nested dictionary by dotted name."""
    if not isinstance(value, dict):
        return {prefix: value}
    flat = {}
    for key, part in value.items():
        flat.update(_flat(part, f"{prefix}.{key}" if prefix else key))
    return flat
