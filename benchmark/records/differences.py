"""Where two configurations differ, or the programs and machines behind them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from benchmark.records.schema import Environment

__all__ = ["Difference", "differing", "environment_of"]


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


def environment_of(manifest: Mapping[str, Any]) -> Environment:
    """The part of a manifest, or of what is to be one, on which results depend besides the configuration."""
    return Environment(
        versions=manifest["versions"], hardware=manifest["hardware"], commit=manifest["commit"]
    )


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """A nested dictionary as one, with dotted names."""
    if not isinstance(value, dict):
        return {prefix: value}
    flat: dict[str, Any] = {}
    for key, part in value.items():
        flat |= _flat(part, f"{prefix}.{key}" if prefix else key)
    return flat
