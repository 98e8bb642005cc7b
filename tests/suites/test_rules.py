"""The rules that every suite keeps."""

import pytest

from benchmark.errors import UsageError
from benchmark.registry import SUITES, load_plugin
from benchmark.suites import Suite, get_suite
from benchmark.suites.rules import check_rules

PARTS = {
    "title": "Mine",
    "datasets": ("ring", "grid"),
    "methods": ("gan",),
    "metrics": ("overlap",),
    "budgets": {"ring": "5steps", "grid": "5steps"},
}

PLUGIN = """
from benchmark.registry import register_suite
from benchmark.suites import Suite

@register_suite("{name}")
def my_suite():
    return {returned}
"""


def test_a_suite_that_keeps_the_rules_passes():
    check_rules(Suite(**PARTS, settings={"gan.lr": 1e-3}, exceptions={"grid": {"grid.std": 0.1}}))


@pytest.mark.parametrize(
    ("part", "value", "problem"),
    [
        ("datasets", ("ring", "rnig"), "unknown dataset 'rnig'; did you mean ring"),
        ("methods", (), "methods is empty; give at least one name"),
        ("metrics", ("kl", "kl"), "metrics: kl given twice"),
        ("budgets", {"ring": "5steps"}, "budgets are for ring; give one for each of ring, grid"),
        ("budgets", {"ring": "5steps", "grid": "five"}, "budgets: 'five': give a positive number"),
        ("settings", {"gna.lr": 3}, "settings of 'gna', which is no dataset, method or metric"),
        ("settings", {"spirals.std": 3}, "settings of 'spirals'; the datasets are "),
        ("settings", {"lr": 3}, "settings of '', which is no dataset, method or metric"),
        ("exceptions", {"rnig": {}}, "exceptions are for 'rnig'; give one of ring, grid"),
        ("exceptions", {"ring": {"gna.lr": 3}}, "settings of 'gna'"),
    ],
)
def test_a_suite_that_breaks_a_rule_is_refused(part, value, problem):
    with pytest.raises(UsageError, match=problem):
        check_rules(Suite(**{**PARTS, part: value}))


@pytest.mark.parametrize(
    ("returned", "problem"),
    [
        ("None", "its function returns NoneType; return a Suite"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ('Suite("Mine", ("ring",), ("gan",), ("kl",), {})', "budgets are for nothing"),
    ],
)
def test_a_registered_suite_keeps_them_too(tmp_path, returned, problem):
    name = f"suite-{len(returned)}"
    file = tmp_path / f"{name}.py"
    file.write_text(PLUGIN.format(name=name, returned=returned))
    ((_, name),) = load_plugin(file)
    module = SUITES.get(name).__module__
    try:
        with pytest.raises(UsageError, match=f"suite '{name}': {problem}"):
            get_suite(name)
    finally:
        SUITES.forget(module)
