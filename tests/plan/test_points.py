"""The settings that a search tries."""

from dataclasses import dataclass, fields

import numpy as np
import pytest

from baselines.gan import GAN
from benchmark.errors import UsageError
from benchmark.method import Choice, LogUniform, Uniform
from benchmark.plan.points import COMMON_SPACE, points_of, space_of
from benchmark.registry import METHODS, register_method


@pytest.fixture
def registered():
    """Registers methods for a test."""
    yield register_method
    METHODS.forget(__name__)


@pytest.mark.parametrize("method", METHODS.names())
def test_every_method_declares_a_space_whose_ranges_contain_its_defaults(method):
    cls = METHODS.get_class(method)
    defaults = {field.name: field.default for field in fields(cls)}
    assert cls.space
    for name, distribution in cls.space.items():
        if isinstance(distribution, Uniform) and defaults[name] is not None:
            assert distribution.low <= defaults[name] <= distribution.high


@pytest.mark.parametrize("method", METHODS.names())
def test_every_point_is_a_method(method):
    points = points_of(method, 32)
    assert len(points) == 32
    assert points[0] == {}
    for point in points[1:]:
        assert set(point) == {*METHODS.get_class(method).space, *COMMON_SPACE}
        METHODS.build(method, point)


def test_a_larger_search_has_the_points_of_a_smaller_one():
    assert points_of("gan", 40)[:12] == points_of("gan", 12)


def test_points_fill_their_space_evenly():
    rates = np.log([point["lr"] for point in points_of("gan", 64)[1:]])
    lowest, highest = np.log(1e-5), np.log(1e-2)
    counts, _ = np.histogram(rates, bins=8, range=(lowest, highest))
    assert counts.min() >= 7  # of 63; the first point of the sequence stands for the published settings


def test_methods_have_points_of_their_own():
    assert points_of("gan", 4)[1]["lr"] != points_of("dcgan", 4)[1]["lr"]


def test_a_method_without_a_space_is_searched_over_its_learning_rate(registered):
    @registered("plain")
    @dataclass(frozen=True)
    class Plain(GAN):
        space = {}

    assert set(space_of("plain")) == {"lr", *COMMON_SPACE}


@pytest.mark.parametrize(
    ("space", "problem"),
    [
        (
            {"lr": (1e-5, 1e-2)},
            "the space of method 'odd': lr is (1e-05, 0.01); give Uniform, LogUniform or Choice",
        ),
        ({"speed": LogUniform(1, 2)}, "the space of method 'odd': odd.speed="),
        ({"lr": Choice("fast", "slow")}, "the space of method 'odd': odd.lr=fast"),
        ({"fall": Choice("none", "linear")}, "fall is no setting of a method's own"),
        ({"average": Uniform(0.9, 0.99)}, "average is no setting of a method's own"),
        ({"repeats": Uniform(1, 5)}, "the space of method 'odd': odd.repeats=2.528: give a whole number"),
        ({"simultaneous": LogUniform(1, 2)}, "the space of method 'odd': odd.simultaneous="),
    ],
)
def test_a_space_of_what_is_no_setting_is_refused(registered, space, problem):
    @registered("odd")
    @dataclass(frozen=True)
    class Odd(GAN):
        repeats: int = 3

    Odd.space = space
    with pytest.raises(UsageError) as failure:
        space_of("odd")
    assert problem in str(failure.value)
