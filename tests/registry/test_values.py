"""Settings of plug-ins: every plain type, from texts, files and Python, and back."""

import math
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Literal, Optional, Union

import numpy as np
import pytest
from msgspec import Meta

from baselines.gan import GAN
from benchmark.errors import UsageError
from benchmark.registry import METHODS, Count, Registry, check_ranges, resolved


class Loss(Enum):
    HINGE = "hinge"
    LOGISTIC = "logistic"


@dataclass(frozen=True)
class Typed(GAN):
    """Types as code of different ages writes them."""

    clip: Optional[float] = None  # noqa: UP045
    either: Union[int, float, None] = None  # noqa: UP007
    kind: Literal["a", "b", 3] = "a"
    loss: Loss = Loss.HINGE
    layers: tuple[int, ...] = (1, 2)
    pair: tuple[int, float] = (1, 2.5)
    names: list[str] = field(default_factory=lambda: ["x"])
    some: tuple[float, ...] | None = None
    mixed: str | tuple[int, ...] = "x"
    count: Count = 1
    share: Annotated[float, Meta(ge=0, lt=1)] = 0.5
    weight: Annotated[float, Meta(gt=0)] = 1.0
    even: Annotated[int, Meta(ge=2, le=8, multiple_of=2)] = 2


@pytest.fixture
def registry():
    typed = Registry("method", "baselines")
    typed.register("typed")(Typed)
    return typed


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("clip", "none", None),
        ("clip", "2", 2.0),
        ("clip", np.float32(0.5), 0.5),
        ("lr", ".5", 0.5),
        ("lr", "+1_0e-1", 1.0),
        ("either", "2.5", 2.5),
        ("either", "07", 7),
        ("either", np.int64(4), 4),
        ("kind", "b", "b"),
        ("kind", "3", 3),
        ("loss", "logistic", Loss.LOGISTIC),
        ("loss", Loss.LOGISTIC, Loss.LOGISTIC),
        ("layers", "3,4", (3, 4)),
        ("layers", "3,", (3,)),
        ("layers", "", ()),
        ("layers", [5], (5,)),
        ("layers", np.array([5, 6]), (5, 6)),
        ("pair", (np.int64(2), 3), (2, 3.0)),
        ("names", "a, b", ["a", "b"]),
        ("some", "1,2.5", (1.0, 2.5)),
        ("some", "none", None),
        ("mixed", "1,2", "1,2"),
        ("mixed", [1, 2], (1, 2)),
        ("count", "1000", 1000),
        ("share", "0", 0.0),
        ("even", "8", 8),
        ("simultaneous", np.bool_(True), True),
    ],
)
def test_a_value_becomes_one_of_its_type(registry, setting, value, expected):
    method = registry.build("typed", {setting: value})
    assert getattr(method, setting) == expected
    assert type(getattr(method, setting)) is type(expected)
    assert registry.build("typed", resolved(method)) == method


@pytest.mark.parametrize(
    ("setting", "value", "accepted"),
    [
        ("clip", "nan", "a finite number or none"),
        ("either", "x", "a whole number or a finite number or none"),
        ("kind", "c", "one of "),
        ("loss", "squared", "one of hinge, logistic"),
        ("layers", "1,x", "items with commas between them, each a whole number"),
        ("layers", 5, "items with commas between them, each a whole number"),
        ("layers", [True], "items with commas between them, each a whole number"),
        ("pair", "1", "2 items with commas between them: a whole number, a finite number"),
        ("names", [1], "items with commas between them, each a text"),
        ("count", "0", "a whole number from 1 to 1000"),
        ("count", 1001, "a whole number from 1 to 1000"),
        ("share", "1", "a finite number of at least 0 and below 1"),
        ("weight", 0.0, "a finite number above 0"),
        ("even", 3, "a whole number from 2 to 8 in steps of 2"),
        ("some", [1.0, float("inf")], "items with commas between them, each a finite number or none"),
    ],
)
def test_another_value_is_answered_with_what_is_accepted(registry, setting, value, accepted):
    with pytest.raises(UsageError, match=f"^--set typed.{setting}=.*: give {accepted}"):
        registry.build("typed", {setting: value})


def test_ranges_hold_where_a_class_is_built_without_a_registry():
    check_ranges(Typed(count=1000))
    with pytest.raises(ValueError, match=r"^count must be a whole number from 1 to 1000, not 0$"):
        Typed(count=0)


@dataclass(frozen=True)
class Again(Typed):
    """Another default, with the plain type."""

    count: int = 2

    def __post_init__(self):
        """Without that of the class above, as in old plug-ins."""


def test_a_field_that_is_repeated_with_its_plain_type_keeps_its_range():
    registry = Registry("method", "baselines")
    registry.register("again")(Again)
    assert registry.build("again", {}).count == 2
    with pytest.raises(
        UsageError, match=r"^--set again.count=0: count must be a whole number from 1 to 1000"
    ):
        registry.build("again", {"count": 0})


def test_a_default_without_a_type_is_answered_with_the_plain_type():
    registry = Registry("method", "baselines")
    registry.register("bare")(type("Bare", (Typed,), {"count": 3}))
    with pytest.raises(UsageError, match=r"sets count without a type; write count: int = \.\.\."):
        registry.build("bare", {})


@pytest.mark.parametrize("hint", [dict, list, tuple, object, tuple[dict, ...], Registry], ids=str)
def test_a_type_that_settings_cannot_have_is_refused(hint):
    own = Registry("method", "baselines")
    members = {"__annotations__": {"options": hint}, "options": None}
    own.register("own")(dataclass(frozen=True)(type("Own", (GAN,), members)))
    with pytest.raises(UsageError, match=r"^method 'own': the setting options is of type .*; use bool, int"):
        own.build("own", {})


@dataclass(frozen=True)
class Loose(GAN):
    """Defaults that are not of the types that are written beside them."""

    clip: float = None
    scale: float = np.sqrt(2)
    bound: float = math.inf


def test_a_default_may_be_of_another_type():
    own = Registry("method", "baselines")
    own.register("loose")(Loose)
    settings = resolved(own.build("loose", {}))
    assert [settings[name] for name in ("clip", "scale", "bound")] == [None, math.sqrt(2), math.inf]
    assert resolved(own.build("loose", settings)) == settings


def test_settings_are_as_json_has_them():
    assert resolved(Typed(loss=Loss.LOGISTIC)) == {
        **resolved(METHODS.build("gan", {})),
        "clip": None,
        "either": None,
        "kind": "a",
        "loss": "logistic",
        "layers": [1, 2],
        "pair": [1, 2.5],
        "names": ["x"],
        "some": None,
        "mixed": "x",
        "count": 1,
        "share": 0.5,
        "weight": 1.0,
        "even": 2,
    }


def test_settings_that_all_methods_have_are_recorded_where_they_are_used():
    assert "average" not in resolved(METHODS.build("gan", {}))
    assert resolved(METHODS.build("gan", {"average": 0.9}))["average"] == 0.9


def test_keyword_only_settings_of_a_method_are_in_its_records():
    @dataclass(frozen=True, kw_only=True)
    class Own(GAN):
        gamma: float = 1.0

    assert resolved(Own())["gamma"] == 1


def test_a_default_is_one_of_its_choices():
    @dataclass(frozen=True)
    class Wrong(GAN):
        kind: Literal["a", "b"] = "z"

    registry = Registry("method", "baselines")
    registry.register("wrong")(Wrong)
    with pytest.raises(UsageError, match="the default of kind is 'z'; give one of a, b"):
        registry.build("wrong", {})
