"""Settings: from texts and typed values to the fields of a class, and back."""

import math
from dataclasses import asdict
from types import NoneType, UnionType
from typing import Any, get_args, get_origin

__all__ = ["convert", "describe", "resolved"]


def resolved(instance: Any) -> dict[str, Any]:
    """All fields of a built instance, as JSON has them."""
    settings = {}
    for key, value in asdict(instance).items():
        settings[key] = list(value) if isinstance(value, tuple) else value
    return settings


def convert(value: Any, hint: Any) -> Any:
    """A value as a field of that type has it.

    Raises:
        KeyError, OverflowError, TypeError, ValueError: If it is none of that type.
    """
    if get_origin(hint) is UnionType:
        if value in (None, "none"):
            if NoneType in get_args(hint):
                return None
            raise ValueError
        (hint,) = [part for part in get_args(hint) if part is not NoneType]
    if hint is bool:
        text = value.lower() if isinstance(value, str) else value
        return {"true": True, "false": False, True: True, False: False}[text]
    if isinstance(value, bool):
        raise TypeError
    if hint is int:
        return _whole_number(value)
    if hint is float:
        return _finite_number(value)
    if hint is str and isinstance(value, str):
        return value
    raise TypeError


def _whole_number(value: Any) -> int:
    number = value if isinstance(value, float) else int(value)
    if number != int(number):
        raise ValueError
    return int(number)


def _finite_number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    return number


def describe(hint: Any) -> str:
    """The values that a field of that type accepts, in words."""
    words = {
        int: "a whole number",
        float: "a finite number",
        bool: "true or false",
        str: "a text",
        NoneType: "none",
    }
    parts = get_args(hint) if get_origin(hint) is UnionType else (hint,)
    return " or ".join(words.get(part, str(part)) for part in parts)
