"""Settings: from texts and typed values to the fields of a class, and back."""

import contextlib
import math
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import msgspec
from msgspec import inspect

__all__ = ["convert", "describe", "plain", "resolved"]

WORDS: dict[type, str] = {
    inspect.BoolType: "true or false",
    inspect.IntType: "a whole number",
    inspect.FloatType: "a finite number",
    inspect.StrType: "a text",
    inspect.NoneType: "none",
}

SEQUENCES = (inspect.ListType, inspect.TupleType, inspect.VarTupleType)


def resolved(instance: Any) -> dict[str, Any]:
    """The fields of a built instance, as JSON has them.

    Common fields, which a contract adds to all classes of its kind, are left out while they have their
    default: so records from before they were added stay valid.
    """
    values = {key: plain(value) for key, value in msgspec.to_builtins(instance, enc_hook=plain).items()}
    for field in fields(instance):
        if field.metadata.get("common") and getattr(instance, field.name) == field.default:
            del values[field.name]
    return values


def convert(value: Any, hint: Any) -> Any:
    """A value as a field of that type has it.

    Of a text for a tuple or a list, commas separate the items; `none` stands for `None`.

    Raises:
        ValueError: If it is none of that type, or a number that is not finite.
    """
    if isinstance(value, str):
        value = _parsed(value, hint)
    try:
        converted = msgspec.convert(plain(value), hint, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error
    numbers = converted if isinstance(converted, list | tuple) else (converted,)
    if any(isinstance(number, float) and not math.isfinite(number) for number in numbers):
        raise ValueError(f"{value} is not finite")
    return converted


def plain(value: Any) -> Any:
    """A value without NumPy's types: a scalar as Python's number, an array as a list; others as they are."""
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    to_list = getattr(value, "tolist", None)
    return value if to_list is None else to_list()


def _parsed(text: str, hint: Any) -> Any:
    accepted = inspect.type_info(hint)
    types = accepted.types if isinstance(accepted, inspect.UnionType) else (accepted,)
    if text == "none" and any(isinstance(part, inspect.NoneType) for part in types):
        return None
    if any(isinstance(part, inspect.StrType | inspect.LiteralType | inspect.EnumType) for part in types):
        return text
    if any(isinstance(part, SEQUENCES) for part in types):
        return [item.strip() for item in text.split(",") if item.strip()]
    return _number(text, types)


def _number(text: str, types: Sequence[inspect.Type]) -> Any:
    """A text as Python reads numbers, such as `.5` and `1_000`; the text if it is none."""
    for kind, parse in ((inspect.IntType, int), (inspect.FloatType, float)):
        if any(isinstance(part, kind) for part in types):
            with contextlib.suppress(ValueError):
                return parse(text)
    return text


def describe(hint: Any) -> str:
    """The values that a field of that type accepts, in words.

    Raises:
        TypeError: If settings cannot be of that type.
    """
    return _words(inspect.type_info(hint))


def _words(accepted: inspect.Type) -> str:
    if type(accepted) in WORDS:
        return f"{WORDS[type(accepted)]} {_range(accepted)}".rstrip()
    match accepted:
        case inspect.LiteralType(values=values):
            return f"one of {', '.join(map(str, values))}"
        case inspect.EnumType(cls=cls):
            return f"one of {', '.join(str(member.value) for member in cls)}"
        case inspect.UnionType(types=types):
            return " or ".join(map(_words, types))
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            return f"items with commas between them, each {_words(item)}"
        case inspect.TupleType(item_types=items):
            return f"{len(items)} items with commas between them: {', '.join(map(_words, items))}"
        case _:
            raise TypeError(accepted)


def _range(accepted: Any) -> str:
    """The range of a type of numbers in words; empty for others."""
    if not isinstance(accepted, inspect.IntType | inspect.FloatType):
        return ""
    steps = "" if accepted.multiple_of is None else f" in steps of {accepted.multiple_of}"
    if accepted.ge is not None and accepted.le is not None:
        return f"from {accepted.ge:.10g} to {accepted.le:.10g}{steps}"
    bounds = {
        "at least": accepted.ge,
        "above": accepted.gt,
        "at most": accepted.le,
        "below": accepted.lt,
    }
    limits = " and ".join(f"{word} {bound:.10g}" for word, bound in bounds.items() if bound is not None)
    words = f"of {limits}{steps}" if limits.startswith("at") else f"{limits}{steps}"
    return words.strip()
