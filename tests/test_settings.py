from dataclasses import dataclass

import pytest

from benchmark.errors import UsageError
from benchmark.method import Method
from benchmark.registry import DATASETS, METHODS, METRICS, Registry, resolved


def test_values_are_converted_to_the_type_of_the_field():
    method = METHODS.build("wgan-gp", {"penalty": "1", "critic_steps": "3", "lr": 1})
    assert (method.penalty, method.critic_steps, method.lr) == (1.0, 3, 1.0)
    assert resolved(method)["critic_steps"] == 3


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("bogus", "1", "has no such setting; it has penalty, critic_steps"),
        ("critic_steps", "2.5", "give a whole number"),
        ("critic_steps", "x", "give a whole number"),
        ("critic_steps", True, "give a whole number"),
        ("penalty", "nan", "give a finite number"),
        ("penalty", "inf", "give a finite number"),
        ("penalty", [1], "give a finite number"),
        ("penalty", 10**400, "give a finite number"),
    ],
)
def test_a_bad_value_is_refused(field, value, problem):
    with pytest.raises(UsageError, match=problem):
        METHODS.build("wgan-gp", {field: value})


@pytest.mark.parametrize(
    ("registry", "name", "field", "value"),
    [
        (METRICS, "ivom", "restarts", "0"),
        (METRICS, "ivom", "points", "-5"),
        (METRICS, "modes_robust", "share", "0"),
        (METRICS, "within_mode_std", "least", "1"),
        (DATASETS, "ring", "samples", "1"),
        (DATASETS, "ring", "std", "0"),
        (METHODS, "unrolled", "unrolled_steps", "-1"),
    ],
)
def test_a_value_that_cannot_work_is_refused_before_training(registry, name, field, value):
    with pytest.raises(UsageError, match="must"):
        registry.build(name, {field: value})


def test_an_unfinished_class_is_refused():
    registry = Registry("method", "baselines")
    registry.register("bare")(type("Bare", (), {}))
    registry.register("abstract")(dataclass(frozen=True)(type("Abstract", (Method,), {})))
    with pytest.raises(UsageError, match="lacks the decorator @dataclass"):
        registry.build("bare", {})
    with pytest.raises(UsageError, match="lacks networks, players"):
        registry.build("abstract", {})


def test_a_dataset_refuses_sizes_below_one():
    with pytest.raises(UsageError, match="batch must be at least 1"):
        DATASETS.build("ring", {"batch": "0"})


def test_a_field_that_a_subclass_sets_without_a_type_is_refused():
    """A dataclass does not hear of it, so that the method would quietly be another."""
    from baselines.gan import GAN

    class Together(GAN):
        simultaneous = True

    registry = Registry("method", "baselines")
    registry._classes["together"] = Together
    with pytest.raises(
        UsageError,
        match=r"method 'together': the class sets simultaneous without a type; write simultaneous: bool = \.\.\.",
    ):
        registry.build("together", {})


def test_a_refused_value_is_told_without_the_settings_that_have_no_part_in_it():
    with pytest.raises(UsageError, match=r"^--set ring.circle=0: circle, the radius, must be positive$"):
        DATASETS.build("ring", {"batch": 100, "circle": 0, "latent": 2})
