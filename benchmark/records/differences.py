"""Where two configurations differ."""

from typing import Any

__all__ = ["differing"]


def differing(one: Any, other: Any) -> list[tuple[str, Any, Any]]:
    """Where two nested dictionaries differ: the dotted name, and the value in each, `None` where there is none."""
    held, asked = _flat(one), _flat(other)
    return [
        (key, held.get(key), asked.get(key))
        for key in sorted({*held, *asked})
        if held.get(key) != asked.get(key)
    ]


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {prefix: value}
    return {
        key: item
        for name, part in value.items()
        for key, item in _flat(part, f"{prefix}.{name}" if prefix else name).items()
    }
