"""Where two configurations differ."""

from typing import Any, NamedTuple

__all__ = ["Difference", "differing"]


class Difference(NamedTuple):
    """A dotted name, and the value in each of two nested dictionaries; `None` where there is none."""

    name: str
    before: Any
    after: Any


def differing(before: Any, after: Any) -> list[Difference]:
    """Where two nested dictionaries differ, sorted by name."""
    old, new = _flat(before), _flat(after)
    differences = []
    for name in sorted({*old, *new}):
        difference = Difference(name, old.get(name), new.get(name))
        if difference.before != difference.after:
            differences.append(difference)
    return differences


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """A nested dictionary as one, with dotted names."""
    if not isinstance(value, dict):
        return {prefix: value}
    flat: dict[str, Any] = {}
    for key, part in value.items():
        flat |= _flat(part, f"{prefix}.{key}" if prefix else key)
    return flat
