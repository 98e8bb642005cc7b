"""Settings by name: `--set wgan-gp.penalty=1` onto the typed fields of a dataclass."""

import inspect
import re
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from benchmark.errors import UsageError
from benchmark.registry import Registry

__all__ = ["build", "differing", "resolved"]


def build(registry: Registry, name: str, given: Mapping[str, Any]) -> Any:
    """An instance of the class registered as `name`, with the given values for its fields.

    A value is a string from the command line or a typed value from a file.

    Raises:
        UsageError: If a field is unknown, or a value has the wrong type or is refused by the class.
    """
    cls = registry.get(name)
    if not is_dataclass(cls) or inspect.isabstract(cls):
        missing = ", ".join(sorted(getattr(cls, "__abstractmethods__", ()))) or "the decorator @dataclass(frozen=True)"
        raise UsageError(f"{registry.kind} {name!r}: {cls.__name__} lacks {missing}")
    hints = get_type_hints(cls)
    known = [f.name for f in fields(cls) if f.init]
    values = {}
    for key, value in given.items():
        if key not in known:
            choices = ", ".join(known) if known else "no settings"
            raise UsageError(f"--set {name}.{key}={value}: {registry.kind} {name!r} has no such setting; it has {choices}")
        try:
            values[key] = _convert(value, hints[key])
        except (KeyError, OverflowError, TypeError, ValueError):
            raise UsageError(f"--set {name}.{key}={value}: give {_describe(hints[key])}") from None
    for f in fields(cls):
        # A subclass of a dataclass that sets a field without its type is not heard.
        if f.default is not MISSING and getattr(cls, f.name, f.default) != f.default:
            raise UsageError(
                f"{registry.kind} {name!r}: the class sets {f.name} without a type; write {f.name}: {getattr(f.type, '__name__', f.type)} = ..."
            )
    try:
        return registry.get(name)(**values)
    except ValueError as error:
        named = [key for key in given if re.search(rf"\b{key}\b", str(error))] or given
        shown = " ".join(f"--set {name}.{key}={given[key]}" for key in named)
        raise UsageError(f"{shown or name}: {error}") from error


def resolved(instance: Any) -> dict[str, Any]:
    """All fields of a built instance, as JSON has them."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(instance).items()}


def differing(one: Any, other: Any) -> list[tuple[str, Any, Any]]:
    """Where two nested dictionaries differ: the dotted name, and the value in each, `None` where there is none."""
    held, asked = _flat(one), _flat(other)
    return [(key, held.get(key), asked.get(key)) for key in sorted({*held, *asked}) if held.get(key) != asked.get(key)]


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {prefix: value}
    return {key: item for name, part in value.items() for key, item in _flat(part, f"{prefix}.{name}" if prefix else name).items()}


def _convert(value: Any, hint: Any) -> Any:
    if get_origin(hint) is UnionType:
        if value in (None, "none"):
            if NoneType in get_args(hint):
                return None
            raise ValueError
        (hint,) = [arg for arg in get_args(hint) if arg is not NoneType]
    if hint is bool:
        return {"true": True, "false": False, True: True, False: False}[value.lower() if isinstance(value, str) else value]
    if isinstance(value, bool):
        raise TypeError
    if hint is int:
        number = int(value) if not isinstance(value, float) else value
        if number != int(number):
            raise ValueError
        return int(number)
    if hint is float:
        number = float(value)
        if number != number or number in (float("inf"), float("-inf")):
            raise ValueError
        return number
    if hint is str and isinstance(value, str):
        return value
    raise TypeError


def _describe(hint: Any) -> str:
    names = {int: "a whole number", float: "a finite number", bool: "true or false", str: "a text", NoneType: "none"}
    return " or ".join(names.get(part, str(part)) for part in (get_args(hint) if get_origin(hint) is UnionType else (hint,)))
